"""Hints: looked at at once, whatever is under way; lost, doubled or in disorder they change nothing (P4, I9, I12)."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from factories import DAY, HOUR, MINUTE, demo_request, make_book, make_owner
from fakes import Killed, kill

from connector.domain.episode import State
from connector.domain.hint import HintKind
from connector.domain.run import HINTS, RunStatus
from connector.engine.context import Options
from connector.engine.hint_run import ask, sync_hints
from engine.world import World


def asks(world: World, contact: str = "101", *, shown: bool = True) -> None:
    """A contact, new or known, sends the demo form now; its own fields tell of it at once, the list of submissions
    where it is `shown`."""
    if contact not in world.crm.rows:
        world.crm.add(contact)
    at = world.clock.now()
    world.crm.edit(contact, by_person=False, last_form="Home: Request a demo", last_form_at=at.isoformat())
    if shown:
        world.crm.happen(demo_request(at, contact=contact, id=f"demo-{contact}-{at:%H%M%S}", ref="f-1"))


@pytest.fixture
def world() -> World:
    """Known contacts, and a complete first run behind it."""
    world = World()
    world.crm.happen(demo_request(world.clock.now() - 200 * DAY, contact="9", ref="f-1"))
    for contact in ("101", "102", "103"):
        world.crm.add(contact, email=f"kim@firm{contact}.example")
    return world.begin()


# -- between scheduled runs ------------------------------------------------------------------------------------------


def test_whoever_asks_for_sales_is_handed_over_without_a_scheduled_run(world: World) -> None:
    """P3, R02: no stream is pulled and no watermark moves."""
    marks = [world.watermark(name) for name in ("contacts", "forms", "deals")]
    asks(world)
    world.hint("101")
    assert world.run_hints() == 1
    assert world.told() == [("lead.handed_off", "7")]
    assert world.crm.value("101", "state") == "handed_off"
    assert world.waiting() == []
    assert [world.watermark(name) for name in ("contacts", "forms", "deals")] == marks
    assert not [call for call in world.crm.calls() if call.startswith("pull_")]


def test_it_is_a_run_of_its_own_in_the_list_of_runs(world: World) -> None:
    """P6, I9"""
    asks(world)
    world.hint("101")
    world.run_hints()
    newest = world.runs()[0]
    assert str(newest["run"]).startswith(HINTS)
    assert (newest["status"], newest["as_of"]) == (RunStatus.COMPLETED, world.decided_at("101"))


def test_the_next_scheduled_run_finds_everything_done(world: World) -> None:
    """P4, I3"""
    asks(world)
    world.hint("101")
    world.run_hints()
    world.crm.forget()
    report = world.run_later()
    assert (report.counts.changes_written, report.counts.notices_queued) == (0, 0)
    assert world.kinds() == ["lead.handed_off"]


def test_an_event_that_is_ahead_of_the_crms_whole_seconds_is_not_of_the_future(world: World) -> None:
    """I9: the Date header of the CRM has no fractions."""
    asks(world)
    answers = ask(world.crm)
    world.hint("101", at=world.clock.now() + timedelta(milliseconds=900))
    assert sync_hints(world.ports, world.book, answers, Options()) == 1
    assert world.kinds() == ["lead.handed_off"]


def test_our_own_echo_costs_one_look(world: World) -> None:
    """I3"""
    world.hint("101", "102", "103")
    world.crm.forget()
    assert world.run_hints() == 3
    assert world.crm.calls() == ["read_contacts"]
    assert world.decisions("101") == [] and world.waiting() == []


def test_many_hints_of_one_contact_are_one_look(world: World) -> None:
    asks(world)
    for minutes in range(5):
        world.hint("101", at=world.clock.now() - minutes * MINUTE)
    world.run_hints()
    asked = [ids for call, ids in world.crm.asked if call == "read_contacts"]
    assert asked[0] == ("101",)
    assert world.kinds() == ["lead.handed_off"]


def test_in_shadow_mode_hints_are_decided_and_nobody_is_told(world: World) -> None:
    """R41"""
    shadow = World().begin()
    shadow.run_later(shadow=True)
    asks(shadow)
    shadow.hint("101")
    shadow.run_hints(shadow=True)
    assert "lead.handed_off" not in shadow.kinds()
    assert shadow.crm.calls("update_contacts", "add_to_list") == []


@pytest.mark.parametrize("why", ["first run", "cut off", "rules changed"])
def test_a_whole_run_comes_first_where_one_is_due(world: World, why: str) -> None:
    """I9, P7"""
    if why == "first run":
        world = World()
    elif why == "cut off":
        world.crm.before("pull_activities", kill)
        world.clock.pass_by(MINUTE)
        world.run_and_die()
    else:
        world.book = make_book(qualification={"threshold": {"score": 60}})
    asks(world)
    world.hint("101")
    assert world.run_hints() is None
    assert len(world.waiting()) == 1
    world.run_later()
    assert world.waiting() == []
    assert world.kinds().count("lead.handed_off") == (0 if why == "first run" else 1)  # the past is taken in silently


# -- inside a long run -----------------------------------------------------------------------------------------------


def test_a_full_pull_under_way_does_not_starve_a_hand_raiser() -> None:
    """P1, design.md section 5: told before the second of many pages is read."""
    world = World(page_size=2)
    for number in range(101, 121):
        world.crm.add(str(number), email=f"kim@firm{number}.example")
    world.crm.happen(demo_request(world.clock.now() - 200 * DAY, contact="9", ref="f-1"))
    world.begin()

    def comes() -> None:
        asks(world, "120")
        world.hint("120")

    told: list[int] = []
    world.crm.after("pull_all_contacts", comes, nth=1)
    world.crm.before("pull_all_contacts", lambda: told.append(len(world.delivery.sent)), nth=3)
    report = world.run(full=True)
    assert told == [1]
    assert world.kinds() == ["lead.handed_off"]
    assert (report.counts.contacts_pulled, report.status) == (20, RunStatus.COMPLETED)


def test_the_long_run_that_ends_later_leaves_the_handover_as_it_is() -> None:
    """I9, P3: its `as_of` is older than the handover."""
    world = World(page_size=2)
    for number in range(101, 109):
        world.crm.add(str(number))
    world.begin()

    def comes() -> None:
        world.clock.pass_by(HOUR)
        asks(world, "108")
        world.hint("108")

    world.crm.after("pull_all_contacts", comes, nth=1)
    world.run(full=True)
    before = (world.episode("108"), world.timers("108"), world.crm.values_over_time("108", "state"))
    world.run_later(MINUTE)
    assert world.kinds() == ["lead.handed_off"]
    assert (world.episode("108"), world.timers("108"), world.crm.values_over_time("108", "state")) == before


def test_in_the_first_run_hints_wait_until_all_is_known() -> None:
    """P7: deals come last; what is not known yet may say that a lead is sales' already."""
    world = World(page_size=1)
    for contact in ("101", "102"):
        world.crm.add(contact)
    at: list[int] = []

    def comes() -> None:
        asks(world, "101")
        world.hint("101")

    world.crm.after("pull_all_contacts", comes, nth=1)
    world.crm.before("pull_deals", lambda: at.append(len(world.waiting())))
    world.run()
    assert at == [1]
    assert world.waiting() == []
    assert world.kinds() == ["lead.handed_off"]


# -- kinds -----------------------------------------------------------------------------------------------------------


def handed_over(world: World, contact: str = "101") -> None:
    asks(world, contact)
    world.hint(contact)
    world.run_hints()
    world.clock.pass_by(MINUTE)


def test_a_deleted_contact_is_dropped(world: World) -> None:
    """Fault row "contact archived" """
    handed_over(world)
    world.crm.archive("101")
    world.hint("101", kind=HintKind.DELETED)
    world.run_hints()
    assert world.episode().state is State.UNREACHABLE
    assert world.timers() == []


def test_a_deletion_that_a_restore_overtook_drops_nobody(world: World) -> None:
    """P4: what the CRM shows counts, not what the hint says."""
    handed_over(world)
    world.hint("101", kind=HintKind.DELETED)
    world.run_hints()
    assert world.episode().is_open


def test_a_contact_that_nobody_knows_is_no_trouble(world: World) -> None:
    world.hint("999")
    assert world.run_hints() == 1
    assert world.waiting() == []


def test_a_merge_moves_the_episode_to_the_survivor(world: World) -> None:
    """I12: no second handoff."""
    handed_over(world)
    world.crm.merge("101", "102")
    world.hint("101", "102", kind=HintKind.MERGED)
    world.run_hints()
    assert [episode.contact for episode in world.episodes("102")] == ["102"]
    assert world.stored("101").merged_into == "102"
    world.run_later()
    assert world.kinds().count("lead.handed_off") == 1


def test_a_privacy_deletion_erases_whatever_else_is_hinted(world: World) -> None:
    """I0, I11: in any order with the deletion that HubSpot also tells, and even before the CRM shows it."""
    handed_over(world)
    world.hint("101", kind=HintKind.CHANGED)
    world.hint("101", kind=HintKind.ERASED)
    world.hint("101", kind=HintKind.DELETED)
    world.run_hints()
    with world.store.reading() as uow:
        assert uow.contacts([world.crm.rows["101"].id]) == {}
        assert "101" in uow.erased(["101"])
    assert world.hints_of("101") == 0
    asks(world)
    world.run_later()
    assert world.kinds() == ["lead.handed_off"]


# -- forms that are shown late ---------------------------------------------------------------------------------------


def test_a_hint_waits_for_a_submission_that_is_not_shown_yet(world: World) -> None:
    at = world.clock.now()
    asks(world, shown=False)
    world.hint("101", at=at)
    world.run_hints()
    assert world.kinds() == []
    assert len(world.waiting()) == 1
    world.crm.happen(demo_request(at, contact="101", id="late", ref="f-1"))
    world.run_hints()
    assert world.kinds() == ["lead.handed_off"]
    assert world.waiting() == []


def test_but_not_for_ever(world: World) -> None:
    asks(world, shown=False)
    world.hint("101")
    world.clock.pass_by(2 * MINUTE)
    world.run_hints()
    assert world.waiting() == []


# -- nothing lost, nothing doubled -----------------------------------------------------------------------------------


def outcome(world: World) -> object:
    names = ("stage", "status", "owner", "state", "reason", "episode")
    return (
        {one: {name: world.crm.value(one, name) for name in names} for one in ("101", "102", "103")},
        sorted(entry.id for entry in world.delivery.sent),
        sorted(world.crm.listed),
    )


def act(world: World) -> None:
    """News of all three: one asks for sales, one is edited, one is deleted."""
    asks(world, "101")
    world.crm.edit("102", status="IN_PROGRESS")
    asks(world, "103")


HINTED: dict[str, Callable[[World], Any]] = {
    "each once": lambda w: (w.hint("101", "102", "103"), w.run_hints()),
    "twice": lambda w: [(w.hint("101", "102", "103"), w.run_hints()) for _ in range(2)],
    "one at a time and backwards": lambda w: [
        (w.hint(one, at=w.clock.now() - int(one) * MINUTE), w.run_hints()) for one in ("103", "102", "101")
    ],
    "of the wrong kind": lambda w: (
        [w.hint("101", "102", "103", kind=kind) for kind in (HintKind.DELETED, HintKind.MERGED, HintKind.CREATED)],
        w.run_hints(),
    ),
    "left for the scheduled run": lambda w: w.hint("101", "102", "103"),
}


@pytest.mark.parametrize("how", sorted(HINTED))
def test_hints_however_they_come_end_as_if_none_had_come(how: str) -> None:
    """P4"""

    def end(hinted: bool) -> object:
        world = World()
        world.crm.happen(demo_request(world.clock.now() - 200 * DAY, contact="9", ref="f-1"))
        for contact in ("101", "102", "103"):
            world.crm.add(contact, email=f"kim@firm{contact}.example")
        world.crm.people = [make_owner("7")]  # whose turn it is depends on who comes first
        world.begin()
        act(world)
        if hinted:
            HINTED[how](world)
        world.run_later()
        world.run_later()
        return outcome(world)

    assert end(True) == end(False)


def test_a_replay_of_hints_that_are_done_is_not_even_looked_at(world: World) -> None:
    asks(world)
    hints = world.hint("101")
    world.run_hints()
    random.Random(3).shuffle(hints)
    world.take(hints)
    assert world.waiting() == []


KILLS: dict[str, Callable[[World], Any]] = {
    "before the look": lambda w: w.crm.before("read_contacts", kill),
    "after the look": lambda w: w.crm.after("read_contacts", kill),
    "before the form": lambda w: w.crm.before("recent_submissions", kill),
    "before the list": lambda w: w.crm.before("add_to_list", kill),
    "after the list": lambda w: w.crm.after("add_to_list", kill),
    "before the write": lambda w: w.crm.before("update_contacts", kill),
    "after the write": lambda w: w.crm.after("update_contacts", kill),
    "before T2": lambda w: w.crm.after("read_contacts", kill, nth=3),
}


@pytest.mark.parametrize("moment", sorted(KILLS))
def test_a_kill_between_look_and_mark_repeats_harmlessly(world: World, moment: str) -> None:
    """P1, P3"""
    asks(world)
    world.hint("101")
    KILLS[moment](world)
    with pytest.raises(Killed):
        world.run_hints()
    assert len(world.waiting()) == 1
    world.clock.pass_by(MINUTE)  # a restart comes later; by the same instant the notice would not be due yet
    assert world.run_hints() == 1
    assert world.told() == [("lead.handed_off", "7")]
    assert world.crm.values_over_time("101", "state") == ["handed_off"]
    assert world.waiting() == []
    world.run_later()
    assert world.kinds() == ["lead.handed_off"]


def test_moves_without_news_of_their_own_wait_for_the_run_whose_guard_sees_them_all(world: World) -> None:
    """Fault row "mass change": hints of a change across the portal hand nobody over."""
    with world.store.transaction() as uow:
        uow.mark_dirty(list(world.crm.rows), "test")
    world.hint("101", "102", "103")
    world.run_hints()
    assert world.kinds() == []


def test_a_person_who_is_faster_than_the_write_wins(world: World) -> None:
    """I2"""
    asks(world)
    world.hint("101")
    world.crm.before("add_to_list", lambda: world.crm.edit("101", owner="8"))
    world.run_hints()
    assert world.crm.value("101", "owner") == "8"
    assert world.told() == [("lead.handed_off", "8")]
