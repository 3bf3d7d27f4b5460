"""The suppression list is made anew, or the rules name another one: held leads follow (I1)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from portal_world import Build, World

NAME = "Handoff: in sales' hands"


def number(world: World, name: str = NAME) -> str:
    return str(world.api("GET", f"/crm/v3/lists/object-type-id/0-1/name/{quote(name)}")["list"]["listId"])


def make(world: World, name: str = NAME) -> str:
    body = {"name": name, "objectTypeId": "0-1", "processingType": "MANUAL"}
    return str(world.api("POST", "/crm/v3/lists", body)["list"]["listId"])


def members(world: World, list_id: str) -> set[str]:
    rows: list[dict[str, Any]] = world.api("GET", f"/crm/v3/lists/{list_id}/memberships", limit=250)["results"]
    return {str(row["recordId"]) for row in rows}


def two_leads(build: Build) -> tuple[World, str, str]:
    world = build()
    world.sync()
    world.later(hours=1)
    kim, lee = world.asks("kim@harbour.example"), world.asks("lee@orchard.example")
    assert world.sync().counts.handed_off == 2
    world.later(hours=1)
    return world, kim, lee


def test_a_list_that_was_deleted_and_made_anew_holds_the_same_leads(build: Build) -> None:
    """I1, P3: nobody is told again."""
    world, kim, lee = two_leads(build)
    told = len([notice for notice in world.receiver.notices if notice["type"] == "lead.handed_off"])
    world.api("DELETE", f"/crm/v3/lists/{number(world)}")
    anew = make(world)
    report = world.sync()
    assert members(world, anew) == {kim, lee} and report.exit_code == 0
    assert any("another one now" in line for line in report.troubles)
    assert len([notice for notice in world.receiver.notices if notice["type"] == "lead.handed_off"]) == told
    world.later(hours=1)
    assert not any("another one now" in line for line in world.sync().troubles)


def test_when_the_rules_name_another_list_only_the_released_leave_the_former_one(build: Build) -> None:
    """I1: whom a person put there stays; whom nothing holds any more leaves both."""
    world, kim, lee = two_leads(build)
    former, other = number(world), make(world, "Sales has them")
    stranger = world.contact("pat@quarry.example")
    world.api("PUT", f"/crm/v3/lists/{former}/memberships/add", [int(stranger)])
    world.watch(lists=["Sales has them", NAME])
    world.rule("suppression", NAME, "Sales has them")
    world.sync()
    assert (members(world, other), members(world, former)) == ({kim, lee}, {kim, lee, stranger})
    world.later(hours=1)
    world.edit(kim, handoff_verdict="recycle")
    world.sync()
    assert (members(world, other), members(world, former)) == ({lee}, {lee, stranger})


def test_a_list_that_was_renamed_is_the_same_list(build: Build) -> None:
    """I1: not one call changes a member."""
    world, kim, lee = two_leads(build)
    same = number(world)
    world.api("PUT", f"/crm/v3/lists/{same}/update-list-name", listName="Sales has them")
    world.watch(lists=["Sales has them"])
    world.rule("suppression", NAME, "Sales has them")
    world.log(mark="ours")
    world.sync()
    assert members(world, same) == {kim, lee}
    assert world.ours("list_add", "list_remove", mark="ours") == []


def test_a_database_that_was_lost_empties_no_list_and_its_leads_are_taken_up_from_their_marks(build: Build) -> None:
    """I1, P3, P7"""
    world, kim, lee = two_leads(build)
    assert "nothing of Handoff's holds" not in world.handoff("check").stderr
    for path in world.folder.glob("handoff.db*"):
        path.unlink()
    world.sync()
    world.later(hours=1)
    world.sync()
    assert members(world, number(world)) == {kim, lee}
    assert "nothing of Handoff's holds" not in world.handoff("check").stderr
    assert {one["contact"] for one in json.loads(world.handoff("leads", "--json").stdout)["leads"]} == {kim, lee}
