"""What a full pull holds in memory, stored and decided, at many contacts.

    python scripts/bench/run.py memory [--contacts N] [--json]

The first `handoff sync` of a portal of the stub; the figure is the largest resident memory of that process, as the
system counts it, and beside it that of `handoff runs`, which reads a table: what the program itself takes.
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from typing import Any

from portal import Portal

MOST_MB = 150


def measure(contacts: int) -> dict[str, Any]:
    with ExitStack() as stack:
        portal = Portal(stack, contacts=contacts, stub=True)
        portal.handoff("init", "--apply")
        began = time.monotonic()
        report, used = portal.handoff("sync", "--json")
        seconds = time.monotonic() - began
        _, idle = portal.handoff("runs", "--json")
        return {
            "contacts": report["contacts_pulled"],
            "decided": report["decided"],
            "seconds": round(seconds, 1),
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
            "peak_mb": used.ru_maxrss // 1024,
            "peak_mb_aim": MOST_MB,
            "peak_mb_of_a_small_command": idle.ru_maxrss // 1024,
            "database_mb": (portal.folder / "handoff.db").stat().st_size // 2**20,
        }


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--contacts", type=int, default=1_000_000)


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    figures = measure(options.contacts)
    return figures, figures["contacts"] <= figures["decided"] and figures["peak_mb"] <= MOST_MB
