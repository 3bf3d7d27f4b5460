"""A run is undone on a portal that watches every call: fields, list, notices, and the runs that follow (R36, I1-I3)."""

from __future__ import annotations

import json
from typing import Any

from commands import Handoff
from portal_world import World

SHOWN = (
    "lifecyclestage", "hs_lead_status", "hubspot_owner_id", "handoff_episode", "handoff_state", "handoff_score",
    "handoff_grade", "handoff_reason", "handoff_qualified_at", "handoff_due_at",
)  # fmt: skip


def shown(world: World, contact: str, *names: str) -> dict[str, Any]:
    """Without what HubSpot always sends beside it."""
    found = world.read(contact, *(names or SHOWN))
    return {name: found.get(name) or "" for name in names or SHOWN}


def test_a_run_is_undone_by_command_and_nobody_is_handed_over_again(world: World, handoff: Handoff) -> None:
    """R36, R24: previewed, put back, withdrawn, told by explain; then quiet, until the lead does something new."""
    people = [world.contact(f"p{number}@undo-{number}.example", lifecyclestage="lead") for number in range(4)]
    stood = {one: shown(world, one) for one in people}
    for number in range(4):
        world.asks(f"p{number}@undo-{number}.example")
    run = world.sync().run.id
    assert world.members() == set(people)
    world.later(hours=1)
    world.edit(people[0], hubspot_owner_id="")
    world.edit(people[1], handoff_verdict="accepted")

    planned = json.loads(handoff("undo", run, "--dry-run", "--json").out)
    assert planned["contacts"] == 3 and world.members() == set(people)
    refused = handoff("undo", run)
    assert refused.code == 2 and "--yes" in refused.err
    said = handoff("undo", run, "--yes", "--json")
    assert said.code == 0, said.err
    report = json.loads(said.out)

    assert report["put_back"] == planned["put_back"] and report["left_alone"] == planned["left_alone"]
    assert {(row["contact"], row["field"], row["why"]) for row in report["left_alone"]} == {
        (people[0], "owner", "it is as it was before"), (people[1], "", "sales has answered it since"),
    }  # fmt: skip
    for one in (people[0], *people[2:]):
        assert shown(world, one) == stood[one]
    assert world.members() == {people[1]}
    assert report["notices_withdrawn"] == 3
    assert {notice["data"]["contact_id"] for notice in world.receiver.of("lead.withdrawn")} == {
        people[0], *people[2:],
    }  # fmt: skip
    assert "a person undid that" in handoff("explain", people[2]).out
    again = json.loads(handoff("undo", run, "--yes", "--json").out)
    assert (again["contacts"], again["already_undone"]) == (0, 3)

    told = world.receiver.kinds()["lead.handed_off"]
    for hours in (1, 24, 24 * 20):
        world.later(hours=hours)
        assert world.sync(full=hours == 24).counts.handed_off == 0
    assert world.receiver.kinds()["lead.handed_off"] == told == 4
    world.asks("p2@undo-2.example")
    assert world.sync().counts.handed_off == 1
    assert people[2] in world.members() and world.read(people[2], "handoff_state")["handoff_state"] == "handed_off"
    assert world.violations() == []


def test_an_end_is_undone_and_seen_again_while_its_cause_stands(world: World) -> None:
    """R36, I1, I3: on the list again before the lead shows the handover; the rep's word then ends it once more."""
    contact = world.asks("back@undo.example")
    world.sync()
    stood = shown(world, contact, "lifecyclestage", "hs_lead_status", "handoff_state")
    world.later(days=1)
    world.edit(contact, handoff_verdict="recycle", handoff_verdict_reason="not_ready")
    run = world.sync().run.id
    assert world.members() == set()
    world.later(hours=1)
    with world.connector() as connector:
        report = connector.undo(run)
    assert report.exit_code == 0 and report.contacts == 1, report.as_dict()
    assert world.members() == {contact}
    assert shown(world, contact, "lifecyclestage", "hs_lead_status", "handoff_state") == stood
    assert world.receiver.kinds()["lead.withdrawn"] == 1
    assert world.violations() == []


def test_what_cannot_be_undone_is_said_with_what_to_do(world: World, handoff: Handoff) -> None:
    run = world.sync().run.id
    said = handoff("undo", "run_of_nobody", "--yes")
    assert said.code == 2 and run in said.err and "Traceback" not in said.err
    assert "Nothing of" in handoff("undo", run, "--yes").err
