"""Undo: what a run wrote goes back where it is still ours, and no lead comes back by itself (R36, R24, P3)."""

from __future__ import annotations

from typing import Any

import pytest
from factories import DAY, HOUR, MINUTE, demo_request, make_book
from fakes import Killed, kill

from connector.domain.episode import State
from connector.domain.run import RunId
from connector.engine.erase import PRIVACY, erase_now
from connector.engine.explain import as_text, explain
from connector.engine.report import UndoReport
from connector.engine.undo import undo
from connector.errors import SettingsError
from engine.world import World

FIELDS = ("stage", "status", "owner", "episode", "state", "reason", "qualified_at", "due_at", "score", "grade")


@pytest.fixture
def world() -> World:
    return World().begin()


def hand_raiser(world: World, contact: str = "101", **fields: str) -> None:
    """A new contact that asks for a demo now; its values before."""
    world.crm.add(contact, **fields)
    asks(world, contact)


def asks(world: World, contact: str = "101") -> None:
    at = world.clock.now()
    world.crm.happen(demo_request(at, contact=contact, id=f"demo-{contact}-{at:%d%H%M%S}"))


def take_back(world: World, run: str, **options: Any) -> UndoReport:
    return undo(world.ports, world.book, world.crm.portal(), RunId(run), **options)


def values(world: World, contact: str = "101") -> dict[str, str]:
    return {name: world.crm.value(contact, name) for name in FIELDS}


def handed_over(world: World, *contacts: str) -> str:
    """Each asks for sales and is handed over; gives the run's id."""
    for contact in contacts or ("101",):
        hand_raiser(world, contact)
    return world.run().run.id


def test_the_task_of_a_handover_that_is_undone_is_closed_and_its_note_stays() -> None:
    """R36, R14"""
    world = World(make_book(notifications={"crm": {"task": True, "note": True}})).begin()
    report = take_back(world, handed_over(world))
    assert world.crm.open_tasks == {} and len(world.crm.tasks) == len(world.crm.notes) == 1
    said = {line.field: line.back_to or line.why for line in report.lines if line.field in ("task", "note")}
    assert said["task"] == "closed" and said["note"].startswith("a note tells")


def statuses(world: World) -> list[tuple[str, str]]:
    return [(entry.kind, entry.status) for entry in world.entries()]


def test_everything_that_a_run_wrote_goes_back_and_the_rep_hears_of_it(world: World) -> None:
    """R36: fields as they were, off the list, the episode ended as undone, one `withdrawn` to who was told."""
    world.crm.add("101")
    before = values(world)
    asks(world)
    run = world.run().run.id
    assert values(world) != before
    world.clock.pass_by(MINUTE)

    shown = take_back(world, run, dry_run=True)
    report = take_back(world, run)

    assert (shown.contacts, shown.withdrawn, shown.cancelled) == (1, 1, 0), "a preview counts what would be withdrawn"
    assert values(world) == before and world.crm.listed == set()
    assert (report.contacts, report.exit_code, report.withdrawn, report.cancelled) == (1, 0, 1, 0)
    episode = world.episode()
    assert (episode.state, episode.exit_reason, episode.marketing_held) == (State.RECYCLED, "undone", False)
    assert world.timers() == [] and world.intents("open") == []
    assert world.told() == [("lead.handed_off", "7"), ("lead.withdrawn", "7")]
    assert world.crm.values_over_time("101", "stage")[-2:] == ["", "lead"], "cleared, then set (I3)"
    order = world.crm.calls("update_contacts", "remove_from_list")
    assert order[-1] == "remove_from_list", "off the list only once the release stands (I1)"


def test_it_is_a_run_of_its_own_with_audit_rows(world: World) -> None:
    """P6."""
    run = handed_over(world)
    report = take_back(world, run)
    newest = world.runs()[0]
    assert report.run == f"undo_{run}"
    assert {row["run"]: row["status"] for row in world.runs()}[report.run] == "completed"
    assert run in str(next(row for row in world.runs() if row["run"] == report.run)["error"])
    assert world.audit_of("run") == [run] and newest is not None


@pytest.mark.parametrize("cause", ["nothing", "rules", "full"])
def test_no_later_run_hands_the_same_lead_over_again(world: World, cause: str) -> None:
    """P3: not at the next run, not after a full pull, not when all are decided anew, not after weeks."""
    run = handed_over(world)
    take_back(world, run)
    told = world.kinds()
    for span in (MINUTE, HOUR, 10 * DAY, 40 * DAY):
        if cause == "rules":
            with world.store.transaction() as uow:
                uow.mark_all_dirty("rules changed")
        report = world.run_later(span, full=cause == "full")
        assert (report.counts.handed_off, report.counts.changes_written) == (0, 0)
    assert world.kinds() == told and world.crm.listed == set()


def test_a_lead_that_a_person_had_made_qualified_is_not_taken_for_a_new_request(world: World) -> None:
    """R39, I2: the stage that we put back is no person's new word."""
    world.crm.add("101", stage="lead")
    world.run_later(MINUTE)
    world.clock.pass_by(MINUTE)
    world.crm.edit("101", stage="marketingqualifiedlead")
    run = world.run_later(MINUTE).run.id
    assert world.kinds() == ["lead.handed_off"]
    world.clock.pass_by(HOUR)
    take_back(world, run)
    assert world.crm.value("101", "stage") == "marketingqualifiedlead"
    for span in (MINUTE, HOUR, DAY):
        assert world.run_later(span, full=True).counts.handed_off == 0
    assert world.kinds() == ["lead.handed_off", "lead.withdrawn"]


def test_new_interest_hands_it_over_again_as_a_lead_of_its_own(world: World) -> None:
    """R24: no silent loss. Whoever had it by the run that was undone is no former owner."""
    run = handed_over(world)
    take_back(world, run)
    world.clock.pass_by(DAY)
    asks(world)
    assert world.run().counts.handed_off == 1
    first, second = world.episodes()
    assert (first.exit_reason, second.ordinal, second.is_open) == ("undone", 2, True)
    assert world.crm.value("101", "episode") == second.id and world.crm.listed == {"101"}
    assert world.kinds() == ["lead.handed_off", "lead.withdrawn", "lead.handed_off"]
    assert take_back(world, run).contacts == 0, "the earlier run has nothing left"


def test_a_second_undo_finds_nothing_left(world: World) -> None:
    run = handed_over(world, "101", "102")
    take_back(world, run)
    world.crm.forget()
    again = take_back(world, run)
    assert (again.contacts, again.already, again.lines, again.exit_code) == (0, 2, [], 0)
    assert world.crm.calls("update_contacts", "add_to_list", "remove_from_list") == []
    assert world.kinds().count("lead.withdrawn") == 2


def test_a_preview_changes_nothing_and_says_the_same(world: World) -> None:
    run = handed_over(world)
    stood, episode, entries = values(world), world.episode(), world.entries()
    world.crm.forget()
    planned = take_back(world, run, dry_run=True)
    assert (values(world), world.episode(), world.entries()) == (stood, episode, entries)
    assert world.crm.calls("update_contacts", "add_to_list", "remove_from_list") == []
    assert len(world.runs()) == 2
    real = take_back(world, run)
    assert real.lines == planned.lines and real.contacts == planned.contacts == 1


def test_what_a_person_changed_since_stays_with_the_reason(world: World) -> None:
    """I2: field by field."""
    run = handed_over(world)
    world.clock.pass_by(HOUR)
    world.crm.edit("101", owner="8")
    report = take_back(world, run)
    left = {line.field: line.why for line in report.lines if line.why}
    assert left == {"owner": "a person changed it since"}
    assert world.crm.value("101", "owner") == "8" and world.crm.value("101", "stage") == "lead"


def test_a_person_who_edits_in_the_very_moment_wins(world: World) -> None:
    """I2: the re-read just before the write sees it."""
    run = handed_over(world)
    world.crm.after("read_contacts", lambda: world.crm.edit("101", status="ATTEMPTED_TO_CONTACT"))
    report = take_back(world, run)
    assert world.crm.value("101", "status") == "ATTEMPTED_TO_CONTACT"
    assert {line.field: line.why for line in report.lines if line.why} == {"status": "a person changed it since"}
    assert world.crm.value("101", "stage") == "lead" and report.contacts == 1


def test_a_lead_that_sales_has_answered_stays_with_sales(world: World) -> None:
    """R20: before a run has seen the answer, and after."""
    run = handed_over(world)
    world.clock.pass_by(HOUR)
    world.crm.edit("101", verdict="accepted")
    stood = values(world)
    (line,) = take_back(world, run).lines
    assert line.why == "sales has answered it since"
    later = world.run_later(MINUTE).run.id
    (line,) = take_back(world, run).lines
    assert later in line.why and "undo that one first" in line.why
    assert world.episode().state is State.ACCEPTED and world.crm.value("101", "owner") == stood["owner"]
    assert world.kinds() == ["lead.handed_off"]


def test_what_a_run_moved_on_goes_back_to_how_it_stood(world: World) -> None:
    """R36: an end by mistake of the rules; where its cause still stands, the next run sees it and tells of it again."""
    handed_over(world)
    world.clock.pass_by(HOUR)
    world.crm.edit("101", verdict="recycle")
    stood = world.episode()
    run = world.run_later(MINUTE).run.id
    assert world.episode().state is State.RECYCLED and world.crm.listed == set()
    world.clock.pass_by(MINUTE)

    report = take_back(world, run)

    assert report.contacts == 1 and world.crm.listed == {"101"}
    episode = world.episode()
    assert (episode.state, episode.owner, episode.ended_at, episode.undone) == (State.HANDED_OFF, stood.owner, None, 1)
    assert world.crm.value("101", "state") == "handed_off" and world.timers()
    assert world.kinds() == ["lead.handed_off", "lead.recycled", "lead.withdrawn"]
    assert len(world.episodes()) == 1
    with world.store.transaction() as uow:
        uow.mark_all_dirty("rules changed")
    assert world.run_later(MINUTE).counts.recycled == 1, "the rep's word still stands"
    assert world.kinds() == ["lead.handed_off", "lead.recycled", "lead.withdrawn", "lead.recycled"]


def test_both_runs_can_be_undone_from_the_last_to_the_first(world: World) -> None:
    """Then it is as if neither had been."""
    world.crm.add("101")
    before = values(world)
    asks(world)
    first = world.run().run.id
    world.clock.pass_by(HOUR)
    world.crm.edit("101", verdict="recycle")
    second = world.run_later(MINUTE).run.id
    world.clock.pass_by(HOUR)
    assert "undo that one first" in take_back(world, first).lines[0].why
    world.crm.edit("101", verdict="")
    take_back(world, second)
    world.clock.pass_by(HOUR)
    assert take_back(world, first).contacts == 1
    assert values(world) == before and world.crm.listed == set()
    assert world.run_later(DAY).counts.handed_off == 0


def test_a_notice_that_still_waits_is_cancelled_and_nobody_hears_of_either(world: World) -> None:
    run = handed_over_unsent(world)
    shown = take_back(world, run, dry_run=True)
    assert (shown.cancelled, shown.withdrawn) == (1, 0)
    report = take_back(world, run)
    assert (report.cancelled, report.withdrawn) == (1, 0)
    assert statuses(world) == [("lead.handed_off", "cancelled")]
    assert "undid the run" in world.entries()[0].last_error


def handed_over_unsent(world: World) -> str:
    hand_raiser(world)
    deliver = world.delivery.deliver
    world.delivery.deliver = lambda now: 0  # type: ignore[method-assign]
    run = world.run().run.id
    world.delivery.deliver = deliver  # type: ignore[method-assign]
    return run


def test_the_earlier_return_condition_runs_again(world: World) -> None:
    """R21: timers follow; a hand-back that waited for its day waits again."""
    handed_over(world)
    world.clock.pass_by(DAY)
    world.crm.edit("101", verdict="recycle", verdict_reason="locked_in_contract", return_on="2026-09-01")
    world.run_later(MINUTE)
    waits = world.timers()
    assert [timer.kind.value for timer in waits] == ["return"]
    world.clock.pass_by(DAY)
    asks(world)
    run = world.run().run.id
    assert world.episode().is_open
    world.clock.pass_by(HOUR)
    take_back(world, run)
    assert world.timers() == waits
    assert world.run_later(HOUR).counts.handed_off == 0


def test_the_turn_is_handed_back(world: World) -> None:
    """R12: as if it had not been given."""
    handed_over(world, "101")
    before = world.rotation()
    world.clock.pass_by(HOUR)
    hand_raiser(world, "102", email="kim@other.example")
    run = world.run().run.id
    assert world.rotation() != before
    take_back(world, run)
    assert world.rotation() == before


def test_who_is_gone_merged_or_erased_is_left_alone_with_the_reason(world: World) -> None:
    """I11, I12."""
    run = handed_over(world, "101", "102", "103", "104")
    world.crm.add("105")
    world.run_later(MINUTE)
    world.crm.archive("101")
    world.crm.merge("102", "105")
    world.crm.erase("103")
    erase_now(world.store, ["103"], at=world.clock.now(), cause=PRIVACY)  # type: ignore[list-item]
    report = take_back(world, run)
    why = sorted(line.why for line in report.lines if line.field == "")
    assert why == [
        "the contact was deleted in the CRM", "the contact was merged into another one", "the person was erased",
    ]  # fmt: skip
    assert report.contacts == 1 and world.crm.value("104", "stage") == "lead"


@pytest.mark.parametrize("call", ["update_contacts", "remove_from_list", "read_contacts"])
@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("resumed_by", ["undo", "sync"])
def test_killed_anywhere_it_comes_to_the_same_end(world: World, call: str, phase: str, resumed_by: str) -> None:
    """P1: the same command goes on with it, and so does the next sync; told once."""
    world.crm.add("101")
    before = values(world)
    asks(world)
    run = world.run().run.id
    world.clock.pass_by(MINUTE)
    getattr(world.crm, phase)(call, kill)
    with pytest.raises(Killed):
        take_back(world, run)
    if resumed_by == "sync":
        world.run_later(MINUTE)
    take_back(world, run)
    world.run_later(MINUTE)
    assert values(world) == before and world.crm.listed == set()
    assert world.kinds() == ["lead.handed_off", "lead.withdrawn"]
    assert world.episode().exit_reason == "undone" and len(world.episodes()) == 1
    assert world.run_later(DAY).counts.handed_off == 0
    assert {row["status"] for row in world.runs()} == {"completed"}


def test_a_refused_write_leaves_the_lead_where_it_was(world: World) -> None:
    """I7: the episode stands as before; another try may come through."""
    run = handed_over(world)
    world.crm.refuse("101")
    report = take_back(world, run)
    assert (report.failed, report.exit_code, report.contacts) == (1, 1, 0)
    assert world.episode().is_open and world.crm.listed == {"101"}
    assert world.kinds() == ["lead.handed_off"] and world.timers()
    assert take_back(world, run).contacts == 1
    assert world.kinds() == ["lead.handed_off", "lead.withdrawn"]


def test_explain_tells_it(world: World) -> None:
    """R34."""
    run = handed_over(world)
    take_back(world, run)
    with world.store.reading() as uow:
        told = explain(uow, world.episode().contact, world.book)
    assert told is not None
    text = as_text(told)
    assert "a person undid that" in text and f"undid what Handoff did in {run}" in text
    assert "a person undid this handover on" in text


def test_figures_do_not_count_what_was_undone(world: World) -> None:
    """R26."""
    from connector.engine.figures import figures

    run = handed_over(world, "101", "102")
    take_back(world, run)
    assert figures(world.store, world.book)["funnel"]["handed"] == 0  # type: ignore[index]


def test_what_cannot_be_undone_says_why(world: World) -> None:
    run = handed_over(world)
    with pytest.raises(SettingsError, match="there is no run 'run_x'") as told:
        take_back(world, "run_x")
    assert run in told.value.advice
    take_back(world, run)
    with pytest.raises(SettingsError, match="undid another one"):
        take_back(world, f"undo_{run}")
    hand_raiser(world, "102")
    world.crm.before("update_contacts", kill)
    world.run_and_die()
    cut_off = str(next(row["run"] for row in world.runs() if row["status"] == "running"))
    with pytest.raises(SettingsError, match="is not finished"):
        take_back(world, cut_off)


def test_an_undo_that_was_cut_off_is_no_run_that_sync_takes_up(world: World) -> None:
    """I9: the next sync has an id and an instant of its own."""
    run = handed_over(world)
    world.crm.before("update_contacts", kill)
    with pytest.raises(Killed):
        take_back(world, run)
    report = world.run_later(MINUTE)
    assert report.run.id.startswith("run_") and not report.run.resumed
    assert world.crm.value("101", "stage") == "lead"


