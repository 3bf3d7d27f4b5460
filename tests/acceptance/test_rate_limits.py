"""Inside the portal's limits (P8): no error where the settings fit; where they do not, 429s are survived and rare."""

from __future__ import annotations

import pytest
from portal_world import Build, World

LEADS = 40


def let_many_ask(world: World) -> None:
    world.acts(
        *(
            {"kind": "form_submission", "form": "Contact us", "email": f"p{number}@limits-{number}.example"}
            for number in range(LEADS)
        )
    )


@pytest.mark.slow
def test_a_portal_that_allows_less_than_the_settings_is_not_outrun(build: Build) -> None:
    """P8: its answers say how much it takes; fewer than one call in twenty is refused, and all is done in the end."""
    world = build(contacts=2_000, seed=9, enterprise=True)
    world.switch(rate_per_10s=30)
    world.control("DELETE", "counters")

    report = world.sync(env={"HUBSPOT_RATE_PER_10S": "60"})

    assert (report.exit_code, report.counts.contacts_pulled) == (0, 2_000)
    found = world.control("GET", "counters")
    refused = found["by_status"].get("429", 0)
    assert refused == report.counts.throttled < 0.05 * found["total"], found


def test_a_429_out_of_the_blue_is_waited_for(build: Build) -> None:
    """Others may use the portal up: the call is made again, and the run ends well."""
    world = build(contacts=200, seed=9, enterprise=True)
    refuse = {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}}
    world.faults({**refuse, "path": "objects/([^/]+/)?contacts$", "nth": 2})
    report = world.sync()
    assert (report.exit_code, report.counts.contacts_pulled, report.counts.throttled) == (0, 200, 1)


def test_searches_beyond_the_second_limit_are_waited_for(build: Build) -> None:
    """A search answers 429 without any header; the run goes on all the same."""
    world = build(contacts=50, seed=2)
    world.sync()
    world.later(hours=1)
    let_many_ask(world)
    world.switch(search_per_second=1)
    report = world.sync()
    assert (report.exit_code, report.counts.handed_off) == (0, LEADS)


def test_settings_that_fit_the_portal_meet_no_limit(build: Build) -> None:
    """P8: calls are paced before the portal has to say no."""
    world = build(contacts=100, seed=2, switches={"rate_per_10s": 100, "search_per_second": 5})
    world.sync(env={"HUBSPOT_RATE_PER_10S": "90", "HUBSPOT_SEARCH_PER_SECOND": "4"})
    world.later(hours=1)
    let_many_ask(world)
    report = world.sync(env={"HUBSPOT_RATE_PER_10S": "90", "HUBSPOT_SEARCH_PER_SECOND": "4"})
    assert (report.exit_code, report.counts.handed_off, report.counts.throttled) == (0, LEADS, 0)


def test_a_day_without_calls_left_ends_the_run_and_nothing_is_lost(build: Build) -> None:
    """Exit 4: the run stays open, and the next one goes on with it."""
    world = build(contacts=1_500, seed=2)
    world.later(hours=1)
    world.switch(daily_limit=int((calls_today(world) + 12) / 0.8))  # Handoff leaves a fifth of the day to others
    said = world.handoff("sync")
    assert said.returncode == 4, said.stderr
    assert "What to do:" in said.stderr and "Traceback" not in said.stderr
    world.switch(daily_limit=0)
    again = world.sync()
    assert again.exit_code == 0 and again.run.resumed


def calls_today(world: World) -> int:
    headers = {"Authorization": f"Bearer {world.token}"}
    told = world.http.get(f"{world.url}/account-info/v3/details", headers=headers, timeout=10).headers
    return int(told["X-HubSpot-RateLimit-Daily"]) - int(told["X-HubSpot-RateLimit-Daily-Remaining"])
