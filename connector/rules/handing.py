"""Handing over: an episode is opened and finds its owner, or waits where only the past speaks for it.

Whether a lead is handed over at all is decide's; who gets it is routing's.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from connector.domain.contact import OwnerId
from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode, Hop, State
from connector.domain.verdict import Verdict
from connector.rules import routing
from connector.rules.case import Case

NOBODY = "routing"
"""Rule of the verdict that nobody is there to take a lead."""
NOBODY_ELSE = "routing.nobody_else"
"""… or nobody but who had it before, when a clock takes it from its holder; `then` names the clock (R17)."""


def hand_over(
    case: Case, lane: str, words: str, evidence: str, signal_at: datetime, *, verdicts: tuple[Verdict, ...] = ()
) -> Decision:
    """Open an episode and find its owner; what only the past speaks for waits for `handoff adopt` (R41)."""
    if case.past is not None and signal_at < case.past:
        return predates(case, words, evidence, signal_at, verdicts)
    episode = Episode(
        id=case.next_id,
        contact=case.contact.id,
        ordinal=case.situation.next_ordinal,
        state=State.HANDED_OFF,
        lane="customer" if case.is_customer else lane,
        opened_at=min(signal_at, case.now),
        reason=words,
        handed_off_at=case.now,
    )
    return routed(case, episode, words, Action.HAND_OVER, verdicts=verdicts, evidence=evidence, signal_at=signal_at)


def predates(case: Case, words: str, evidence: str, signal_at: datetime, verdicts: tuple[Verdict, ...]) -> Decision:
    said = f"{words} That was before Handoff began."
    return case.result(Action.PREDATES, said, verdicts=verdicts, evidence=evidence, signal_at=signal_at)


def routed(
    case: Case,
    episode: Episode,
    words: str,
    action: Action,
    *,
    verdicts: tuple[Verdict, ...],
    evidence: str,
    signal_at: datetime,
    held: Episode | None = None,
    taken_from: OwnerId | None = None,
    by_clock: bool = False,
) -> Decision:
    """The decision with the owner that routing finds; where nobody is there, the lead waits and says so.

    Args:
        held: the episode as telequalification had it, where that passes the lead on to a rep.
        taken_from: from whom a person took the lead.
        by_clock: a clock took it; it goes to nobody who had it before.
    """
    in_sales = action is not Action.HAND_OVER and episode.hop is Hop.SALES
    lead = replace(
        case.lead(episode.lane, in_sales=in_sales, passed_on_by=held.owner if held else None, taken_from=taken_from),
        former_owners=episode.former_owners if held is None else (),
        by_clock=by_clock,
    )
    route = routing.route(lead, case.situation.desk, case.book.routing, now=case.now, calendars=case.book.sla.calendars)
    if route is None:
        nobody = Verdict(
            rule=NOBODY, passed=False, reasons=("the portal has no active owner to give it to",), then="hold"
        )
        return case.nothing(f"{words} Nobody is there to take it: the portal has no active owner.", *verdicts, nobody)
    given = replace(
        episode,
        owner=route.owner,
        state=max(episode.state, State.HANDED_OFF, key=lambda state: state.rank),
        party=episode.party if in_sales else route.party,
    )
    return case.result(
        action,
        words,
        verdicts=verdicts,
        route=route,
        before=case.situation.open_episode,
        episode=case.held(given),
        evidence=evidence,
        signal_at=signal_at,
    )
