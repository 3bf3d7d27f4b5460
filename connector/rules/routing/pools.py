"""Pools: who sits in one, who of them is free, and whose turn it is (R12)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from connector.domain.contact import Contact, OwnerId
from connector.domain.decision import Route
from connector.rules.condition import Facts
from connector.rules.routing.model import PoolRules, RoutingRules
from connector.rules.routing.search import LEFT, TAKEN_AWAY, Directory, Search, order

STRIDE = 2_520
"""Divisible by every weight from 1 to 10, so that pointers stay whole and no owner drifts ahead by rounding."""


def pools_of(contact: Contact, rules: RoutingRules, now: datetime) -> Iterator[tuple[str, str]]:
    """Pools to ask, in order and each once, with what speaks for each."""
    facts = Facts(contact=contact, now=now)
    asked: set[str] = set()
    for territory in rules.territories:
        if territory.pool in asked:
            continue
        finding = territory.when.find(facts)
        if finding.holds:
            asked.add(territory.pool)
            yield territory.pool, " and ".join(finding.reasons)
    if rules.default_pool not in asked:
        yield rules.default_pool, ""


class _Seat(NamedTuple):
    weight: int
    max_open_leads: int | None


def sitting(pool: PoolRules, people: Directory) -> frozenset[OwnerId]:
    """Everybody in the pool, archived members too."""
    return frozenset(_seats(pool, people, frozenset()))


def turn(
    name: str,
    why: str,
    search: Search,
    pointers: Mapping[OwnerId, int],
    rules: RoutingRules,
    *,
    callers: frozenset[OwnerId] = frozenset(),
    party: str = "",
) -> Route | None:
    """The owner whose turn it is in one pool; None, with the reasons noted, where nobody in it is free.

    Args:
        callers: who sits at telequalification; a pool of everyone is without them, unless it names them.
        party: the telequalification whose pool this is; empty for a pool of sales.
    """
    pool = rules.pools[name]
    search.remarks += ["A member of the pool is unknown to the CRM." for m in pool.members if not search.find(m.owner)]
    seats = _seats(pool, search, callers)
    free = [owner for owner in sorted(seats, key=order) if _is_free(owner, seats[owner], search)]
    if not free:
        search.remarks.append(f"Nobody in the pool “{rules.label(name)}” is free.")
        return None
    start = _present_round(seats, pointers)
    at = {owner: max(pointers.get(owner, start), start) for owner in free}
    chosen = min(free, key=lambda owner: at[owner])  # the first of equals, and `free` is in order of ids
    for owner in free:
        if owner != chosen:
            had = "had a turn more recently" if at[owner] > at[chosen] else "has a turn after this one"
            search.pass_over(owner, had)
    because = f", because {why}" if why else ""
    return search.choose(
        chosen,
        "telequalification" if party else "pool",
        f"it was {search.name(chosen)}'s turn in the pool “{rules.label(name)}”{because}",
        pool=name,
        party=party,
        rotation={chosen: at[chosen] + STRIDE // seats[chosen].weight},
    )


def _seats(pool: PoolRules, people: Directory, callers: frozenset[OwnerId]) -> dict[OwnerId, _Seat]:
    """Who sits in the pool, archived members too (they are told apart when turns are taken)."""
    common = _Seat(1, pool.max_open_leads)
    everyone = [owner for owner in people.active if owner not in callers] if pool.everyone else []
    teams = [owner for owner in people.active if set(pool.teams).intersection(people.by_id[owner].teams)]
    seats = dict.fromkeys((*everyone, *teams), common)
    for member in pool.members:
        found = people.find(member.owner)
        if found is not None and (not pool.everyone or people.is_active(found)):
            seats[found] = _Seat(member.weight, member.max_open_leads or pool.max_open_leads)
    for name in pool.exclude:
        seats.pop(people.find(name) or OwnerId(""), None)
    return seats


def _is_free(owner: OwnerId, seat: _Seat, search: Search) -> bool:
    if not search.is_active(owner):
        search.pass_over(owner, LEFT)
        return False
    if owner == search.lead.taken_from:
        search.pass_over(owner, TAKEN_AWAY)
        return False
    held = search.open_leads.get(owner, 0)
    if seat.max_open_leads is not None and held >= seat.max_open_leads:
        search.pass_over(owner, f"already has {held} open leads; {seat.max_open_leads} is the most")
        return False
    return True


def _present_round(seats: Mapping[OwnerId, _Seat], pointers: Mapping[OwnerId, int]) -> int:
    """Where the pool stands: the pointer that the latest winner had before taking the lead.

    Nobody who was there all along is behind it, so lifting everybody to it touches only those who are new or back. The
    lowest stored pointer would not do: in a new pool only the first winner has one, and would win for ever.
    """
    return max((pointer - STRIDE // _weight(owner, seats) for owner, pointer in pointers.items()), default=0)


def _weight(owner: OwnerId, seats: Mapping[OwnerId, _Seat]) -> int:
    """Of those who left the pool the weight is unknown; 1 never puts the others too far ahead."""
    return seats[owner].weight if owner in seats else 1
