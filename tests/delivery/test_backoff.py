"""Backoff: ten tries over three days, never shrinking, never sooner than asked (reliability.md, section 3; I9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.delivery.backoff import DELAYS, LONGEST_WAIT, MOST_TRIES, next_try, parse_retry_after

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ENTRIES = st.text(st.characters(codec="utf-8"), max_size=40)
TRIES = st.integers(1, MOST_TRIES - 1)


def wait(entry: str, tries: int, retry_after: timedelta | None = None) -> timedelta:
    due = next_try(entry, tries, NOW, retry_after)
    assert due is not None
    return due - NOW


def test_ten_tries_take_three_days() -> None:
    assert len(DELAYS) == 10
    assert sum(DELAYS, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)


SCHEDULE = {
    1: timedelta(seconds=5), 2: timedelta(minutes=5), 3: timedelta(minutes=30), 4: timedelta(hours=2),
    5: timedelta(hours=5), 6: timedelta(hours=10), 7: timedelta(hours=14), 8: timedelta(hours=20),
    9: timedelta(hours=24),
}  # fmt: skip
"""After so many failures the next try comes so much later; the first comes at once."""


@pytest.mark.parametrize(("failures", "later"), SCHEDULE.items())
def test_each_try_comes_so_long_after_the_last_failure(failures: int, later: timedelta) -> None:
    """Value by value, up to 10 % more or less: of a thousand messages some come early, some late, none outside."""
    waits = [wait(f"fx_{number}", failures) for number in range(1_000)]
    assert later * 0.9 <= min(waits) < later * 0.92
    assert later * 1.08 < max(waits) <= later * 1.1
    assert DELAYS[0] == timedelta(0)


def test_after_the_tenth_try_there_is_none() -> None:
    assert next_try("msg_1", 9, NOW) is not None
    assert next_try("msg_1", 10, NOW) is None
    assert next_try("msg_1", 11, NOW, timedelta(seconds=1)) is None


@given(ENTRIES, TRIES)
def test_jitter_is_ten_percent_at_most_and_the_same_after_a_restart(entry: str, tries: int) -> None:
    """I9"""
    assert DELAYS[tries] * 0.899 <= wait(entry, tries) <= DELAYS[tries] * 1.101
    assert wait(entry, tries) == wait(entry, tries)


@given(ENTRIES)
def test_waits_never_shrink(entry: str) -> None:
    waits = [wait(entry, tries) for tries in range(1, MOST_TRIES)]
    assert waits == sorted(waits)


@given(ENTRIES, TRIES, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_what_the_receiver_asks_is_kept_up_to_a_day_and_never_shortens_our_wait(
    entry: str, tries: int, asked: timedelta
) -> None:
    assert wait(entry, tries, asked) == max(wait(entry, tries), min(asked, LONGEST_WAIT))


def test_messages_do_not_come_back_all_at_once() -> None:
    assert len({wait(f"msg_{number}", 4) for number in range(100)}) > 90


def test_retry_after_is_seconds_or_a_date() -> None:
    assert parse_retry_after("120", NOW) == timedelta(minutes=2)
    assert parse_retry_after("Mon, 02 Mar 2026 09:10:00 GMT", NOW) == timedelta(minutes=10)
    assert parse_retry_after("Mon, 02 Mar 2026 08:00:00 GMT", NOW) == timedelta(0)


@given(st.one_of(st.none(), st.text()))
def test_any_other_retry_after_is_ignored_and_never_an_error(header: str | None) -> None:
    asked = parse_retry_after(header, NOW)
    assert asked is None or asked >= timedelta(0)
    assert parse_retry_after("soon", NOW) is None
    assert parse_retry_after("-5", NOW) is None
    assert parse_retry_after("99999999999999", NOW) is None
