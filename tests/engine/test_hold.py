"""The suppression list is known by its id: held contacts follow when it is another one (I1, I4, P1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from factories import DAY, HOUR, demo_request
from fakes import kill

from connector.domain.contact import ContactId
from connector.engine.undo import undo
from engine.world import World


def lead(world: World, contact: str) -> None:
    world.crm.add(contact)
    world.crm.happen(demo_request(world.clock.now(), contact=contact, id=f"demo-{contact}"))


@pytest.fixture
def world() -> World:
    """Two leads are in sales' hands; a person put a third contact on the list."""
    made = World().begin()
    lead(made, "101")
    lead(made, "102")
    made.crm.add("500")
    made.run()
    made.crm.listed.add(ContactId("500"))
    made.clock.pass_by(HOUR)
    made.crm.forget()
    return made


def recreate(world: World, list_id: str = "2") -> None:
    """Deleted, and made again under the same name: another id, nobody on it."""
    world.crm.lists[world.crm.list_name] = set()
    world.crm.list_ids[world.crm.list_name] = list_id


def rename(world: World, name: str) -> None:
    """Somebody gives the list another name; whoever is on it stays."""
    world.crm.lists[name] = world.crm.lists.pop(world.crm.list_name)
    world.crm.list_ids[name] = world.crm.list_ids.pop(world.crm.list_name)


def rule(world: World, name: str) -> None:
    """suppression.yaml names another list."""
    held = world.book.suppression.marketing_hold.model_copy(update={"list": name})
    rules = world.book.suppression.model_copy(update={"marketing_hold": held})
    world.book = world.crm.book = replace(world.book, suppression=rules)


def released(world: World, contact: str = "101") -> None:
    world.crm.edit(contact, verdict="recycle")


def test_a_quiet_run_asks_once_for_the_list_and_writes_nothing(world: World) -> None:
    world.run()
    assert world.crm.calls("list_id", "add_to_list", "leave_list") == ["list_id"]


def test_where_nobody_is_held_the_list_is_not_asked_for() -> None:
    world = World().begin()
    world.run()
    assert world.crm.calls("list_id") == []


def test_held_contacts_go_onto_the_list_that_was_made_anew_and_nobody_is_told_again(world: World) -> None:
    """I1, P3, P6"""
    recreate(world)
    report = world.run()
    assert sorted(world.crm.listed) == ["101", "102"] and world.kinds().count("lead.handed_off") == 2
    assert (report.counts.handed_off, world.intents("open"), world.dirty()) == (0, [], [])
    assert any("1 → 2" in line for line in report.troubles)
    assert world.audit_of("list") == ["2", "2", "2"], "once for the list, once for each lead"
    assert world.stored("101").on_list and not world.stored("500").on_list
    world.crm.forget()
    assert world.run_later().troubles == () and world.crm.calls("add_to_list") == []


def test_a_list_that_was_renamed_is_the_same_list(world: World) -> None:
    """The rules follow the new name: nobody is put on or taken off."""
    rename(world, "Sales has them")
    rule(world, "Sales has them")
    world.run()
    assert world.crm.calls("add_to_list", "remove_from_list", "leave_list") == []
    assert sorted(world.crm.listed) == ["101", "102", "500"]


def test_when_the_rules_name_another_list_the_former_one_is_left_by_whom_nothing_holds(world: World) -> None:
    """I1: by a recorded rule alone, and never those whom we did not put there."""
    former = world.crm.lists[world.crm.list_name]
    world.crm.lists["Other"], world.crm.list_ids["Other"] = {ContactId("600")}, "9"
    rule(world, "Other")
    world.run()
    assert sorted(world.crm.lists["Other"]) == ["101", "102", "600"] and sorted(former) == ["101", "102", "500"]
    world.clock.pass_by(HOUR)
    released(world)
    world.run_later()
    world.run_later()
    assert sorted(world.crm.lists["Other"]) == ["102", "600"] and sorted(former) == ["102", "500"]
    assert world.audit_of("former")[-1] == "1"


def test_a_former_list_that_is_gone_is_forgotten(world: World) -> None:
    recreate(world)
    world.run()
    released(world)
    world.run_later()
    world.run_later()
    world.crm.forget()
    world.run_later()
    assert world.crm.calls("leave_list") == [] and sorted(world.crm.listed) == ["102"]


def test_without_the_list_the_run_says_so_and_nobody_is_released(world: World) -> None:
    """P7"""
    members = world.crm.lists.pop(world.crm.list_name)
    report = world.run()
    assert any("marketing may write" in line for line in report.troubles)
    world.crm.lists[world.crm.list_name], world.crm.list_ids[world.crm.list_name] = set(), "3"
    world.run_later()
    assert sorted(world.crm.listed) == ["101", "102"] and sorted(members) == ["101", "102", "500"]


def test_a_list_that_is_made_anew_while_a_run_writes_is_followed_by_the_next(world: World) -> None:
    lead(world, "103")
    world.crm.before("add_to_list", lambda: recreate(world))
    world.run()
    assert sorted(world.crm.listed) == ["103"]
    world.run_later()
    assert sorted(world.crm.listed) == ["101", "102", "103"]


@pytest.mark.parametrize("call", ["list_id", "add_to_list", "read_contacts", "remove_from_list", "leave_list"])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_kill_anywhere_on_the_way_changes_nothing_of_the_end(world: World, call: str, phase: str) -> None:
    """P1: the rules name another list; in the same run one of the leads is released."""
    former = world.crm.lists[world.crm.list_name]
    world.crm.lists["Other"], world.crm.list_ids["Other"] = set(), "9"
    rule(world, "Other")
    released(world)
    at: Callable[..., None] = getattr(world.crm, phase)
    at(call, kill)
    world.run_and_die()
    for _ in range(3):
        world.run_later(HOUR)
    assert (sorted(world.crm.lists["Other"]), sorted(former)) == (["102"], ["102", "500"])
    assert (world.intents("open"), world.dirty()) == ([], [])


def test_a_contact_that_is_released_in_the_same_run_is_on_neither(world: World) -> None:
    former = world.crm.lists[world.crm.list_name]
    world.crm.lists["Other"], world.crm.list_ids["Other"] = set(), "9"
    rule(world, "Other")
    released(world)
    world.run()
    world.run_later()
    assert (sorted(world.crm.lists["Other"]), sorted(former)) == (["102"], ["102", "500"])


def test_undoing_a_run_in_which_the_list_changed_lets_nobody_go(world: World) -> None:
    """I1, R36: the hold is not of that run."""
    recreate(world)
    report = world.run()
    undo(world.ports, world.book, world.crm.portal(), report.run.id)
    assert sorted(world.crm.listed) == ["101", "102"]


def test_a_database_that_was_lost_empties_nothing(world: World) -> None:
    """I1: who is on the list and unknown to us stays there."""
    anew = World()
    anew.crm, anew.clock = world.crm, world.clock
    for _ in range(3):
        anew.run_later(DAY)
    assert {"101", "102", "500"} <= set(world.crm.listed)


def test_the_survivor_of_a_merge_follows(world: World) -> None:
    """I12"""
    recreate(world)
    world.crm.add("900", email="kim.other@acme.example")
    world.crm.merge("101", "900")
    world.run()
    world.run_later()
    assert sorted(world.crm.listed) == ["102", "900"]
