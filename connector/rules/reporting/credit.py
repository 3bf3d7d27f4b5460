"""Credit: which lead the money of a deal is put down to, so that no deal counts twice (R26).

A deal may have several contacts, and a contact several leads. It is credited to the last that was passed before the
deal was closed; a won deal to one that was won, where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from connector.domain.contact import ContactId
from connector.domain.deal import Deal, DealState
from connector.domain.episode import Episode, EpisodeId
from connector.rules.reporting.passed import Step, is_own, is_passed, was_won


def credited(found: Iterable[tuple[Episode, Sequence[Step]]], deals: Iterable[Deal]) -> dict[EpisodeId, set[str]]:
    """Ids of the deals of each lead; every deal is at one lead at most, and leads without one are missing.

    Args:
        found: every episode of the portal with its path; those that are no leads passed are left out.
    """
    leads: dict[ContactId, list[tuple[Episode, bool]]] = {}
    for episode, path in found:
        if is_passed(episode):
            leads.setdefault(episode.contact, []).append((episode, was_won(episode, path)))
    given: dict[EpisodeId, set[str]] = {}
    for deal in deals:
        own = [one for contact in deal.contacts for one in leads.get(contact, ()) if is_own(deal, one[0])]
        if own:
            *_, lead = max(_rank(deal, episode, won=won) for episode, won in own)
            given.setdefault(lead, set()).add(deal.id)
    return given


def _rank(deal: Deal, lead: Episode, *, won: bool) -> tuple[bool, bool, datetime, EpisodeId]:
    """The highest gets it; the id settles what is alike."""
    assert lead.handed_off_at is not None
    in_time = deal.closed_at is None or lead.handed_off_at <= deal.closed_at
    return won or deal.state is not DealState.WON, in_time, lead.handed_off_at, lead.id
