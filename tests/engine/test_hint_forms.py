"""Hints of forms in a rush: each submission is read once, however many newer ones there are (P4, P8)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import DAY, demo_request

from connector.domain.contact import ContactId
from connector.domain.hint import Hint, HintKind
from connector.engine import hint_forms
from engine.world import World

MOMENT = timedelta(milliseconds=1)


@pytest.fixture
def world() -> World:
    world = World()
    world.crm.submissions_page = 2
    world.crm.happen(demo_request(world.clock.now() - 200 * DAY, contact="9", ref="f-1"))
    for number in (101, 102):
        world.crm.add(str(number), email=f"kim@firm{number}.example")
    return world.begin()


def asks(world: World, contact: str, *, shown: bool = True) -> list[Hint]:
    """A known contact sends the demo form now; gives what the CRM says of it."""
    at = world.clock.pass_by(MOMENT)
    world.crm.edit(contact, by_person=False, last_form="Home: Request a demo", last_form_at=at.isoformat())
    if shown:
        email = f"kim@firm{contact}.example"
        world.crm.happen(demo_request(at, contact=None, email=email, id=f"demo-{contact}", ref="f-1"))
    return [Hint(id=f"sent-{contact}", contact=ContactId(contact), kind=HintKind.CHANGED, occurred_at=at)]


def others_ask(world: World, count: int) -> None:
    for number in range(count):
        at = world.clock.pass_by(MOMENT)
        email = f"kim@other{number}.example"
        world.crm.happen(demo_request(at, contact=None, email=email, id=f"other-{at.isoformat()}", ref="f-1"))


def pages(world: World) -> int:
    return world.crm.calls().count("recent_submissions")


def test_a_submission_is_found_behind_however_many_newer_ones(world: World) -> None:
    """One that is not found would wait for the scheduled run."""
    world.take(asks(world, "101"))
    others_ask(world, 4 * hint_forms.PAGES)
    world.run_hints()
    assert world.kinds() == ["lead.handed_off"]
    assert world.waiting() == []
    assert pages(world) == 2 * hint_forms.PAGES + 1


def test_what_one_look_brought_the_next_one_does_not_ask_for(world: World) -> None:
    first, second = asks(world, "101"), asks(world, "102")
    world.take(first)
    world.run_hints()
    asked = pages(world)
    assert asked == 1
    world.take(second)
    world.run_hints()
    assert world.kinds() == ["lead.handed_off"] * 2
    assert pages(world) == asked


def test_one_that_is_not_listed_yet_costs_a_bounded_number_of_pages_a_look(world: World) -> None:
    """P8: all newer ones are known from the first look on."""
    world.take(asks(world, "101", shown=False))
    others_ask(world, 4 * hint_forms.PAGES)
    world.run_hints()
    assert len(world.waiting()) == 1
    before = pages(world)
    world.run_hints()
    assert pages(world) - before == hint_forms.PAGES
    assert world.kinds() == []


def test_a_write_without_a_clear_answer_is_looked_at_again_by_hints_alone(world: World) -> None:
    """I7: nothing waits for the scheduled run."""
    world.take(asks(world, "101"))
    world.crm.blur("101", applied=False)
    world.crm.before("update_contacts", lambda: world.crm.blur("101", applied=False), nth=2)
    world.run_hints()
    assert world.kinds() == []
    assert len(world.waiting()) == 1
    world.run_hints()
    assert world.kinds() == ["lead.handed_off"]
    assert world.waiting() == []
