"""Due times (R18) against a reference that walks minute by minute over the local clock, and knows no tables.

Around changes of the clocks and public holidays of three countries; the southern one changes its clocks the other way.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays
from hypothesis import given
from hypothesis import strategies as st

from connector.rules.calendar import WEEKDAYS, Calendar, CalendarRules
from connector.rules.durations import parse_duration

MINUTE = timedelta(minutes=1)
DAYS = 14
PLACES = {
    # country, subdivision, zone; windows begin some days before a change of the clocks or a row of holidays
    "DE": ("BY", "Europe/Berlin", ("2025-03-24", "2025-10-20", "2024-12-19", "2025-04-14")),
    "US": (None, "America/New_York", ("2025-03-03", "2025-10-27", "2025-11-20", "2025-12-22")),
    "AU": ("NSW", "Australia/Sydney", ("2025-03-31", "2025-09-29", "2025-12-22", "2025-04-14")),
}
HOURS = {
    "lunch": {"mon-fri": ["09:00-12:30", "13:30-18:00"], "sat": ["10:00-14:00"]},
    "night": {"mon-sun": ["00:00-06:00", "22:00-24:00"]},  # the hour that comes twice, or never, is within it
    "few": {"wed": ["10:00-11:00"], "thu": []},
}
WINDOWS = [(country, number) for country in PLACES for number in range(4)]


@cache
def calendar(country: str, hours: str) -> Calendar:
    subdivision, zone, _ = PLACES[country]
    days_off = {"country": country, "subdivision": subdivision}
    return CalendarRules.model_validate({"zone": zone, "hours": HOURS[hours], "holidays": days_off}).calendar("UTC")


@cache
def local_minutes(country: str, window: int) -> tuple[datetime, list[tuple[date, int, int]]]:
    """Where the window begins, and the local day, weekday (7: a holiday) and minute of each minute of it."""
    subdivision, zone, begins = PLACES[country]
    off = holidays.country_holidays(country, subdiv=subdivision)
    first = datetime.fromisoformat(begins[window]).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    walked = []
    for number in range(DAYS * 24 * 60):
        local = (first + number * MINUTE).astimezone(ZoneInfo(zone))
        walked.append((local.date(), local.hour * 60 + local.minute))
    weekdays = {day: 7 if day in off else day.weekday() for day, _ in walked}
    return first, [(day, weekdays[day], minute) for day, minute in walked]


@cache
def minutes(country: str, hours: str, window: int) -> tuple[datetime, bytes]:
    """Where the window begins, and whether each minute of it is open by the local clock."""
    blocks = [*calendar_blocks(hours), ()]
    first, walked = local_minutes(country, window)
    return first, bytes(any(a <= minute < b for a, b in blocks[weekday]) for _, weekday, minute in walked)


@cache
def open_days(country: str, hours: str, window: int) -> dict[date, tuple[int, int]]:
    """First open minute of each open day, and the one after its last."""
    found: dict[date, tuple[int, int]] = {}
    for number, is_open in enumerate(minutes(country, hours, window)[1]):
        if is_open:
            day = local_minutes(country, window)[1][number][0]
            found[day] = found.get(day, (number,))[0], number + 1
    return found


def calendar_blocks(hours: str) -> list[tuple[tuple[int, int], ...]]:
    rules = CalendarRules.model_validate({"hours": HOURS[hours]})
    return [rules.hours.get(day, ()) for day in WEEKDAYS]


def walk(opened: bytes, start: int, wanted: int) -> int | None:
    """The minute at which `wanted` open ones have passed since `start`; None where the window ends before."""
    for number in range(start, len(opened)):
        wanted -= opened[number]
        if not wanted:
            return number + 1
    return None


@given(st.sampled_from(WINDOWS), st.sampled_from(list(HOURS)), st.integers(0, 8 * 1_440), st.integers(1, 1_800))
def test_business_time_is_what_a_walk_over_every_minute_gives(
    window: tuple[str, int], hours: str, start: int, wanted: int
) -> None:
    """R18: over changes of the clocks and holidays of three countries."""
    country, number = window
    first, opened = minutes(country, hours, number)
    due = walk(opened, start, wanted)
    begin = first + start * MINUTE
    if due is not None:
        assert calendar(country, hours).add(begin, parse_duration(f"{wanted}bm")) == first + due * MINUTE
    assert calendar(country, hours).open_time(begin, first + len(opened) * MINUTE) == sum(opened[start:]) * MINUTE


@given(st.sampled_from(WINDOWS), st.sampled_from(["lunch", "few"]), st.integers(0, 6 * 1_440), st.integers(1, 3))
def test_business_days_are_what_a_walk_over_the_calendar_gives(
    window: tuple[str, int], hours: str, start: int, days: int
) -> None:
    """R18: the same local time that many open days later, kept within that day's hours."""
    country, number = window
    zone = ZoneInfo(PLACES[country][1])
    first, opened = minutes(country, hours, number)
    walked, by_day = local_minutes(country, number)[1], open_days(country, hours, number)
    begins = opened.find(1, start)
    later = [day for day in by_day if begins >= 0 and day > walked[begins][0]]
    if len(later) < days + 1:  # the window may end within the day
        return
    opens, closes = by_day[later[days - 1]]
    wanted = min(max(walked[begins][2], walked[opens][2]), walked[closes - 1][2] + 1)
    due = calendar(country, hours).add(first + start * MINUTE, parse_duration(f"{days}bd")).astimezone(zone)
    assert (due.date(), due.hour * 60 + due.minute) == (later[days - 1], wanted)
