"""Lacking: what a lead would have needed on the day it was turned down, tried on the facts and rules of that day (R34).

The search is rules/missing.py's. Where the facts of that day cannot be put together any more, so that another score
comes out than the one that was stored, only what was stored is told (P6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.domain.contact import ContactId
from connector.domain.episode import Episode
from connector.engine.ports import UnitOfWork
from connector.engine.replay.people import People
from connector.rules.case import Case
from connector.rules.missing import missing
from connector.rules.qualification import THRESHOLD
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Situation


def was_missing(
    uow: UnitOfWork, contact: ContactId, decision: Mapping[str, Any], book: RuleBook, episodes: Sequence[Episode]
) -> tuple[str, ...]:
    """One part of a sentence each; empty where it was not for want of interest that the lead stayed with marketing.

    Args:
        decision: as stored. book: the rules by which it was made. episodes: as they stood then.
    """
    stored = tuple(str(text) for text in decision["missing"])
    if not any(verdict["rule"] == THRESHOLD and not verdict["passed"] for verdict in decision["verdicts"]):
        return stored
    now: datetime = decision["as_of"]
    situation = situation_then(uow, contact, book, now, episodes)
    if situation is None or not _is_the_same(Case(situation, book, now), decision["score"]):
        return stored
    return missing(situation, book, now=now) or stored


def situation_then(
    uow: UnitOfWork, contact: ContactId, book: RuleBook, now: datetime, episodes: Sequence[Episode]
) -> Situation | None:
    """The contact as it was known at `now`, with `episodes` as they stood; None where it was not known yet."""
    state = uow.portal_state()
    assert state is not None
    person = People(uow, book, state.handoff_since, now).load([contact], now, {}).get(contact)
    if person is None:
        return None
    return Situation(
        portal=state.id,
        contact=person.contact,
        activities=person.activities,
        deals=person.deals,
        episodes=episodes,
        since=state.handoff_since,
    )


def _is_the_same(case: Case, stored: Mapping[str, Any] | None) -> bool:
    score = case.score
    told = (score.total, score.fit, score.engagement)
    return stored is not None and told == (stored["total"], stored["fit"], stored["engagement"])
