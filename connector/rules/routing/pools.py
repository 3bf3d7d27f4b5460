"""Pools: which of them are asked, who sits in one, and whose turn it is there (R12)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from connector.domain.contact import Contact, OwnerId
from connector.domain.decision import Route
from connector.rules.condition import Facts
from connector.rules.routing.model import Member, PoolRules, RoutingRules
from connector.rules.routing.people import People
from connector.rules.routing.search import Directory, Search, order
from connector.rules.routing.turns import next_turn


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


def sitting(pool: PoolRules, directory: Directory) -> frozenset[OwnerId]:
    """Everybody in the pool, archived members too."""
    return frozenset(_seats(pool, directory, frozenset()))


def seats(rules: RoutingRules, name: str, directory: Directory) -> dict[OwnerId, Member]:
    """Who sits in a pool of sales or telequalification, as turns are taken there; archived members too."""
    parties = [party.pool for party in rules.telequalification if party.pool]
    callers = [sitting(rules.pools[pool], directory) for pool in parties if not rules.pools[pool].everyone]
    return _seats(rules.pools[name], directory, frozenset().union(*callers) if name not in parties else frozenset())


def turn(
    name: str,
    why: str,
    search: Search,
    people: People,
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
    sit = _seats(pool, search, callers)
    free = [owner for owner in sorted(sit, key=order) if _is_free(owner, sit[owner], search, people)]
    if not free:
        label = f"the pool “{rules.label(name)}”"
        search.remarks.append(f"Nobody in {label} is free." if sit else f"T{label[1:]} has no members.")
        return None
    at_work = [owner for owner in free if people.is_at_work(owner)] or free
    for owner in set(free) - set(at_work):
        search.pass_over(owner, "is not at work at this hour, and others are")
    chosen, moves = next_turn({owner: people.weight(owner, sit[owner]) for owner in at_work}, pointers)
    for owner in at_work:
        if owner != chosen:
            ahead = pointers.get(owner, 0) > pointers.get(chosen, 0)
            search.pass_over(owner, "had a turn more recently" if ahead else "has a turn after this one")
    because = f", because {why}" if why else ""
    return search.choose(
        chosen,
        "telequalification" if party else "pool",
        f"it was {search.name(chosen)}'s turn in the pool “{rules.label(name)}”{because}",
        pool=name,
        party=party,
        rotation=moves,
    )


def _is_free(owner: OwnerId, seat: Member, search: Search, people: People) -> bool:
    why_not = people.why_not(owner, seat)
    if why_not:
        search.pass_over(owner, why_not)
    return not why_not


def _seats(pool: PoolRules, directory: Directory, callers: frozenset[OwnerId]) -> dict[OwnerId, Member]:
    """Who sits in the pool, archived members too (they are told apart when turns are taken), with caps of the pool."""
    common = Member(owner="everyone", max_open_leads=pool.max_open_leads, max_per_day=pool.max_per_day)
    everyone = [owner for owner in directory.active if owner not in callers] if pool.everyone else []
    teams = [owner for owner in directory.active if set(pool.teams).intersection(directory.by_id[owner].teams)]
    seats = dict.fromkeys((*everyone, *teams), common)
    for member in pool.members:
        found = directory.find(member.owner)
        if found is not None and (not pool.everyone or directory.is_active(found)):
            seats[found] = member.model_copy(
                update={
                    "max_open_leads": member.max_open_leads or pool.max_open_leads,
                    "max_per_day": member.max_per_day or pool.max_per_day,
                }
            )
    for name in pool.exclude:
        seats.pop(directory.find(name) or OwnerId(""), None)
    return seats
