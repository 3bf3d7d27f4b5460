"""The suppression list is known by its id: held contacts follow when it is another one (I1, I4, P1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from factories import DAY, HOUR, MINUTE, demo_request
from fakes import kill

from connector.domain.contact import ContactId
from connector.domain.episode import State
from connector.domain.run import RunStatus
from connector.engine import guard
from connector.engine.undo import undo
from connector.rules.suppression import Hold, Policy
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
    policy(world, list=name)


def policy(world: World, **keys: Any) -> None:
    """Somebody changes these keys of the marketing hold in suppression.yaml."""
    held = world.book.suppression.marketing_hold.model_copy(update=keys)
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


def test_a_lead_that_stays_held_after_its_end_follows_too(world: World) -> None:
    """I1: junk is never mailed again, whichever list says so."""
    world.crm.edit("101", verdict="junk")
    world.run()
    recreate(world)
    world.run_later(HOUR)
    assert sorted(world.crm.listed) == ["101", "102"] and len(world.episodes("101")) == 1
    world.crm.forget()
    world.run_later(HOUR)
    assert world.crm.calls("add_to_list", "leave_list") == []


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


# -- a changed policy --------------------------------------------------------------------------------------------

NO_HOLD = {"hand_raiser": Policy.NONE}
"""The lane of all leads here holds nothing back any more."""


def leads_told(world: World) -> list[str]:
    return [kind for kind in world.kinds() if kind.startswith("lead.")]


def test_leads_in_work_follow_a_changed_policy_once_each_time_and_nobody_is_told(world: World) -> None:
    """R11, I1: off and on again, each time counted in the run's report."""
    told, states = leads_told(world), [world.crm.value(one, "state") for one in ("101", "102")]
    for lanes, listed in ((NO_HOLD, ["500"]), ({}, ["101", "102", "500"]), (NO_HOLD, ["500"])):
        policy(world, lanes=lanes)
        report = world.run_later(MINUTE)
        assert sorted(world.crm.listed) == listed
        assert (report.counts.holds_changed, report.counts.changes_written, report.exit_code) == (2, 2, 0)
        assert (report.counts.handed_off, report.counts.recycled, report.troubles) == (0, 0, ())
        assert world.episode().marketing_held == world.stored().on_list == ("101" in listed)
        world.crm.forget()
        again = world.run_later(MINUTE)
        assert (again.counts.holds_changed, again.counts.decided) == (0, 0)
        assert world.crm.calls("add_to_list", "remove_from_list", "update_contacts") == []
    assert leads_told(world) == told and [world.crm.value(one, "state") for one in ("101", "102")] == states
    assert world.decisions().count("hold_changed") == 3 and world.intents("open") == []


def test_leads_that_sales_is_done_with_follow_too(world: World) -> None:
    """R11: junk is held; when its exit is let go, it is taken off, and nothing else of it moves."""
    world.crm.edit("101", verdict="junk")
    world.crm.edit("102", verdict="recycle")
    world.run()
    assert sorted(world.crm.listed) == ["101", "500"]
    policy(world, after={State.JUNK: Hold.OFF, State.RECYCLED: Hold.ON})
    report = world.run_later()
    assert (sorted(world.crm.listed), report.counts.holds_changed) == (["102", "500"], 2)
    assert [(world.episode(one).state, len(world.episodes(one))) for one in ("101", "102")] == [
        (State.JUNK, 1),
        (State.RECYCLED, 1),
    ]


def test_who_must_not_be_contacted_is_not_let_go_by_a_policy(world: World) -> None:
    """I0"""
    world.crm.edit("101", do_not_contact="true")
    world.run()
    policy(world, after={})
    world.run_later()
    assert "101" in world.crm.listed
    world.crm.edit("101", do_not_contact="")
    assert world.run_later().counts.holds_changed == 1 and "101" not in world.crm.listed


def test_a_lead_that_asks_again_while_its_hold_changes_is_heard_in_the_same_run(world: World) -> None:
    """R40: what the lead does is not held back by what the admin did, nor by the guard."""
    policy(world, lanes=NO_HOLD)
    world.clock.pass_by(HOUR)
    world.crm.happen(demo_request(world.clock.now(), contact="101", id="again"))
    report = world.run()
    assert (report.counts.holds_changed, leads_told(world)[-1]) == (2, "lead.signal")


def test_the_guard_holds_back_what_is_beyond_the_allowance_until_somebody_agrees(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "AT_LEAST", 1)
    policy(world, lanes=NO_HOLD)
    report = world.run_later()
    assert (report.status, report.counts.held, report.counts.holds_changed) == (RunStatus.HELD, 1, 1)
    assert len(world.crm.listed) == 2
    report = world.run_later(release_mass_change=True)
    assert (report.exit_code, report.counts.holds_changed, world.crm.listed) == (0, 1, {"500"})


@pytest.mark.parametrize("call", ["read_contacts", "remove_from_list"])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_kill_while_holds_change_changes_nothing_of_the_end(world: World, call: str, phase: str) -> None:
    """P1, I1: off the list only after what stands in the CRM was read."""
    policy(world, lanes=NO_HOLD)
    getattr(world.crm, phase)(call, kill)
    world.clock.pass_by(HOUR)
    world.run_and_die()
    assert (world.crm.listed == {"500"}) is ((call, phase) == ("remove_from_list", "after"))
    world.run_later()
    assert (world.crm.listed, world.intents("open"), world.dirty()) == ({"500"}, [], [])


def test_undoing_the_run_in_which_holds_changed_leaves_them_to_the_policy(world: World) -> None:
    """R36, I1"""
    policy(world, lanes=NO_HOLD)
    report = world.run_later()
    found = undo(world.ports, world.book, world.crm.portal(), report.run.id)
    assert (found.contacts, world.crm.listed) == (0, {"500"})
    assert not world.episode().marketing_held


def test_a_preview_shows_the_holds_that_would_change(world: World) -> None:
    policy(world, lanes=NO_HOLD)
    report = world.run_later(dry_run=True)
    assert report.counts.holds_changed == 2
    assert [one.kind.value for lead in report.planned for one in lead.changes] == ["list_remove"] * 2
