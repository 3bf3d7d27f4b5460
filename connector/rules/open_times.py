"""Open times: the open intervals of one calendar as a sorted table, found by day and bisection (R18).

All instants in here are aware ones in UTC (`in_utc`): a change of the clocks is over before anything is added up. Which
days are open, and when, is rules/calendar.py's. The table grows by whole local years as far as it is asked,
and no further than HORIZON ahead of where a question begins.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

from connector.domain.contact import require_aware
from connector.errors import ConfigError

HORIZON = timedelta(days=20 * 366)
"""How far ahead a due time is looked for; beyond it the calendar is taken for one that never opens."""

_NOTHING = timedelta(0)
_NEVER = datetime.max.replace(tzinfo=UTC)
_DAY = timedelta(days=1)


def in_utc(at: datetime) -> datetime:
    """The same instant in UTC; ValueError for a naive one."""
    return at if at.tzinfo is UTC else require_aware(at, "an instant").astimezone(UTC)


@dataclass(frozen=True, slots=True)
class OpenDay:
    """A local day with its open intervals, in order, at least one.

    Attributes:
        midnight: when it begins; None where the clocks are changed on this day, so that local time is not
            the time since midnight.
    """

    day: date
    midnight: datetime | None
    intervals: Sequence[tuple[datetime, datetime]]


DaysOf = Callable[[int], Sequence[OpenDay]]
"""The open days of a local year."""
YearBegins = Callable[[int], datetime]
"""When a local year begins."""


class _Table:
    """Some years on end. Never changed, so that several threads may read it while one of them makes a longer one.

    Attributes:
        begins, ends: it holds every interval between them.
        count: of intervals.
        opens, closes: of each interval, with one that never comes behind the last; before, until: how long the calendar
            was open until it opens, and until it closes.
        day_at: place among `days` of the interval's day.
        first: for each 24 hours since `begins`, the place of the first interval that ends after they began.
    """

    __slots__ = (
        "before", "begins", "closes", "count", "day_at", "days", "ends", "first", "first_year", "last_year", "opens",
        "until",
    )  # fmt: skip

    def __init__(
        self, first_year: int, last_year: int, begins: datetime, ends: datetime, days: Sequence[OpenDay]
    ) -> None:
        self.first_year, self.last_year, self.begins, self.ends, self.days = first_year, last_year, begins, ends, days
        self.opens = [*(opens for day in days for opens, _ in day.intervals), _NEVER]
        self.closes = [*(closes for day in days for _, closes in day.intervals), _NEVER]
        self.day_at = [place for place, day in enumerate(days) for _ in day.intervals]
        self.count = len(self.day_at)
        self.until = list(accumulate(closes - opens for day in days for opens, closes in day.intervals))
        self.before = [_NOTHING, *self.until[:-1]]
        self.first = self._firsts()

    def _firsts(self) -> list[int]:
        found, place, at = [], 0, self.begins
        while at < self.ends:
            while self.closes[place] <= at:
                place += 1
            found.append(place)
            at += _DAY
        return found

    def place(self, at: datetime) -> int:
        """Of the first interval that ends after `at`, an instant within the table; `count` where there is none."""
        place, closes = self.first[(at - self.begins).days], self.closes
        while closes[place] <= at:
            place += 1
        return place

    def open_before(self, at: datetime) -> timedelta:
        place = self.place(at) if at < self.ends else self.count
        if place == self.count:
            return self.until[-1] if self.until else _NOTHING
        return self.before[place] + max(at - self.opens[place], _NOTHING)


class OpenTimes:
    """The table of one calendar. An answer that needs more open time than HORIZON holds is a ConfigError."""

    def __init__(self, days_of: DaysOf, year_begins: YearBegins) -> None:
        self._days_of, self._year_begins = days_of, year_begins
        self._table: _Table | None = None

    def add(self, start: datetime, span: timedelta) -> datetime:
        """The first instant at which the calendar was open for `span` (above 0) since `start`.

        Written for speed: `place` and its bounds are spelt out here, and most spans end in the interval they begin in.
        """
        table = self._table
        if table is None or not table.begins <= start < table.ends:
            table = self._around(start)
        place, closes = table.first[(start - table.begins).days], table.closes
        while closes[place] <= start:
            place += 1
        opens = table.opens[place]
        if place < table.count:
            due = (start if start > opens else opens) + span
            if due <= closes[place]:
                return due
        return self._add_beyond(table, place, start, span)

    def _add_beyond(self, table: _Table, place: int, start: datetime, span: timedelta) -> datetime:
        """The same where the span does not end in the interval in which it begins."""
        while True:
            if place < table.count:
                opens, until = table.opens[place], table.until
                wanted = table.before[place] + span
                if start > opens:
                    wanted += start - opens
                found = bisect_left(until, wanted, place)
                if found < table.count:
                    return table.closes[found] - (until[found] - wanted)
            table = self._reach_on(table, start)
            place = table.place(start)

    def open_between(self, start: datetime, end: datetime) -> timedelta:
        """How long it is open between two instants, of what lies within HORIZON of the first; nothing backwards."""
        if end <= start:
            return _NOTHING
        end = min(end, start + HORIZON)
        table = self._around(start)
        while table.ends < end:
            table = self._reach_on(table, start)
        return table.open_before(end) - table.open_before(start)

    def next_opening(self, at: datetime) -> datetime:
        """`at` itself while open, otherwise the next opening; closing time itself is closed."""
        table, place = self._place(at)
        return max(table.opens[place], at)

    def days_on(self, start: datetime, days: int) -> tuple[datetime, OpenDay, OpenDay]:
        """Where a span of open days begins (`start` or the next opening), on which day, and the n-th open day after."""
        table, place = self._place(start)
        while (day := table.day_at[place]) + days >= len(table.days):
            table = self._reach_on(table, start)
            place = table.place(start)
        opens = table.opens[place]
        return opens if opens > start else start, table.days[day], table.days[day + days]

    def _place(self, start: datetime) -> tuple[_Table, int]:
        table = self._around(start)
        while (place := table.place(start)) == table.count:
            table = self._reach_on(table, start)
        return table, place

    def _around(self, start: datetime) -> _Table:
        """A table that holds `start`."""
        known = self._table
        if known is not None and known.begins <= start < known.ends:
            return known
        year = start.year
        while self._year_begins(year) > start:  # where the zone is behind UTC, the local year is still the last one
            year -= 1
        while self._year_begins(year + 1) <= start:
            year += 1
        if known is None:
            return self._make(year, year + 1, self._years(year, year + 2))
        if year < known.first_year:
            return self._make(year, known.last_year, [*self._years(year, known.first_year), *known.days])
        return self._make(known.first_year, year, [*known.days, *self._years(known.last_year + 1, year + 1)])

    def _reach_on(self, known: _Table, start: datetime) -> _Table:
        if known.ends - start > HORIZON:
            raise ConfigError(
                "a calendar is closed for years on end", advice="look at its hours and days_off in sla.yaml"
            )
        last = known.last_year + 1
        return self._make(known.first_year, last, [*known.days, *self._years(last, last + 1)])

    def _years(self, first: int, end: int) -> list[OpenDay]:
        return [day for year in range(first, end) for day in self._days_of(year)]

    def _make(self, first: int, last: int, days: Sequence[OpenDay]) -> _Table:
        self._table = _Table(first, last, self._year_begins(first), self._year_begins(last + 1), days)
        return self._table
