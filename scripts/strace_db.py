#!/usr/bin/env python3
"""Lets the disk fail at each write and fsync of a run's database commits, by strace, and looks at what is left.

A child does one run of the engine on a SQLite file and says outside of it which commits it was told of. strace makes
its n-th write, fsync or fdatasync on the database fail (EIO, ENOSPC) or kills it there. Then, each time:

- the file is sound (integrity_check),
- every commit that the child was told of is in it (P1, I4),
- a plain restart comes to its end and leaves nothing open. That it ends where an undisturbed run ends is the crash
  proof's to show (scripts/crash.py): the CRM of this child is in memory and forgets.

    scripts/strace_db.py               every call, each in three ways
    scripts/strace_db.py --every 20    a sample

Needs Linux, strace (apt-get install strace) and the right to trace; says loudly that it skips where one is missing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate")
WAYS = {"EIO": "error=EIO", "ENOSPC": "error=ENOSPC", "killed": "signal=KILL"}
LEADS = 6
MARKS = "CREATE TABLE IF NOT EXISTS proof_commit (number INTEGER PRIMARY KEY)"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th case")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    if why := cannot():
        print(f"SKIPPED: {why}", flush=True)
        return 0
    with tempfile.TemporaryDirectory(prefix="handoff-strace-") as name:
        return prove(Path(name), asked.every, asked.workers)


def cannot() -> str:
    """Why strace cannot be used here; empty where it can."""
    if not shutil.which("strace"):
        return "strace is not installed; apt-get install strace"
    tried = subprocess.run(["strace", "-o", "/dev/null", "-e", "trace=fsync", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "this system does not let strace trace processes"


def prove(place: Path, every: int, workers: int) -> int:
    """All cases; prints what is wrong with each and one line at the end."""
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]
    import engine.world  # noqa: F401 - loaded once, for all the forks

    base = place / "base"
    base.mkdir()
    if _live("prepare", base):
        raise RuntimeError("the database could not be made")
    counts = _undisturbed(place, base)
    cases = [(call, n, way) for call in CALLS for n in range(1, counts[call] + 1) for way in WAYS][::every]
    faults = list(_shared_out(place, base, cases, workers))
    for line in faults:
        print(line)
    kinds = ", ".join(f"{counts[call]} {call}" for call in CALLS if counts[call])
    corrupt, lost = (sum(word in line for line in faults) for word in (": corrupt", ": lost"))
    other = len(faults) - corrupt - lost
    print(f"{len(cases)} failures at {kinds}: {corrupt} corruptions, {lost} acknowledged commits lost, {other} others")
    return 1 if faults else 0


def _shared_out(
    place: Path, base: Path, cases: list[tuple[str, int, str]], workers: int
) -> Iterator[str]:
    """Workers are processes of one thread: they fork."""
    pids = {}
    for number in range(workers):
        answers = place / f"answers-{number}"
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                with answers.open("w") as out:
                    for case in cases[number::workers]:
                        out.writelines(f"{line}\n" for line in _case(place, base, *case))
                code = 0
            finally:
                os._exit(code)
        pids[pid] = answers
    for pid, answers in pids.items():
        _, status = os.waitpid(pid, 0)
        yield from answers.read_text().splitlines()
        if status:
            yield "a worker died"


def _undisturbed(place: Path, base: Path) -> Counter[str]:
    """How often a run that nothing disturbs makes each call on the database."""
    with _copy(place, base, "undisturbed") as folder:
        log = place / "undisturbed.log"
        if _live("run", folder, "-e", f"trace={','.join(CALLS)}", "-o", str(log)):
            raise RuntimeError("the run failed by itself")
        names = [line.split("(")[0].split()[-1] for line in log.read_text(encoding="utf-8").splitlines() if "(" in line]
        return Counter(names)


def _case(place: Path, base: Path, call: str, number: int, way: str) -> list[str]:
    """What is wrong after one failure."""
    name = f"{call}-{number}-{way}"
    with _copy(place, base, name) as folder:
        inject = f"inject={call}:{WAYS[way]}:when={number}"
        _live("run", folder, "-e", f"trace={call}", "-e", inject, "-o", "/dev/null")
        told = (folder / "told").read_text().split() if (folder / "told").exists() else []
        found = []
        with closing(sqlite3.connect(folder / "handoff.db")) as connection:
            said = connection.execute("PRAGMA integrity_check").fetchall()
            if said != [("ok",)]:
                found.append(f"{name}: corrupt: {said[:3]}")
            there = {str(row[0]) for row in connection.execute("SELECT number FROM proof_commit")}
        found += [f"{name}: lost: commit {one}" for one in told if one not in there]
        if status := _live("run", folder):
            found.append(f"{name}: the restart ended with {status}")
        found += [f"{name}: left open: {line}" for line in _open(folder)]
        return found


def _open(folder: Path) -> list[str]:
    """What a run that came to its end leaves to nobody."""
    asked = {
        "a run": "SELECT count(*) FROM run WHERE status = 'running'",
        "a write": "SELECT count(*) FROM intent WHERE status = 'open'",
        "a notice": "SELECT count(*) FROM outbox WHERE status = 'held'",
    }
    with closing(sqlite3.connect(folder / "handoff.db")) as connection:
        return [what for what, sql in asked.items() if connection.execute(sql).fetchone()[0]]


@contextmanager
def _copy(place: Path, base: Path, name: str) -> Iterator[Path]:
    folder = place / name
    shutil.copytree(base, folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _live(step: str, folder: Path, *traced: str) -> int:
    """A child's life, under strace where `traced` says how; gives how it ended. Only calls on the database count."""
    file = folder / "handoff.db"
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            if traced:
                os.kill(os.getpid(), signal.SIGSTOP)
            code = _child(step, file)
        finally:
            os._exit(code)
    if not traced:
        return os.waitpid(pid, 0)[1]
    os.waitpid(pid, os.WUNTRACED)
    paths = [word for path in (file, f"{file}-wal", f"{file}-journal") for word in ("-P", str(path))]
    command = ["strace", "-f", "-qq", *paths, *traced, "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
        while not _is_traced(pid) and tracer.poll() is None:
            time.sleep(0.002)
        os.kill(pid, signal.SIGCONT)
        status = os.waitpid(pid, 0)[1]
        tracer.wait(30)
    return status


def _is_traced(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    return "TracerPid:\t0\n" not in status


# -- the child -----------------------------------------------------------------------------------------------------


def _child(step: str, file: Path) -> int:
    """One run of the engine on a portal of its own invention; every commit is told outside as soon as it is known."""
    from engine.world import World
    from factories import PORTAL, demo_request
    from fakes import FakeDelivery

    from connector.errors import ConnectorError
    from connector.store import open_store, this_process

    if step == "prepare":
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(MARKS)
            connection.commit()
    world = World()
    world.store = open_store(f"sqlite:///{file}", PORTAL, holder=this_process(), wall_clock=world.clock.now)
    world.delivery = FakeDelivery(world.store)
    if step == "prepare":
        world.run()
        return 0
    _tell_commits(file.with_name("told"))
    world.clock.pass_by(timedelta(minutes=10))
    for number in range(LEADS):
        contact = str(101 + number)
        world.crm.add(contact, email=f"kim@firm{number}.example")
        world.crm.happen(demo_request(world.clock.now(), contact=contact, id=f"demo-{contact}"))
    try:
        world.run()
    except ConnectorError as error:
        return error.exit_code
    finally:
        world.store.close()
    return 0


def _tell_commits(told: Path) -> None:
    """Each writing transaction leaves its number in the database, and outside once its COMMIT was answered."""
    from connector.store.database import Database

    writing = Database.writing
    handle = os.open(told, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    @contextmanager
    def numbered(database: Database) -> Iterator[Any]:
        with writing(database) as connection:
            yield connection
            connection.exec_driver_sql("INSERT INTO proof_commit DEFAULT VALUES")
            number = connection.exec_driver_sql("SELECT max(number) FROM proof_commit").scalar()
        os.write(handle, f"{number}\n".encode())

    Database.writing = numbered  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    sys.exit(main())
