"""The database gives trouble, before a run or in the midst of it: told in one message, nothing half-applied, and the
next run ends where an undisturbed one would have (P1, P3; fault table: DB locked, full, corrupt; bad input).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from commands import Handoff, Said
from portal_world import World
from sqlalchemy import Engine, event

from connector.store import database

FAILED, CONFIG = 1, 2
HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""
PEOPLE = 40


def refused(said: Said, code: int, *words: str) -> None:
    assert said.code == code and "Traceback" not in said.err and "unforeseen" not in said.err, said
    for word in (*words, "What to do: "):
        assert word in said.err, said.err


@contextmanager
def another_tool_holds(path: Path) -> Iterator[None]:
    """A process of its own with an exclusive transaction on the file."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as tool:
        assert tool.stdin is not None and tool.stdout is not None
        assert tool.stdout.readline() == "held\n"
        try:
            yield
        finally:
            tool.stdin.close()
            tool.wait(20)


@pytest.mark.parametrize(
    "words",
    [
        ("runs",), ("runs", "show"), ("leads",), ("report", "funnel"), ("explain", "101"), ("check", "--deep"),
        ("undo", "run_1", "--yes"), ("outbox", "retry", "n1"), ("outbox", "replay", "n1"),
    ],
)  # fmt: skip
def test_who_reads_in_a_wrong_folder_is_told_and_leaves_no_database_there(
    world: World, handoff: Handoff, words: tuple[str, ...]
) -> None:
    refused(handoff(*words), CONFIG, "There is no database at ", "handoff.db")
    assert not Path("handoff.db").exists()


@pytest.fixture
def started(world: World, handoff: Handoff, monkeypatch: pytest.MonkeyPatch) -> World:
    """A first sync behind it, then people who ask for sales: the next run has much to write."""
    assert handoff("sync").code == 0
    world.later(hours=1)
    for number in range(PEOPLE):
        world.asks(f"lead{number}@buyer{number}.example", message="x" * 3000)
    world.ours(mark="ours")
    patience = {**(database.Database.__init__.__kwdefaults__ or {}), "patience_seconds": 1.0}
    monkeypatch.setattr(database.Database.__init__, "__kwdefaults__", patience)
    return world


def ends_as_if_undisturbed(world: World, handoff: Handoff) -> None:
    """Everybody is handed over once and told of once, and nothing more comes after."""
    assert handoff("sync").code == 0
    assert handoff("sync").code == 0
    told = [notice["webhook-id"] for notice in world.receiver.of("lead.handed_off")]
    assert len(told) == len(set(told)) == PEOPLE
    assert world.violations() == []


def test_a_tool_that_holds_the_database_is_waited_for_then_told(started: World, handoff: Handoff) -> None:
    path = started.folder / "handoff.db"
    with another_tool_holds(path):
        refused(handoff("sync"), FAILED, "locked by another process", "close tools that hold the database open")
        assert handoff("leads").code == 0       # readers wait for nobody
    assert started.ours(mark="ours") == [] and not started.receiver.of("lead.handed_off")
    ends_as_if_undisturbed(started, handoff)


def test_a_tool_that_takes_the_database_in_mid_run_stops_it_and_the_next_run_goes_on(
    started: World, handoff: Handoff, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written to the CRM and could not be recorded is found again by looking (I7)."""
    tool: list[Any] = []
    path = started.folder / "handoff.db"
    send = database.Database.writing

    @contextmanager
    def writing(self: database.Database) -> Iterator[Any]:
        if started.ours() and not tool and started.listed():
            tool.append(another_tool_holds(path))
            tool[0].__enter__()
        with send(self) as connection:
            yield connection

    with monkeypatch.context() as patch:
        patch.setattr(database.Database, "writing", writing)
        refused(handoff("sync"), FAILED, "locked by another process")
    tool[0].__exit__(None, None, None)
    with sqlite3.connect(path) as connection:       # its process would have ended by now; the one of this test lives on
        connection.execute("UPDATE lease SET heartbeat_at = '2020' || substr(heartbeat_at, 5)")
    connection.close()
    ends_as_if_undisturbed(started, handoff)


@pytest.mark.parametrize("more", [2, 12, 30])
def test_a_disk_that_fills_in_mid_run_is_one_message_and_nothing_is_half_done(
    started: World, handoff: Handoff, monkeypatch: pytest.MonkeyPatch, more: int
) -> None:
    """The file may grow by so many pages, then every write is answered as on a full disk."""
    build = database._sqlite_engine

    def narrow(*given: Any) -> Engine:
        engine = build(*given)

        @event.listens_for(engine, "connect")
        def bound(connection: Any, record: object) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages + more}")

        return engine

    with monkeypatch.context() as patch:
        patch.setattr(database, "_sqlite_engine", narrow)
        refused(handoff("sync"), FAILED, "is full", "Free some space", "nothing was half-written")
    ends_as_if_undisturbed(started, handoff)


def test_a_damaged_file_is_refused_before_anything_is_asked_or_written(started: World, handoff: Handoff) -> None:
    path = started.folder / "handoff.db"
    kept = started.folder / "backup"
    shutil.copy(path, kept)
    content = bytearray(path.read_bytes())
    for place in range(4096, len(content), 97):
        content[place] ^= 0xFF
    path.write_bytes(content)
    started.calls()
    for command in ("sync", "leads", "check"):
        refused(handoff(command), CONFIG, "damaged", "backup")
    assert started.ours(mark="ours") == []
    shutil.copy(kept, path)
    ends_as_if_undisturbed(started, handoff)


def test_a_folder_that_cannot_be_written_is_named(started: World, handoff: Handoff) -> None:
    if os.geteuid() == 0:
        pytest.skip("ROOT MAY WRITE ANYWHERE: run the tests as an ordinary user to prove this one")
    started.folder.chmod(0o500)
    (started.folder / "handoff.db").chmod(0o400)
    try:
        refused(handoff("sync"), CONFIG, "cannot be written")
    finally:
        started.folder.chmod(0o700)
        (started.folder / "handoff.db").chmod(0o600)
    ends_as_if_undisturbed(started, handoff)
