"""Assigning: the order in which a lead's owner is looked for, so that every lead ends with somebody (R12)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from connector.domain.contact import OwnerId
from connector.domain.decision import Route
from connector.rules.routing.lead import Lead
from connector.rules.routing.model import RoutingRules
from connector.rules.routing.parties import call_first, callers
from connector.rules.routing.pools import pools_of, turn
from connector.rules.routing.search import LEFT, Search
from connector.rules.routing.sticky import stuck
from connector.rules.situation import Desk


def route(lead: Lead, desk: Desk, rules: RoutingRules, *, now: datetime) -> Route | None:
    """Find the lead's owner.

    Args:
        desk: all owners of the portal, archived ones included, with turns and open leads; `Route.rotation` of each lead
            moves the turns on before the next one is routed.
    Returns:
        A route to an active owner, or to an agency outside, with every owner that was considered and why not;
        `rotation` holds the new pointer of the one whose turn it was. None only where the portal has no active owner,
        and no agency takes the lead.
    """
    search = Search(lead, desk)
    if not lead.in_sales:
        first = call_first(search, desk.rotation, rules, now)
        if first is not None:
            return first
    if not search.active:
        return None
    seated = callers(rules, search)
    found = stuck(lead, search, rules.stickiness, seated)
    if found is not None:
        return found
    for pool, why in pools_of(lead.contact, rules, now):
        found = turn(pool, why, search, desk.rotation.get(pool, {}), rules, callers=seated)
        if found is not None:
            return found
    return _fall_back(search, rules, seated)


def _fall_back(search: Search, rules: RoutingRules, callers: Collection[OwnerId]) -> Route:
    """Always ends in somebody; a cap does not count here, for a lead without an owner is worse than one too many."""
    named = search.find(rules.fallback.owner) if rules.fallback.owner else None
    if named is not None and search.is_active(named):
        return search.choose(named, "fallback", f"{search.name(named)} takes what nobody else can")
    if rules.fallback.owner:
        search.remarks.append("The fallback owner is not active in the CRM.")
        if named is not None:
            search.pass_over(named, LEFT)
    others = [owner for owner in search.active if owner != search.lead.taken_from]
    first = next((owner for owner in others if owner not in callers), (others or search.active)[0])
    why = f"{search.name(first)} is the first active owner; no other fallback is there"
    return search.choose(first, "fallback", why)
