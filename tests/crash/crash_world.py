"""A world that is lived through: undisturbed once, which leaves a mould at each step, then again and again disturbed.

A *mould* is everything as it stands just before a step's sync: the peer (a process that hands out copies of itself) and
the connector's folder. A disturbed world is a copy of one; it is run, restarted until it is at rest, and compared with
the undisturbed one at the end of each step.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from crash_base import PostgresBase, SqliteBase, copy_folder
from crash_futures import Futures, left_behind
from crash_peer import Life, ask, copy_of, start
from crash_points import Fault, Point
from crash_runner import Order, Outcome, Patch, finish, rehearse, warm_up
from crash_runner import start as start_runner
from crash_scenario import STEPS, make_peer, write_rules
from crash_seams import FREEZE
from crash_state import State, differences, owned_properties, read_state, unfinished

from connector.config.mappings import load_rulebook

RESTARTS = 8
LATER = 7.0
"""Seconds that pass before a restart: a run that was cut off keeps its own time all the same (I9)."""


@dataclass(slots=True)
class Undisturbed:
    """What every other world is compared with.

    Attributes:
        place: folder with everything; moulds of step n in `n/`.
        states: at the end of each step; calls: of each step's run, per port.
    """

    place: Path
    mappings: Path
    owned: list[str]
    server: str = ""
    """PostgreSQL's address; empty: SQLite."""
    states: list[State] = field(default_factory=list)
    calls: list[Mapping[str, Sequence[str]]] = field(default_factory=list)

    def base(self, folder: Path) -> SqliteBase | PostgresBase:
        """The database of the world in `folder`."""
        return PostgresBase(self.server, folder.name) if self.server else SqliteBase(folder)

    def copy(self, source: Path, target: Path) -> None:
        """A connector at rest: its folder and its database."""
        copy_folder(source, target)
        if self.server:
            PostgresBase(self.server, target.name).copy_from(source.name)

    def points(self) -> Iterator[Point]:
        """Every call of every step."""
        for step, ports in enumerate(self.calls):
            for port, labels in sorted(ports.items()):
                for number, label in enumerate(labels, 1):
                    yield Point(step, port, number, label)


class World:
    """One world between two moments: its peer's copy and its folder. Closing it ends the peer."""

    def __init__(self, peer: socket.socket, folder: Path, known: Undisturbed, patch: Patch | None = None) -> None:
        self.peer, self.folder, self._known, self._patch = peer, folder, known, patch
        self.base = known.base(folder)
        self.ports: Mapping[str, int] = ask(peer, "ports")
        self.runs: list[Outcome] = []
        self.overtaken = False
        self.step = 0

    def run(self, faults: Sequence[Fault] = (), *, rounds: int = 1) -> Outcome:
        """One run in a process of its own."""
        order = Order(
            folder=self.folder,
            database=self.base.url,
            ports=self.ports,
            mappings=self._known.mappings,
            aims={(f.point.port, f.point.number): f.how for f in faults if not f.lasting},
            lasting={f.point.port: (f.point.number, f.how) for f in faults if f.lasting},
            rounds=rounds,
            patch=self._patch,
        )
        pid, report = start_runner(order)
        ask(self.peer, "runner", pid)
        frozen = self._overtake if any(fault.how == FREEZE for fault in faults) else None
        self.runs.append(finish(pid, report, frozen))
        return self.runs[-1]

    def _overtake(self) -> None:
        """While a runner stands still its lease goes stale; another one does the work, and time goes on."""
        if "lease" in self.base.tables():
            try:
                self.base.change("UPDATE lease SET heartbeat_at = '2026-01-01T00:00:00.000000+00:00'")
            except sqlite3.OperationalError:
                return  # it stands still within a transaction of its own: nobody else gets in
        self.overtaken = True
        self.run()
        self.step += 1
        if self.step < len(STEPS):
            _act(self.peer, self.step)
            self.run()

    def why_not_at_rest(self) -> str:
        if not self.base.exists() or "run" not in self.base.tables():
            return "nothing was stored"
        last = self.runs[-1]
        if last.killed or last.crash or (last.error and not last.error.startswith("LeaseLostError")):
            return "the last run did not end well"
        return unfinished(self.base)

    def state(self) -> State:
        return read_state(ask(self.peer, "observe", self._known.owned), self.base, self.folder)

    def run_is_open(self) -> bool:
        try:
            return bool(self.base.rows("SELECT 1 FROM run WHERE status = 'running'"))
        except Exception:
            return False

    def close(self) -> None:
        self.peer.close()


def live_undisturbed(place: Path, life: Life, *, server: str = "", warm: bool = True) -> Undisturbed:
    """Live through all steps once and leave a mould at the beginning of each."""
    mappings = place / "mappings"
    write_rules(mappings)
    known = Undisturbed(place, mappings, owned_properties(load_rulebook(mappings)), server)
    if warm:
        warm_up()
        _rehearse(known, life)
    peer = start(make_peer, life)
    folder = place / "undisturbed"
    _new(folder, known)
    _init(peer, folder, known)
    for number, step in enumerate(STEPS):
        _act(peer, number)
        known.copy(folder, place / str(number))
        _send_mould(peer, place / f"{number}.sock")
        peer.close()
        peer = copy_of(place / f"{number}.sock")
        world = World(peer, folder, known)
        done = world.run()
        if why := world.why_not_at_rest():
            raise AssertionError(f"the undisturbed world is not at rest after step {step.name}: {why}; {done}")
        known.states.append(world.state())
        known.calls.append(done.calls)
    peer.close()
    return known


def _rehearse(known: Undisturbed, life: Life) -> None:
    """All steps in this process. It must be without threads afterwards: it will be forked."""
    peer = start(make_peer, life)
    folder = known.place / "rehearsal"
    _new(folder, known)
    _init(peer, folder, known)
    for number in range(len(STEPS)):
        _act(peer, number)
        order = Order(folder, known.base(folder).url, ask(peer, "ports"), known.mappings)
        rehearse(order)
    peer.close()
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join(5)
    if threading.active_count() > 1:
        raise AssertionError(f"threads are left, forking is not safe: {threading.enumerate()}")


def _new(folder: Path, known: Undisturbed) -> None:
    folder.mkdir(mode=0o700)
    if known.server:
        PostgresBase(known.server, folder.name).copy_from(None)


def _init(peer: socket.socket, folder: Path, known: Undisturbed) -> None:
    """As `handoff init --apply` does, in a process of its own."""
    from crash_runner import environment

    import connector.bootstrap as bootstrap
    from connector.config.settings import load_settings

    order = Order(folder=folder, database="sqlite:///init.db", ports=ask(peer, "ports"), mappings=known.mappings)
    pid = os.fork()
    if pid == 0:
        try:
            os.chdir(folder)
            with bootstrap.connect(load_settings(environment(order), None)) as connector:
                connector.make_owned()
            os._exit(0)
        finally:
            os._exit(70)
    _, status = os.waitpid(pid, 0)
    if status:
        raise AssertionError("the portal could not be made ready")
    for path in folder.iterdir():
        path.unlink()


def _act(peer: socket.socket, number: int) -> None:
    step = STEPS[number]
    ask(peer, "clock", step.acts_at)
    ask(peer, "act", step.acts())
    ask(peer, "clock", step.at)


def _send_mould(peer: socket.socket, path: Path) -> None:
    from crash_peer import send

    send(peer, ("mould", str(path)))


@contextmanager
def copy_of_step(known: Undisturbed, step: int, folder: Path, patch: Patch | None = None) -> Iterator[World]:
    """A world just before a step's sync, in `folder`."""
    known.copy(known.place / str(step), folder)
    world = World(copy_of(known.place / f"{step}.sock"), folder, known, patch)
    try:
        yield world
    finally:
        world.close()


# -- disturbed worlds ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Verdict:
    """What a disturbed world showed.

    Attributes:
        differences: in words; empty where it is equal to the undisturbed one.
        struck: how many of the faults came to pass.
        runs: how many runs it took.
        left: digest of what its last fault left behind, where that was looked at.
        alike: what was left is like a world whose restart is known, so there was none.
    """

    faults: Sequence[Fault]
    differences: list[str] = field(default_factory=list)
    struck: int = 0
    runs: int = 0
    left: str = ""
    alike: bool = False


def disturb(
    known: Undisturbed,
    faults: Sequence[Fault],
    folder: Path,
    *,
    to_the_end: bool = False,
    patch: Patch | None = None,
    futures: Futures | None = None,
    step: int = 1,
) -> Verdict:
    """Live through a world with these faults, from the mould of the first one's step.

    Args:
        step: where to begin if there is no fault.
        futures: what became of worlds that their last fault left alike.
        to_the_end: lives through all later steps too; else through those that have a fault and no further, since what
            follows depends on nothing but the state that was found equal.
    """
    verdict = Verdict(faults)
    first = min((fault.point.step for fault in faults), default=step)
    last = len(STEPS) - 1 if to_the_end else max((f.point.step for f in faults), default=first)
    if to_the_end:
        futures = None
    if any(fault.how == FREEZE for fault in faults):
        return _stand_still(known, faults, folder, patch)
    with copy_of_step(known, first, folder, patch) as world:
        for number in range(first, last + 1):
            if number > first:
                _act(world.peer, number)
            here = [fault for fault in faults if fault.point.step == number]
            _live_step(world, number, here, verdict, futures if number == last else None)
            if not verdict.alike:
                verdict.differences += _compare(known, world, number, verdict)
            if verdict.differences:
                break
        if futures is not None and verdict.left and not verdict.differences:
            futures.keep(verdict.left, verdict.struck)
        verdict.runs = len(world.runs)
    return verdict


def _stand_still(known: Undisturbed, faults: Sequence[Fault], folder: Path, patch: Patch | None) -> Verdict:
    """A run stands still through the rest of its step and the next one; when it wakes up it must not do harm."""
    verdict, step = Verdict(faults), faults[0].point.step
    with copy_of_step(known, step, folder, patch) as world:
        world.step = step
        done = world.run(faults)
        verdict.struck = int(world.overtaken)
        last = min(step + verdict.struck, len(STEPS) - 1)
        if done.crash:
            verdict.differences.append(done.crash)
        elif why := world.why_not_at_rest():
            verdict.differences.append(f"after {STEPS[last].name}: {why}; {done.error}")
        verdict.differences += _compare(known, world, last, verdict)
        verdict.runs = len(world.runs)
    return verdict


def _live_step(
    world: World, step: int, faults: Sequence[Fault], verdict: Verdict, futures: Futures | None = None
) -> None:
    """The run with its first fault, then restarts, each with the next one, until nothing is open.

    With `futures` there is no restart after the last fault where it is known what one comes to.
    """
    waves = [[fault for fault in faults if fault.restart == wave] for wave in range(RESTARTS)]
    for number in range(RESTARTS):
        aimed = waves[number]
        rounds = 1 if all(fault.kills for fault in aimed) else 2
        done = world.run(aimed, rounds=rounds)
        verdict.struck += int(done.killed) or sum(done.struck.values())
        if done.crash:
            verdict.differences.append(f"step {STEPS[step].name}: {done.crash}")
            return
        why, more = world.why_not_at_rest(), any(waves[number + 1 :])
        if not why and not more:
            return
        if futures is not None and not more and not verdict.left:
            verdict.left = left_behind(step, ask(world.peer, "past"), world.base, world.folder)
            if futures.known(verdict.left, verdict.struck):
                verdict.alike = True
                return
        if why and world.run_is_open():
            ask(world.peer, "advance", LATER)
        elif why == "a notice waits":
            ask(world.peer, "advance", _until_due(world))
    error = world.runs[-1].error
    verdict.differences.append(f"step {STEPS[step].name}: not at rest after {RESTARTS} runs: {why}; {error}")


def _until_due(world: World) -> float:
    """Seconds until the next try of every waiting notice, and a little more."""
    from datetime import datetime

    latest = world.base.rows("SELECT max(due_at) AS due FROM outbox WHERE status = 'due'")[0]["due"]
    if not latest:
        return LATER
    now = ask(world.peer, "now_ms") / 1000
    return max(0.0, datetime.fromisoformat(str(latest)).timestamp() - now) + 1


def _compare(known: Undisturbed, world: World, step: int, verdict: Verdict) -> Iterator[str]:
    for line in differences(known.states[step], world.state(), faults=verdict.struck):
        yield f"after {STEPS[step].name}: {line}"
