"""Health of destinations: what each answer teaches (reliability.md, section 3; fault row "receiver down")."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fake_outbox import NOW
from hypothesis import given
from hypothesis import strategies as st

from connector.delivery.health import FAILING_FOR, FEWEST_FAILURES, REST, learn
from connector.engine.ports import DestinationState

WELL = DestinationState(name="crm")
ANSWERS = st.one_of(st.none(), st.integers(100, 599))
SPANS = st.timedeltas(timedelta(0), timedelta(days=3))


def after(
    *answers: int | None, every: timedelta = timedelta(hours=1), asked: timedelta | None = None
) -> DestinationState:
    """The state after these answers, one an hour."""
    state, at = WELL, NOW
    for status in answers:
        state, at = learn(state, status, at, asked), at + every
    return state


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_a_2xx_makes_it_well(status: int) -> None:
    ill = after(None, None, None, 503)
    assert ill.failing_since == NOW and ill.failures == 4 and ill.rests_until is not None
    assert learn(ill, status, NOW, None) == WELL


@pytest.mark.parametrize("status", [None, 199, 300, 301, 400, 404, 422, 500, 503])
def test_anything_else_is_a_failure_and_the_first_one_is_remembered(status: int | None) -> None:
    state = after(status, status)
    assert (state.failing_since, state.failures, state.off_at) == (NOW, 2, None)
    assert state.rests_until is None


@pytest.mark.parametrize("status", [429, 502, 504])
def test_an_overloaded_one_rests_a_minute(status: int) -> None:
    assert after(status).rests_until == NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("asked", "rests"),
    [
        (timedelta(seconds=5), REST),
        (timedelta(minutes=10), timedelta(minutes=10)),
        (timedelta(hours=24), timedelta(hours=24)),
        (timedelta(days=900), timedelta(hours=24)),
    ],
)
def test_it_rests_as_long_as_it_asks_and_a_day_at_most(asked: timedelta, rests: timedelta) -> None:
    assert after(429, asked=asked).rests_until == NOW + rests


def test_a_longer_rest_is_not_shortened_by_a_later_answer() -> None:
    asked = learn(WELL, 429, NOW, timedelta(hours=1))
    assert learn(asked, 502, NOW + timedelta(minutes=1), None).rests_until == NOW + timedelta(hours=1)


def test_three_posts_in_a_row_without_an_answer_make_it_rest_and_each_further_one_again() -> None:
    second = NOW + timedelta(hours=2)
    assert after(None, None).rests_until is None
    assert after(None, None, None).rests_until == second + REST
    assert after(None, None, None, None).rests_until == second + timedelta(hours=1) + REST
    assert after(None, None, 500, None).rests_until is None, "not in a row"


def test_410_switches_it_off_at_once_and_for_good() -> None:
    gone = after(410)
    assert (gone.off_at, gone.off_by, gone.times_off) == (NOW, "gone", 1)
    assert not gone.may_send(NOW + timedelta(days=400))
    assert learn(gone, 500, NOW + timedelta(days=9), None).off_by == "gone"


def test_five_days_of_failures_switch_it_off() -> None:
    state = after(*[500] * 120)     # the last one comes 4 days and 23 hours after the first
    assert state.off_at is None
    off = learn(state, None, NOW + FAILING_FOR, None)
    assert (off.off_at, off.off_by, off.times_off) == (NOW + timedelta(days=5), "failing", 1)


def test_one_success_in_between_begins_the_five_days_anew() -> None:
    state = after(*[500] * 100, 200, *[500] * 119)
    assert state.off_at is None and state.failing_since == NOW + timedelta(hours=101)


def test_two_failures_five_days_apart_are_no_five_days_of_failing() -> None:
    state = after(*[500] * (FEWEST_FAILURES - 1), every=timedelta(days=9))
    assert state.off_at is None
    assert learn(state, 500, NOW + timedelta(days=18), None).off_by == "failing"


def test_what_a_person_switched_off_stays_so() -> None:
    paused = replace(WELL, off_at=NOW, off_by="person", times_off=3)
    for status in (200, 410, 500, None):
        later = learn(paused, status, NOW + timedelta(days=6), None)
        assert (later.off_at, later.off_by, later.times_off) == (NOW, "person", 3)


@given(st.lists(st.tuples(ANSWERS, SPANS), max_size=60))
def test_whatever_it_answers_the_state_tells_the_truth(answers: list[tuple[int | None, timedelta]]) -> None:
    """Failing since the first failure after the last 2xx; off only by 410 or after five days without any."""
    state, at, failed_at = WELL, NOW, None
    for status, span in answers:
        at += span
        state = learn(state, status, at, None)
        ok = status is not None and 200 <= status < 300
        failed_at = None if ok else failed_at or at
        assert state.failing_since == failed_at
        assert state.rests_until is None or state.rests_until <= at + timedelta(hours=24)
        if state.off_by == "failing":
            assert failed_at is None or at - failed_at >= FAILING_FOR or state.off_at != at
        assert (state.off_at is None) == (state.off_by == "") == (state.times_off == 0)
        if state.off_at is not None:
            return
