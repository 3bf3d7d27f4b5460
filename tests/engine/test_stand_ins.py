"""Portals without single page views: what the CRM keeps of a contact carries key pages and open forms (R06, R08)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import DAY, MINUTE, demo_request

from engine.world import World

PRICES, DEMO, HOME = (f"https://www.acme.example/{page}" for page in ("pricing", "demo", ""))


@pytest.fixture
def world() -> World:
    """A portal that refuses page views; Kim has been known to it for a while."""
    world = World()
    world.crm.off["page_views"] = "This portal gives no page views."
    world.begin()
    world.crm.add(job_title="CEO")
    world.run()
    world.clock.pass_by(10 * MINUTE)
    return world


def look(world: World, url: str) -> None:
    """The CRM's own tracking moves the last page and the last visit."""
    world.crm.edit(by_person=False, last_url=url, last_visit_at=world.clock.now().isoformat())


def test_two_looks_at_the_prices_in_a_week_go_to_sales(world: World) -> None:
    """R06: the second visit is known by its own time, though the page is the same."""
    look(world, PRICES)
    world.run_later()
    assert world.episodes() == []
    world.clock.pass_by(2 * DAY)
    look(world, PRICES)
    world.run_later()
    assert world.kinds() == ["lead.handed_off"]


def test_a_form_that_was_opened_and_not_sent_marks_the_contact(world: World) -> None:
    """R08"""
    look(world, DEMO)
    world.run_later()
    look(world, HOME)
    world.run_later(MINUTE)
    world.run_later(31 * MINUTE)
    assert world.crm.value("101", "abandoned_form") == "Request a demo"


def test_the_form_sent_in_time_leaves_no_mark(world: World) -> None:
    look(world, DEMO)
    world.run_later()
    world.crm.happen(demo_request(world.clock.now()))
    world.run_later(31 * MINUTE)
    assert world.crm.values_over_time("101", "abandoned_form") == []


def test_what_else_changes_on_a_contact_is_no_new_visit(world: World) -> None:
    look(world, PRICES)
    world.run_later()
    for title in ("CFO", "CTO"):
        world.crm.edit(job_title=title)
        world.run_later(full=True)
    assert world.episodes() == []


def test_where_single_page_views_come_nothing_stands_in_for_them() -> None:
    world = World().begin()
    world.crm.add(job_title="CEO")
    for _ in range(3):
        world.clock.pass_by(timedelta(hours=1))
        look(world, PRICES)
        world.run_later()
    with world.store.reading() as uow:
        found = uow.activities([world.stored().contact.id], world.clock.now() - DAY)
    assert list(found.values()) == [[]]
