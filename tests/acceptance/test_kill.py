"""Killed at some moments by the clock of a real command, it ends where an undisturbed run ends (P1-P3).

Every single call of a run, before, in and after it, is tests/crash's.
"""

from __future__ import annotations

import random
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from portal_world import Build, World, served

MOMENTS = 4
LEADS = 30
SHOWN = (
    "email", "lifecyclestage", "hs_lead_status", "hubspot_owner_id", "handoff_state", "handoff_score", "handoff_grade",
    "handoff_reason", "handoff_qualified_at", "handoff_due_at", "handoff_nurture_track",
)  # fmt: skip


def prepare(world: World) -> None:
    """A day's work: thirty people ask, some that sales had come back, one is won."""
    world.sync()
    world.later(hours=1)
    known = [world.asks(f"known.{number}@known-{number}.example") for number in range(6)]
    world.sync()
    world.later(days=1)
    world.edit(known[0], handoff_verdict="recycle")
    world.edit(known[1], handoff_verdict="junk")
    world.act("deal", contact=known[2], properties={"dealstage": "closedwon"})
    world.edit(known[3], handoff_verdict="accepted")
    world.acts(
        *(
            {"kind": "form_submission", "form": "Contact us", "email": f"p{number}@kill-{number}.example"}
            for number in range(LEADS)
        )
    )
    world.switch(latency_ms=8)
    world.log(mark="ours")
    world.calls()


def ends(world: World) -> dict[str, Any]:
    """Everything that people can see at the end, without ids."""
    world.switch(latency_ms=0)
    rows = world.api("GET", "/crm/v3/objects/contacts", limit=100, properties=",".join(SHOWN))["results"]
    listed = world.members()
    people = {row["properties"]["email"]: [row["properties"].get(name) or "" for name in SHOWN] for row in rows}
    path: dict[str, list[str]] = {}
    for event in world.ours("property"):
        steps = path.setdefault(f"{event['id']} {event['name']}", [])
        if event["name"] != "handoff_episode" and (not steps or steps[-1] != event["after"]):
            steps.append(event["after"] or "")
    told = {
        (notice["webhook-id"], notice["type"], notice["data"]["contact_id"]): notice["data"]["why_now"]
        for notice in world.receiver.notices
        if "contact_id" in notice["data"]  # an alarm is about no single lead
    }
    return {
        "people": people,
        "listed": sorted(row["properties"]["email"] for row in rows if row["id"] in listed),
        "path": {key: [step for step in steps if step] for key, steps in path.items()},
        "told": sorted((kind, contact, why) for (_, kind, contact), why in told.items()),
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any]]:
    """How many calls the run makes that nobody kills, and how it ends."""
    folder = tmp_path_factory.mktemp("smooth")
    with served() as url, closing(World(url, folder, enterprise=True)) as world:
        world.init()
        prepare(world)
        done = world.handoff("sync")
        assert done.returncode == 0, done.stderr
        calls, found = sum(world.calls().values()), ends(world)
    assert sum(kind == "lead.handed_off" for kind, _, _ in found["told"]) == 6 + LEADS
    return calls, found


@pytest.mark.slow
@pytest.mark.parametrize("number", range(MOMENTS))
def test_killed_at_any_moment_it_ends_as_if_nothing_had_happened(
    build: Build, undisturbed: tuple[int, dict[str, Any]], number: int
) -> None:
    """P1-P3: kill -9 after the n-th call of a real `handoff sync`, a plain restart, the same end."""
    calls, expected = undisturbed
    moment = sorted(random.Random(20260302).sample(range(1, calls + 3), MOMENTS))[number]
    world = build(enterprise=True)
    prepare(world)
    kill_after(world, moment)
    again = world.handoff("sync")
    assert again.returncode == 0, again.stderr
    found = ends(world)
    for part, value in expected.items():
        assert found[part] == value, (moment, part)
    ids = [notice["webhook-id"] for notice in world.receiver.notices]
    assert len(ids) - len(set(ids)) <= 1, "one notice may be on its way when the process dies"
    assert not leftovers(world.folder)


def kill_after(world: World, calls: int) -> None:
    """Start a sync and kill it as soon as it made so many calls; one that was faster has simply ended."""
    process = world.start("sync")
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        if world.control("GET", "counters")["total"] >= calls:
            break
        time.sleep(0.002)
    process.kill()
    process.communicate()


def leftovers(folder: Path) -> list[str]:
    """Files that only a process that died would leave; SQLite's own are swept by the next one."""
    return [path.name for path in folder.iterdir() if path.suffix in (".tmp", ".lock") and path.stat().st_size]
