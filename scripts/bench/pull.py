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
import threading
import time
from contextlib import ExitStack
from typing import Any

from portal import Portal

PAGE = 100
LIST = "/objects/contacts"
WINDOW_SECONDS = 10
SEARCHES = 5
KINDS = {"pull": (190, 120.0), "tight": (50, 120.0), "fast": (0, 0.0)}
"""Requests in ten seconds (0: no limit) and milliseconds of distance."""


LOOK_SECONDS = 0.25


class Watch:
    """Looks at how many pages of contacts were answered, until `stop`; on a thread of its own."""

    def __init__(self, portal: Portal) -> None:
        self._portal, self._ended = portal, threading.Event()
        self._seen: list[tuple[float, int]] = []
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            by_path = self._portal.control("counters")["by_path"]
            pages = sum(count for path, count in by_path.items() if path.startswith("GET ") and path.endswith(LIST))
            self._seen.append((time.monotonic(), pages))

    def stop(self) -> float | None:
        """Contacts a second after the first window; None where all came within it."""
        self._ended.set()
        self._thread.join()
        asked = [(at, pages) for at, pages in self._seen if pages > self._seen[0][1]]
        later = [(at, pages) for at, pages in asked if at >= asked[0][0] + WINDOW_SECONDS]
        last = next((row for row in later if row[1] == later[-1][1]), None)
        if last is None or last[0] <= later[0][0]:
            return None
        return (last[1] - later[0][1]) * PAGE / (last[0] - later[0][0])


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
        watch = Watch(portal) if per_10_seconds and doors == "list" and portal.sandbox is not None else None
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
            rate = watch.stop() if watch is not None else None
            if rate is not None:
                figures["contacts_per_second_after_first_burst"] = round(rate)
                share = rate / figures["ceiling_contacts_per_second"]
                figures["percent_of_ceiling_after_first_burst"] = round(share * 100, 1)
        return figures


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--doors", choices=("list", "both"), default="list")


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """`options.name` says which of the three."""
    figures = measure(options.contacts, *KINDS[options.name], options.doors)
    return figures, figures["contacts"] == figures["decided"]
