"""Tables: at a terminal of 80 columns people read them, in a pipe scripts do."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from commands import Handoff
from portal_world import World

from connector.cli import console

CONFIG = 2


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From now on stdout counts as a terminal of 80 columns."""

    def begin() -> None:
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setenv("TERM", "dumb")
        monkeypatch.setattr(console, "is_terminal", lambda: True)
        monkeypatch.setattr(console, "console", _narrow)

    return begin


def _narrow(*, err: bool = False) -> object:
    from rich.console import Console

    return Console(stderr=err, width=80, highlight=False, emoji=False)


@pytest.fixture
def busy(world: World, handoff: Handoff) -> World:
    """One lead in sales' hands, told of."""
    handoff("sync")
    world.later(hours=1)
    world.asks("ana@table.example")
    assert handoff("sync").code == 0
    return world


def test_leads_fit_a_terminal_and_keep_all_for_scripts(
    busy: World, handoff: Handoff, terminal: Callable[[], None]
) -> None:
    (row,) = json.loads(handoff("leads", "--json").out)["leads"]
    assert row["email"] == "ana@table.example" and row["due_at"] and row["episode"]
    piped = handoff("leads").out.splitlines()
    assert piped[0].split("\t") == list(row) and len(piped) == 2
    terminal()
    shown = handoff("leads").out
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert row["contact"] in shown and row["episode"] not in shown
    assert "handed off" in shown
    assert row["due_at"][:10] in shown and "+00:00" not in shown


def test_the_deadline_shown_is_the_one_that_the_rep_was_told(busy: World, handoff: Handoff) -> None:
    """R18."""
    (row,) = json.loads(handoff("leads", "--json").out)["leads"]
    (told,) = [notice for notice in busy.receiver.notices if notice["type"] == "lead.handed_off"]
    assert row["due_at"].replace(" ", "T") == told["data"]["due"]["at"]


def test_leads_are_shown_though_the_clocks_cannot_be_read(busy: World, handoff: Handoff) -> None:
    busy.rule("sla", "limit: 48h", "limit: 48")
    said = handoff("leads", "--json")
    assert said.code == 0 and json.loads(said.out)["leads"] and "sla.yaml cannot be read" in said.err


def test_ids_are_never_cut(busy: World, handoff: Handoff, terminal: Callable[[], None]) -> None:
    entries = json.loads(handoff("outbox", "list", "--json").out)["entries"]
    runs = json.loads(handoff("runs", "--json").out)["runs"]
    terminal()
    listed, ran = handoff("outbox", "list").out, handoff("runs").out
    assert entries and all(row["id"] in listed for row in entries)
    assert runs and all(row["run"] in ran for row in runs)
    assert all(len(line) <= 80 for line in (listed + ran).splitlines())
    assert "sent 2026-" in " ".join(listed.split()) and "remarks" in ran


def test_a_notice_is_shown_for_people_and_as_one_object(busy: World, handoff: Handoff) -> None:
    (row, *_) = json.loads(handoff("outbox", "list", "--json").out)["entries"]
    shown = handoff("outbox", "show", row["id"]).out
    assert shown.startswith("Notice\n  id ") and '\n  "data": {\n' in shown
    found = json.loads(handoff("outbox", "show", row["id"], "--json").out)
    assert json.loads(found["body"])["id"] == row["id"] and found["attempts"]


def test_a_terminal_tells_names_and_the_portals_time_of_a_notice_and_of_an_undo(
    busy: World, handoff: Handoff, terminal: Callable[[], None]
) -> None:
    """R36, I10: in a pipe and in JSON ids and UTC stay as they are."""
    (notice, *_) = json.loads(handoff("outbox", "list", "--json").out)["entries"]
    (run, *_) = json.loads(handoff("runs", "--json").out)["runs"]
    raw = json.loads(handoff("undo", run["run"], "--dry-run", "--json").out)["put_back"]
    piped = [handoff("undo", run["run"], "--dry-run").out, handoff("outbox", "show", notice["id"]).out]
    assert "ana@table.example" not in piped[0] and "+00:00" in piped[1].partition("{")[0]
    (given,) = [row["now"] for row in raw if row["field"] == "owner"]
    (due,) = [row["now"] for row in raw if row["field"] == "due_at"]
    assert given in piped[0] and due in piped[0]
    terminal()
    shown, undone = handoff("outbox", "show", notice["id"]).out, handoff("undo", run["run"], "--dry-run").out
    assert f"ana@table.example ({notice['contact']})" in shown and "+00:00" not in shown.partition("{")[0]
    assert "Notice (times: " in shown and "Would go back (times: " in undone
    assert "ana@table" in undone and notice["contact"] in undone and f"({given})" in undone
    assert due not in undone and all(len(line) <= 80 for line in undone.splitlines())


@pytest.mark.parametrize(
    ("words", "known"),
    [(("leads", "--state", "bogus"), "handed_off"), (("outbox", "list", "--status", "bogus"), "exhausted")],
)
def test_a_word_that_an_option_does_not_take_is_refused(
    world: World, handoff: Handoff, words: tuple[str, ...], known: str
) -> None:
    said = handoff(*words)
    assert (said.code, said.out) == (CONFIG, "")
    assert "'bogus' is none of the words" in said.err and known in said.err


def test_what_a_terminal_would_obey_is_not_printed(
    capsys: pytest.CaptureFixture[str], terminal: Callable[[], None]
) -> None:
    """S7: names in a CRM are typed by anybody."""
    terminal()
    console.table("Leads", ["lead"], [["Ana\x1b[2J\x07\nTest [bold]x[/bold]"]])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and "\x07" not in shown and "[bold]x" in shown
