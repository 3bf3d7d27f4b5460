"""The proof at work: all points shared out among a few processes, with a bar for whoever watches.

Every worker is forked from a parent of one thread that has lived the undisturbed world; it takes the next case, lives
through it in a folder of its own, and says what it saw.
"""

from __future__ import annotations

import os
import selectors
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from socket import socketpair
from typing import TextIO

from crash_futures import Futures
from crash_peer import Life, receive, send
from crash_points import Fault, Point, spell
from crash_scenario import STEPS
from crash_seams import FAULTS, FREEZE, KILLS
from crash_world import Undisturbed, Verdict, disturb, live_undisturbed
from planted import Bug

EVERY = 40
"""One world in so many is lived through to the end of the story, however equal it was at the end of its step."""

Case = Sequence[Fault]


@contextmanager
def undisturbed(server: str = "") -> Iterator[Undisturbed]:
    """The world that all others are compared with; its folder lies in memory where the machine allows that."""
    shared = Path("/dev/shm")
    where = shared if os.access(shared, os.W_OK) else None
    place = Path(tempfile.mkdtemp(prefix="handoff-crash-", dir=where))
    life = Life.begin()
    try:
        yield live_undisturbed(place, life, server=server)
    finally:
        life.end()
        shutil.rmtree(place, ignore_errors=True)


# -- cases ---------------------------------------------------------------------------------------------------------


def kills(known: Undisturbed) -> list[Case]:
    """Every call of every port in every step, three times."""
    return [[Fault(point, how)] for point in known.points() for how in KILLS]


def freezes(known: Undisturbed) -> list[Case]:
    """Before every call the process stands still, longer than its lease lasts, and another does the work (I8)."""
    return [[Fault(point, FREEZE)] for point in known.points() if point.port != "http"]


def failures(known: Undisturbed) -> list[Case]:
    """Every call fails once, in each way; and for one call in five, all calls from it on until the restart."""
    cases: list[Case] = []
    for number, point in enumerate(known.points()):
        for how in FAULTS[point.port.partition(":")[0]]:
            cases.append([Fault(point, how)])
            if number % 5 == 0:
                cases.append([Fault(point, how, lasting=True)])
    return cases


def pairs(known: Undisturbed, count: int, seed: int) -> list[Case]:
    """Two kills: the second in the restart after the first, or in a later step. Number n is the same for each count."""
    points = list(known.points())
    return [_pair(known, points, Random(f"{seed}:{number}")) for number in range(count)]


def _pair(known: Undisturbed, points: Sequence[Point], random: Random) -> Case:
    first = random.choice(points)
    cause = Fault(first, random.choice(KILLS))
    later = [point for point in points if point.step > first.step and point.step <= first.step + 1]
    if later and random.random() < 0.3:
        return [cause, Fault(random.choice(later), random.choice(KILLS))]
    # A restarted run makes fewer calls; a number that it does not reach is no second fault, so small ones are likelier.
    port = random.choice([point.port for point in points if point.step == first.step])
    most = len(known.calls[first.step][port])
    number = 1 + int(most * random.random() ** 1.7)
    again = Point(first.step, port, min(number, most))
    return [cause, Fault(again, random.choice(KILLS), restart=1)]


def sample(known: Undisturbed, *, per_kind: int = 1) -> list[Case]:
    """Of each kind of call (port and label) and each phase a few points, spread over the steps."""
    kinds: dict[tuple[str, str], list[Point]] = {}
    for point in known.points():
        kinds.setdefault((point.port, point.label), []).append(point)
    cases: list[Case] = []
    for (port, label), points in sorted(kinds.items()):
        random = Random(f"{port} {label}")
        cases += [[Fault(random.choice(points), how)] for how in KILLS for _ in range(per_kind)]
    return cases


# -- planted bugs --------------------------------------------------------------------------------------------------


def catch(known: Undisturbed, bug: Bug, *, most: int = 60) -> str:
    """Live through the points at which a planted bug can show, until it does; gives what was seen, empty for nothing.

    Raises AssertionError where it shows without any fault: then it proves nothing.
    """
    folder = known.place / "planted"
    for step in sorted({point.step for point in known.points() if bug.aim(point)})[:2]:
        plain = disturb(known, [], folder, patch=bug.plant, step=step)
        assert not plain.differences, f"{bug.name} shows without a fault: {plain.differences[:3]}"
    for case in list(bug.cases(known))[:most]:
        verdict = disturb(known, case, folder, patch=bug.plant)
        if verdict.differences:
            return f"caught: {bug.name} at {spell(case)}: {verdict.differences[0][:200]}"
    return ""


# -- workers -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Result:
    """All verdicts.

    Attributes:
        idle: cases in which no fault came to pass, or not all of them.
        alike: cases whose last fault left what another one had left, of which the restart is known.
    """

    cases: int = 0
    worlds_with_differences: list[Verdict] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)
    alike: int = 0
    runs: int = 0
    seconds: float = 0.0


def prove(
    known: Undisturbed, cases: Sequence[Case], *, workers: int = 2, to_the_end: bool = False, bar: TextIO | None = None,
    what: str = "points",
) -> Result:  # fmt: skip
    """Live through all cases; differences are printed as they are found."""
    result, began = Result(), time.monotonic()
    queue = list(enumerate(cases))[::-1]
    futures = Futures(known.place / "futures")
    with selectors.DefaultSelector() as selector:
        for number in range(min(workers, len(cases))):
            line = _worker(known, number, futures, to_the_end)
            selector.register(line, selectors.EVENT_READ)
            send(line, queue.pop())
        while selector.get_map():
            for key, _ in selector.select():
                line = key.fileobj
                verdict = receive(line)  # type: ignore[arg-type]
                if verdict is None:
                    raise RuntimeError("a worker of the crash proof died")
                _note(result, verdict, bar)
                if queue:
                    send(line, queue.pop())  # type: ignore[arg-type]
                else:
                    selector.unregister(line)
                    line.close()  # type: ignore[union-attr]
                _draw(bar, result, len(cases), began, what)
    result.seconds = time.monotonic() - began
    if bar is not None:
        bar.write("\n")
    return result


def _worker(known: Undisturbed, number: int, futures: Futures, to_the_end: bool):  # type: ignore[no-untyped-def]
    ours, theirs = socketpair()
    if os.fork() == 0:
        ours.close()
        try:
            while (asked := receive(theirs)) is not None:
                place, case = asked
                folder = known.place / f"worker-{number}"
                try:
                    to_end = to_the_end or place % EVERY == 0
                    verdict = disturb(known, case, folder, to_the_end=to_end, futures=futures)
                except Exception:
                    verdict = Verdict(case, [traceback.format_exc()])
                send(theirs, verdict)
        finally:
            os._exit(0)
    theirs.close()
    return ours


def _note(result: Result, verdict: Verdict, bar: TextIO | None) -> None:
    result.cases += 1
    result.runs += verdict.runs
    result.alike += verdict.alike
    if verdict.differences:
        result.worlds_with_differences.append(verdict)
        if bar is not None:
            bar.write("\r" + tell(verdict) + "\n")
    elif verdict.struck < len(verdict.faults):
        result.idle.append(spell(verdict.faults))


def tell(verdict: Verdict) -> str:
    """What differed, and how to see it again."""
    steps = ", ".join(f"{STEPS[f.point.step].name}: {f.point.label or f.point.port}" for f in verdict.faults)
    lines = [f"DIFFERENCE at {spell(verdict.faults)} ({steps})"]
    lines += [f"    {line[:1000]}" for line in verdict.differences[:6]]
    if len(verdict.differences) > 6:
        lines.append(f"    … and {len(verdict.differences) - 6} more")
    lines.append(f"    again: .venv/bin/python scripts/crash.py --point '{spell(verdict.faults)}'")
    return "\n".join(lines)


def _draw(bar: TextIO | None, result: Result, total: int, began: float, what: str) -> None:
    """A bar on a terminal; a line now and then elsewhere."""
    if bar is None:
        return
    done, gone = result.cases, time.monotonic() - began
    left = gone / done * (total - done)
    if bar.isatty():
        full = "#" * (30 * done // total)
        bar.write(f"\r[{full:<30}] {done}/{total} {what}, {left / 60:.1f} min left ")
    elif done % 100 == 0:
        bar.write(f"{done}/{total} {what}, {left / 60:.1f} min left\n")
    bar.flush()


def stream() -> TextIO:
    return sys.stderr
