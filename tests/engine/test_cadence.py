"""N touches in M days (R17), from what the CRM has logged to who hears that they lack."""

from __future__ import annotations

import json

import pytest
from factories import DAY, HOUR, MINUTE, demo_request, make_activity, make_book

from connector.domain.activity import TOUCHES, ActivityKind
from engine.world import World

CADENCE = {
    "label": "3 touches", "until": "touches", "touches": 3, "at_least": {"call": 2}, "limit": "5d", "warn_at": [80],
    "escalate": [{"at": 200, "tell": ["ops"]}],
}  # fmt: skip
SLA = {"calendars": {"office": {"zone": "UTC", "hours": {"mon-fri": ["09:00-18:00"]}}}, "clocks": {"cadence": CADENCE}}


@pytest.fixture
def world() -> World:
    """Ana has a lead since Monday, and is asked for three touches within five days, two of them calls."""
    made = World(make_book(sla=SLA)).begin()
    made.crm.add()
    made.crm.happen(demo_request(made.clock.now()))
    made.run()
    made.delivery.sent.clear()
    return made


def touch(world: World, *channels: str) -> None:
    for number, channel in enumerate(channels):
        at = world.clock.now() - (number + 1) * MINUTE
        row = make_activity(ActivityKind.TOUCH, at, stream=TOUCHES, id=f"{channel}-{at:%d%H%M}", name=channel)
        world.crm.happen(row)


def levels(world: World) -> list[tuple[str, str]]:
    clocks = [entry for entry in world.delivery.sent if entry.kind.startswith("sla.")]
    return [(entry.kind, json.loads(entry.body)["level"]) for entry in clocks]


def test_enough_touches_stop_the_clock(world: World) -> None:
    world.clock.pass_by(HOUR)
    touch(world, "call", "call", "email")
    world.run()
    episode = world.episode()
    assert (episode.calls, episode.mails, world.timers()) == (2, 1, [])
    world.run_later(20 * DAY)
    assert levels(world) == []


def test_too_few_are_told_of_and_later_somebody_higher_hears(world: World) -> None:
    """R17: at risk, breach, and a step of escalation."""
    world.clock.pass_by(HOUR)
    touch(world, "call", "email", "email")
    world.run()
    world.run_later(4 * DAY)
    world.run_later(DAY)
    world.run_later(5 * DAY)
    assert levels(world) == [
        ("sla.at_risk", "at_risk_80"), ("sla.breached", "breach"), ("sla.breached", "escalated_200"),
    ]  # fmt: skip


def test_only_where_a_clock_asks_for_them_touches_are_read() -> None:
    world = World().begin()
    world.run()
    assert TOUCHES not in [call[1] for call in world.crm.asked if call[0] == "pull_activities"]


def test_what_a_former_owner_did_does_not_count_for_the_new_one(world: World) -> None:
    """R17: a person gives the lead to Ben after two calls by Ana; Ben is asked for all three."""
    world.clock.pass_by(HOUR)
    touch(world, "call", "call")
    world.run()
    assert (world.episode().owner, world.episode().calls) == ("7", 2)
    world.crm.edit(owner="8")
    world.run_later(HOUR)
    assert (world.episode().owner, world.episode().calls) == ("8", 0)
    world.clock.pass_by(HOUR)
    touch(world, "call")
    world.run()
    assert world.episode().calls == 1
    assert {(timer.name, timer.assignment) for timer in world.timers()} == {("cadence", 2)}
