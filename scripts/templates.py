#!/usr/bin/env python3
"""Lives through ninety days with each ready rule book, a run after each event and each evening, and compares (issue 4).

    scripts/templates.py                 all of them
    scripts/templates.py agency two-step only these
    scripts/templates.py --events        without the evenings, as `make test` does it

What must come of it is stated by docs/rules/templates/NAME.md; stories and comparison are those of tests/templates/.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), *(str(ROOT / "tests" / room) for room in ("", "acceptance", "templates"))]

from book_life import begun  # noqa: E402 - found by the path set above
from book_page import differences  # noqa: E402
from book_story import read_story  # noqa: E402

from connector.config.templates import TEMPLATES, named  # noqa: E402


def main() -> int:
    """Print what each book's ninety days end with; 1 where a page states something else."""
    parser = argparse.ArgumentParser(description="Ninety days with each ready rule book.")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--events", action="store_true", help="a run after each event only")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    failed = 0
    for name in [named(word) for word in asked.names] or TEMPLATES:
        began = time.process_time()
        wrong = _live(name, every_day=not asked.events)
        print(f"{name}: {'; '.join(wrong) or 'as its page states'} ({time.process_time() - began:.1f} CPU seconds)\n")
        failed += bool(wrong)
    return 1 if failed else 0


def _live(name: str, *, every_day: bool) -> list[str]:
    with TemporaryDirectory() as folder, begun(read_story(name), Path(folder)) as life:
        life.live(every_day=every_day)
        ends, wrong = differences(name, life)
        for (what, which), number in sorted(ends.items()):
            print(f"  {number:>3}  {what}: {which}")
        return wrong


if __name__ == "__main__":
    raise SystemExit(main())
