"""The 519 days cut into steps, and the instants of each step at which something happens (all UTC).

Leads act by day (08:00-18:00). On the last day of a step the connector syncs at 20:00, sales acts at 21:00 (deals,
verdicts) and the connector syncs again at 22:00. In two steps, callers answer at 20:20 and it syncs at 20:40, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

FIRST_DAY = date(2017, 6, 14)
LAST_DAY = date(2018, 11, 14)
ALL_DAYS = (LAST_DAY - FIRST_DAY).days + 1
OPENS, CLOSES = 8, 18
"""Hours between which leads act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Days that are lived through at once; `first` and `last` are included."""

    number: int
    first: date
    last: date

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))

    @property
    def first_sync_at(self) -> datetime:
        return at_hour(self.last, 20)

    @property
    def callers_at(self) -> datetime:
        return self.first_sync_at + timedelta(minutes=20)

    @property
    def callers_sync_at(self) -> datetime:
        return self.first_sync_at + timedelta(minutes=40)

    @property
    def sales_at(self) -> datetime:
        return at_hour(self.last, 21)

    @property
    def second_sync_at(self) -> datetime:
        return at_hour(self.last, 22)


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """All steps of the whole time, each of `every` days (the last one may be shorter)."""

    every: int

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        starts = range(0, ALL_DAYS, self.every)
        return tuple(
            Step(number=number, first=day(start), last=min(day(start + self.every - 1), LAST_DAY))
            for number, start in enumerate(starts)
        )

    def step_of(self, when: date) -> int:
        """Give the number of the step that holds a day."""
        return (when - FIRST_DAY).days // self.every

    def steps_within(self, days: int) -> int:
        """Give how many steps begin within the first `days` days."""
        return -(-min(days, ALL_DAYS) // self.every)


def day(number: int) -> date:
    """Give the day with a number; 0 is the first."""
    return FIRST_DAY + timedelta(days=number)


def at_hour(on: date, hour: int) -> datetime:
    return datetime.combine(on, time(hour), UTC)


def before_the_first_day() -> datetime:
    """The instant at which the portal is made and the connector runs for the first time, on an empty portal."""
    return at_hour(FIRST_DAY - timedelta(days=1), 20)
