"""Cron lines as crontab(5) reads them: five fields, names of months and days, Sunday is 0 or 7.

The scheduler's library counts weekdays from Monday and asks for day and weekday at once; a line that somebody knows
from crontab would come on other days. So it is read here, and given to the library as plain numbers.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass

A_LEAP_YEAR = 2028
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(
    r"(?:(?P<all>\*)|(?P<first>[a-z]{3}|[0-9]{1,2})(?:-(?P<last>[a-z]{3}|[0-9]{1,2}))?)(?:/(?P<step>[0-9]{1,2}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CronLine:
    """When it is due: every set in ascending order, in UTC.

    Attributes:
        weekdays: 0 is Sunday, 6 is Saturday.
        either: day and weekday are both limited, so that one of them is enough.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    either: bool


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    least: int
    most: int
    words: tuple[str, ...] = ()


_MINUTE, _HOUR, _DAY = _Field("minute", 0, 59), _Field("hour", 0, 23), _Field("day", 1, 31)
_MONTH, _WEEKDAY = _Field("month", 1, 12, MONTHS), _Field("weekday", 0, 7, WEEKDAYS)


def parse_cron(text: str) -> CronLine:
    """Raises ValueError, saying which field, where it is none or would never come."""
    minute, hour, day, month, weekday = text.lower().split()
    line = CronLine(
        minutes=_values(_MINUTE, minute),
        hours=_values(_HOUR, hour),
        days=_values(_DAY, day),
        months=_values(_MONTH, month),
        weekdays=tuple(sorted({number % 7 for number in _values(_WEEKDAY, weekday)})),
        either=not day.startswith("*") and not weekday.startswith("*"),
    )
    longest = max(monthrange(A_LEAP_YEAR, number)[1] for number in line.months)
    if not line.either and line.days[0] > longest:
        raise ValueError(f"no such month has a day {line.days[0]}, so it would never come")
    return line


def _values(field: _Field, text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f"the {field.name} {part!r} is none; write for example */5, 8-18 or 1,15")
        step = int(match["step"] or 1)
        if match["all"]:
            first, last = field.least, field.most
        else:
            first = _number(field, match["first"])
            last = first if match["last"] is None else _number(field, match["last"])
        if field is _WEEKDAY and last == 0 < first:
            last = 7    # fri-sun
        if step < 1 or first > last or (match["step"] and first == last):
            raise ValueError(f"the {field.name} {part!r} names nothing; write for example 8-18 or 8-18/2")
        found.update(range(first, last + 1, step))
    return tuple(sorted(found))


def _number(field: _Field, word: str) -> int:
    if word in field.words:
        return field.words.index(word) + field.least
    if not word.isdigit() or not field.least <= int(word) <= field.most:
        raise ValueError(f"the {field.name} {word!r} does not lie between {field.least} and {field.most}")
    return int(word)
