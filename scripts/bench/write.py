"""What many handovers cost in calls, beside the fewest that keep the promises.

    python scripts/bench/run.py write [--contacts N] [--seed N] [--json]

The first `handoff sync` of a portal with HANDOFF_SINCE in the past: everybody who ever qualified is handed over in one
run. Calls are the run's own, by path; its reads of the portal are left out.

The fewest for each hundred leads: one look right before the write (I2), one write, two to read back, for HubSpot gives
histories of fifty at most, and by histories alone an edit is seen that we wrote over (I2). For each five hundred: one
call that puts them on the list before anybody is told (I1).
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from typing import Any

from portal import Portal

BATCH, WITH_HISTORY, LISTED = 100, 50, 500
WRITING = {
    "POST /crm/v3/objects/contacts/batch/read": "read",
    "POST /crm/v3/objects/contacts/batch/update": "update",
    "PUT /crm/v3/lists/{listId}/memberships/add": "list_add",
    "PUT /crm/v3/lists/{listId}/memberships/remove": "list_remove",
}


def least(leads: int) -> int:
    """Calls without which so many leads cannot be handed over safely."""
    return sum(-(-leads // size) for size in (BATCH, BATCH, WITH_HISTORY, LISTED))


def measure(contacts: int, seed: int) -> dict[str, Any]:
    with ExitStack() as stack:
        portal = Portal(stack, contacts=contacts, seed=seed, since="2020-01-01")
        portal.handoff("init", "--apply")
        report, used = portal.handoff("sync", "--json")
        leads, calls = report["handed_off"], report["api_calls"]
        made = {name: count for path, count in calls.items() if (name := _name(path))}
        return {
            "contacts": report["contacts_pulled"],
            "handed_off": leads,
            "values_written": report["changes_written"],
            "rejected": report["changes_rejected"],
            **{f"calls_{name}": count for name, count in sorted(made.items())},
            "calls_writing": sum(made.values()),
            "calls_least": least(leads),
            "times_the_least": round(sum(made.values()) / max(1, least(leads)), 3),
            "cpu_ms_each": round((used.ru_utime + used.ru_stime) / max(1, leads) * 1000, 2),
        }


def _name(path: str) -> str:
    for route, name in WRITING.items():
        if _shape(route) == _shape(path):
            return name
    return ""


def _shape(path: str) -> str:
    """A path with its names of ids left out: the versions of the API spell them in several ways."""
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--contacts", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=3)


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    figures = measure(options.contacts, options.seed)
    return figures, not figures["rejected"]
