"""A note and a task at handover, where the admin wants them: each once, whatever is killed (R14, R15, I5, I7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from factories import MINUTE, demo_request, make_book
from fakes import kill

from connector.domain.contact import ContactId
from engine.world import World

WANTED = {"crm": {"task": True, "note": True}}


@pytest.fixture
def world() -> World:
    return asking(World(make_book(notifications=WANTED)).begin())


def asking(world: World, **fields: Any) -> World:
    """Kim asks for a demo."""
    world.crm.add(phone="+1 555 0100", message="Please call me", **fields)
    world.crm.happen(demo_request(world.clock.now()))
    return world


def beside(world: World) -> list[str]:
    return world.crm.calls("ensure_tasks", "ensure_notes", "finish_tasks")


def test_nothing_is_left_beside_the_contact_unless_it_is_asked_for() -> None:
    world = asking(World().begin())
    world.run()
    world.crm.edit(verdict="recycle", verdict_reason="not_ready")
    world.run_later()
    assert world.kinds() == ["lead.handed_off", "lead.recycled"] and beside(world) == []


def test_the_rep_gets_a_task_that_is_due_with_the_clock_and_the_contact_a_note(world: World) -> None:
    """R14: in words, and without the person's particulars, which the CRM has already."""
    world.run()
    world.run_later()
    assert beside(world) == ["ensure_notes", "ensure_tasks"]
    ((contact, subject),) = world.crm.tasks.values()
    assert (contact, subject) == ("101", "Call the lead: Asked for a demo.")
    ((owner, due_at),) = world.crm.open_tasks.values()
    assert owner == world.episode().owner
    assert due_at == datetime.fromisoformat(world.crm.value("101", "due_at"))
    ((_, text),) = world.crm.notes.values()
    assert text.startswith("Handed over to sales\nAsked for a demo.\nScore: ") and "React until: " in text
    assert not any(word in text for word in ("Kim", "555", "kim101", "Please"))


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("call", ["ensure_notes", "ensure_tasks"])
def test_a_kill_around_the_call_makes_no_second_one_and_loses_none(world: World, call: str, phase: str) -> None:
    """P1, P3, I7"""
    getattr(world.crm, phase)(call, kill)
    world.run_and_die()
    world.run()
    world.run_later()
    assert (len(world.crm.tasks), len(world.crm.open_tasks), len(world.crm.notes)) == (1, 1, 1)
    assert world.kinds() == ["lead.handed_off"]


def test_the_task_is_closed_once_the_rep_reached_out(world: World) -> None:
    world.run()
    world.crm.edit(last_touch_at=world.clock.pass_by(MINUTE).isoformat())
    world.run_later()
    world.crm.edit(verdict="recycle", verdict_reason="not_ready")
    world.run_later()
    assert world.crm.open_tasks == {} and beside(world)[2:] == ["finish_tasks", "finish_tasks"]


def test_somebody_else_gets_a_task_of_their_own_and_the_former_one_is_closed(world: World) -> None:
    world.run()
    former = world.episode().owner
    new = "8" if former == "7" else "7"
    world.crm.edit(owner=new)
    world.run_later()
    assert [owner for owner, _ in world.crm.open_tasks.values()] == [new]
    assert (len(world.crm.tasks), len(world.crm.notes)) == (2, 1)


def test_what_the_crm_refuses_takes_no_handover_back(world: World) -> None:
    """P5"""
    world.crm.no_tasks.add(ContactId("101"))
    report = world.run()
    assert world.kinds() == ["lead.handed_off"] and world.intents("open") == []
    assert [line for line in report.troubles if "refused the task" in line]


def test_tasks_and_notes_of_a_batch_go_in_one_call_each_and_one_refusal_leaves_the_others(world: World) -> None:
    """P5, P8"""
    for number in range(8):
        world.crm.add(str(200 + number))
        world.crm.happen(demo_request(world.clock.now(), contact=str(200 + number), id=str(number)))
    world.crm.no_tasks.add(ContactId("203"))
    report = world.run()
    assert beside(world) == ["ensure_notes", "ensure_tasks"]
    assert (len(world.crm.notes), len(world.crm.tasks)) == (9, 8)
    assert world.kinds().count("lead.handed_off") == 9
    (line,) = [line for line in report.troubles if "refused" in line]
    assert line.startswith("contact 203: the CRM refused the task: ")


def test_a_preview_shows_them_and_makes_none(world: World) -> None:
    """R33"""
    report = world.run(dry_run=True)
    shown = [(one.kind.value, one.field) for lead in report.planned for one in lead.changes if one.key]
    assert shown == [("note", "Handed over to sales"), ("task", "Call the lead: Asked for a demo.")]
    assert beside(world) == []
