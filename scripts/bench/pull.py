"""A full pull, stored and decided: contacts a second beside what the portal's limit allows, CPU, memory, calls.

    python scripts/bench/run.py pull  [--contacts N] [--json]     120 ms away, 190 requests in ten seconds
    python scripts/bench/run.py tight [--contacts N] [--json]     50 requests in ten seconds
    python scripts/bench/run.py fast  [--contacts N] [--json]     neither distance nor limit: what the CPU does
    … --doors both                                                by the search beside the list, five a second

The first `handoff sync` of a portal that lived before: every contact is read, kept and decided, and none is handed
over (R41). CPU seconds and memory are those of that one process. The ceiling is what the list API gives: 100 contacts
a call. Its window rolls: the first 190 calls come at once, the next 190 ten seconds later, and so on. So there are two
figures of it, where the list is the only door:

- `percent_of_ceiling_after_first_burst`: of contacts a second from ten seconds after the first of them was asked for
  until the last, as the sandbox counts its answers.
- `percent_of_least_seconds`: the least time that the calls beside the search take, of all the time spent, the start of
  the program and everything else that a sync does included.
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from typing import Any

from portal import Portal
from watch import Watch, until_the_last

PAGE = 100
LIST = "/objects/contacts"
WINDOW_SECONDS = 10
SEARCHES = 5
KINDS = {"pull": (190, 120.0), "tight": (50, 120.0), "fast": (0, 0.0)}
"""Requests in ten seconds (0: no limit) and milliseconds of distance."""


def rate(seen: list[tuple[float, int]]) -> float | None:
    """Contacts a second after the first window, by the pages that were answered; None where all came within it."""
    later = [(at, pages) for at, pages in seen if at >= seen[0][0] + WINDOW_SECONDS]
    if not later or until_the_last(later) <= later[0][0]:
        return None
    return (later[-1][1] - later[0][1]) * PAGE / (until_the_last(later) - later[0][0])


def least_seconds(calls: int, per_10_seconds: int) -> float:
    """For so many calls in a window that rolls."""
    return max(0, calls - 1) // per_10_seconds * WINDOW_SECONDS if per_10_seconds else 0.0


def measure(contacts: int, per_10_seconds: int, latency_ms: float, doors: str) -> dict[str, Any]:
    with ExitStack() as stack:
        portal = Portal(
            stack,
            contacts=contacts,
            per_10_seconds=per_10_seconds,
            searches_per_second=SEARCHES if per_10_seconds else 0,
            latency_ms=latency_ms,
        )
        portal.env["HUBSPOT_FULL_PULL"] = doors
        portal.handoff("init", "--apply")
        time.sleep(WINDOW_SECONDS if per_10_seconds else 0)  # what init called is out of the window
        is_told = per_10_seconds and doors == "list" and portal.sandbox is not None
        watch = Watch(portal, lambda call: call.startswith("GET ") and call.endswith(LIST)) if is_told else None
        began = time.monotonic()
        report, used = portal.handoff("sync", "--json")
        seconds = time.monotonic() - began
        pulled, calls = report["contacts_pulled"], sum(report["api_calls"].values())
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
            "by_door": report["completeness"]["contacts"]["doors"],
        }
        if per_10_seconds:
            listed = sum(made for call, made in report["api_calls"].items() if not call.endswith("/search"))
            figures["ceiling_contacts_per_second"] = per_10_seconds // WINDOW_SECONDS * PAGE
            figures["least_seconds"] = least_seconds(listed, per_10_seconds)
            figures["percent_of_least_seconds"] = round(least_seconds(listed, per_10_seconds) / seconds * 100, 1)
            found = rate(watch.stop()) if watch is not None else None
            if found is not None:
                figures["contacts_per_second_after_first_burst"] = round(found)
                share = found / figures["ceiling_contacts_per_second"]
                figures["percent_of_ceiling_after_first_burst"] = round(share * 100, 1)
        return figures


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--doors", choices=("list", "both"), default="list")


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """`options.name` says which of the three."""
    figures = measure(options.contacts, *KINDS[options.name], options.doors)
    return figures, figures["contacts"] == figures["decided"]
