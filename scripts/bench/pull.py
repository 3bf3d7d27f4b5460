"""A full pull, stored and decided: contacts a second beside what the portal's limit allows, CPU, memory, calls.

    python scripts/bench/run.py pull  [--contacts N] [--json]     120 ms away, 190 requests in ten seconds
    python scripts/bench/run.py tight [--contacts N] [--json]     50 requests in ten seconds
    python scripts/bench/run.py fast  [--contacts N] [--json]     neither distance nor limit: what the CPU does

The first `handoff sync` of a portal that lived before: every contact is read, kept and decided, and none is handed
over (R41). CPU seconds and memory are those of that one process. The ceiling is what the list API gives: 100 contacts
a call; the calls of the first window come at once and are left out of it.
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from typing import Any

from portal import Portal

PAGE = 100
WINDOW_SECONDS = 10
KINDS = {"pull": (190, 120.0), "tight": (50, 120.0), "fast": (0, 0.0)}
"""Requests in ten seconds (0: no limit) and milliseconds of distance."""


def ceiling(contacts: int, calls: int, per_10_seconds: int) -> float:
    """Least seconds for so many calls; the first window's are free."""
    return max(0, calls - per_10_seconds) / per_10_seconds * WINDOW_SECONDS if per_10_seconds else 0.0


def measure(contacts: int, per_10_seconds: int, latency_ms: float) -> dict[str, Any]:
    with ExitStack() as stack:
        portal = Portal(stack, contacts=contacts, per_10_seconds=per_10_seconds, latency_ms=latency_ms)
        portal.handoff("init", "--apply")
        time.sleep(WINDOW_SECONDS if per_10_seconds else 0)  # what init called is out of the window
        began = time.monotonic()
        report, used = portal.handoff("sync", "--json")
        seconds = time.monotonic() - began
        pulled, calls = report["contacts_pulled"], sum(report["api_calls"].values())
        free = min(per_10_seconds, calls) * PAGE
        figures = {
            "contacts": pulled,
            "decided": report["decided"],
            "seconds": round(seconds, 1),
            "contacts_per_second": round(pulled / seconds),
            "calls": calls,
            "least_calls": -(-pulled // PAGE),
            "answered_429_percent": round(report["throttled"] / max(1, calls) * 100, 2),
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
            "cpu_seconds_per_100000": round((used.ru_utime + used.ru_stime) / max(1, pulled) * 100_000, 1),
            "peak_mb": used.ru_maxrss // 1024,
        }
        if per_10_seconds:
            most = per_10_seconds / WINDOW_SECONDS * PAGE
            figures["ceiling_contacts_per_second"] = round(most)
            figures["contacts_per_second_after_the_burst"] = round((pulled - free) / seconds)
            figures["percent_of_ceiling"] = round((pulled - free) / seconds / most * 100, 1)
        return figures


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--contacts", type=int, default=100_000)


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """`options.name` says which of the three."""
    figures = measure(options.contacts, *KINDS[options.name])
    return figures, figures["contacts"] == figures["decided"]
