"""What scripts of others rely on: the object that `handoff sync --json` prints, and JSON wherever data is printed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from commands import Handoff
from portal_world import World

from connector.cli.console import json_text

CONTRACT = (
    "run_id", "status", "started_at", "seconds", "contacts_pulled", "activities_pulled", "decided", "handed_off",
    "recycled", "changes_written", "changes_rejected", "notices_queued", "notices_sent", "api_calls", "throttled",
    "watermark",
)  # fmt: skip
"""Design, section 6."""
COUNTS = [name for name in CONTRACT[4:] if name not in ("api_calls", "watermark")]


def test_sync_prints_one_object_with_every_key_of_the_contract_and_logs_go_elsewhere(world: World) -> None:
    """One line on stdout, whatever is logged."""
    world.sync()
    world.later(hours=1)
    world.asks("ana@json.example")
    said = world.handoff("sync", "--json", HANDOFF_LOG_LEVEL="DEBUG", HANDOFF_LOG_FORMAT="json")
    assert said.returncode == 0, said.stderr
    assert len(said.stdout.splitlines()) == 1
    found = json.loads(said.stdout)
    assert set(CONTRACT) <= set(found)
    assert found["status"] == "completed" and (found["handed_off"], found["notices_sent"]) == (1, 1)
    assert all(isinstance(found[name], int) for name in COUNTS) and isinstance(found["seconds"], float)
    for name in ("started_at", "watermark"):
        assert datetime.fromisoformat(found[name]).tzinfo is not None
    assert found["api_calls"]["GET /crm/v3/owners"] >= 1
    assert all(isinstance(count, int) for count in found["api_calls"].values())
    assert sum(found["quota"]["by_purpose"].values()) == sum(found["api_calls"].values())
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("check", "--json"), "complaints"),
        (("preview", "--json"), "planned"),
        (("leads", "--json"), "leads"),
        (("leads", "--hot", "--json"), "leads"),
        (("runs", "--json"), "runs"),
        (("quota", "--json"), "so_far"),
        (("report", "--json"), "funnel"),
        (("adopt", "--json"), "waiting"),
        (("outbox", "list", "--json"), "entries"),
        (("rules", "check", "--json"), "fingerprint"),
        (("rules", "test", "--json"), "examples"),
        (("explain", "ana@json.example", "--json"), "answer"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_every_command_that_prints_data_prints_it_as_one_json_object(
    world: World, handoff: Handoff, words: tuple[str, ...], key: str
) -> None:
    world.sync()
    world.later(hours=1)
    world.asks("ana@json.example")
    world.sync()
    said = handoff(*words)
    assert said.code == 0, said
    found = json.loads(said.out)
    assert isinstance(found, dict) and key in found


def test_in_a_pipe_there_is_plain_text_without_colours(world: World, handoff: Handoff) -> None:
    world.sync()
    world.later(hours=1)
    world.asks("ana@json.example")
    world.sync()
    for words in (("sync",), ("leads",), ("runs",), ("explain", "ana@json.example"), ("check",), ("report",)):
        said = handoff(*words)
        assert said.code == 0, said
        assert "\x1b[" not in said.out + said.err and said.out.strip(), words


def test_a_run_with_errors_ends_with_1_and_says_which(world: World, handoff: Handoff) -> None:
    """Exit codes: design, section 6. `runs show` keeps HubSpot's reason, and groups by it."""
    world.sync()
    world.later(hours=1)
    world.asks("ana@errors.example")
    body = {"status": "error", "category": "VALIDATION_ERROR", "message": "no such value"}
    world.faults({"kind": "status", "status": 400, "path": "contacts/batch/update", "times": 0, "body": body})
    said = world.handoff("sync", "--json")
    assert said.returncode == 1
    found = json.loads(said.stdout)
    assert found["status"] == "completed_with_errors" and found["changes_rejected"] > 0
    assert found["handed_off"] == 0, "what was refused is no handoff"
    assert not world.receiver.notices

    shown = json.loads(handoff("runs", "show", found["run_id"], "--json", "--out", "refused.csv").out)
    assert [(one["reason"], one["records"]) for one in shown["refused"]] == [("VALIDATION_ERROR", 1)]
    assert shown["refused"][0]["contacts"][0] in (world.folder / "refused.csv").read_text("utf-8")
    assert shown["set_aside"] == [], "those are the refused ones, told once"
    world.sync()
    assert json.loads(handoff("runs", "show", found["run_id"], "--json").out)["refused"] == shown["refused"]
    newest = json.loads(handoff("runs", "--json").out)["runs"][0]
    assert json.loads(handoff("runs", "show", "--json").out)["run"] == newest["run"]
    said = handoff("runs", "show", "run_none")
    assert said.code == 2 and "handoff runs" in said.err

    day = json.loads(handoff("quota", "--json", HANDOFF_SYNC_EVERY="1h").out)
    assert day["so_far"]["backfill"] and day["so_far"]["write"] and day["calls"] == sum(day["so_far"].values())
    assert day["at_the_end"] == day["calls"] + round(day["a_run"] * day["runs_left"])
    asked = json.loads(handoff("quota", "--now", "--json").out)
    assert asked["limit"] and asked["calls"] > day["calls"] and list(asked["floors"]) == ["backfill", "write"]
    assert "backfill\t" in handoff("quota").out


def test_days_and_instants_look_alike_in_every_answer() -> None:
    at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert json_text({"at": at, "on": at.date(), "what": Path("x")}) == (
        '{"at": "2026-03-02T09:00:00+00:00", "on": "2026-03-02", "what": "x"}'
    )
