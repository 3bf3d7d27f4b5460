"""Clauses: what a condition may ask of a contact's activities and deals.

The model, how many fit, and how it reads stand together, for they change together.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from connector.domain.deal import Deal, DealState
from connector.domain.verdict import Clause
from connector.rules.activity_index import index
from connector.rules.durations import WallDuration, in_words
from connector.rules.facts import Facts, Finding
from connector.rules.patterns import ActivityPattern, times
from connector.rules.words import day


class ActivityClause(ActivityPattern):
    """At least so many activities, on at least so many different days (in UTC), within so long before now.

    `since: hand_back` leaves out what happened before sales last handed the contact back.
    """

    at_least: int = Field(default=1, ge=1, le=10_000)
    days: int = Field(default=1, ge=1, le=1_000)
    within: WallDuration | None = None
    since: Literal["hand_back"] | None = None

    def dates(self, facts: Facts) -> list[datetime]:
        """When it happened, oldest first."""
        dates = index(facts.activities).dates_of(self)
        start = self._start(facts)
        if start is None or not dates or dates[0] >= start:
            return dates
        return [at for at in dates if at >= start]

    def _start(self, facts: Facts) -> datetime | None:
        start = facts.now - self.within if self.within else None
        back = facts.handed_back_at if self.since else None
        return max(start, back) if start and back else start or back

    @cached_property
    def holds(self) -> Callable[[Facts], bool]:
        """The clause as a function; built once."""
        at_least, days, dates = self.at_least, self.days, self.dates
        if days == 1:
            return lambda facts: len(dates(facts)) >= at_least
        return lambda facts: len(found := dates(facts)) >= at_least and _days(found) >= days

    def find(self, facts: Facts) -> Finding:
        dates, words, span = self.dates(facts), self.words, self._span
        count, days = len(dates), _days(dates)
        if not dates:
            told = f"never {words}{span}".replace("never was", "was never")
            return Finding(False, (told,), (Clause(self.asked, False, "never"),))
        seen = f"{times(count)}, last on {day(dates[-1])}"
        if count < self.at_least:
            told = f"{words} {times(count)}{span}, not yet {times(self.at_least)}"
        elif days < self.days:
            told = f"{words} on {days} different days{span}, not yet on {self.days}"
        else:
            return Finding(True, (f"{words} {times(count)}{span}",), (Clause(self.asked, True, seen),))
        return Finding(False, (told,), (Clause(self.asked, False, seen),))

    @property
    def asked(self) -> str:
        """What it asks for, in words: `viewed the pricing page twice in 7 days`."""
        often = f" {times(self.at_least)}" if self.at_least > 1 else ""
        on_days = f" on {self.days} different days" if self.days > 1 else ""
        return f"{self.words}{often}{on_days}{self._span}"

    @cached_property
    def _span(self) -> str:
        return f"{f' in {in_words(self.within)}' if self.within else ''}{' since the hand-back' if self.since else ''}"


def _days(dates: list[datetime]) -> int:
    return len({moment.date() for moment in dates})


class DealClause(BaseModel):
    """At least so many deals, in a state, of an amount, closed (or opened, where still open) within so long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: DealState | None = None
    amount_at_least: float | None = Field(default=None, gt=0)
    at_least: int = Field(default=1, ge=1, le=1_000)
    within: WallDuration | None = None

    def holds(self, facts: Facts) -> bool:
        return self._count(facts) >= self.at_least

    def find(self, facts: Facts) -> Finding:
        count = self._count(facts)
        held = count >= self.at_least
        told = self.asked if held else f"not so: {self.asked}"
        return Finding(held, (told,), (Clause(self.asked, held, str(count)),))

    def _count(self, facts: Facts) -> int:
        return sum(1 for deal in facts.deals if self._fits(deal, facts.now))

    def _fits(self, deal: Deal, now: datetime) -> bool:
        if self.state is not None and deal.state is not self.state:
            return False
        if self.amount_at_least is not None and (deal.amount is None or deal.amount < self.amount_at_least):
            return False
        return self.within is None or (deal.closed_at or deal.created_at) >= now - self.within

    @cached_property
    def asked(self) -> str:
        """What it asks for, in words: `has a won deal`."""
        state = f"{self.state.value} " if self.state else ""
        one = f"{'an' if self.state is DealState.OPEN else 'a'} {state}deal"
        what = f"{self.at_least} {state}deals" if self.at_least > 1 else one
        amount = f" of {self.amount_at_least:,g} or more" if self.amount_at_least else ""
        return f"has {what}{amount}{f' in {in_words(self.within)}' if self.within else ''}"
