"""Sweep: what comes due by time alone, found by index (R17, R21, R41)."""

from __future__ import annotations

import json

import pytest
from factories import DAY, HOUR, MINUTE, demo_request, pricing_view

from connector.domain.episode import State
from engine.world import World


@pytest.fixture
def world() -> World:
    """A hand-raiser in Ana's hands since Monday 09:10; the first call is due within a business hour."""
    world = World().begin()
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.delivery.sent.clear()
    return world


def reminders(world: World) -> list[tuple[str, str]]:
    clocks = [entry for entry in world.delivery.sent if entry.kind.startswith("sla.")]
    return [(entry.kind, json.loads(entry.body)["level"]) for entry in clocks]


def test_the_rep_is_warned_twice_and_the_breach_is_told(world: World) -> None:
    """R17"""
    for minutes in (31, 19, 11):
        world.run_later(minutes * MINUTE)
    assert reminders(world) == [
        ("sla.at_risk", "at_risk_50"), ("sla.at_risk", "at_risk_80"), ("sla.breached", "breach"),
    ]  # fmt: skip


def test_a_reminder_is_given_once(world: World) -> None:
    """I5"""
    world.run_later(31 * MINUTE)
    world.run_later(MINUTE)
    assert len(reminders(world)) == 1


def test_an_outage_catches_up_once_and_warns_nobody_of_what_has_happened(world: World) -> None:
    world.run_later(9 * DAY)
    assert reminders(world) == [("sla.breached", "breach")] * 2
    world.delivery.sent.clear()
    world.run_later(9 * DAY)
    assert reminders(world) == []


def missed(world: World) -> list[str]:
    with world.store.reading() as uow:
        return sorted(one.clock for one in uow.limits() if one.fired_at is not None)


@pytest.mark.parametrize("verdict", ["accepted", "recycle", "unreachable"])
def test_an_answer_that_came_too_late_counts_as_missed_though_no_run_looked_in_between(
    world: World, verdict: str
) -> None:
    """R28: and nobody is told that it is late, for it has come."""
    world.clock.pass_by(9 * DAY)
    world.crm.edit(verdict=verdict)
    world.run_later()
    assert missed(world) == ["first_touch", "verdict"]
    assert reminders(world) == []


@pytest.mark.parametrize("verdict", ["accepted", "recycle", "unreachable"])
def test_an_answer_that_came_in_time_is_kept_though_no_run_looked_for_days(world: World, verdict: str) -> None:
    """R28"""
    world.clock.pass_by(30 * MINUTE)
    world.crm.edit(verdict=verdict)
    world.run_later(9 * DAY)
    assert missed(world) == []
    assert reminders(world) == []


def test_a_touch_that_came_too_late_counts_as_missed_and_the_answer_is_still_due(world: World) -> None:
    """R17, R28"""
    world.clock.pass_by(3 * HOUR)
    world.crm.edit(last_touch_at=world.clock.now().isoformat())
    world.run_later()
    assert missed(world) == ["first_touch"]


def test_of_two_reminders_that_are_due_the_later_one_is_told(world: World) -> None:
    world.run_later(50 * MINUTE)
    assert reminders(world) == [("sla.at_risk", "at_risk_80")]


def test_a_reminder_says_when_the_time_of_its_own_clock_is_up(world: World) -> None:
    """R14: not when another clock's is, nor nothing where that one was stopped."""
    limits = {timer.name: timer.due_at.isoformat() for timer in world.timers() if timer.level == "breach"}
    world.crm.edit(last_touch_at=(world.clock.now() + MINUTE).isoformat())
    for _ in range(5):
        world.run_later(12 * HOUR)
    told = [json.loads(entry.body) for entry in world.delivery.sent if entry.kind.startswith("sla.")]
    assert told and {row["due"]["at"] for row in told} == {limits["verdict"]}


def test_a_call_stops_the_clock(world: World) -> None:
    world.crm.edit(last_touch_at=(world.clock.now() + MINUTE).isoformat())
    world.run_later(2 * HOUR)
    assert reminders(world) == []
    assert {timer.name for timer in world.timers()} == {"verdict", "age"}


def test_an_answer_stops_all_clocks_but_those_to_the_end(world: World) -> None:
    world.crm.edit(verdict="accepted")
    world.run_later(9 * DAY)
    assert (reminders(world), {timer.name for timer in world.timers()}) == ([], {"age"})


@pytest.mark.parametrize("verdict", ["junk", "recycle"])
def test_an_ended_lead_reminds_nobody(world: World, verdict: str) -> None:
    world.crm.edit(verdict=verdict)
    world.run_later(MINUTE)
    world.delivery.sent.clear()
    world.run_later(9 * DAY)
    assert reminders(world) == []


def test_a_reminder_that_was_cut_off_is_not_given_twice(world: World) -> None:
    """P1"""
    world.clock.pass_by(31 * MINUTE)
    world.delivery.down = True
    world.run()
    world.delivery.down = False
    world.run()
    assert len(reminders(world)) == 1


# -- return conditions -----------------------------------------------------------------------------------------------


def test_the_day_that_the_rep_named_brings_the_lead_back_to_the_rep(world: World) -> None:
    """R21, R24"""
    world.crm.edit(verdict="recycle", verdict_reason="locked_in_contract", return_on="2026-06-30")
    world.run_later()
    (wake,) = world.timers()
    world.run_later(80 * DAY)
    assert len(world.episodes()) == 1
    world.clock.at = wake.due_at
    world.run()
    assert [episode.state for episode in world.episodes()] == [State.RECYCLED, State.HANDED_OFF]
    assert (world.episode().lane, world.episode().owner) == ("return", "7")
    assert (world.crm.value("101", "verdict"), world.crm.value("101", "return_on")) == ("", "")


def test_from_its_day_on_interest_counts_again_without_a_word(world: World) -> None:
    """R21"""
    world.crm.edit(verdict="recycle", verdict_reason="no_buying_power")
    world.run_later()
    world.delivery.sent.clear()
    world.run_later(59 * DAY)
    for minutes in (3, 2):
        world.crm.happen(pricing_view(world.clock.now() - minutes * MINUTE))
    world.run()
    assert world.kinds() == []
    world.run_later(2 * DAY)
    assert world.kinds() == ["lead.handed_off"]


def test_a_hand_raise_does_not_wait_for_the_day(world: World) -> None:
    """R24"""
    world.crm.edit(verdict="recycle", verdict_reason="bad_fit")
    world.run_later()
    world.clock.pass_by(DAY)
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    assert [episode.state for episode in world.episodes()] == [State.RECYCLED, State.HANDED_OFF]
    world.run_later(89 * DAY)
    assert len(world.episodes()) == 2
