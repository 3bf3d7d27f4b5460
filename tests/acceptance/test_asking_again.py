"""Who asks for sales is heard, whatever else happens in that moment; found by trying to break it."""

from __future__ import annotations

from typing import Any

import pytest
from portal_world import Build, World

LEAD = "kim@between.example"


def settle(world: World, times: int = 3) -> None:
    for _ in range(times):
        world.later(minutes=5)
        world.sync()


def owners(world: World) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = world.api("GET", "/crm/v3/owners")["results"]
    return rows


@pytest.mark.parametrize("first", ["verdict", "form"])
def test_a_hand_raise_between_two_syncs_with_the_end_of_the_episode_opens_another(world: World, first: str) -> None:
    """R24, R40: the rep's word ends the first episode, and does not answer what came in the same minutes."""
    contact = world.asks(LEAD)
    world.sync()
    world.later(hours=3)
    if first == "form":
        world.asks(LEAD, form="Free audit")
        world.later(minutes=1)
    world.edit(contact, handoff_verdict="recycle", handoff_verdict_reason="not_ready")
    if first == "verdict":
        world.later(minutes=2)
        world.asks(LEAD, form="Free audit")
    settle(world)
    assert len(world.receiver.of("lead.recycled")) == 1
    assert len({notice["data"]["episode"] for notice in world.receiver.of("lead.handed_off")}) == 2
    assert world.listed() == {contact}
    settle(world, 2)
    assert len(world.receiver.of("lead.handed_off")) == 2


def test_a_persons_edit_after_a_write_whose_answer_was_lost_stands_and_is_seen(world: World) -> None:
    """I2, I7"""
    contact = world.asks(LEAD)
    fault = {"kind": "timeout_after", "method": "POST", "path": "contacts/batch/update", "times": 1, "seconds": 0.1}
    world.faults(fault)
    world.sync()
    world.later(minutes=2)
    ours = world.read(contact, "hubspot_owner_id")["hubspot_owner_id"]
    other = next(owner["id"] for owner in owners(world) if owner["id"] != ours)
    world.edit(contact, hubspot_owner_id=other)
    settle(world)
    assert world.read(contact, "hubspot_owner_id")["hubspot_owner_id"] == other
    kinds = ("lead.handed_off", "lead.moved")
    told = [notice["data"]["owner_id"] for kind in kinds for notice in world.receiver.of(kind)]
    assert told[-1] == other


def test_a_contact_that_was_archived_and_restored_is_held_like_any_other(world: World) -> None:
    """I1, R11: the CRM took it off the list when it was archived."""
    contact = world.asks(LEAD)
    world.sync()
    world.later(hours=1)
    world.act("archive", contact=contact)
    world.sync()
    world.later(hours=1)
    world.act("restore", contact=contact)
    world.sync()
    world.later(hours=1)
    world.asks(LEAD, form="Free audit")
    world.sync()
    assert world.listed() == {contact}


def test_leads_of_an_owner_who_left_go_to_somebody_who_is_there(world: World) -> None:
    """R12: with a message to the new one, and a clock of his own."""
    contact = world.asks(LEAD)
    world.sync()
    before = world.read(contact, "hubspot_owner_id")["hubspot_owner_id"]
    world.control("POST", "owners", {"id": before, "email": "gone@sales.example", "archived": True})
    settle(world, 2)
    after = world.read(contact, "hubspot_owner_id")["hubspot_owner_id"]
    assert after != before
    (moved,) = world.receiver.of("lead.moved")
    assert moved["data"]["owner_id"] == after


def test_what_the_index_shows_a_quarter_of_an_hour_late_is_still_seen(world: World) -> None:
    """I4, P4: a trailing pass reaches further back than the overlap of every run."""
    world.switch(lag_seconds=900)
    world.asks(LEAD)
    for _ in range(6):
        world.later(minutes=15)
        world.sync()
    assert len(world.receiver.of("lead.handed_off")) == 1


def test_a_hand_raise_between_the_last_shadow_run_and_the_first_live_one_is_heard(build: Build) -> None:
    """R41: what shadow mode saw is the past; what came after it is not."""
    fresh = build(enterprise=True)
    fresh.sync(env={"HANDOFF_SHADOW": "true"})
    fresh.later(minutes=5)
    fresh.asks(LEAD)
    fresh.later(minutes=1)
    fresh.sync()
    settle(fresh, 1)
    assert len(fresh.receiver.of("lead.handed_off")) == 1
