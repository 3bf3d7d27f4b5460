#!/usr/bin/env python3
"""The crash proof (reliability.md, section 6): kills the connector at every point and compares what comes of it.

    scripts/crash.py                    all single kills on SQLite; what `make crash` runs
    scripts/crash.py --failures         every call fails once, and some until healed
    scripts/crash.py --pairs 2000       two kills each, drawn from --seed
    scripts/crash.py --point ask/http/14/applied     exactly that one
    scripts/crash.py --list             every point with the call that it strikes
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAIRS = 2000
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "tests" / "crash"))
sys.path.insert(0, str(ROOT))

import crash_proof  # noqa: E402 - found by the path set above
import postgres_server  # noqa: E402
from crash_points import parse, spell  # noqa: E402
from crash_world import Undisturbed, disturb  # noqa: E402
from planted import BUGS  # noqa: E402


def main() -> int:
    asked = _arguments()
    if asked.all:
        return _all(asked)
    with _server(asked.postgres) as server, crash_proof.undisturbed(server) as known:
        if asked.list:
            for case in crash_proof.kills(known):
                print(f"{spell(case):40} {case[0].point.label}")
            return 0
        if asked.point:
            return _one(known, asked.point)
        if asked.planted is not None:
            return _planted(known, asked.planted)
        return _prove(known, asked, *_cases(known, asked))


@contextmanager
def _server(wanted: bool) -> Iterator[str]:
    """PostgreSQL's address; empty for SQLite."""
    if not wanted:
        yield ""
        return
    with postgres_server.served() as address:
        yield address


def _all(asked: argparse.Namespace) -> int:
    """Everything, on both databases."""
    worst = 0
    for postgres in (False, True):
        if postgres and not postgres_server.can_serve():
            print(postgres_server.ABSENT, flush=True)
            return 1
        with _server(postgres) as server, crash_proof.undisturbed(server) as known:
            print("PostgreSQL" if postgres else "SQLite", flush=True)
            for make, what in (
                (crash_proof.kills, "points"), (crash_proof.failures, "failures"), (crash_proof.freezes, "freezes"),
            ):  # fmt: skip
                worst |= _prove(known, asked, make(known), what)
            worst |= _prove(known, asked, crash_proof.pairs(known, asked.pairs or PAIRS, asked.seed), "pairs")
    return worst


def _one(known: Undisturbed, point: str) -> int:
    """To the end of the story; a freeze ends with the step after its own."""
    verdict = disturb(known, parse(point), known.place / "case", to_the_end=True)
    print(crash_proof.tell(verdict) if verdict.differences else f"{point}: equal")
    if verdict.struck < len(verdict.faults):
        print(f"  {verdict.struck} of {len(verdict.faults)} faults came to pass")
    return 1 if verdict.differences else 0


def _cases(known: Undisturbed, asked: argparse.Namespace) -> tuple[list[crash_proof.Case], str]:
    if asked.pairs:
        return crash_proof.pairs(known, asked.pairs, asked.seed), "pairs"
    if asked.failures:
        return crash_proof.failures(known), "failures"
    if asked.freezes:
        return crash_proof.freezes(known), "freezes"
    return (crash_proof.sample(known) if asked.sample else crash_proof.kills(known)), "points"


def _prove(known: Undisturbed, asked: argparse.Namespace, cases: list[crash_proof.Case], what: str) -> int:
    result = crash_proof.prove(
        known, cases[:: asked.every], workers=asked.workers, to_the_end=asked.to_the_end, bar=sys.stderr, what=what
    )
    if result.idle:
        print(f"{len(result.idle)} {what} in which not every fault came to pass, such as {result.idle[0]}")
    if result.alike:
        print(f"{result.alike} of them left what another had left: their restart is known and was not repeated")
    print(f"{result.runs} runs in {result.seconds:.0f} s")
    print(f"{result.cases} {what}, {len(result.worlds_with_differences)} differences", flush=True)
    return 1 if result.worlds_with_differences else 0


def _planted(known: Undisturbed, name: str) -> int:
    """Every bug by its name, and where it was caught."""
    bugs = [bug for bug in BUGS if name in bug.name]
    missed = 0
    for bug in bugs:
        try:
            said = crash_proof.catch(known, bug)
        except AssertionError as error:
            said = ""
            print(error)
        missed += not said
        print(said or f"NOT CAUGHT: {bug.name}", flush=True)
    print(f"{len(bugs)} planted bugs, {len(bugs) - missed} caught")
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--failures", action="store_true", help="calls fail and nobody dies")
    parser.add_argument("--pairs", type=int, default=0, metavar="N", help="so many random pairs of kills")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--freezes", action="store_true", help="the process stands still and another takes over")
    parser.add_argument("--planted", nargs="?", const="", metavar="NAME", help="plant bugs; each must be caught")
    parser.add_argument("--postgres", action="store_true", help="on a private PostgreSQL server instead of SQLite")
    parser.add_argument("--all", action="store_true", help="everything, on both databases; hours")
    parser.add_argument("--sample", action="store_true", help="one point of each kind of call and phase")
    parser.add_argument("--point", help="exactly this one, to the end of the story")
    parser.add_argument("--list", action="store_true", help="say all points")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th case")
    parser.add_argument("--to-the-end", action="store_true", help="live every world through to the last step")
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
