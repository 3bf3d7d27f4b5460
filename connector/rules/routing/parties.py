"""Telequalification: a party of its own that works a lead first, and passes on what is worth a rep's time (R12).

It may sit in the CRM, as owners who take turns, or be an agency outside: then the CRM shows no owner, and the agency's
destination is told. What it says of a lead is read by rules/follow.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from connector.domain.contact import OwnerId
from connector.domain.decision import Route
from connector.domain.episode import Episode, Hop
from connector.rules.condition import Facts
from connector.rules.routing.model import Party, RoutingRules
from connector.rules.routing.people import People
from connector.rules.routing.pools import sitting, turn
from connector.rules.routing.search import Directory, Search
from connector.rules.routing.sticky import stuck


def callers(rules: RoutingRules, directory: Directory) -> frozenset[OwnerId]:
    """Everybody who sits at telequalification; nobody where all owners take turns there, for then they are reps too."""
    pools = [rules.pools[party.pool] for party in rules.telequalification if party.pool]
    return frozenset(owner for pool in pools if not pool.everyone for owner in sitting(pool, directory))


def call_first(
    search: Search,
    people: People,
    rotation: Mapping[str, Mapping[OwnerId, int]],
    rules: RoutingRules,
    now: datetime,
) -> Route | None:
    """The telequalification that works this lead first, or the rep who knows it; None where no party takes it."""
    lead = search.lead
    seated = callers(rules, search)
    for party in rules.telequalification:
        finding = party.when.find(Facts(contact=lead.contact, now=now)) if party.when else None
        if lead.lane not in party.lanes or (finding is not None and not finding.holds):
            continue
        known = stuck(search, people, party.straight_to, seated)
        if known is not None:
            return known
        found = _at(party, search, people, rotation, rules)
        if found is not None:
            return found
    return None


def _at(
    party: Party,
    search: Search,
    people: People,
    rotation: Mapping[str, Mapping[OwnerId, int]],
    rules: RoutingRules,
) -> Route | None:
    lead = search.lead
    if party.agency:
        return search.choose(None, "telequalification", f"{party.words} calls first", party=party.name)
    seats = sitting(rules.pools[party.pool], search)
    for owner, why in ((lead.former_caller, "called this lead before"), (lead.account_caller, "calls this company")):
        there = owner in seats and search.is_active(owner) and not people.back_on(owner)
        if there and owner is not None and not search.was_theirs(owner):
            why = f"{search.name(owner)} {why} for {party.words}"
            return search.choose(owner, "telequalification", why, party=party.name)
    return turn(party.pool, "", search, people, rotation.get(party.pool, {}), rules, party=party.name)


def party_of(episode: Episode, rules: RoutingRules) -> Party | None:
    """The telequalification that has this episode; None where sales has it, or the file names that party no more."""
    if episode.hop is not Hop.TELEQUALIFICATION:
        return None
    return next((party for party in rules.telequalification if party.name == episode.party), None)
