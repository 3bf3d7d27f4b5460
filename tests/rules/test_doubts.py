"""Limits by the wall clock that run out in quiet hours, and calendars that nobody asks (R15, R18)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factories import make_book, shipped_book

from connector.rules.calendar import CalendarRules
from connector.rules.doubts import doubts

OFFICE = {"zone": "UTC", "hours": {"mon-fri": ["09:00-18:00"]}}


def found(clock: dict[str, Any], quiet: dict[str, Any], **parts: Any) -> list[tuple[str, str]]:
    """(path, advice) of each doubt in a book with that one clock and those quiet hours."""
    calendars = {"office": OFFICE, "shift": {"zone": "UTC", "hours": {"mon-sun": ["00:00-24:00"]}}}
    named = {"label": "first call", "until": "touch", **clock}
    sla = {"calendars": calendars, "clocks": {"first": named}}
    book = make_book(sla=sla, notifications={"quiet_hours": quiet}, **parts)
    return [(".".join(map(str, one.path)), one.advice) for one in doubts(book)]


def test_the_shipped_rules_leave_no_doubt() -> None:
    assert doubts(shipped_book()) == []


@pytest.mark.parametrize(
    ("limit", "meant"), [("2h", "2bh"), ("30m", "30bm"), ("90m", "90bm"), ("48h", "2bd"), ("36h", "2bd")]
)
def test_a_limit_that_may_be_over_before_the_rep_hears_of_the_lead_is_named(limit: str, meant: str) -> None:
    ((path, advice),) = found({"limit": limit}, {"outside": "office"})
    assert path == "clocks.first.limit" and f"such as {meant}," in advice


@pytest.mark.parametrize(
    ("clock", "quiet"),
    [
        ({"limit": "2h"}, {}),
        ({"limit": "2bh"}, {"outside": "office"}),
        ({"limit": "90d"}, {"outside": "office"}),
        ({"limit": "64h"}, {"outside": "office"}),
        ({"limit": "2h"}, {"outside": "shift"}),
        ({"limit": "2h"}, {"outside": "office", "unless": ["clock"]}),
        ({"lanes": {"hand_raiser": "1h", "customer": "2h"}}, {"outside": "office", "unless": ["hand_raiser"]}),
    ],
)
def test_what_cannot_run_out_unheard_is_not_doubted(clock: dict[str, Any], quiet: dict[str, Any]) -> None:
    assert found(clock, quiet) == []


def test_each_lane_is_looked_at() -> None:
    lanes = {"hand_raiser": "1h", "score": "4h"}
    told = found({"limit": "8bh", "lanes": lanes}, {"outside": "office", "unless": ["hand_raiser"]})
    assert [path for path, _ in told] == ["clocks.first.lanes.score"]


def test_a_reps_own_calendar_may_be_closed_for_longer() -> None:
    people = {"people": [{"owner": "7", "calendar": "office"}]}
    assert found({"limit": "2h"}, {"outside": "shift"}, routing=people)


def test_a_calendar_that_no_limit_asks_is_named() -> None:
    ((path, advice),) = found({"limit": "2h", "calendar": "office"}, {})
    assert path == "clocks.first.calendar" and "such as 2bh for 2h" in advice
    assert found({"limit": "2h", "lanes": {"score": "8bh"}, "calendar": "office"}, {}) == []


def test_the_longest_time_that_a_calendar_is_closed() -> None:
    def closed(hours: dict[str, list[str]]) -> timedelta:
        return CalendarRules.model_validate({"hours": hours}).longest_closed

    assert closed({"mon-fri": ["09:00-18:00"]}) == timedelta(hours=63)
    assert closed({"mon-sun": ["08:00-12:00", "13:00-20:00"]}) == timedelta(hours=12)
    assert closed({"wed": ["09:00-10:00"]}) == timedelta(days=6, hours=23)
    assert closed({"mon-sun": ["00:00-24:00"]}) == timedelta(0)
