"""Merged, archived and erased contacts: no second handoff, no notice about nobody, and the run goes on (I11, I12)."""

from __future__ import annotations

import pytest
from portal_world import Build, World


@pytest.mark.parametrize("new_id", [False, True])
def test_a_merge_keeps_one_episode_and_the_hold(build: Build, new_id: bool) -> None:
    """I12: the episode follows the survivor, whichever id it has; nobody is handed over twice."""
    world = build(enterprise=True, switches={"merge_new_id": new_id})
    world.sync()
    world.later(hours=1)
    lead = world.asks("ana@merge.example")
    other = world.contact("ana.other@merge.example")
    world.sync()
    episode = world.read(lead, "handoff_episode")["handoff_episode"]
    world.later(hours=1)
    survivor = str(world.act("merge", contact=other, other=lead)["contact"])
    told = len(world.receiver.of("lead.handed_off"))
    for _ in range(3):
        world.later(minutes=20)
        assert world.sync().exit_code == 0
    assert len(world.receiver.of("lead.handed_off")) == told == 1
    said = world.handoff("leads", "--json").stdout
    assert episode in said and said.count(episode) == 1
    assert survivor in said
    assert world.members() == {survivor}, "suppression of either side stays"
    world.later(hours=1)
    world.edit(survivor, handoff_verdict="accepted")
    world.sync()
    stands = world.read(survivor, "handoff_state", "handoff_episode")
    assert (stands["handoff_state"], stands["handoff_episode"]) == ("accepted", episode)


def test_two_leads_in_sales_hands_that_are_merged_are_one_from_then_on(world: World) -> None:
    """I12: two open attempts become one."""
    first, second = world.asks("a@both.example"), world.asks("b@both.example")
    world.sync()
    world.later(hours=1)
    survivor = str(world.act("merge", contact=first, other=second)["contact"])
    for _ in range(3):
        world.later(minutes=20)
        assert world.sync().exit_code == 0
    assert world.receiver.kinds()["lead.handed_off"] == 2
    world.later(days=1)
    world.edit(survivor, handoff_verdict="recycle")
    assert world.sync().counts.recycled == 1
    assert world.members() == set()
    world.later(days=1)
    assert world.sync().counts.handed_off == 0


def test_an_archived_lead_has_no_clock_any_more_and_comes_back_as_a_lead_without_one(world: World) -> None:
    """The contact was deleted in the CRM: nothing more is told of it."""
    contact = world.asks("gone@deleted.example")
    world.sync()
    world.later(minutes=10)
    world.act("archive", contact=contact)
    assert world.sync().exit_code == 0
    told = len(world.receiver.notices)
    world.later(days=4)
    assert world.sync().exit_code == 0
    assert len(world.receiver.notices) == told, "no reminder about somebody who is gone"


def test_a_contact_that_is_erased_between_pull_and_write_is_let_go(world: World) -> None:
    """I11: the others of the batch are written; nobody is told of the one that is gone."""
    asked = [world.asks(f"p{number}@erased-{number}.example") for number in range(4)]
    with world.connector() as connector:
        read = connector.gateway.read_contacts
        gone: list[str] = []

        def erase_then_read(*args: object, **more: object) -> object:
            if not gone:
                gone.append(asked[1])
                world.act("erase", contact=asked[1])
            return read(*args, **more)  # type: ignore[arg-type]  # handed on as it came

        connector.gateway.read_contacts = erase_then_read  # type: ignore[method-assign,assignment]  # the one moment
        report = connector.sync()
    assert report.exit_code in (0, 1)
    told = {notice["data"]["contact_id"] for notice in world.receiver.of("lead.handed_off")}
    assert told == {asked[0], asked[2], asked[3]}
    world.later(minutes=10)
    assert world.sync().exit_code == 0
    assert len(world.receiver.of("lead.handed_off")) == 3
