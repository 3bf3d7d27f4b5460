"""Write: one order of requests, people's edits stand, and what was not taken is put right (I1, I2, I3, I7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from factories import DAY, HOUR, MINUTE, demo_request
from fakes import kill

from connector.domain.contact import ContactId
from connector.domain.episode import State
from connector.domain.run import RunStatus
from connector.domain.timer import TimerKind
from engine.world import World

CALLS = ("add_to_list", "read_contacts", "update_contacts", "remove_from_list")


@pytest.fixture
def world() -> World:
    """A portal with one hand-raiser waiting to be handed over."""
    world = World().begin()
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    return world


@pytest.fixture
def handed(world: World) -> World:
    """The same with the lead in Ana's hands."""
    world.run()
    world.clock.pass_by(HOUR)
    world.crm.forget()
    return world


# -- the order -------------------------------------------------------------------------------------------------------


def test_the_list_comes_before_the_write_and_the_look_before_both_ends_of_it(world: World) -> None:
    """I1, I2"""
    world.run()
    assert world.crm.calls(*CALLS) == ["add_to_list", "read_contacts", "update_contacts", "read_contacts"]


def test_the_release_is_committed_before_the_list_lets_go(handed: World) -> None:
    """I1"""
    handed.crm.edit(verdict="recycle")
    handed.run()
    assert handed.crm.calls(*CALLS) == [
        "read_contacts", "update_contacts", "update_contacts", "read_contacts", "remove_from_list",
    ]  # fmt: skip


def test_a_stage_goes_back_in_two_requests(handed: World) -> None:
    """I3"""
    handed.crm.edit(verdict="recycle")
    handed.run()
    stages = [
        write.properties["lifecyclestage"]
        for call, writes in handed.crm.asked if call == "update_contacts"
        for write in writes
    ]  # fmt: skip
    assert stages == ["", "lead"]


def test_a_release_that_is_refused_keeps_the_hold(handed: World) -> None:
    """I1, P7"""
    handed.crm.edit(verdict="recycle")
    handed.crm.refuse("101")
    handed.run()
    assert handed.crm.listed == {"101"}
    handed.run_later()
    assert handed.crm.listed == set()


# -- a person's edit at every boundary -------------------------------------------------------------------------------

BOUNDARIES: dict[str, tuple[str, str, int]] = {
    "before the list": ("before", "add_to_list", 1),
    "after the list": ("after", "add_to_list", 1),
    "before the re-read": ("before", "read_contacts", 1),
    "after the re-read": ("after", "read_contacts", 1),
    "before the write": ("before", "update_contacts", 1),
    "after the write": ("after", "update_contacts", 1),
    "before the read-back": ("before", "read_contacts", 2),
}


def at(world: World, boundary: str, act: Callable[[], object]) -> None:
    phase, call, nth = BOUNDARIES[boundary]
    getattr(world.crm, phase)(call, act, nth=nth)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize(
    ("field", "value"),
    [("owner", "8"), ("stage", "opportunity"), ("status", "IN_PROGRESS")],
)
def test_what_a_person_sets_meanwhile_stands(world: World, boundary: str, field: str, value: str) -> None:
    """I2, I0: in the same run, and the lead is handed over once all the same."""
    at(world, boundary, lambda: world.crm.edit(**{field: value}))
    world.run()
    assert world.crm.value("101", field) == value
    world.run_later()
    assert world.crm.value("101", field) == value
    assert world.kinds().count("lead.handed_off") == 1
    assert world.episode().ordinal == 1
    assert (world.dirty(), world.intents("open")) == ([], [])


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_person_who_takes_the_lead_meanwhile_is_the_one_who_holds_it(world: World, boundary: str) -> None:
    """I2"""
    at(world, boundary, lambda: world.crm.edit(owner="8"))
    world.run()
    world.run_later()
    assert world.episode().owner == "8"
    assert [owner for kind, owner in world.told() if kind in ("lead.handed_off", "lead.moved")][-1] == "8"


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_stage_that_a_person_sets_behind_ours_is_put_back(world: World, boundary: str) -> None:
    """I2, I3: the CRM alone would not let it go back."""
    world.crm.edit(stage="")
    at(world, boundary, lambda: world.crm.edit(stage="subscriber"))
    world.run()
    said = world.crm.values_over_time("101", "stage")
    assert "subscriber" in said
    assert said[-1] == "subscriber"
    if boundary in ("after the re-read", "before the write"):
        assert said[-3:] == ["marketingqualifiedlead", "", "subscriber"]
    assert world.kinds().count("lead.handed_off") == 1


@pytest.mark.parametrize("boundary", [name for name in BOUNDARIES if name in ("before the list", "before the re-read")])
def test_do_not_contact_said_before_the_re_read_stops_the_handover(world: World, boundary: str) -> None:
    """I0"""
    at(world, boundary, lambda: world.crm.edit(do_not_contact="true"))
    world.run()
    assert (world.kinds(), world.episodes(), world.crm.listed) == ([], [], set())
    assert world.crm.value("101", "owner") == ""


@pytest.mark.parametrize("boundary", [name for name in BOUNDARIES if "re-read" not in name and "list" not in name])
def test_do_not_contact_said_later_ends_the_episode_in_the_same_run(world: World, boundary: str) -> None:
    """I0, I2: an edit of a field that we do not write is news, not part of our own echo."""
    at(world, boundary, lambda: world.crm.edit(do_not_contact="true"))
    world.run()
    assert world.episode().state is State.JUNK


@pytest.mark.parametrize("boundary", [name for name in BOUNDARIES if "list" not in name])
def test_a_verdict_given_while_we_write_is_not_lost(handed: World, boundary: str) -> None:
    """I2, R20: the rep answers in the very moment in which another change is written."""
    handed.crm.edit(owner="8")
    at(handed, boundary, lambda: handed.crm.edit(verdict="accepted"))
    handed.run()
    handed.run_later()
    assert (handed.episode().state, handed.episode().owner) == (State.ACCEPTED, "8")


def test_an_overwritten_edit_is_put_back_and_recorded(world: World) -> None:
    """I2: `lost_race`"""
    world.crm.before("update_contacts", lambda: world.crm.edit(owner="8"))
    world.run()
    assert world.crm.values_over_time("101", "owner") == ["8", "7", "8"]
    assert world.audit_of("lost_race") == ["hubspot_owner_id"]
    assert world.episode().lane == "hand_raiser"


def test_a_contact_that_is_edited_all_the_time_waits_for_the_next_run(world: World) -> None:
    """P5: the run ends."""
    for nth in range(1, 40):
        world.crm.before("read_contacts", lambda nth=nth: world.crm.edit(owner=str(100 + nth)), nth=nth)
    report = world.run()
    assert report.status is RunStatus.COMPLETED_WITH_ERRORS
    assert report.watermark is None
    assert world.dirty() == ["101"]


def test_a_workflow_is_no_person_but_its_value_is_seen(world: World) -> None:
    world.crm.before("add_to_list", lambda: world.crm.edit(by_person=False, owner="8"))
    world.run()
    assert (world.crm.value("101", "owner"), world.episode().owner) == ("8", "8")


# -- refusals --------------------------------------------------------------------------------------------------------


def test_a_refused_write_is_told_to_nobody_and_tried_again_once_a_run(world: World) -> None:
    """P5: quarantined, then handed over with its notice."""
    world.crm.refuse("101")
    report = world.run()
    assert (report.status, report.counts.handed_off, report.counts.changes_rejected > 0) == (
        RunStatus.COMPLETED_WITH_ERRORS, 0, True,
    )  # fmt: skip
    assert (world.kinds(), world.episodes(), world.timers()) == ([], [], [])
    assert world.quarantined() == ["101"]
    assert world.crm.calls("update_contacts") == ["update_contacts"]
    report = world.run_later()
    assert (world.kinds(), world.quarantined(), report.counts.handed_off) == (["lead.handed_off"], [], 1)


def test_a_refused_handover_mutes_no_marketing(world: World) -> None:
    """R11: the list holds whom an episode holds, and nobody else."""
    world.crm.refuse("101")
    world.run()
    assert (world.crm.listed, world.stored().on_list) == (set(), False)


def test_a_refused_handover_gives_the_turn_back(world: World) -> None:
    """R12"""
    world.crm.refuse("101")
    world.run()
    assert world.rotation() == {}


def test_one_refusal_leaves_the_others_alone(world: World) -> None:
    """P5"""
    for contact in ("102", "103"):
        world.crm.add(contact)
        world.crm.happen(demo_request(world.clock.now(), contact=contact, id=contact))
    world.crm.refuse("102")
    world.run()
    assert sorted(world.crm.listed) == ["101", "103"]
    assert world.kinds() == ["lead.handed_off"] * 2


def test_a_change_that_was_refused_leaves_the_clocks_running(handed: World) -> None:
    """P1: no lead is silent because a write failed."""
    before = {(timer.name, timer.level) for timer in handed.timers() if timer.name == "verdict"}
    handed.crm.edit(last_touch_at=handed.clock.now().isoformat())
    handed.crm.refuse("101")
    handed.run()
    assert before <= {(timer.name, timer.level) for timer in handed.timers()}


def test_a_return_condition_survives_a_handover_that_did_not_stand(handed: World) -> None:
    """R24"""
    handed.crm.edit(verdict="recycle", verdict_reason="bad_fit")
    handed.run()
    (wake,) = handed.timers()
    handed.clock.pass_by(HOUR)
    handed.crm.happen(demo_request(handed.clock.now()))
    handed.crm.refuse("101")
    handed.run()
    assert (handed.timers(), wake.kind) == ([wake], TimerKind.RETURN)
    assert [episode.state for episode in handed.episodes()] == [State.RECYCLED]


# -- no clear answer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("applied", [True, False])
def test_after_no_clear_answer_we_look_before_we_write_again(world: World, applied: bool) -> None:
    """I7: told once, when it is certain."""
    world.crm.blur("101", applied=applied)
    world.run()
    assert world.kinds() == []
    assert len(world.intents("open")) == 1
    world.crm.forget()
    world.run_later()
    assert world.crm.calls("read_contacts", "update_contacts")[0] == "read_contacts"
    assert ("update_contacts" in world.crm.calls()) is not applied
    assert world.kinds() == ["lead.handed_off"]
    assert world.crm.values_over_time("101", "owner") == ["7"]


def test_a_contact_without_a_clear_answer_is_not_decided_before_it_has_one(world: World) -> None:
    """I7"""
    world.crm.blur("101", applied=True)
    world.run()
    world.crm.edit(verdict="recycle")
    world.run_later()
    assert world.kinds() == ["lead.handed_off", "lead.recycled"]
    assert world.decisions()[:2] == ["hand_over", "end"]


# -- contacts that go ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("boundary", ["before the list", "after the list", "after the re-read", "after the write"])
@pytest.mark.parametrize("how", ["archive", "erase"])
def test_a_contact_that_is_gone_is_dropped_and_told_to_nobody(world: World, boundary: str, how: str) -> None:
    at(world, boundary, lambda: getattr(world.crm, how)("101"))
    world.run()
    world.run_later()
    world.run_later()
    assert (world.kinds(), world.timers(), world.intents("open"), world.dirty()) == ([], [], [], [])
    assert not any(episode.is_open for episode in world.episodes())
    with world.store.reading() as uow:
        row = uow.contacts([ContactId("101")]).get(ContactId("101"))
        erased = uow.erased(["101"])
    if how == "archive":
        assert row is not None and row.gone
    else:  # gone for good: within the run that missed it nothing of the person is left (I11)
        assert row is None and erased


def test_a_lead_in_work_that_is_deleted_leaves_nothing_open(handed: World) -> None:
    handed.crm.edit(owner="8")
    handed.crm.before("read_contacts", lambda: handed.crm.archive("101"))
    handed.run()
    handed.run_later()
    assert (handed.episode().state, handed.episode().exit_reason) == (State.UNREACHABLE, "contact_deleted")
    assert handed.timers() == []


def test_a_contact_that_is_merged_while_we_write_is_handed_over_under_its_new_id(world: World) -> None:
    """I12, P3"""
    world.crm.add("102", email="kim.other@acme.example")
    world.crm.before("read_contacts", lambda: world.crm.merge("101", "102"))
    world.run()
    world.run_later()
    assert world.kinds() == ["lead.handed_off"]
    assert world.episodes("101") == []
    assert world.episode("102").is_open
    assert world.crm.listed == {"102"}


# -- kills of later writes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "moment",
    [
        ("before", "update_contacts", 1),
        ("after", "update_contacts", 1),
        ("after", "update_contacts", 2),
        ("before", "remove_from_list", 1),
        ("after", "remove_from_list", 1),
    ],
)
def test_a_hand_back_that_was_cut_off_ends_as_an_undisturbed_one(handed: World, moment: tuple[str, str, int]) -> None:
    """P1, I1, I3: also between clearing the stage and setting it."""
    handed.crm.edit(verdict="recycle")
    phase, call, nth = moment
    getattr(handed.crm, phase)(call, kill, nth=nth)
    handed.run_and_die()
    handed.run()
    assert handed.crm.values_over_time("101", "stage")[-3:] == ["marketingqualifiedlead", "", "lead"]
    assert (handed.crm.listed, handed.kinds()) == (set(), ["lead.handed_off", "lead.recycled"])
    assert handed.episode().state is State.RECYCLED


def test_the_same_thing_done_again_has_the_same_name() -> None:
    """I5"""

    def names() -> Any:
        world = World().begin()
        world.crm.add()
        world.crm.happen(demo_request(world.clock.now()))
        world.run()
        return [intent.id for intent in world.intents("written")], [entry.id for entry in world.delivery.sent]

    assert names() == names()


def test_silence_is_never_written_over(handed: World) -> None:
    """I3: with nothing to say, a run asks for no write, however often it comes."""
    for _ in range(3):
        handed.run_later(MINUTE)
    assert handed.crm.calls("update_contacts", "add_to_list", "remove_from_list") == []
    assert handed.run_later(DAY).counts.changes_written == 0


def test_without_the_list_nobody_is_handed_over_who_needs_it_and_the_others_go_on(world: World) -> None:
    """I1, P7: what waits is written as soon as the list is there again, once."""
    world.run()
    world.crm.add("102")
    world.crm.happen(demo_request(world.clock.now(), contact="102", id="102"))
    world.crm.edit("101", status="IN_PROGRESS")
    members = world.crm.lists.pop(world.crm.list_name)
    report = world.run_later()
    assert report.status is RunStatus.COMPLETED_WITH_ERRORS and any("wait for it" in line for line in report.troubles)
    assert world.kinds().count("lead.handed_off") == 1 and world.crm.value("102", "state") in (None, "")
    assert world.crm.value("101", "state") == "working"
    world.crm.lists[world.crm.list_name] = members
    world.run_later()
    world.run_later()
    assert world.kinds().count("lead.handed_off") == 2
    assert world.crm.listed == {"101", "102"}


def test_a_release_waits_for_the_list_too(world: World) -> None:
    """I1: the lead is taken off as soon as the list is there again."""
    world.run()
    world.crm.edit("101", verdict="recycle")
    members = world.crm.lists.pop(world.crm.list_name)
    world.run_later()
    world.crm.lists[world.crm.list_name] = members
    world.run_later()
    assert world.crm.listed == set()
    assert (world.dirty(), world.intents("open")) == ([], [])
