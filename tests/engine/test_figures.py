"""Figures (R26): the funnel as it stands, from what is stored."""

from __future__ import annotations

from typing import Any

from factories import HOUR, demo_request

from connector.engine.figures import figures
from engine.world import World


def test_before_the_first_run_there_is_nothing_to_count() -> None:
    world = World()
    assert figures(world.store, world.book) == {"as_of": None, "funnel": {}, "kpis": [], "promise": None, "review": ""}


def test_the_funnel_counts_what_was_handed_over_accepted_and_handed_back() -> None:
    world = World().begin()
    for contact in ("101", "102", "103"):
        world.crm.add(contact)
        world.crm.happen(demo_request(world.clock.now(), contact=contact, id=contact))
    world.run()
    world.clock.pass_by(HOUR)
    world.crm.edit("101", verdict="accepted")
    world.crm.edit("102", verdict="recycle")
    report = world.run_later()
    found: dict[str, Any] = figures(world.store, world.book)
    assert found["as_of"] == report.run.as_of.isoformat()
    shown = {kpi["figure"]: kpi["shown"] for kpi in found["kpis"]}
    assert (shown["handed"], shown["recycled"]) == ("3", "1")
    assert found["promise"]


def test_silent_leads_are_nobodys_figures() -> None:
    """R41"""
    world = World()
    world.crm.add(stage="marketingqualifiedlead", owner="7", created_at=world.clock.now() - 900 * HOUR)
    world.run()
    found: dict[str, Any] = figures(world.store, world.book)
    assert {kpi["shown"] for kpi in found["kpis"] if kpi["figure"] == "handed"} == {"0"}
