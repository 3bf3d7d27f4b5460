#!/usr/bin/env python3
"""The whole fault table (reliability.md, section 7): one line per fault × call, then one per edit × place (I2).

    scripts/faults.py                 all of it
    scripts/faults.py 429 "batch up"  only lines with all of these words
    scripts/faults.py --part 1/4      every fourth case, from the first
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "acceptance")]

from edit_table import Edits  # noqa: E402 - the tests' folder must be importable first
from fault_table import Lab, cases  # noqa: E402

FINE = "nothing lost, nothing doubled"


def main() -> int:
    """Print the table; 1 where something was lost, doubled or not healed."""
    asked = _arguments()
    number, of = (int(part) for part in asked.part.split("/"))
    logging.disable(logging.CRITICAL)
    began, tried, failed = time.monotonic(), 0, 0
    with TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        edits = Edits(lab)
        everything: list[tuple[str, Callable[[], str]]] = [
            *((case.name, partial(lab.try_one, case)) for case in cases()),
            *((place.name, partial(edits.try_one, place)) for place in edits.places()),
        ]
        chosen = [(name, attempt) for name, attempt in everything if all(word in name for word in asked.words)]
        for name, attempt in chosen[number - 1 :: of]:
            wrong = attempt()
            tried, failed = tried + 1, failed + bool(wrong)
            print(f"NOT SURVIVED  {name}: {wrong}" if wrong else f"survived  {name}: {FINE}", flush=True)
    print(f"{tried} faults × calls and edits × places, {failed} not survived, {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Try every fault on every kind of call.")
    parser.add_argument("words", nargs="*", help="only cases whose line has all of these words")
    parser.add_argument("--part", default="1/1", metavar="N/M", help="every M-th case, from the N-th")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
