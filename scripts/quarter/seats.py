"""Seats: whether somebody might get a lead at that moment, by what was agreed with each rep.

Turns are not counted here: fairness has proofs of its own. Who knows a lead or its company goes first, whatever caps
and hours say; nobody who left, is away or has not begun yet ever gets one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from quarter import promises
from quarter.expected import Rules
from quarter.facts import Facts, Lead

SEAT_OF = {seat.email: seat for seat in promises.SEATS}


class Seats:
    """Counts of one quarter: open leads, leads given today; `knows`: by domain, who had which lead of that company."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.open: Counter[str] = Counter()
        self.today: Counter[str] = Counter()
        self.knows: dict[str, dict[str, str]] = defaultdict(dict)
        self._day: date | None = None

    def begin(self, now: datetime, held: Mapping[str, int]) -> None:
        """At a run: who holds how many open leads before it. Those that end in it may free their seats at once."""
        self.open = Counter(held)
        day = now.astimezone(ZoneInfo("Europe/Berlin")).date()
        if day != self._day:
            self._day, self.today = day, Counter()

    def frees(self, owner: str) -> None:
        self.open[owner] -= 1

    def gives(self, lead: Lead, owner: str) -> None:
        self.open[owner] += 1
        self.today[owner] += 1
        if lead.domain not in promises.WEB_MAIL:
            self.knows[lead.domain][lead.id] = owner

    def why_not(
        self, lead: Lead, former: str, owner: str, facts: Facts, now: datetime, *, had_by: Collection[str] = ()
    ) -> str:
        """What speaks against this owner; empty where it is right. `had_by`: who held this attempt before."""
        person = facts.owners.get(owner)
        seat = SEAT_OF.get(person.email) if person is not None else None
        if person is None or seat is None:
            return f"owner {owner or 'nobody'} is none of those who sell"
        if person.archived:
            return f"{person.email} has left"
        if reason := absent(seat, now):
            return f"{person.email} {reason}"
        known = self._known(lead, former, facts, now, had_by)
        if known:
            return "" if owner in known else f"{person.email} got it, and {_named(known, facts)} knows the lead"
        return self._by_turn(lead, seat, owner, facts, now, had_by)

    def _known(self, lead: Lead, former: str, facts: Facts, now: datetime, had_by: Collection[str]) -> set[str]:
        """Who is asked before any pool: the former owner; else whoever had a lead of the same company."""
        mates = [owner for number, owner in self.knows.get(lead.domain, {}).items() if number != lead.id]
        for some in ([former] if former else [], mates):
            there = {owner for owner in some if owner not in had_by and self._is_there(owner, facts, now)}
            if there:
                return there
        return set()

    def _is_there(self, owner: str, facts: Facts, now: datetime) -> bool:
        person = facts.owners[owner]
        seat = SEAT_OF[person.email]
        return not person.archived and not (seat.away and absent(seat, now))

    def _by_turn(
        self, lead: Lead, seat: promises.Seat, owner: str, facts: Facts, now: datetime, had_by: Collection[str]
    ) -> str:
        islands = lead.get("country") in promises.ISLANDS
        pools = ["islands", "mainland"] if islands else ["mainland"]
        for pool in pools:
            free = [
                one for one in facts.owners.values()
                if one.email in SEAT_OF and SEAT_OF[one.email].pool == pool and one.id not in had_by
                and self._is_free(one.id, facts, now)
            ]  # fmt: skip
            if seat.pool == pool:
                return self._against(seat, owner, [one.id for one in free], facts, now)
            if free:
                return f"{seat.email} got it, and in the pool {pool} {_named({one.id for one in free}, facts)} is free"
        return "" if seat.pool == "fallback" else f"{seat.email} got it, who sells elsewhere"

    def _against(self, seat: promises.Seat, owner: str, free: list[str], facts: Facts, now: datetime) -> str:
        if self.open[owner] >= seat.most_open:
            return f"{seat.email} has {self.open[owner]} open leads already, and {seat.most_open} are the most"
        if self.today[owner] >= promises.MOST_A_DAY:
            return f"{seat.email} has had {self.today[owner]} leads today, and {promises.MOST_A_DAY} are the most"
        works = {one for one in free if self.rules.office_of[facts.owners[one].email].is_open(now)}
        if works and owner not in works:
            return f"{seat.email} is not at work, and {_named(works, facts)} is"
        return ""

    def _is_free(self, owner: str, facts: Facts, now: datetime) -> bool:
        person = facts.owners[owner]
        seat = SEAT_OF[person.email]
        room = self.open[owner] < seat.most_open and self.today[owner] < promises.MOST_A_DAY
        return not person.archived and not absent(seat, now) and room


def absent(seat: promises.Seat, now: datetime) -> str:
    """Why somebody is not there on that day; empty where they are."""
    today = now.astimezone(ZoneInfo("Europe/London" if seat.office == "london" else "Europe/Berlin")).date()
    if seat.away and seat.away[0] <= today <= seat.away[1]:
        return f"is away until {seat.away[1]}"
    if seat.joins and today < seat.joins:
        return f"begins on {seat.joins}"
    return ""


def _named(owners: set[str], facts: Facts) -> str:
    return " or ".join(sorted(facts.owners[owner].email for owner in owners))
