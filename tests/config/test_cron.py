"""Cron lines: read as crontab(5) reads them, whatever the scheduler's library makes of them (R31)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.config.cron import parse_cron

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    ("weekday", "days"),
    [("1-5", (1, 2, 3, 4, 5)), ("mon-fri", (1, 2, 3, 4, 5)), ("0", (0,)), ("7", (0,)), ("SUN", (0,)),
     ("fri-sun", (0, 5, 6)), ("5-7", (0, 5, 6)), ("*/2", (0, 2, 4, 6)), ("0-7", EVERY_DAY), ("*", EVERY_DAY)],
)  # fmt: skip
def test_weekdays_are_counted_from_sunday(weekday: str, days: tuple[int, ...]) -> None:
    assert parse_cron(f"0 9 * * {weekday}").weekdays == days


def test_lists_ranges_steps_and_names() -> None:
    line = parse_cron("*/20 8-18/5 1,15 jan-mar *")
    assert (line.minutes, line.hours, line.days, line.months) == ((0, 20, 40), (8, 13, 18), (1, 15), (1, 2, 3))


@pytest.mark.parametrize(("text", "either"), [("0 9 1 * mon", True), ("0 9 */2 * mon", False), ("0 9 1 * *", False)])
def test_day_and_weekday_both_limited_are_an_or(text: str, either: bool) -> None:
    assert parse_cron(text).either is either


@pytest.mark.parametrize(
    ("text", "said"),
    [("99 * * * *", "minute '99' does not lie between 0 and 59"), ("* 24 * * *", "hour '24'"),
     ("* * 0 * *", "day '0'"), ("* * * 13 *", "month '13'"), ("* * * * 8", "weekday '8'"),
     ("*/0 * * * *", "names nothing"), ("* 18-8 * * *", "names nothing"), ("5/15 * * * *", "names nothing"),
     ("1,,2 * * * *", "minute ''"), ("* * * foo *", "month 'foo'"), ("* * last * *", "day 'last'")],
)  # fmt: skip
def test_what_is_none_is_refused_by_its_field(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("*", r"\*")):
        parse_cron(text)


@pytest.mark.parametrize("text", ["0 0 31 2 *", "0 0 30 feb *", "0 0 31 4,6,9,11 *"])
def test_a_day_that_never_comes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it would never come"):
        parse_cron(text)


def test_a_day_of_leap_years_comes_and_so_does_a_weekday_beside_one_that_does_not() -> None:
    assert parse_cron("0 0 29 2 *").days == (29,)
    assert parse_cron("0 0 31 2 mon").weekdays == (1,)


@given(st.lists(st.text("0123456789*/,-mon", min_size=1, max_size=6), min_size=5, max_size=5))
def test_any_five_words_are_a_line_or_a_complaint(words: list[str]) -> None:
    try:
        line = parse_cron(" ".join(words))
    except ValueError as complaint:
        assert str(complaint)
    else:
        assert line.minutes and line.hours and line.days and line.months and line.weekdays
