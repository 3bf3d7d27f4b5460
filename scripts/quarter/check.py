#!/usr/bin/env python3
"""Checks a quarter by its log alone: `scripts/quarter/check.py LOG [--json]`.

It imports nothing of the connector and asks nobody: what had to come is worked out from the log's facts and the table
of promises (promises.py). Exit code 0: every promise was kept; 1: some were not, each named with contact and time; 2:
the file cannot be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from quarter.expected import Rules
from quarter.facts import Line
from quarter.judge import Judge
from quarter.promises import offices

MOST_SHOWN = 50


def lines_of(log: Path) -> Iterator[Line]:
    with log.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def judged(log: Path) -> Judge:
    """The judge, having read the whole log."""
    judge = Judge(Rules(offices()))
    judge.read(lines_of(log))
    judge.finish()
    return judge


def show(judge: Judge, *, as_json: bool) -> int:
    """Print the table or one object; 1 with violations."""
    if as_json:
        found = {"counts": dict(sorted(judge.counts.items())), "violations": [asdict(v) for v in judge.violations]}
        print(json.dumps(found, indent=2))
        return int(bool(judge.violations))
    for name, number in sorted(judge.counts.items()):
        print(f"{number:>7}  {name}")
    print(f"{len(judge.violations):>7}  violations")
    for wrong in judge.violations[:MOST_SHOWN]:
        print(f"         {wrong.at}  contact {wrong.contact}  {wrong.rule}: {wrong.says}")
    if len(judge.violations) > MOST_SHOWN:
        print(f"         and {len(judge.violations) - MOST_SHOWN} more; --json names them all")
    return int(bool(judge.violations))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Hold the log of a simulated quarter against what was promised.")
    parser.add_argument("log", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    asked = parser.parse_args(argv)
    try:
        judge = judged(asked.log)
    except (OSError, ValueError, KeyError) as error:
        print(f"{asked.log} cannot be read as the log of a quarter: {error!r}", file=sys.stderr)
        return 2
    return show(judge, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
