"""Nurture finished, by a list that a workflow fills: handed over once, read with few calls (R05, P8)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from factories import DAY, MINUTE, make_activity, make_book
from fakes import kill

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import ContactId
from engine.world import World

FINISHED = "list:Nurture finished"


def trigger(**more: Any) -> dict[str, Any]:
    asked = {"activity": {"kind": "list_joined", "name": "Nurture finished"} | more.pop("asked", {})}
    return {"name": "nurture-finished", "say": "finished the nurture programme", "when": asked, **more}


def build(**more: Any) -> World:
    """A portal with an empty list, where Kim has been known for a while."""
    world = World(make_book(qualification={"triggers": [trigger(**more)]}), page_size=2)
    world.crm.activities[FINISHED] = []
    world.begin()
    world.crm.add()
    world.run()
    world.clock.pass_by(10 * MINUTE)
    world.crm.forget()
    return world


@pytest.fixture
def world() -> World:
    return build()


def joined(contact: str, at: datetime) -> Activity:
    return make_activity(
        ActivityKind.LIST_JOINED, at, stream=FINISHED, id=f"31-{contact}-{at.isoformat()}",
        contact=ContactId(contact), name="Nurture finished", ref="31",
    )  # fmt: skip


def joins(world: World, contact: str = "101") -> None:
    """The workflow's last step puts the contact on the list, now."""
    world.crm.happen(joined(contact, world.clock.now()))


def pages(world: World) -> list[object]:
    """Where the pages of the list began that were asked for since the last look."""
    found = [what for call, what in world.crm.asked if call == "pull_list"]
    world.crm.forget()
    return found


def test_whoever_finishes_the_programme_is_handed_over_once(world: World) -> None:
    """R05, P3: also where the workflow puts them on the list a second time."""
    joins(world)
    world.run_later()
    assert world.kinds() == ["lead.handed_off"]
    assert world.episode().reason.startswith("Finished the nurture programme")
    joins(world)
    world.run_later()
    world.run_later()
    assert len(world.episodes()) == 1 and world.kinds() == ["lead.handed_off"]


def test_who_was_on_the_list_before_the_first_run_is_the_past() -> None:
    """R41"""
    world = World(make_book(qualification={"triggers": [trigger()]}))
    world.crm.add()
    joins(world)
    world.clock.pass_by(DAY)
    world.run()
    world.run_later()
    assert world.episodes() == []


def test_after_a_hand_back_the_next_programme_counts(world: World) -> None:
    """R24: once per episode."""
    joins(world)
    world.run_later()
    world.crm.edit(verdict="recycle", verdict_reason="not_ready")
    world.run_later()
    world.clock.pass_by(200 * DAY)
    joins(world)
    world.run_later()
    assert [one.is_open for one in world.episodes()] == [False, True]


def test_a_cool_down_counts_from_the_handover() -> None:
    world = build(cool_down="400d")
    joins(world)
    world.run_later()
    world.crm.edit(verdict="recycle", verdict_reason="not_ready")
    world.run_later()
    world.clock.pass_by(200 * DAY)
    joins(world)
    world.run_later()
    assert [one.is_open for one in world.episodes()] == [False]


def test_a_quiet_run_reads_one_page_and_begins_where_the_last_one_ended(world: World) -> None:
    """P8: the list is read from its beginning once a day, and not more."""
    for contact in ("102", "103", "104", "105"):
        world.crm.add(contact)
        joins(world, contact)
    world.run_later()
    world.crm.forget()
    began = list[object]()
    for _ in range(3):
        world.run_later()
        began += pages(world)
    assert began == [2, 2, 2]
    world.run_later(DAY)
    assert pages(world) == [0, 2]
    world.run_later()
    assert pages(world) == [2]


def test_what_the_crm_shows_late_is_seen_by_the_daily_look(world: World) -> None:
    """I4: somebody who joined hours ago, in front of those read already."""
    for contact in ("102", "103"):
        world.crm.add(contact)
        joins(world, contact)
    world.run_later()
    world.run_later()
    late = joined("101", world.clock.now() - timedelta(minutes=15))
    world.crm.activities[FINISHED].insert(0, late)
    world.run_later()
    assert world.episodes() == []
    world.run_later(DAY)
    assert len(world.episodes()) == 1


def test_a_list_that_is_not_there_stops_nothing_else_and_is_asked_for_again_at_once(world: World) -> None:
    """P5, P7"""
    members = world.crm.activities.pop(FINISHED)
    report = world.run_later()
    assert report.troubles == (f"no {FINISHED}",)
    world.crm.activities[FINISHED] = members
    joins(world)
    assert world.run_later().troubles == ()
    assert world.kinds() == ["lead.handed_off"]


def test_a_kill_between_two_pages_goes_on_with_the_second(world: World) -> None:
    """P1"""
    for contact in ("102", "103", "104"):
        world.crm.add(contact)
        joins(world, contact)
    world.clock.pass_by(10 * MINUTE)
    world.crm.before("pull_list", kill, nth=2)
    world.run_and_die()
    world.crm.forget()
    world.run()
    assert pages(world) == [2]
    assert sorted(one for one in ("102", "103", "104") if world.episodes(one)) == ["102", "103", "104"]
