"""A run costs what changed, not what is there: right after a sync another one does next to nothing."""

from __future__ import annotations

import pytest
from portal_world import Build, World

PLAIN, PER_SEARCH = 12, 200
"""Calls that any run may make; contacts that one page of a search holds."""


def forms_of(world: World) -> int:
    return len(world.api("GET", "/marketing/v3/forms/", limit=100)["results"])


def busy_morning(world: World, count: int) -> None:
    """So many known contacts ask for sales."""
    filters = [{"propertyName": "lifecyclestage", "operator": "EQ", "value": "lead"},
               {"propertyName": "email", "operator": "HAS_PROPERTY"}]  # fmt: skip
    body = {"filterGroups": [{"filters": filters}], "properties": ["email"], "limit": count}
    for row in world.api("POST", "/crm/v3/objects/contacts/search", body)["results"]:
        world.asks(row["properties"]["email"])


@pytest.mark.parametrize("enterprise", [True, False])
def test_a_second_sync_writes_nothing_tells_nobody_and_costs_a_handful_of_calls(build: Build, enterprise: bool) -> None:
    """Done when: at most 12 calls + one per form + one per 200 contacts that the first one wrote (1,000 contacts)."""
    world = build(contacts=1_000, seed=3, enterprise=enterprise)
    world.sync()
    world.later(hours=2)
    busy_morning(world, 150)
    forms = forms_of(world)
    first = world.sync()
    assert first.counts.handed_off > 100
    written = {event["id"] for event in world.ours("property", mark="ours")}
    told = len(world.receiver.notices)
    world.calls()

    second = world.sync()

    assert second.exit_code == 0
    assert (second.counts.changes_written, second.counts.notices_queued, second.counts.decided) == (0, 0, 0)
    assert world.ours(mark="ours") == [] and len(world.receiver.notices) == told
    calls = world.calls()
    assert sum(calls.values()) <= PLAIN + forms + -(-len(written) // PER_SEARCH), calls
    assert sum(calls.values()) == sum(second.counts.api_calls.values())


def test_a_sync_of_a_day_on_which_nothing_happened_is_as_cheap(build: Build) -> None:
    """The overlap is re-read; beyond it nothing is looked at again."""
    world = build(contacts=1_000, seed=4)
    world.sync()
    world.later(days=1)
    world.calls()
    report = world.sync()
    assert (report.counts.contacts_pulled, report.counts.decided) == (0, 0)
    calls = world.calls()
    assert sum(calls.values()) <= PLAIN + forms_of(world), calls


def test_ten_quiet_runs_of_a_portal_without_page_views_are_refused_once(build: Build) -> None:
    """P8: error replies stay under a twentieth of the calls; `check` asks at once and says why."""
    world = build(enterprise=False)
    world.calls()
    reports = []
    for _ in range(10):
        reports.append(world.sync())
        world.later(minutes=5)
    found = world.control("GET", "counters")
    errors = sum(count for status, count in found["by_status"].items() if int(status) >= 400)
    assert errors <= 1 and errors < sum(found["by_path"].values()) / 20, found
    assert all(any("page views" in line for line in report.troubles) for report in reports)
    assert "page views need an Enterprise portal" in world.handoff("check").stderr
    world.later(days=1)
    assert any("Enterprise" in line for line in world.sync().troubles), "asked again after a day"
