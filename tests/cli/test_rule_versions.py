"""`handoff rules history | show | diff`: rules as versions (R10, R35)."""

from __future__ import annotations

import json

import pytest
from commands import Handoff
from portal_world import World

from connector.cli.rule_versions import _words


@pytest.fixture
def changed(world: World) -> World:
    """A run with the shipped rules, one with a lower threshold, and files that say yet another thing."""
    world.sync()
    world.later(hours=1)
    world.rule("qualification", "  score: 50", "  score: 45")
    world.sync()
    world.rule("qualification", "  score: 45", "  score: 40")
    return world


def test_versions_are_listed_compared_and_shown(changed: World, handoff: Handoff) -> None:
    rows = json.loads(handoff("rules", "history", "--json").out)["versions"]
    assert [(row["in_force"], row["runs"], row["differences"]) for row in rows] == [(True, 1, 1), (False, 1, None)]
    assert [row["effect"]["contacts"] if row["effect"] else None for row in rows] == [5, None]
    assert all("@" in row["first_used_by"] for row in rows)
    newest, first = (row["version"] for row in rows)

    said = json.loads(handoff("rules", "diff", "--json").out)
    line = {"file": "qualification.yaml", "key": "threshold.score", "before": 45.0, "after": 40.0}
    assert (said["before"], said["differences"]) == (newest, [line])
    assert said["leads"]["contacts"] == 5 and "change_stage" in said["leads"]
    # a folder alone is compared with what is in force
    assert json.loads(handoff("rules", "diff", str(changed.mappings), "--json").out) == said
    assert handoff("rules", "diff", first[:6], "in-force").out.splitlines()[-1].split("\t")[1:] == [
        "threshold.score", "50.0", "45.0",
    ]  # fmt: skip
    assert "no key differs" in handoff("rules", "diff", newest, "in-force").err

    shown = handoff("rules", "show", first[:6], "--file", "qualification").out
    assert shown.startswith(f"# qualification.yaml, version {first}\n") and "  score: 50" in shown


def test_a_word_that_names_no_version_says_where_they_are_listed(world: World, handoff: Handoff) -> None:
    assert handoff("rules", "diff").err.startswith("Error: There is no database ")
    assert "kap" not in handoff("rules", "show", "--file", "scoring").out  # the files need no database
    world.sync()
    said = handoff("rules", "diff", "ffff")
    assert said.code == 2 and "handoff rules history" in said.err
    assert "is no folder, and names no version: none begins so" in said.err
    assert handoff("rules", "show", "--file", "scorings").code == 2


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "not set"),
        (True, "true"),
        (40.0, "40.0"),
        ("web search", "web search"),
        ([], "[]"),
        ({"say": "asked: now", "points": 5, "half_life": None}, "{say: 'asked: now', points: 5}"),
        ([{"field": "country", "op": "in", "value": ["DE", "NO"]}], "[{field: country, op: in, value: [DE, NO]}]"),
    ],
)
def test_a_value_that_differs_reads_as_it_stands_in_the_files(value: object, told: str) -> None:
    """R35: what is not there is said in a word; nobody reads `null`."""
    assert _words(value) == told
