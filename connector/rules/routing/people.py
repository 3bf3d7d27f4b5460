"""People: who of a pool can take a lead now, and why the others cannot (R12, R13)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from connector.domain.contact import OwnerId
from connector.rules.calendar import CalendarRules
from connector.rules.condition import Facts
from connector.rules.routing.model import Member, Person, RoutingRules
from connector.rules.routing.search import LEFT, Search
from connector.rules.routing.turns import WHOLE
from connector.rules.words import day, many

QUARTERS = 4
"""Somebody new begins with a quarter of their weight, and gains a quarter with each quarter of the ramp-up."""


class People:
    """What routing.yaml says of persons, whatever the pool; absent ones stand still in every pool."""

    def __init__(
        self, rules: RoutingRules, search: Search, calendars: Mapping[str, CalendarRules], now: datetime
    ) -> None:
        self._search, self._calendars, self._now, self._ramp_up = search, calendars, now, rules.ramp_up
        found = ((search.find(person.owner), person) for person in rules.people)
        self._people: dict[OwnerId, Person] = {owner: person for owner, person in found if owner is not None}

    def weight(self, owner: OwnerId, member: Member) -> int:
        """In hundredths; less while somebody is new."""
        full, person = member.weight * WHOLE, self._people.get(owner)
        if person is None or person.joined_on is None or self._ramp_up is None:
            return full
        here = (self._local(person).date() - person.joined_on) / self._ramp_up
        return max(1, full * min(QUARTERS, int(here * QUARTERS) + 1) // QUARTERS)

    def why_not(self, owner: OwnerId, member: Member) -> str:
        """Why this owner can take no lead of this kind now, whatever the hour; empty where they can."""
        search, person = self._search, self._people.get(owner)
        if not search.is_active(owner):
            return LEFT
        if theirs := search.was_theirs(owner):
            return theirs
        away = self.back_on(owner)
        if away:
            return away
        if person is not None and person.joined_on is not None and self._local(person).date() < person.joined_on:
            return f"begins on {day(person.joined_on)}"
        if member.takes is not None and not member.takes.find(Facts(contact=search.lead.contact, now=self._now)).holds:
            return "does not take leads of this kind"
        return self._cap(owner, member)

    def back_on(self, owner: OwnerId) -> str:
        """Why an absent owner is passed over; empty where they are there."""
        person = self._people.get(owner)
        today = self._local(person).date() if person is not None else None
        for absence in person.away if person is not None else ():
            if today is not None and absence.first <= today <= absence.until:
                return f"is away until {day(absence.until)}"
        return ""

    def is_at_work(self, owner: OwnerId) -> bool:
        """Within the hours of their calendar; always, where they have none."""
        person = self._people.get(owner)
        rules = self._calendars.get(person.calendar) if person is not None else None
        if rules is None:
            return True
        return rules.calendar("UTC").is_open(self._now)

    def _cap(self, owner: OwnerId, member: Member) -> str:
        held, given = self._search.open_leads.get(owner, 0), self._search.given_today.get(owner, 0)
        if member.max_open_leads is not None and held >= member.max_open_leads:
            return f"already has {many(held, 'open lead')}; {member.max_open_leads} is the most"
        if member.max_per_day is not None and given >= member.max_per_day:
            return f"got {many(given, 'lead')} today already; {member.max_per_day} is the most"
        return ""

    def _local(self, person: Person | None) -> datetime:
        rules = self._calendars.get(person.calendar) if person is not None else None
        rules = rules or next(iter(self._calendars.values()), None)
        return self._now.astimezone(ZoneInfo(rules.zone)) if rules is not None and rules.zone != "portal" else self._now
