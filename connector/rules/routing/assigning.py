"""Assigning: the order in which a lead's owner is looked for, so that every lead ends with somebody (R12)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType

from connector.domain.contact import OwnerId
from connector.domain.decision import Route
from connector.rules.calendar import CalendarRules
from connector.rules.routing.lead import Lead
from connector.rules.routing.model import RoutingRules
from connector.rules.routing.parties import call_first, callers
from connector.rules.routing.people import People
from connector.rules.routing.pools import pools_of, turn
from connector.rules.routing.search import LEFT, Search
from connector.rules.routing.sticky import stuck
from connector.rules.situation import Desk


def route(
    lead: Lead,
    desk: Desk,
    rules: RoutingRules,
    *,
    now: datetime,
    calendars: Mapping[str, CalendarRules] = MappingProxyType({}),
) -> Route | None:
    """Find the lead's owner.

    Args:
        desk: all owners of the portal, archived ones included, with turns and open leads; `Route.rotation` of each lead
            moves the turns on before the next one is routed (`take_turn`).
        calendars: of sla.yaml, with their zones settled; the first one's zone counts for who has none.
    Returns:
        A route to an active owner, or to an agency outside, with every owner that was considered and why not;
        `rotation` holds by how much each pointer of the pool moves. None only where the portal has no active owner,
        and no agency takes the lead; or where a clock took the lead and nobody is there who did not have it.
    """
    search = Search(lead, desk)
    people = People(rules, search, calendars, now)
    if not lead.in_sales:
        first = call_first(search, people, desk.rotation, rules, now)
        if first is not None:
            return first
    if not search.active:
        return None
    seated = callers(rules, search)
    found = stuck(search, people, rules.stickiness, seated)
    if found is not None:
        return found
    for pool, why in pools_of(lead.contact, rules, now):
        found = turn(pool, why, search, people, desk.rotation.get(pool, {}), rules, callers=seated)
        if found is not None:
            return found
    return _fall_back(search, people, rules, seated)


def _fall_back(search: Search, people: People, rules: RoutingRules, callers: Collection[OwnerId]) -> Route | None:
    """Always ends in somebody; a cap does not count here, for a lead without an owner is worse than one too many.

    A lead that a clock took has an owner: then only the named person will do.
    """
    named = search.find(rules.fallback.owner) if rules.fallback.owner else None
    if search.lead.by_clock and (named is None or search.was_theirs(named)):
        return None
    if named is not None and search.is_active(named):
        away = people.back_on(named)
        if not away:
            return search.choose(named, "fallback", f"{search.name(named)} takes what nobody else can")
        search.remarks.append(f"The fallback owner {away}.")
        search.pass_over(named, away)
    elif rules.fallback.owner:
        search.remarks.append("The fallback owner is not active in the CRM.")
        if named is not None:
            search.pass_over(named, LEFT)
    if search.lead.by_clock:
        return None
    others = [owner for owner in search.active if not search.was_theirs(owner)]
    others = others or [owner for owner in search.active if owner != search.lead.taken_from] or search.active
    there = [owner for owner in others if not people.back_on(owner)] or others
    first = next((owner for owner in there if owner not in callers), there[0])
    why = f"{search.name(first)} is the first active owner; no other fallback is there"
    return search.choose(first, "fallback", why)
