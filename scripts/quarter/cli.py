"""The command line: lives through a quarter, then has its log checked; see docs/quarter.md."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from quarter import check
from quarter.life import Wanted, live


def main(argv: Sequence[str] | None = None) -> int:
    """0: every promise was kept; 1: some were not, and are named; 2: the quarter could not be lived to its end."""
    parser = argparse.ArgumentParser(
        prog="scripts/quarter.py",
        description="Live through a quarter of invented leads and reps on the sandbox, and check its log.",
        epilog="Example: scripts/quarter.py --weeks 2 --leads 60 --log quarter.jsonl",
    )
    usual = Wanted()
    parser.add_argument("--weeks", type=int, default=usual.weeks, help=f"1 to 13 (default {usual.weeks})")
    parser.add_argument("--leads", type=int, default=usual.leads, help=f"how many come (default {usual.leads})")
    parser.add_argument("--seed", type=int, default=usual.seed, help="another seed, another quarter (default 1)")
    parser.add_argument(
        "--every", type=int, default=usual.every, help=f"minutes between runs by day (default {usual.every})"
    )
    parser.add_argument("--log", type=Path, help="keep the log there, for scripts/quarter/check.py")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    asked = parser.parse_args(argv)
    if not 1 <= asked.weeks <= usual.weeks or asked.leads < 1 or asked.every < 5:
        parser.error(f"--weeks is 1 to {usual.weeks}, --leads at least 1, --every at least 5")
    logging.disable(logging.CRITICAL)
    wanted = Wanted(weeks=asked.weeks, leads=asked.leads, seed=asked.seed, every=asked.every)
    with TemporaryDirectory() as folder:
        log: Path = asked.log or Path(folder) / "quarter.jsonl"
        began = time.process_time()
        try:
            runs = live(wanted, Path(folder), log, tell=_tell)
        except RuntimeError as error:
            print(f"quarter: {error}", file=sys.stderr)
            return 2
        spent = time.process_time() - began
        print(f"quarter: {runs} runs, {spent:.0f} CPU seconds; now the log is checked", file=sys.stderr)
        return check.show(check.judged(log), as_json=asked.json)


def _tell(at: datetime, runs: int) -> None:
    if at.weekday() == 0 and at.hour == 2:
        print(f"quarter: week of {at:%d %B}, {runs} runs", file=sys.stderr, flush=True)
