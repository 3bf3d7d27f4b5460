"""Notify: who is told of what, and when a notice may leave (P2, P3, I5, R14)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from factories import DAY, HOUR, MINUTE, demo_request, make_deal

from connector.domain.deal import DealState
from engine.world import World


@pytest.fixture
def world() -> World:
    world = World().begin()
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    return world


def entry_statuses(world: World) -> list[str]:
    return [entry.status for entry in world.entries()]


def test_a_notice_waits_for_its_write(world: World) -> None:
    """I4: nobody is told of what the CRM does not show."""
    seen: list[list[str]] = []
    world.crm.before("update_contacts", lambda: seen.append(entry_statuses(world)))
    world.run()
    assert (seen, entry_statuses(world)) == ([["held"]], ["sent"])


def test_a_notice_whose_write_was_refused_is_cancelled_and_comes_back_with_the_retry(world: World) -> None:
    """P3, I5: under its own id."""
    world.crm.refuse("101")
    world.run()
    (cancelled,) = world.entries()
    world.run_later()
    (sent,) = world.entries()
    assert (cancelled.status, sent.status) == ("cancelled", "sent")
    assert cancelled.id == sent.id


def test_a_receiver_that_is_down_gets_its_notice_later(world: World) -> None:
    """P2"""
    world.delivery.down = True
    world.run()
    assert entry_statuses(world) == ["due"]
    world.delivery.down = False
    world.run_later()
    assert world.kinds()[0] == "lead.handed_off"


def test_nobody_is_told_where_no_destination_is_on(world: World) -> None:
    world.destinations = {"reps": False}
    report = world.run()
    assert (report.counts.notices_queued, world.kinds()) == (0, [])
    assert world.crm.value("101", "owner") == "7"


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({"verdict": "accepted"}, []),
        ({"verdict": "recycle"}, ["lead.recycled"]),
        ({"verdict": "unreachable"}, ["lead.recycled"]),
        ({"verdict": "junk"}, ["lead.recycled"]),
        ({"stage": "customer"}, []),
        ({"owner": "8"}, ["lead.withdrawn", "lead.moved"]),
        ({"owner": "8", "verdict": "recycle"}, ["lead.recycled", "lead.withdrawn"]),
        ({"do_not_contact": "true"}, ["lead.recycled"]),
    ],
)
def test_what_people_do_to_a_lead_is_told_to_whom_it_concerns(
    world: World, fields: dict[str, str], kinds: list[str]
) -> None:
    """R23: marketing hears of a hand-back; owners hear of owners."""
    world.run()
    world.clock.pass_by(HOUR / 60)
    world.delivery.sent.clear()
    world.crm.edit(**fields)
    world.run()
    assert world.kinds() == kinds


def test_a_lost_deal_is_told_to_marketing(world: World) -> None:
    """R23, R25"""
    world.run()
    world.clock.pass_by(HOUR / 60)
    world.crm.deals.append(make_deal(DealState.LOST, at=world.clock.now()))
    world.run()
    assert world.kinds()[-1] == "lead.recycled"


def test_the_packet_says_until_when(world: World) -> None:
    """R14, R18: one business hour for who asked for a demo."""
    world.run()
    due: Any = json.loads(world.delivery.sent[0].body)["due"]
    assert due["at"].startswith("2026-03-02T10:10")
    assert world.crm.value("101", "due_at").startswith("2026-03-02T10:10")


def test_a_clock_that_was_stopped_in_the_same_pull_is_not_told_as_running(world: World) -> None:
    """I7: the rep took the lead and it asked once more; the write that empties the day is still on its way then."""
    world.run()
    world.clock.pass_by(MINUTE)
    world.crm.edit(first_touch_at=world.clock.now().isoformat())
    world.crm.happen(demo_request(world.clock.now()))
    world.run_later(MINUTE)
    told = {sent.kind: json.loads(sent.body) for sent in world.delivery.sent}
    assert told["lead.signal"]["due"] is None and not world.crm.value("101", "due_at")


def test_years_of_runs_tell_of_one_handover_once(world: World) -> None:
    """P3"""
    for _ in range(12):
        world.run_later(30 * DAY)
    assert world.kinds().count("lead.handed_off") == 1
