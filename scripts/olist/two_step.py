"""The same stories with telequalification: who calls first passes a lead on to a rep, or hands it back.

The caller of a deal's lead is its `sdr_id`, the rep its `sr_id`. Of leads that were never won the files name nobody:
some are handed back by their caller, some by the rep, and a few are left without an answer on purpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from olist.plan import End, Passing, Plan, Story, Word

NAMING = (Word.DEAL, Word.HAND, Word.MEETING)
"""Words that say which rep is to have the lead."""
HANDED_BACK_SHARE, UNANSWERED_SHARE = 0.60, 0.02
"""Of leads that were never won: handed back by their caller; left without an answer, by caller and by rep each."""
PATIENCE_DAYS = 10
"""A deal's lead is passed on after so many days at most."""


def tell_in_two_steps(plan: Plan, reps: Sequence[str], seed: int) -> Plan:
    """Give the plan with telequalification as the first hop of every lead. `reps`: every `sr_id`."""
    return replace(plan, stories=tuple(_told(story, plan, reps, Random(f"{seed}:hops:{story.lead.id}"))
                                       for story in plan.stories))  # fmt: skip


def _told(story: Story, plan: Plan, reps: Sequence[str], chance: Random) -> Story:
    called = replace(story, is_called=True)
    if story.end is End.WON:
        return replace(called, passing=_passing(story, plan, chance.choice(NAMING), story.lead.seller_rep, chance))
    share = chance.random()
    if share < HANDED_BACK_SHARE:
        return called
    if share < HANDED_BACK_SHARE + UNANSWERED_SHARE:
        return _without_an_answer(called)
    word = chance.choice(tuple(Word))
    passed = replace(called, passing=_passing(story, plan, word, chance.choice(reps) if word in NAMING else "", chance))
    if share < HANDED_BACK_SHARE + 2 * UNANSWERED_SHARE:
        return _without_an_answer(passed)
    return replace(passed, end=End.LOST, reason="") if word is Word.DEAL else passed


def _passing(story: Story, plan: Plan, word: Word, rep: str, chance: Random) -> Passing:
    """On the day of the handover or some days after it, never after the end."""
    last = len(plan.calendar.steps) - 1 if story.ends_in is None else story.ends_in
    patience = PATIENCE_DAYS // plan.calendar.every
    return Passing(word=word, step=chance.randint(story.handed_in, min(last, story.handed_in + patience)), rep=rep)


def _without_an_answer(story: Story) -> Story:
    return replace(story, end=End.NONE, ends_in=None, reason="")
