"""Durations that say what they mean: `48h` by the wall clock, `16bh` of business hours, `2bd` business days (R18).

Used by every rule file that names a span of time. A bare number is refused: "1 day" of whose clock is the oldest
quarrel about service levels. What a business hour is decides rules/calendar.py; nothing here knows a calendar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

ADVICE = "write a number and a unit: 30m, 48h, 14d, 2w (wall clock), 45bm, 16bh (business hours) or 2bd (business days)"
LONGEST_SECONDS = 10 * 366 * 86_400

_SHAPE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,4})?)\s*(s|m|h|d|w|bm|bh|bd)", re.IGNORECASE | re.ASCII)


class DurationKind(StrEnum):
    WALL = "wall"
    BUSINESS_HOURS = "business_hours"
    BUSINESS_DAYS = "business_days"


_UNITS: dict[str, tuple[DurationKind, int]] = {
    "s": (DurationKind.WALL, 1),
    "m": (DurationKind.WALL, 60),
    "h": (DurationKind.WALL, 3_600),
    "d": (DurationKind.WALL, 86_400),
    "w": (DurationKind.WALL, 7 * 86_400),
    "bm": (DurationKind.BUSINESS_HOURS, 60),
    "bh": (DurationKind.BUSINESS_HOURS, 3_600),
    "bd": (DurationKind.BUSINESS_DAYS, 1),
}
# Largest first, so that the same span is always written the same way (fingerprints rest on it). Weeks are left out:
# people read 14 d and 2 w alike, and one spelling is enough.
_SPELLINGS = {
    DurationKind.WALL: (("d", 86_400, "day"), ("h", 3_600, "hour"), ("m", 60, "minute"), ("s", 1, "second")),
    DurationKind.BUSINESS_HOURS: (("bh", 3_600, "business hour"), ("bm", 60, "business minute")),
    DurationKind.BUSINESS_DAYS: (("bd", 1, "business day"),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """A span of time with its clock.

    Attributes:
        amount: whole seconds for WALL and BUSINESS_HOURS (seconds of open time), whole days for BUSINESS_DAYS; above 0.
        time: the seconds of the first two as a span, made once; nothing for BUSINESS_DAYS.
    """

    kind: DurationKind
    amount: int
    time: timedelta = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.amount <= 0:
            raise ValueError(f"a duration must be longer than nothing; {ADVICE}, or leave the key out")
        seconds = 0 if self.kind is DurationKind.BUSINESS_DAYS else self.amount
        object.__setattr__(self, "time", timedelta(seconds=seconds))

    def wall(self) -> timedelta:
        """The span by the wall clock; ValueError for business time, which has no length without a calendar."""
        if self.kind is not DurationKind.WALL:
            raise ValueError(f"{self} is business time, and wall-clock time is needed here; write 30m, 48h or 14d")
        return self.time

    def __str__(self) -> str:
        """As an admin writes it, in one spelling only: `48h` and `2d` both give `2d`."""
        unit, size, _ = self._spelling()
        return f"{self.amount // size}{unit}"

    def words(self) -> str:
        """For sentences: `48 hours`, `1 business hour`, `2 business days`; up to two days are told in hours."""
        _, size, word = self._spelling(days_from=3)
        count = self.amount // size
        return f"{count} {word}" if count == 1 else f"{count} {word}s"

    def _spelling(self, days_from: int = 1) -> tuple[str, int, str]:
        for unit, size, word in _SPELLINGS[self.kind]:
            if unit == "d" and self.amount < days_from * size:
                continue
            if self.amount % size == 0:
                return unit, size, word
        return "bs", 1, "business second"  # cannot be written by hand; fractions of a minute are refused when read


def parse_duration(text: object) -> Duration:
    """Read one duration, such as `30m`, `48h`, `14d`, `16bh`, `2bd`; a Duration is given back as it is.

    Raises ValueError, with what to write instead, for bare numbers (no clock), unknown units, zero, and fractions that
    do not come to whole seconds (whole minutes of business time, whole business days).
    """
    if isinstance(text, Duration):
        return text
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ValueError(f"is not a duration; {ADVICE}")  # ValueError: pydantic makes a complaint of it
    shape = _SHAPE.fullmatch(str(text).strip())
    if shape is None:
        bare = re.fullmatch(r"[0-9.]+", str(text).strip())
        problem = "has no unit, so nobody knows whose clock it means" if bare else "is not a duration"
        raise ValueError(f"{problem}; {ADVICE}")
    kind, size = _UNITS[shape[2].lower()]
    amount = Decimal(shape[1]) * size
    smallest = 60 if kind is DurationKind.BUSINESS_HOURS else 1
    if amount % smallest:
        raise ValueError(f"is finer than the clock can tell; {ADVICE}")
    if amount * (86_400 if kind is DurationKind.BUSINESS_DAYS else 1) > LONGEST_SECONDS:
        raise ValueError("is longer than ten years; write a shorter one")
    return Duration(kind=kind, amount=int(amount))


def _parse_wall(text: object) -> timedelta:
    return text if isinstance(text, timedelta) else parse_duration(text).wall()


def _spell_wall(span: timedelta) -> str:
    return str(Duration(kind=DurationKind.WALL, amount=int(span.total_seconds())))


AnyDuration = Annotated[Duration, BeforeValidator(parse_duration), PlainSerializer(str, return_type=str)]
"""For rule models: any clock; dumps as its one spelling."""

WallDuration = Annotated[timedelta, BeforeValidator(_parse_wall), PlainSerializer(_spell_wall, return_type=str)]
"""For rule models: wall clock only, as a timedelta; dumps as its one spelling."""


def in_words(span: timedelta) -> str:
    """A span of the rules for people, in its two largest units: `3 hours 5 minutes`, `2 days`, `less than a minute`."""
    minutes = int(span.total_seconds()) // 60
    if minutes < 1:
        return "less than a minute"
    counts = ((minutes // 1_440, "day"), (minutes % 1_440 // 60, "hour"), (minutes % 60, "minute"))
    parts = [f"{count} {word}" if count == 1 else f"{count} {word}s" for count, word in counts if count]
    first = next(index for index, (count, _) in enumerate(counts) if count)
    return " ".join(parts[:2] if first + 1 < 3 and counts[first + 1][0] else parts[:1])


def in_short(span: timedelta) -> str:
    """A span that was measured, as every report tells it: `90 s`, `45 min`, `4 h 20 min`, `3 d 4 h`."""
    seconds = round(span.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    parts = ((minutes // 60, "h"), (minutes % 60, "min"))
    if minutes >= 48 * 60:
        hours = round(minutes / 60)
        parts = ((hours // 24, "d"), (hours % 24, "h"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)
