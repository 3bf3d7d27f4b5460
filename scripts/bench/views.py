"""What many page views of a first pull take, beside the least time that the portal's limit leaves.

    python scripts/bench/run.py views [--views N] [--contacts N] [--json]

The sandbox, an Enterprise portal, 120 ms away, 190 requests in ten seconds. The views lie all over the 180 days that
rules look back. `least_seconds` is that of all calls of the sync beside the search; `read_seconds` goes from the first
question about page views to the answer to the last one, as the sandbox counts them.
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import requests
from changed import ids_of
from portal import Portal
from pull import least_seconds
from watch import Watch, until_the_last

PER_10_SECONDS, LATENCY_MS = 190, 120.0
DAYS = 170
AT_ONCE = 5_000
EVENTS = "/events"
URL = "https://www.sandbox.example/"


def seed(portal: Portal, views: int, contacts: int) -> None:
    """Page views of people of the portal, more of them lately than long ago."""
    random, people, now = Random(views), ids_of(portal, contacts, contacts), datetime.now(UTC)
    for start in range(0, views, AT_ONCE):
        rows = [
            {
                "eventType": "e_visited_page",
                "contactId": random.choice(people),
                "at": (now - timedelta(days=DAYS) * random.random() ** 2).isoformat(timespec="milliseconds"),
                "properties": {"hs_url": URL + random.choice(("pricing", "blog", "docs"))},
            }
            for _ in range(min(AT_ONCE, views - start))
        ]
        asked = {"portal": portal.portal}
        requests.post(f"{portal.url}/_sandbox/events", params=asked, json=rows, timeout=60).raise_for_status()


def measure(views: int, contacts: int) -> dict[str, Any]:
    with ExitStack() as stack:
        portal = Portal(stack, contacts=contacts, per_10_seconds=PER_10_SECONDS, searches_per_second=5)
        portal.handoff("init", "--apply")
        seed(portal, views, contacts)
        portal.tell("switches", latency_ms=LATENCY_MS)
        time.sleep(10)  # what was called until now is out of the window
        watch = Watch(portal, lambda call: call.endswith(EVENTS))
        began = time.monotonic()
        report, used = portal.handoff("sync", "--json")
        seconds, seen = time.monotonic() - began, watch.stop()
        calls = {call: made for call, made in report["api_calls"].items() if not call.endswith("/search")}
        asked = sum(made for call, made in calls.items() if call.endswith(EVENTS))
        return {
            "views": views,
            "views_seen": report["completeness"]["page_views"]["rows"],
            "calls_for_views": asked,
            "least_calls_for_views": -(-views // 100),
            "read_seconds": round(until_the_last(seen) - seen[0][0], 1),
            "seconds": round(seconds, 1),
            "least_seconds": least_seconds(sum(calls.values()), PER_10_SECONDS),
            "answered_429_percent": round(report["throttled"] / max(1, sum(calls.values())) * 100, 2),
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
            "peak_mb": used.ru_maxrss // 1024,
        }


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--views", type=int, default=100_000)
    parser.add_argument("--contacts", type=int, default=2_000)


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    figures = measure(options.views, options.contacts)
    return figures, figures["views_seen"] >= figures["views"]
