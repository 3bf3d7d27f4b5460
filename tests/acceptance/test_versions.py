"""The main story is the same on both versions of the CRM's API."""

from __future__ import annotations

from typing import Any

from portal_world import Build, World


def main_story(world: World) -> dict[str, Any]:
    """Leads come, one is handed back and wakes up; what people and the CRM saw, without ids."""
    world.sync()
    world.later(hours=1)
    back = world.asks("cora@back.example", firstname="Cora")
    looks = world.contact("ben@looks.example", country="Germany")
    world.contact("pat-nobody@gmail.com", country="Germany")
    world.views(looks, 0.7, 0.2)
    first = world.sync()
    world.later(days=1)
    world.edit(back, handoff_verdict="recycle")
    world.act("deal", contact=looks, properties={"dealstage": "closedwon"})
    second = world.sync()
    world.later(days=3)
    world.asks("cora@back.example", form="Free audit")
    third = world.sync()
    names = ("lifecyclestage", "hs_lead_status", "hubspot_owner_id", "handoff_state", "handoff_score", "handoff_reason")
    counts = [(run.exit_code, run.counts) for run in (first, second, third)]
    stands = [world.read(one, *names) for one in (back, looks)]
    return {
        "runs": [(code, found.handed_off, found.recycled, found.changes_written) for code, found in counts],
        "people": [[found[name] for name in names] for found in stands],
        "told": [(n["type"], n["data"]["why_now"]) for n in world.receiver.notices],
        "listed": len(world.listed()),
    }


def test_the_story_on_2026_03_is_the_story_on_v3(build: Build) -> None:
    old, new = build(enterprise=True), build(enterprise=True)
    old.env["HUBSPOT_API_VERSION"], new.env["HUBSPOT_API_VERSION"] = "v3", "2026-03"
    told = main_story(old)
    assert [run[:3] for run in told["runs"]] == [(0, 2, 0), (0, 0, 1), (0, 1, 0)]
    assert main_story(new) == told
    paths = new.control("GET", "counters")["by_path"]
    assert any("/2026-03" in path for path in paths)
