"""Handing over: an episode is opened and finds its owner, or waits where only the past speaks for it.

Whether a lead is handed over at all is decide's; who gets it is routing's.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from connector.domain.contact import OwnerId
from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode, State
from connector.domain.verdict import Verdict
from connector.rules import routing
from connector.rules.case import Case

NOBODY = "routing"
"""Rule of the verdict that nobody is there to take a lead."""


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
    taken_from: OwnerId | None = None,
) -> Decision:
    desk, last = case.situation.desk, case.situation.last_ended
    route = routing.route(
        case.contact,
        owners=desk.owners,
        rotation=desk.rotation,
        open_leads=desk.open_leads,
        former=last.owner if last else None,
        account=case.contact.owner if case.is_customer else case.situation.account_owner,
        rules=case.book.routing,
        now=case.now,
        taken_from=taken_from,
    )
    if route is None:
        nobody = Verdict(
            rule=NOBODY, passed=False, reasons=("the portal has no active owner to give it to",), then="hold"
        )
        return case.nothing(f"{words} Nobody is there to take it: the portal has no active owner.", *verdicts, nobody)
    given = replace(
        episode, owner=route.owner, state=max(episode.state, State.HANDED_OFF, key=lambda state: state.rank)
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
