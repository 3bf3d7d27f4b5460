"""One budget of calls for all processes of one database: what fits, what waits, and a server that is not there."""

from __future__ import annotations

import random
from collections.abc import Iterator
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrate_limiter import Rate, RateItem
from sqlalchemy import text

from connector.store.pacing import SharedWindow, admit


@given(st.lists(st.integers(0, 400), max_size=60), st.integers(1, 8), st.integers(1, 100), st.integers(1, 3))
def test_no_window_ever_holds_more_than_its_rate_and_the_wait_is_just_enough(
    pauses: list[int], limit: int, interval: int, weight: int
) -> None:
    """P8"""
    rate, calls, now = Rate(limit, interval), list[int](), 0
    for pause in pauses:
        now += pause
        said = admit(calls, rate, now, weight)
        if said.allowed:
            calls += [now] * weight
        elif weight <= limit:
            assert said.retry_after_ms is not None and said.retry_after_ms > 0
            assert not admit(calls, rate, now + said.retry_after_ms - 1, weight).allowed
            assert admit(calls, rate, now + said.retry_after_ms, weight).allowed
        assert sum(one >= now - interval for one in calls) <= limit


@pytest.fixture
def server(postgres: str) -> Iterator[tuple[str, str]]:
    """The server's address and the name of a window that nobody else has."""
    yield postgres, f"calls {uuid4().hex[:12]}"


def item(window: SharedWindow, weight: int = 1) -> RateItem:
    return RateItem("call", window.now(), weight=weight)


def test_processes_of_one_database_share_one_budget(server: tuple[str, str]) -> None:
    """P8: two processes, one token; nothing is migrated before the first call."""
    url, name = server
    one, two = (SharedWindow(url, name, [Rate(7, 600_000)]) for _ in range(2))
    choose = random.Random(1)
    went = [window.put(item(window)) for window in choose.choices([one, two], k=12)]
    assert went == [True] * 7 + [False] * 5
    for window in (one, two):
        assert not window.put(item(window))
        waiting = window.waiting(item(window))
        assert isinstance(waiting, int) and 0 < waiting <= 600_001
        window.leak(window.now())
        assert window.count() == 7
    one.flush()
    assert two.put(item(two, weight=7)) and not one.put(item(one))
    with one._engine.begin() as connection:
        connection.execute(text("DELETE FROM handoff_pacing WHERE name = :name"), {"name": name})
    one.close()
    two.close()


def test_a_server_that_is_not_there_does_not_stop_calls_and_one_process_keeps_its_own_limit() -> None:
    """What is wrong with the database is for the store to say."""
    window = SharedWindow("postgresql://nobody@127.0.0.1:1/none", "calls", [Rate(2, 600_000)])
    assert [window.put(item(window)) for _ in range(3)] == [True, True, False]
    waiting = window.waiting(item(window))
    assert isinstance(waiting, int) and waiting > 0
    assert window.count() == 2
    window.close()
