"""What many handovers cost in calls, beside the fewest that keep the promises.

    python scripts/bench/run.py write [--contacts N] [--seed N] [--tasks] [--json]

The first `handoff sync` of a portal with HANDOFF_SINCE in the past: everybody who ever qualified is handed over in one
run. Counted are the calls that the run made to write, as it says itself; its reads of the portal are left out.

The fewest, `least`:

    each hundred leads     one look right before the write (I2), one write
    each fifty             one look right after it, for HubSpot gives histories of fifty at most, and by histories alone
                           an edit is seen that we wrote over (I2)
    each five hundred      one call that puts them on the list before anybody is told (I1)
    once                   the list is found by its name
    with --tasks           for each hundred, of tasks and of notes alike: one look at what they have, for HubSpot has no
                           key against doubles (I7), and one call that makes them

A stage that goes back would be a second write for its hundred; a handover's never does.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from typing import Any

from portal import Portal

BATCH, WITH_HISTORY, LISTED = 100, 50, 500
WRITING = {
    "POST /crm/v3/objects/contacts/batch/update": "update",
    "PUT /crm/v3/lists/{listId}/memberships/add": "list_add",
    "PUT /crm/v3/lists/{listId}/memberships/remove": "list_remove",
    "POST /crm/v3/objects/tasks/batch/create": "tasks",
    "POST /crm/v3/objects/notes/batch/create": "notes",
}
NOTHING, BOTH = "crm: {task: false, note: false}", "crm: {task: true, note: true}"


def least(leads: int, *, tasks: bool) -> int:
    """Calls without which so many leads cannot be handed over safely."""
    batches = (BATCH, BATCH, WITH_HISTORY, LISTED, *((BATCH,) * 4 if tasks else ()))
    return sum(-(-leads // size) for size in batches) + 1 if leads else 0


def measure(contacts: int, seed: int, *, tasks: bool) -> dict[str, Any]:
    with ExitStack() as stack:
        portal = Portal(stack, contacts=contacts, seed=seed, since="2020-01-01")
        portal.handoff("init", "--apply")
        if tasks:
            rules = portal.folder / "mappings" / "notifications.yaml"
            rules.write_text(rules.read_text().replace(NOTHING, BOTH))
        report, used = portal.handoff("sync", "--json")
        leads, calls = report["handed_off"], report["api_calls"]
        writing, fewest = report["quota"]["by_purpose"]["write"], least(leads, tasks=tasks)
        made = {name: count for path, count in calls.items() if (name := _name(path))}
        return {
            "contacts": report["contacts_pulled"],
            "handed_off": leads,
            "values_written": report["changes_written"],
            "rejected": report["changes_rejected"],
            **{f"calls_{name}": count for name, count in sorted(made.items())},
            "calls_writing": writing,
            "calls_least": fewest,
            "times_the_least": round(writing / max(1, fewest), 3),
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
    parser.add_argument("--tasks", action="store_true", help="each lead gets a task and a note in the CRM, too")


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    figures = measure(options.contacts, options.seed, tasks=options.tasks)
    return figures, not figures["rejected"]
