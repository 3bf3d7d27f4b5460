"""Calendars: when a team is open, and exact arithmetic over it (R18).

Part of mappings/sla.yaml. Blocks of the week in a named zone, holidays and extra days off become open intervals in
UTC (rules/open_times.py); a due time is found on those, never on local clock hands, so that a change of the clocks
neither adds nor loses an hour. Which clock runs on which calendar is decided by rules/sla.py.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Container, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, field_validator, model_validator

from connector.errors import ConfigError
from connector.rules.durations import Duration, DurationKind
from connector.rules.misplaced import MisplacedError
from connector.rules.open_times import OpenDay, OpenTimes, in_utc

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PORTAL_ZONE = "portal"
DAY = 24 * 60
"""Minutes; as the end of a block, the end of the day."""

_HOURS, _DAYS = DurationKind.BUSINESS_HOURS, DurationKind.BUSINESS_DAYS

Block = tuple[int, int]
"""From and to in minutes after local midnight."""

_BLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*[-–]\s*([0-9]{1,2}):([0-9]{2})")


def _parse_block(text: object) -> Block:
    if isinstance(text, tuple):
        return text
    shape = _BLOCK.fullmatch(str(text).strip())
    if shape is None:
        raise ValueError('is not a block of hours; write it as "09:00-12:30"')
    hours = [int(part) for part in shape.groups()]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if hours[1] > 59 or hours[3] > 59 or end > DAY or start >= end:
        raise ValueError("must lie within one day, end after start; a night is two blocks: to 24:00, from 00:00")
    return start, end


def _spell_block(block: Block) -> str:
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in block)


BlockText = Annotated[Block, BeforeValidator(_parse_block), PlainSerializer(_spell_block, return_type=str)]


class HolidayRules(BaseModel):
    """Public holidays by the `holidays` library: ISO 3166 country, and its subdivision where days differ."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: str = Field(min_length=2, max_length=3)
    subdivision: str | None = None

    @model_validator(mode="after")
    def _known(self) -> HolidayRules:
        self.days()
        return self

    def days(self) -> Container[date]:
        """The days as a container that grows by the year it is asked for. Imported here: it costs half a second."""
        import holidays

        try:
            return holidays.country_holidays(self.country.upper(), subdiv=self.subdivision)
        except NotImplementedError:  # the library's answer for a country or region that it does not know
            place = self.country if self.subdivision is None else f"{self.country}/{self.subdivision}"
            raise ValueError(f"no holidays are known for {place}; write days_off instead, or mend the code") from None


class CalendarRules(BaseModel):
    """One calendar of sla.yaml.

    `hours` maps `mon` … `sun`, or a range such as `mon-fri`, to blocks; days that are not named are closed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    zone: str = PORTAL_ZONE
    hours: Mapping[str, tuple[BlockText, ...]]
    holidays: HolidayRules | None = None
    days_off: tuple[date, ...] = ()

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, name: str) -> str:
        if name != PORTAL_ZONE:
            zone_of(name)
        return name

    @field_validator("hours", mode="before")
    @classmethod
    def _spread_ranges(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        spread: dict[str, object] = {}
        for key, blocks in value.items():
            read = _read_blocks(str(key), blocks)
            for day in _days(str(key)):
                if day in spread:
                    raise MisplacedError((str(key),), f"{day} has its hours twice; name each day once")
                spread[day] = read
        return {day: spread[day] for day in WEEKDAYS if day in spread}

    @field_validator("hours")
    @classmethod
    def _blocks_in_order(cls, hours: Mapping[str, tuple[Block, ...]]) -> Mapping[str, tuple[Block, ...]]:
        for day, blocks in hours.items():
            if any(later[0] < earlier[1] for earlier, later in itertools.pairwise(blocks)):
                raise ValueError(f"the blocks of {day} overlap or are out of order; write the earlier one first")
        if not any(hours.values()):
            raise ValueError("never opens; give at least one day a block such as 09:00-18:00")
        return hours

    @property
    def weekly_seconds(self) -> int:
        return sum((end - start) * 60 for blocks in self.hours.values() for start, end in blocks)

    @property
    def longest_closed(self) -> timedelta:
        """The longest time of a usual week in which it does not open once; days off and holidays make it longer."""
        blocks = [
            (place * DAY + start, place * DAY + end)
            for place, day in enumerate(WEEKDAYS)
            for start, end in self.hours.get(day, ())
        ]
        next_week = blocks[0][0] + len(WEEKDAYS) * DAY
        opens = [*(start for start, _ in blocks[1:]), next_week]
        return timedelta(minutes=max(start - end for start, (_, end) in zip(opens, blocks, strict=True)))

    def calendar(self, portal_time_zone: str) -> Calendar:
        """The calendar, made once per zone and kept with these rules."""
        name = portal_time_zone if self.zone == PORTAL_ZONE else self.zone
        if name not in self._made:
            self._made[name] = Calendar(self, zone_of(name))
        return self._made[name]

    @cached_property
    def _made(self) -> dict[str, Calendar]:
        return {}


def _read_blocks(key: str, blocks: object) -> tuple[Block, ...]:
    """One key's blocks, read before they are spread over its days: a mistake is told once, at the place where it is."""
    if not isinstance(blocks, list | tuple):
        raise MisplacedError((key,), 'must be a list of blocks; write ["09:00-18:00"], or [] for a closed day')
    read = []
    for place, text in enumerate(blocks):
        try:
            read.append(_parse_block(text))
        except ValueError as fault:
            raise MisplacedError((key, place), str(fault)) from None
    return tuple(read)


def _days(key: str) -> tuple[str, ...]:
    first, _, last = key.strip().lower().partition("-")
    last = last or first
    if first not in WEEKDAYS or last not in WEEKDAYS or WEEKDAYS.index(first) > WEEKDAYS.index(last):
        advice = "write mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri"
        raise MisplacedError((key,), f"{key} is no day; {advice}")
    return WEEKDAYS[WEEKDAYS.index(first) : WEEKDAYS.index(last) + 1]


def zone_of(name: str) -> ZoneInfo:
    """The zone by its IANA name; ValueError, with what to write, for a name that nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name} is no time zone; write one such as Europe/Berlin, or portal") from None


class Calendar:
    """Open intervals of one calendar in one zone. All instants are aware; answers are in UTC."""

    def __init__(self, rules: CalendarRules, zone: ZoneInfo) -> None:
        self._blocks = tuple(rules.hours.get(day, ()) for day in WEEKDAYS)
        self._off = frozenset(rules.days_off)
        self._holidays: Container[date] = rules.holidays.days() if rules.holidays else ()
        self._zone = zone
        self._times = OpenTimes(self._open_days, lambda year: self._instant(date(year, 1, 1), 0))
        self._add_hours = self._times.add

    def add(self, start: datetime, duration: Duration) -> datetime:
        """The instant at which a span that begins at `start` has passed; business time passes only while open.

        A start outside of open hours counts from the next opening. `2bd` ends at the same local time two open days
        later, kept within that day's hours. ConfigError where the calendar does not open that much within 20 years.
        """
        if start.tzinfo is not UTC:
            start = in_utc(start)
        kind = duration.kind
        if kind is _HOURS:
            return self._add_hours(start, duration.time)
        if kind is _DAYS:
            return self._add_days(start, duration.amount)
        return start + duration.time

    def add_open(self, start: datetime, span: timedelta) -> datetime:
        """The first instant at which the calendar was open for `span` since `start`; `start` itself for nothing."""
        start = in_utc(start)
        return self._times.add(start, span) if span > timedelta(0) else start

    def open_time(self, start: datetime, end: datetime) -> timedelta:
        """How long the calendar is open between two instants; nothing where `end` is not after `start`."""
        return self._times.open_between(in_utc(start), in_utc(end))

    def is_open(self, at: datetime) -> bool:
        """Closing time itself is closed; so is a calendar that has closed for good."""
        try:
            return self.next_open(at) == at
        except ConfigError:
            return False

    def next_open(self, at: datetime) -> datetime:
        """`at` itself while open, otherwise the next opening; ConfigError where there is none within 20 years."""
        return self._times.next_opening(in_utc(at))

    def _add_days(self, start: datetime, days: int) -> datetime:
        begin, first, last = self._times.days_on(start, days)
        if first.midnight is not None and last.midnight is not None:
            same_time = last.midnight + (begin - first.midnight)
        else:
            same_time = self._same_time(begin, last.day)
        opens, closes = last.intervals[0][0], last.intervals[-1][1]
        return opens if same_time < opens else closes if same_time > closes else same_time

    def _same_time(self, begin: datetime, day: date) -> datetime:
        """The local time of `begin` on another day, where the clocks are changed on one of the two."""
        local = begin.astimezone(self._zone)
        if local.fold:  # the hour that comes twice: all of its second coming counts as the end of its first
            turned_back = self._turn(local.replace(fold=0).astimezone(UTC), begin)
            local = (turned_back - timedelta(seconds=1)).astimezone(self._zone)
        rest = timedelta(seconds=local.second, microseconds=local.microsecond)
        return self._instant(day, local.hour * 60 + local.minute) + rest

    def _open_days(self, year: int) -> list[OpenDay]:
        made, day = [], date(year, 1, 1)
        while day.year == year:
            if intervals := self._open_on(day):
                midnight = self._instant(day, 0)
                plain = self._instant(day, DAY) - midnight == timedelta(days=1)
                made.append(OpenDay(day, midnight if plain else None, intervals))
            day += timedelta(days=1)
        return made

    def _open_on(self, day: date) -> list[tuple[datetime, datetime]]:
        blocks = self._blocks[day.weekday()]
        if not blocks or day in self._off or day in self._holidays:
            return []
        made = [(self._instant(day, opens), self._instant(day, closes)) for opens, closes in blocks]
        return [(opens, closes) for opens, closes in made if opens < closes]  # a block inside the skipped hour is none

    def _instant(self, day: date, minute: int) -> datetime:
        """The first instant at which the local clock has reached that minute: never goes back from minute to minute.

        An hour that comes twice counts from its first coming; one that is skipped is the moment of the skip.
        """
        if minute == DAY:
            day, minute = day + timedelta(days=1), 0
        local = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=self._zone)
        found = local.astimezone(UTC)
        if found.astimezone(self._zone).replace(tzinfo=None) == local.replace(tzinfo=None):
            return found
        return self._turn(local.replace(fold=1).astimezone(UTC), found)

    def _turn(self, early: datetime, late: datetime) -> datetime:
        """The instant, to the second, at which the clock is changed between two instants before and after it."""
        before = early.astimezone(self._zone).utcoffset()
        while late - early > timedelta(milliseconds=1):
            middle = early + (late - early) / 2
            if middle.astimezone(self._zone).utcoffset() == before:
                early = middle
            else:
                late = middle
        return (late + timedelta(milliseconds=500)).replace(microsecond=0)
