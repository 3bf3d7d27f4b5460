"""Calendars (R18): business time is exact, over lunch, weekends, holidays and changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector.errors import ConfigError
from connector.rules.calendar import Calendar, CalendarRules
from connector.rules.durations import parse_duration

BERLIN = ZoneInfo("Europe/Berlin")


def make_calendar(hours: dict[str, list[str]], *, zone: str = "Europe/Berlin", **more: object) -> Calendar:
    return CalendarRules.model_validate({"hours": hours, "zone": zone, **more}).calendar("UTC")


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


OFFICE = make_calendar({"mon-fri": ["09:00-18:00"]})
LATE_OFFICE = make_calendar({"mon-fri": ["10:00-18:00"]})
LUNCH = make_calendar({"mon-fri": ["09:00-12:30", "13:30-18:00"]})
SHIFTS = make_calendar({"mon-sun": ["00:00-06:00", "22:00-24:00"]})
ALWAYS = make_calendar({"mon-sun": ["00:00-24:00"]})
HAVANA = make_calendar({"mon-sun": ["00:00-02:30", "23:00-24:00"]}, zone="America/Havana")  # turns back at midnight
CALENDARS = (OFFICE, LATE_OFFICE, LUNCH, SHIFTS, ALWAYS, HAVANA)


@pytest.mark.parametrize(
    ("calendar", "start", "span", "due"),
    [
        # 2025-03-01 is a Saturday.
        (OFFICE, "2025-03-01 17:00", "1bh", "2025-03-03 10:00"),
        (OFFICE, "2025-03-01 20:00", "1bh", "2025-03-03 10:00"),
        (LATE_OFFICE, "2025-03-05 15:00", "10bh", "2025-03-06 17:00"),
        (LATE_OFFICE, "2025-03-05 20:00", "10bh", "2025-03-07 12:00"),
        (OFFICE, "2025-03-05 09:00", "9bh", "2025-03-05 18:00"),
        (OFFICE, "2025-03-05 08:59", "540bm", "2025-03-05 18:00"),
        (LUNCH, "2025-03-05 12:00", "1bh", "2025-03-05 14:00"),
        (LUNCH, "2025-03-07 17:30", "1bh", "2025-03-10 09:30"),
        (OFFICE, "2025-03-05 15:00", "48h", "2025-03-07 15:00"),
        (OFFICE, "2025-03-05 15:00", "2bd", "2025-03-07 15:00"),
        (OFFICE, "2025-03-07 15:00", "2bd", "2025-03-11 15:00"),
        (OFFICE, "2025-03-08 11:00", "1bd", "2025-03-11 09:00"),
        # the clocks go forward on 2025-03-30 and back on 2025-10-26
        (ALWAYS, "2025-03-30 00:00", "24bh", "2025-03-31 01:00"),
        (ALWAYS, "2025-10-26 00:00", "24bh", "2025-10-26 23:00"),
        (OFFICE, "2025-03-28 17:00", "2bh", "2025-03-31 10:00"),
    ],
)
def test_a_due_time_falls_where_a_person_expects_it(calendar: Calendar, start: str, span: str, due: str) -> None:
    """R18: a lead of Saturday 17:00 with one hour is due on Monday 10:00, not 18:00, and never on Tuesday."""
    assert calendar.add(at(start), parse_duration(span)) == at(due)


def test_a_shorter_day_ends_a_span_of_days_at_its_closing() -> None:
    calendar = make_calendar({"mon-thu": ["09:00-18:00"], "fri": ["09:00-14:00"]})
    assert calendar.add(at("2025-03-06 17:00"), parse_duration("1bd")) == at("2025-03-07 14:00")


def test_holidays_and_days_off_are_closed() -> None:
    calendar = make_calendar(
        {"mon-fri": ["09:00-18:00"]}, holidays={"country": "DE", "subdivision": "BY"}, days_off=["2025-05-02"]
    )
    # Thursday 1 May is a holiday, Friday 2 May is off.
    assert calendar.add(at("2025-04-30 17:00"), parse_duration("2bh")) == at("2025-05-05 10:00")
    assert not calendar.is_open(at("2025-05-01 12:00"))


def test_opening_counts_and_closing_does_not() -> None:
    assert OFFICE.is_open(at("2025-03-03 09:00"))
    assert not OFFICE.is_open(at("2025-03-03 18:00"))
    assert OFFICE.next_open(at("2025-03-01 12:00")) == at("2025-03-03 09:00")


def test_a_day_without_hours_never_loops() -> None:
    """peers-leads 2.3: a calendar that never opens is refused when read, and one closed for years says so."""
    with pytest.raises(ValidationError, match="never opens"):
        make_calendar({"mon": []})
    first = datetime(2025, 1, 6, tzinfo=UTC).date()
    mondays = [first + timedelta(weeks=week) for week in range(1_100)]
    closed = make_calendar({"mon": ["09:00-10:00"]}, days_off=mondays)
    for duration in ("1bh", "1bd"):
        with pytest.raises(ConfigError, match="closed for years"):
            closed.add(at("2025-01-06 09:00"), parse_duration(duration))


@pytest.mark.parametrize(
    ("hours", "zone", "words"),
    [
        ({"mon": ["9-18"]}, "portal", "is not a block"),
        ({"mon": ["18:00-09:00"]}, "portal", "two blocks"),
        ({"mon": ["09:00-25:00"]}, "portal", "two blocks"),
        ({"mon": ["09:00-13:00", "12:00-18:00"]}, "portal", "overlap"),
        ({"mon-fri": ["09:00-18:00"], "fri": ["09:00-12:00"]}, "portal", "twice"),
        ({"someday": ["09:00-18:00"]}, "portal", "is no day"),
        ({"fri-mon": ["09:00-18:00"]}, "portal", "is no day"),
        ({"mon": ["09:00-18:00"]}, "Mars/Olympus", "no time zone"),
    ],
)
def test_what_makes_no_sense_is_refused_with_advice(hours: dict[str, list[str]], zone: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make_calendar(hours, zone=zone)


def test_an_unknown_country_is_refused() -> None:
    with pytest.raises(ValidationError, match="no holidays are known for XX"):
        make_calendar({"mon": ["09:00-18:00"]}, holidays={"country": "XX"})


def test_the_same_calendar_is_made_once() -> None:
    rules = CalendarRules.model_validate({"hours": {"mon": ["09:00-18:00"]}})
    assert rules.calendar("UTC") is rules.calendar("UTC")
    assert rules.calendar("UTC") is not rules.calendar("Europe/Berlin")
    assert rules.model_dump(mode="json")["hours"] == {"mon": ["09:00-18:00"]}


# Half the instants lie near a change of the clocks, where mistakes live.
INSTANTS = st.one_of(
    st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
    st.builds(
        lambda day, seconds: day + timedelta(seconds=seconds),
        st.sampled_from([datetime(2025, 3, 29, 12, tzinfo=UTC), datetime(2025, 10, 25, 12, tzinfo=UTC),
                         datetime(2025, 3, 8, 12, tzinfo=UTC), datetime(2025, 11, 1, 12, tzinfo=UTC)]),
        st.integers(0, 2 * 86_400),
    ),
)
SPANS = st.integers(1, 40 * 86_400).map(lambda seconds: timedelta(seconds=seconds))


@given(st.sampled_from(CALENDARS), INSTANTS, SPANS)
def test_what_was_added_is_what_is_measured(calendar: Calendar, start: datetime, span: timedelta) -> None:
    """R18: exact over weekends and changes of the clocks; the due instant is the first one that fits."""
    due = calendar.add_open(start, span)
    assert calendar.open_time(start, due) == span
    assert calendar.open_time(start, due - timedelta(seconds=1)) < span


@given(st.sampled_from(CALENDARS), INSTANTS, SPANS, st.sampled_from(["5bm", "8bh", "1bd", "3bd", "48h"]))
def test_a_later_start_is_never_due_earlier(calendar: Calendar, start: datetime, later: timedelta, text: str) -> None:
    duration = parse_duration(text)
    assert start < calendar.add(start, duration) <= calendar.add(start + later % timedelta(hours=3), duration)


@given(st.sampled_from(CALENDARS), INSTANTS, SPANS, SPANS)
def test_open_time_adds_up(calendar: Calendar, start: datetime, first: timedelta, second: timedelta) -> None:
    middle, end = start + first, start + first + second
    assert calendar.open_time(start, end) == calendar.open_time(start, middle) + calendar.open_time(middle, end)
