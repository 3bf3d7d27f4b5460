"""Clocks that stand still while sales waits for the customer (R17)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from factories import ANA, DAY, HOUR, NOW, make_book, make_contact, make_episode, make_situation
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode, State
from connector.domain.timer import BREACH, Timer
from connector.rules import sla
from connector.rules.decide import decide
from connector.rules.rulebook import RuleBook

CALENDARS = {"office": {"zone": "UTC", "hours": {"mon-fri": ["09:00-18:00"]}}}


def book(limit: str = "48h") -> RuleBook:
    answer = {"label": "answer", "until": "verdict", "limit": limit, "pauses": True, "warn_at": []}
    age = {"label": "end", "until": "end", "limit": "60d", "warn_at": []}
    waiting = {"field": "status", "op": "in", "value": ["waiting"]}
    return make_book(
        sla={"calendars": CALENDARS, "waiting": waiting, "clocks": {"answer": answer, "age": age}},
    )  # fmt: skip


def seen(episode: Episode, status: str | None = None) -> Decision:
    contact = make_contact(owner=ANA, status=status, changed_at={"status": NOW - DAY * 3})
    return decide(make_situation(contact, episodes=[episode]), book(), now=NOW)


def paused(limit: str, since: datetime, until: datetime) -> datetime:
    """When a clock that began now is due after such a pause."""
    episode = make_episode()
    timer = next(t for t in sla.clocks(episode, book(limit).sla, now=NOW) if (t.name, t.level) == ("answer", BREACH))
    after: Timer = sla.resumed(replace(timer, paused_at=since), episode, book(limit).sla, now=until)
    assert after.paused_at is None
    return after.due_at


def test_a_field_says_that_sales_waits_and_that_it_goes_on() -> None:
    waits = seen(make_episode(state=State.WORKING), "waiting")
    assert (waits.action, waits.sentence) == (
        Action.ADVANCE, "Sales waits for the customer: clocks that allow it stand still.",
    )  # fmt: skip
    assert waits.episode is not None
    assert waits.episode.waiting_since == NOW
    assert seen(waits.episode, "waiting").action is Action.NOTHING
    back = seen(waits.episode)
    assert (back.sentence, back.episode and back.episode.waiting_since) == ("Sales goes on.", None)


@pytest.mark.parametrize(
    ("limit", "since", "until", "due"),
    [
        ("48h", HOUR, 25 * HOUR, NOW + 72 * HOUR),                                   # by the wall clock
        ("8bh", 2 * HOUR, 4 * HOUR, NOW + DAY + HOUR),                               # 6 left at 13:00: one tomorrow
        ("8bh", 8.5 * HOUR, 20 * HOUR, NOW + 8 * HOUR),                              # due before it was paused
        ("8bh", 2 * HOUR, DAY - HOUR, NOW + DAY + 6 * HOUR),                         # goes on before work begins
        ("2bd", 2 * HOUR, 4 * HOUR, NOW + 2 * DAY + 2 * HOUR),
    ],
)
def test_a_clock_goes_on_with_the_time_that_it_had_left(
    limit: str, since: timedelta, until: timedelta, due: datetime
) -> None:
    """R18: business time is taken up by open hours only. It began on a Monday at 09:00."""
    assert paused(limit, NOW + since, NOW + until) == due


@given(st.sampled_from(["48h", "8bh", "20bh"]), st.integers(0, 5_000), st.integers(0, 9_000))
def test_what_was_left_is_what_is_left(limit: str, since: int, length: int) -> None:
    """Open time up to the pause and after it is the limit; a pause never makes a clock due earlier."""
    rules, begins = book(limit).sla, NOW + timedelta(minutes=since)
    first = next(t.due_at for t in sla.clocks(make_episode(), rules, now=NOW) if t.name == "answer")
    ends = begins + timedelta(minutes=length)
    due = paused(limit, begins, ends)
    assert due >= first
    calendar = rules.calendars["office"].calendar("UTC")
    if begins < first and limit != "48h":
        assert calendar.open_time(NOW, begins) + calendar.open_time(ends, due) == calendar.open_time(NOW, first)


def test_only_clocks_that_say_so_stand_still() -> None:
    timers = sla.clocks(make_episode(), book().sla, now=NOW)
    assert {timer.name: sla.may_pause(timer, book().sla) for timer in timers} == {"answer": True, "age": False}


@pytest.mark.parametrize(
    "keys",
    [
        {"clocks": {"answer": {"label": "x", "until": "end", "limit": "1d", "pauses": True}}},  # no `waiting`
        {"waiting": {"activity": {"kind": "page_view"}}},
    ],
)
def test_what_makes_no_sense_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        sla.SlaRules.model_validate({"calendars": CALENDARS, **keys})
