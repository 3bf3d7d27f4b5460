"""Judgement: what the rules say of somebody without a past in sales, with the reasons or without.

In the order of rules/decide.py, which adds what people and HubSpot did: do-not-contact, hand-raisers, filters, then key
pages, triggers and the threshold. For the admins' examples, and wherever many leads are tried and most answers are no.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from connector.domain.decision import Score
from connector.domain.verdict import Verdict
from connector.rules import qualification, scorecard, suppression
from connector.rules.activity_index import ActivityIndex, index
from connector.rules.condition import Facts
from connector.rules.filters import Then, stops
from connector.rules.rulebook import RuleBook
from connector.rules.scorecard import Tally

HAND_OVER, TRIAGE, NOTHING, HOLD = "hand_over", "triage", "nothing", "hold"
TO_TRIAGE = (Then.TRIAGE.value, Then.JUNK.value)
KEPT = (Then.JUNK.value, Then.NURTURE.value)
"""What becomes of those whom filters stop, the stronger first; triage alone leaves them where they are."""


class Judgement(NamedTuple):
    """`outcome`: hand_over, triage, nurture, junk or nothing. `verdicts`: with the reasons, in the order they spoke."""

    outcome: str
    score: Tally
    verdicts: tuple[Verdict, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(reason for verdict in self.verdicts for reason in verdict.reasons)


def outcome(facts: Facts, book: RuleBook) -> str:
    """The outcome alone; what judge() says, without its reasons."""
    contact, rules = facts.contact, book.qualification
    fields = contact.fields
    if any(fields.get(name) is True for name in book.suppression.do_not_contact):
        return NOTHING
    seen = index(facts.activities)
    stopped = stops(facts, rules.filters)
    if Then.HOLD.value in stopped:
        return HOLD
    if qualification.raised_hand(contact, seen, rules, since=None) is not None:
        return TRIAGE if any(then in TO_TRIAGE for then in stopped) else HAND_OVER
    if stopped:
        return next((then for then in KEPT if then in stopped), NOTHING)
    known = facts if facts.activities is seen else facts._replace(activities=seen)
    fit, most = scorecard.fit_of(known, book.scoring), scorecard.at_most(seen, book.scoring)
    if qualification.is_enough_by_itself(known, fit, rules):
        return HAND_OVER
    if not rules.threshold.is_reached(Tally(fit + most, fit, most, "")):
        return NOTHING
    points = scorecard.tally(contact, seen, book.scoring, now=facts.now, since=None)
    return HAND_OVER if qualification.is_reached(known, points, rules, _lines(facts, seen, book)) else NOTHING


def judge(facts: Facts, book: RuleBook) -> Judgement:
    """The outcome with every verdict and the score."""
    contact, rules, now = facts.contact, book.qualification, facts.now
    seen: ActivityIndex = index(facts.activities)
    score = scorecard.tally(contact, seen, book.scoring, now=now, since=None)
    never = suppression.forbid(contact, book.suppression)
    if not never.passed:
        return Judgement(NOTHING, score, (never,))
    filters = qualification.filters(contact, rules, now=now, facts=facts)
    stopped = tuple(verdict for verdict in filters if not verdict.passed)
    thens = [verdict.then for verdict in stopped]
    if Then.HOLD.value in thens:
        return Judgement(HOLD, score, stopped)
    hand = qualification.raised_hand(contact, seen, rules, since=None)
    if hand is not None:
        asked = Verdict(rule="qualification.hand_raisers", passed=True, reasons=(hand.label,))
        to_triage = any(then in TO_TRIAGE for then in thens)
        return Judgement(TRIAGE, score, (asked, *stopped)) if to_triage else Judgement(HAND_OVER, score, (asked,))
    if stopped:
        return Judgement(next((then for then in KEPT if then in thens), NOTHING), score, stopped)
    answer = qualification.answer(facts._replace(activities=seen), score, rules, _lines(facts, seen, book))
    return Judgement(HAND_OVER if answer.passed else NOTHING, score, (answer,))


def _lines(facts: Facts, seen: ActivityIndex, book: RuleBook) -> Callable[[], Score]:
    """The score line by line, worked out where it is asked for."""
    return partial(scorecard.score, facts.contact, seen, book.scoring, now=facts.now, since=None)
