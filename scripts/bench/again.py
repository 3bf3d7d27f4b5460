"""What a second sync costs right after a first one, and what the first one cost.

    python scripts/bench/run.py again [--contacts N] [--seed N] [--since DAY] [--json]

Sandbox, receiver and connector are processes (the receiver a thread) of their own; calls are counted by the sandbox,
CPU seconds and peak memory are those of the two `handoff sync` processes. With --since in the past the first sync hands
over all that qualifies, so that there is much which the second could do again.
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from typing import Any

from portal import Portal, Receiver

PLAIN, PER_SEARCH = 12, 200
"""Calls that any run may make; contacts that one page of a search holds."""


def measure(contacts: int, seed: int, since: str) -> dict[str, Any]:
    with ExitStack() as stack:
        bench = Portal(stack, contacts=contacts, seed=seed, since=since)
        bench.handoff("init", "--apply")
        _, place = bench.written(0)
        forms = bench.forms()
        bench.calls()
        began = time.monotonic()
        first, used = bench.handoff("sync", "--json")
        first_seconds, first_calls = time.monotonic() - began, bench.calls()
        written, place = bench.written(place)
        told = Receiver.taken.total()
        second, used_again = bench.handoff("sync", "--json")
        written_again, _ = bench.written(place)
        return {
            "contacts": first["contacts_pulled"],
            "first_seconds": round(first_seconds, 1),
            "first_cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
            "first_cpu_seconds_per_1000": round((used.ru_utime + used.ru_stime) / max(1, contacts) * 1000, 3),
            "first_peak_mb": used.ru_maxrss // 1024,
            "first_calls": first_calls,
            "first_handed_off": first["handed_off"],
            "first_contacts_written": len(written),
            "first_notices": told,
            "second_calls": bench.calls(),
            "second_calls_allowed": PLAIN + forms + -(-len(written) // PER_SEARCH),
            "second_contacts_written": len(written_again),
            "second_notices": Receiver.taken.total() - told,
            "second_decided": second["decided"],
            "second_cpu_seconds": round(used_again.ru_utime + used_again.ru_stime, 2),
            "second_seconds": second["seconds"],
        }


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--contacts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--since", default="2020-01-01", help="HANDOFF_SINCE of both syncs (default 2020-01-01)")


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    figures = measure(options.contacts, options.seed, options.since)
    quiet = figures["second_calls"] <= figures["second_calls_allowed"] and not figures["second_contacts_written"]
    return figures, quiet and not figures["second_notices"]
