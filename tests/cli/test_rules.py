"""`handoff rules check` for machines: a mistake is one JSON object, too."""

from __future__ import annotations

import json

from commands import Handoff
from portal_world import World

CONFIG = 2


def test_mistakes_are_one_object_with_their_places(world: World, handoff: Handoff) -> None:
    assert json.loads(handoff("rules", "check", "--json").out)["complaints"] == []
    world.rule("routing", "default_pool: everyone", "default_pool: all")
    world.rule("scoring", "  cap: 40", "  kap: 40")
    said = handoff("rules", "check", "--json")
    assert said.code == CONFIG and said.err == ""
    unknown, pool = json.loads(said.out)["complaints"]
    lines = (world.mappings / "routing.yaml").read_text().splitlines()
    assert pool == {
        "file": "routing.yaml",
        "line": lines.index("default_pool: all") + 1,
        "column": 15,
        "key": "default_pool",
        "message": "there is no pool all",
        "found": "all",
        "advice": "use one of everyone, or add it under `pools`",
    }
    assert (unknown["file"], unknown["key"], unknown["message"]) == ("scoring.yaml", "fit.kap", "unknown key")


def test_people_get_the_same_in_words(world: World, handoff: Handoff) -> None:
    world.rule("sla", "limit: 48h", "limit: 9999bh")
    said = handoff("rules", "check")
    assert (said.code, said.out) == (CONFIG, "")
    assert "clocks.verdict.limit: clock verdict: 9999bh is more than its calendar opens" in said.err
    assert said.err.count("What to do: ") == 1


def test_the_agreement_is_printed_saved_as_a_page_and_its_review_is_due(world: World, handoff: Handoff) -> None:
    """R10: from the rules; until somebody agrees, check and rules check say so."""
    said = handoff("rules", "agreement")
    assert said.code == 0 and "whoever sends the form “Request a demo”" in said.out
    assert "Due: Version 1 of the definition is not agreed yet: marketing and sales read this" in said.out
    assert json.loads(handoff("rules", "agreement", "--json").out)["version"] == "1"
    assert handoff("rules", "agreement", "--out", str(world.folder / "agreement.html")).out == ""
    page = (world.folder / "agreement.html").read_text(encoding="utf-8")
    assert "Request a demo" in page and (world.folder / "agreement.html").stat().st_mode & 0o077 == 0
    remarks = json.loads(handoff("rules", "check", "--json").out)["remarks"]
    assert any("is not agreed yet" in remark for remark in remarks)
    nowhere = handoff("rules", "agreement", "--out", str(world.folder / "no" / "where.html"))
    assert nowhere.code == CONFIG and "--out" in nowhere.err and "cannot be written" in nowhere.err
