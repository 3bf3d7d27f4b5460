"""Run: the whole sentence, and a run that was cut off (P1, P3, I4, I9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from factories import DAY, HOUR, MINUTE, demo_request, make_book, make_owner, pricing_view
from fakes import kill

from connector.domain.contact import ContactId
from connector.domain.episode import State
from connector.domain.run import RunStatus
from connector.errors import UnknownPropertyError
from engine.world import World


def hand_raiser(world: World, contact: str = "101", **fields: str) -> None:
    """A new contact that asks for a demo now."""
    world.crm.add(contact, **fields)
    world.crm.happen(demo_request(world.clock.now(), contact=contact, id=f"demo-{contact}"))


@pytest.fixture
def world() -> World:
    return World().begin()


def test_a_hand_raiser_reaches_a_rep_with_one_notice(world: World) -> None:
    """P3, R02"""
    hand_raiser(world)
    report = world.run()
    assert (report.status, report.exit_code) == (RunStatus.COMPLETED, 0)
    assert (report.counts.handed_off, report.counts.notices_queued, report.counts.notices_sent) == (1, 1, 1)
    assert world.told() == [("lead.handed_off", "7")]
    assert {name: world.crm.value("101", name) for name in ("stage", "status", "owner", "state")} == {
        "stage": "marketingqualifiedlead", "status": "NEW", "owner": "7", "state": "handed_off",
    }  # fmt: skip
    assert world.crm.value("101", "episode") == world.episode().id
    assert world.crm.listed == {"101"}


def test_a_second_run_right_after_writes_nothing_and_tells_nobody(world: World) -> None:
    """I3: our own echo ends there."""
    hand_raiser(world)
    world.run()
    world.crm.forget()
    report = world.run_later(MINUTE)
    assert world.crm.calls("update_contacts", "add_to_list", "remove_from_list") == []
    assert (report.counts.changes_written, report.counts.notices_queued) == (0, 0)
    assert world.kinds() == ["lead.handed_off"]


def test_turns_go_round_within_one_batch(world: World) -> None:
    """R12"""
    for contact in ("101", "102", "103", "104"):
        hand_raiser(world, contact, email=f"kim@firm{contact}.example")
    world.run()
    assert sorted(owner for _, owner in world.told()) == ["7", "7", "8", "8"]


def test_one_account_stays_with_one_owner(world: World) -> None:
    """R12"""
    for contact in ("101", "102", "103"):
        hand_raiser(world, contact)
    world.run()
    assert {owner for _, owner in world.told()} == {"7"}


def test_whoever_took_over_a_colleague_takes_over_the_lead_without_an_owner(world: World) -> None:
    """R12: within one run too, and whoever lost it is none of those who know its account."""
    world.crm.people.append(make_owner("9"))
    for contact in ("101", "102"):
        hand_raiser(world, contact)
    world.run()
    world.crm.edit("101", owner="9")
    world.crm.edit("102", owner="")
    world.run_later()
    assert [world.crm.value(contact, "owner") for contact in ("101", "102")] == ["9", "9"]


def test_a_lead_is_handed_back_and_comes_again_to_its_owner(world: World) -> None:
    """R20–R24"""
    hand_raiser(world)
    world.run()
    world.crm.edit(verdict="recycle", verdict_reason="not_ready")
    report = world.run_later()
    assert report.counts.recycled == 1
    assert world.crm.value("101", "stage") == "lead"
    assert world.crm.values_over_time("101", "stage")[-3:] == ["marketingqualifiedlead", "", "lead"]
    assert world.crm.listed == set()
    world.clock.pass_by(HOUR)
    for minutes in (2, 1):
        world.crm.happen(pricing_view(world.clock.now() - minutes * MINUTE))
    world.run()
    assert [episode.state for episode in world.episodes()] == [State.RECYCLED, State.HANDED_OFF]
    assert world.kinds() == ["lead.handed_off", "lead.recycled", "lead.handed_off"]
    assert world.crm.value("101", "verdict") == ""


# -- a run that was cut off ------------------------------------------------------------------------------------------

KILLS: dict[str, Callable[[World], Any]] = {
    "while pulling contacts": lambda w: w.crm.before("pull_changed_contacts", kill),
    "after pulling contacts": lambda w: w.crm.after("pull_changed_contacts", kill),
    "while pulling activities": lambda w: w.crm.before("pull_activities", kill, nth=2),
    "between T1 and the list": lambda w: w.crm.before("add_to_list", kill),
    "after the list": lambda w: w.crm.after("add_to_list", kill),
    "after the re-read": lambda w: w.crm.after("read_contacts", kill),
    "before the write": lambda w: w.crm.before("update_contacts", kill),
    "between the write and its answer": lambda w: w.crm.after("update_contacts", kill),
    "between the read-back and T2": lambda w: w.crm.after("read_contacts", kill, nth=2),
}


def end_of(world: World) -> object:
    """What must be the same however often a run was killed."""
    values = {
        contact: {name: world.crm.values_over_time(contact, name) for name in ("stage", "status", "owner", "state")}
        for contact in ("101", "102")
    }
    return (
        values,
        world.crm.listed,
        sorted((entry.id, entry.body) for entry in world.delivery.sent),
        [world.episodes(contact) for contact in ("101", "102")],
        world.rotation(),
        world.dirty(),
    )


def undisturbed() -> object:
    world = World().begin()
    two_hand_raisers(world)
    world.run()
    return end_of(world)


def two_hand_raisers(world: World) -> None:
    for contact in ("101", "102"):
        hand_raiser(world, contact, email=f"kim@firm{contact}.example")


@pytest.mark.parametrize("moment", KILLS)
def test_killed_and_started_again_it_ends_as_if_nothing_had_been(world: World, moment: str) -> None:
    """P1, I4, I5: same values by the same path, same ids and bodies sent, each once."""
    two_hand_raisers(world)
    KILLS[moment](world)
    world.run_and_die()
    report = world.run()
    assert report.run.resumed
    assert report.status is RunStatus.COMPLETED
    assert end_of(world) == undisturbed()


def test_a_resumed_run_keeps_its_id_and_its_time(world: World) -> None:
    """I9"""
    hand_raiser(world)
    began = world.clock.now()
    world.crm.before("update_contacts", kill)
    world.run_and_die()
    report = world.run_later(3 * HOUR)
    assert report.run.as_of == began
    assert world.episode().handed_off_at == began
    assert [row["as_of"] for row in world.runs()][:1] == [began]
    assert world.watermark() == began


def test_a_resumed_run_goes_on_at_the_page_where_it_was_cut_off() -> None:
    """R31"""
    world = World(page_size=2).begin()
    for number in range(6):
        world.crm.add(str(200 + number))
    world.crm.before("pull_changed_contacts", kill, nth=3)
    world.run_and_die()
    world.crm.forget()
    world.run()
    assert [what for call, what in world.crm.asked if call == "pull_changed_contacts"] == [4]
    assert world.run_later().counts.decided == 0, "all six were looked at by the resumed one"
    assert [world.stored(str(200 + number)).gone for number in range(6)] == [False] * 6


def test_the_resumed_run_knows_what_was_new(world: World) -> None:
    """I9, P1: the mass-change guard holds nothing back that an undisturbed run would have handed over."""
    world.clock.pass_by(3 * HOUR)
    for contact in map(str, range(1000, 1080)):
        world.crm.add(contact, email=f"kim@firm{contact}.example", country="")
        for minutes in (50, 40):
            seen = pricing_view(world.clock.now() - minutes * MINUTE, contact=contact, id=f"{contact}-{minutes}")
            world.crm.happen(seen)
    world.crm.before("add_to_list", kill)
    world.run_and_die()
    report = world.run()
    assert (report.status, report.counts.held) == (RunStatus.COMPLETED, 0)
    assert len(world.kinds()) == 80


def test_a_cut_off_run_under_other_rules_is_done_by_a_new_one(world: World) -> None:
    hand_raiser(world)
    world.crm.before("update_contacts", kill)
    world.run_and_die()
    world.book = make_book(sla={"clocks": {}})
    report = world.run_later(MINUTE)
    assert not report.run.resumed
    assert [row["status"] for row in world.runs()][:2] == ["completed", "failed"]
    assert world.kinds() == ["lead.handed_off"]


# -- watermarks ------------------------------------------------------------------------------------------------------


def test_the_watermark_moves_only_when_all_is_settled(world: World) -> None:
    """I4"""
    hand_raiser(world)
    before = world.watermark()
    world.crm.blur("101", applied=False)
    report = world.run()
    assert (report.status, report.watermark) == (RunStatus.COMPLETED_WITH_ERRORS, None)
    assert world.watermark() == before
    report = world.run_later()
    assert world.watermark() == report.watermark == report.run.as_of


def test_time_never_goes_back(world: World) -> None:
    """I9"""
    first = world.run()
    world.clock.at -= HOUR
    assert world.run().run.as_of == first.run.as_of


def test_a_stream_that_the_portal_cannot_give_is_said_and_the_others_go_on(world: World) -> None:
    world.crm.off["page_views"] = "This portal gives no page views."
    hand_raiser(world)
    report = world.run()
    assert "This portal gives no page views." in report.troubles
    assert world.kinds() == ["lead.handed_off"]


def test_a_stream_that_is_refused_is_asked_for_once_a_day(world: World) -> None:
    """P8: ten quiet runs, one refusal; it is shown in each of them."""
    world.crm.off["page_views"] = "This portal gives no page views."
    reports = [world.run_later(MINUTE) for _ in range(10)]
    refused = [what for call, what in world.crm.asked if call == "pull_activities" and what == "page_views"]
    assert len(refused) == 1
    assert all(any("page views" in line for line in report.troubles) for report in reports)
    world.run_later(DAY)
    assert ("pull_activities", "page_views") in world.crm.asked[-20:]


@pytest.mark.parametrize("full", [True, False])
def test_a_stream_that_is_given_again_loses_nothing(world: World, full: bool) -> None:
    """P4: at most a day late, and at once with `--full`."""
    world.crm.add("101")
    world.run()
    world.crm.off["page_views"] = "This portal gives no page views."
    world.run_later(MINUTE)
    world.crm.happen(pricing_view(world.clock.now(), contact="101", id="seen-meanwhile"))
    world.crm.off.clear()
    world.run_later(MINUTE if full else DAY, full=full)
    assert not world.run_later(MINUTE).troubles
    with world.store.reading() as uow:
        rows = uow.activities([ContactId("101")], world.clock.now() - 5 * DAY)[ContactId("101")]
    assert [row.id for row in rows] == ["seen-meanwhile"]


def test_rules_that_the_portal_cannot_fulfil_begin_nothing(world: World) -> None:
    """P7"""
    del world.crm.properties["handoff_state"]
    before = world.runs()
    with pytest.raises(UnknownPropertyError, match="handoff_state"):
        world.run()
    assert world.runs() == before


# -- nobody there ----------------------------------------------------------------------------------------------------


def test_a_lead_that_nobody_could_take_is_not_forgotten(world: World) -> None:
    """P1, R12: it is handed over as soon as somebody is there."""
    world.crm.people = [make_owner("7", archived=True)]
    hand_raiser(world)
    world.run()
    assert (world.kinds(), world.crm.listed) == ([], set())
    world.run_later()
    world.crm.people = [make_owner("7", archived=True), make_owner("8")]
    world.run_later()
    assert world.told() == [("lead.handed_off", "8")]


def test_a_portal_without_any_owner_runs_all_the_same(world: World) -> None:
    world.crm.people = []
    hand_raiser(world)
    assert world.run().status is RunStatus.COMPLETED


# -- shadow and dry runs ---------------------------------------------------------------------------------------------


def test_shadow_mode_writes_nothing_and_tells_ops_alone(world: World) -> None:
    """R41"""
    hand_raiser(world)
    report = world.run(shadow=True)
    assert world.crm.calls("update_contacts", "add_to_list") == []
    assert (world.kinds(), world.told()) == (["run.shadow"], [("run.shadow", None)])
    assert (report.counts.handed_off, len(report.planned)) == (1, 1)
    assert (world.episodes(), world.timers()) == ([], [])


def test_what_shadow_mode_saw_is_the_past_when_it_goes_live(world: World) -> None:
    """R41"""
    world = World()
    world.run(shadow=True)
    world.clock.pass_by(HOUR)
    hand_raiser(world)
    world.run(shadow=True)
    world.clock.pass_by(HOUR)
    world.run()
    assert (world.episodes(), world.decisions()[-1]) == ([], "predates")
    world.crm.happen(demo_request(world.clock.now() + MINUTE))
    world.run_later()
    assert world.kinds().count("lead.handed_off") == 1


def test_a_first_run_makes_no_noise_about_what_was_there(world: World) -> None:
    """R41: silent episodes have no clock, list entry, write or notice."""
    world = World()
    world.crm.add("101", stage="marketingqualifiedlead", owner="7", created_at=world.clock.now() - 900 * HOUR)
    world.crm.add("102", stage="lead", created_at=world.clock.now() - 900 * HOUR)
    world.crm.happen(demo_request(world.clock.now() - HOUR, contact="102"))
    world.run()
    world.run_later(9 * HOUR)
    assert world.crm.calls("update_contacts", "add_to_list", "ensure_tasks") == []
    assert (world.kinds(), world.timers(), world.crm.listed) == ([], [], set())
    assert (world.episode().silent, world.decisions("102")[-1]) == (True, "predates")
