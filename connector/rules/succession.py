"""Succession: somebody else takes an open lead over, for its holder left, lost it, or let its time run out (R12, R17).

Whoever gets it has clocks of their own and finds it untouched by them. Who that is, is routing's: nobody who had the
lead before gets it back while somebody else is there, and after a clock took it from them not even then.
"""

from __future__ import annotations

from dataclasses import replace

from connector.domain.contact import OwnerId
from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode, Hop, State
from connector.domain.verdict import Verdict
from connector.rules import sla
from connector.rules.case import Case
from connector.rules.follow import taken_over
from connector.rules.handing import NOBODY_ELSE, routed
from connector.rules.passing_on import left_to_sales
from connector.rules.plan import REASSIGNED, RESCUED
from connector.rules.touches import last_touch, uncounted


def succession(case: Case, before: Episode, after: Episode) -> Decision | None:
    """The change of holder that is due; None where the lead stays where it is.

    Args:
        before, after: the open episode as it stood, and as rules/follow.py found it.
    """
    if not after.is_open:
        return None
    if after.owner in case.left:
        return _rescued(case, before, after, "Its owner has left; somebody else takes this lead over.")
    if _was_taken_away(case, after):
        words = "A person took this lead from its owner; somebody else takes it over."
        return _rescued(case, before, after, words, taken_from=after.owner)
    return _reassigned(case, before, after)


def _was_taken_away(case: Case, episode: Episode) -> bool:
    """The owner was emptied since the handover: a lead that nobody holds would be a silent one."""
    emptied, since = case.contact.changed_at.get("owner"), episode.held_since
    return case.contact.owner is None and episode.owner is not None and bool(emptied and since and emptied > since)


def _rescued(
    case: Case, before: Episode, stranded: Episode, words: str, *, taken_from: OwnerId | None = None
) -> Decision:
    """Somebody else gets it, with a clock of their own; from telequalification to a rep is a second hop (R12)."""
    found = routed(
        case, _as_found(stranded), words, Action.ADVANCE, verdicts=(), evidence=RESCUED, signal_at=case.now,
        taken_from=taken_from,
    )  # fmt: skip
    if stranded.hop is Hop.TELEQUALIFICATION and found.route is not None and not found.route.party:
        return left_to_sales(case, before, stranded, words, taken_from=taken_from)
    return found


def _as_found(episode: Episode) -> Episode:
    """As the next holder finds it; who accepted it is gone, and so is their word."""
    again = uncounted(taken_over(episode))
    if again.state is not State.ACCEPTED:
        return again
    begins = State.HANDED_OFF if again.passed_on_at is None else State.TELEQUALIFIED
    return replace(again, state=begins, inherited=False)


def _reassigned(case: Case, before: Episode, after: Episode) -> Decision | None:
    """A clock takes the lead from its holder, or says that nobody else is there; a person's hold stands above it."""
    clock = next((name for name in _overdue(case, after)), None)
    if clock is None or case.request == "hold":
        return None
    label = case.book.sla.clocks[clock].label
    words = f"The time for the {label} ran out; somebody else takes this lead over."
    found = routed(
        case, _as_found(after), words, Action.ADVANCE, verdicts=(), evidence=REASSIGNED, signal_at=case.now,
        by_clock=True,
    )  # fmt: skip
    same_hands = found.route is not None and found.route.party == _party(after)
    if found.route is not None and found.route.owner is not None and same_hands:
        return found
    words = f"The time for the {label} ran out, and everybody who could take this lead has had it: it stays."
    nobody = Verdict(rule=NOBODY_ELSE, passed=False, reasons=(words,), then=clock)
    if after == before:
        return case.result(Action.NOTHING, words, verdicts=(nobody,))
    return case.result(Action.ADVANCE, words, verdicts=(nobody,), episode=case.held(after), evidence=after.state.value)


def _overdue(case: Case, episode: Episode) -> list[str]:
    """Clocks that may take the lead away, and have not been stopped since they came due."""
    rules, touched = case.book.sla, last_touch(case.contact, case.activities)
    return [
        timer.name
        for timer in case.situation.overdue
        if sla.still_runs(timer, episode, rules, touched) and rules.clocks[timer.name].reassign_at is not None
    ]


def _party(episode: Episode) -> str:
    """The telequalification that has it; empty where sales does."""
    return episode.party if episode.hop is Hop.TELEQUALIFICATION else ""
