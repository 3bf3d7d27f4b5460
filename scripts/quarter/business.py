"""Business time by walking the minutes: for each minute of the quarter, was this office open?

Plain on purpose: it shares no idea with the connector's own arithmetic. Only `zoneinfo` is asked, hour by hour, so that
an hour that is skipped or comes twice is walked through as it was; in Europe clocks are changed on full hours.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
Hours = tuple[tuple[int, int], ...]
"""Blocks of a day, in minutes after local midnight."""


@dataclass
class Office:
    """When somebody works.

    Attributes:
        week: 0 (Monday) to 6 -> blocks; a weekday that is missing is closed. closed: holidays, written out.
        first, last: days of which anybody will ask.
    """

    zone: str
    week: Mapping[int, Hours]
    closed: frozenset[date]
    first: date
    last: date
    open_minutes: list[int] = field(init=False, repr=False)
    """Every open minute, as minutes since 1970."""

    def __post_init__(self) -> None:
        zone, self.open_minutes = ZoneInfo(self.zone), []
        at = datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC)
        end = datetime(self.last.year, self.last.month, self.last.day, tzinfo=UTC)
        while at < end:
            begins, local = int(at.timestamp()) // 60, at.astimezone(zone)
            blocks = () if local.date() in self.closed else self.week.get(local.weekday(), ())
            for minute in range(60) if blocks else ():
                walked = local.hour * 60 + minute
                if any(opens <= walked < closes for opens, closes in blocks):
                    self.open_minutes.append(begins + minute)
            at += HOUR

    def is_open(self, at: datetime) -> bool:
        minute = int(at.timestamp()) // 60
        place = bisect_left(self.open_minutes, minute)
        return place < len(self.open_minutes) and self.open_minutes[place] == minute

    def after(self, start: datetime, minutes: float) -> datetime:
        """The instant at which so many open minutes have passed; `start` is on a full minute."""
        if minutes <= 0:
            return start
        place = bisect_left(self.open_minutes, int(start.timestamp()) // 60)
        whole = int(minutes)
        part = minutes - whole
        last = place + whole if part else place + whole - 1
        begins = datetime.fromtimestamp(self.open_minutes[last] * 60, UTC)
        return begins + (MINUTE * part if part else MINUTE)

    def between(self, start: datetime, end: datetime) -> int:
        """Open minutes between two instants on full minutes."""
        first, last = (bisect_left(self.open_minutes, int(at.timestamp()) // 60) for at in (start, end))
        return last - first

    def days_after(self, start: datetime, days: int) -> datetime:
        """The same local time so many open days later, kept within that day's hours."""
        zone = ZoneInfo(self.zone)
        place = bisect_left(self.open_minutes, int(start.timestamp()) // 60)
        begin = datetime.fromtimestamp(self.open_minutes[place] * 60, UTC).astimezone(zone)
        open_days: dict[date, tuple[datetime, datetime]] = {}
        for minute in self.open_minutes[place:]:
            at = datetime.fromtimestamp(minute * 60, UTC)
            day = at.astimezone(zone).date()
            opens, _ = open_days.get(day, (at, at))
            if day not in open_days and len(open_days) > days:
                break
            open_days[day] = (opens, at + MINUTE)
        day = sorted(open_days)[days]
        opens, closes = open_days[day]
        same = datetime.combine(day, begin.timetz().replace(tzinfo=None), tzinfo=zone).astimezone(UTC)
        return min(max(same, opens), closes)
