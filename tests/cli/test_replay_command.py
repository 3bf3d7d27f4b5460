"""`handoff replay`: what it prints and saves, that it changes nothing, and what it says where it cannot (R35)."""

from __future__ import annotations

import csv
import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from commands import Handoff
from portal_world import World

CONFIG = 2


@pytest.fixture
def lived(world: World, handoff: Handoff) -> World:
    """A portal with a past of one lead, who asked for a demo."""
    handoff("sync")
    world.later(hours=1)
    world.asks("ana@replay.example", "Request a demo")
    assert handoff("sync").code == 0
    shutil.copytree(world.mappings, world.folder / "strict")
    rules = world.folder / "strict" / "qualification.yaml"
    text = rules.read_text(encoding="utf-8")
    assert '    - {form: "Request a demo", say: asked for a demo}\n' in text
    rules.write_text(text.replace('    - {form: "Request a demo", say: asked for a demo}\n', ""), encoding="utf-8")
    return world


def test_it_says_who_would_move_and_saves_it_and_writes_nothing_else(lived: World, handoff: Handoff) -> None:
    """Neither the CRM nor the database is touched; what is saved is the report alone."""
    before, _ = _state(lived), lived.calls()
    out = lived.folder / "report"
    said = handoff("replay", "--since", "30d", "--with", str(lived.folder / "strict"), "--out", str(out), "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert (found["handed_today"], found["handed_changed"]) == (1, 0)
    (move,) = found["moves"]
    assert move["kind"] == "only_today" and "demo" in move["why"].lower() and move["why_not"]
    assert found["agreement"]["same"] == found["agreement"]["handovers"] == 1
    assert any("would not be" in row["what"] for row in found["unknown"])
    assert sorted(path.name for path in out.iterdir()) == ["moves.csv", "replay.html", "replay.json"]
    assert json.loads((out / "replay.json").read_text(encoding="utf-8")) == found
    with (out / "moves.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["contact"] for row in rows] == [move["contact"]]
    assert "ana@replay.example" not in "".join(path.read_text(encoding="utf-8") for path in out.iterdir())
    assert lived.calls() == {} and _state(lived) == before
    shown = handoff("replay", "--with", str(lived.folder / "strict")).out
    assert "would no longer be handed over" in shown and "What the past cannot tell" in shown


def _state(world: World) -> str:
    """Of the database as another reader sees it."""
    import sqlite3

    with sqlite3.connect(world.folder / "handoff.db") as connection:
        return sha256("\n".join(connection.iterdump()).encode()).hexdigest()


def test_what_cannot_be_done_is_said_with_advice(lived: World, handoff: Handoff) -> None:
    complaints = {
        ("--since", "soon"): "is no day or time",
        ("--since", "2199-01-01"): "nothing lies between",
        ("--until", "2001-01-01"): "nothing lies between",
        ("--with", "no-such-folder"): "no such folder",
        ("--out", "/proc/nowhere"): "cannot be made",
    }
    for words, complaint in complaints.items():
        said = handoff("replay", "--with", str(lived.folder / "strict"), *words)
        assert said.code == CONFIG and complaint in said.err and "What to do:" in said.err


def test_without_a_past_it_says_what_to_do(world: World, handoff: Handoff) -> None:
    said = handoff("replay", "--with", str(Path(world.mappings)))
    assert said.code == CONFIG and "handoff sync" in said.err
