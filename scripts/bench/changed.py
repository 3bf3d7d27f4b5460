"""What a run costs when a few hundred of many contacts changed: calls for contacts, and in all.

    python scripts/bench/run.py changed [--contacts N] [--changed N] [--json]

The sandbox; somebody else changes a value of each of the chosen ones, who lie all over the portal, by batches of 100
between a first sync and a second. Calls for contacts are those of the contacts' paths in the second run, whatever they
do; what a run asks beside them is the same whether one contact changed or none (see `quiet`).
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from typing import Any

import requests
from portal import Portal

BATCH = 100
MOST_CALLS = 5


def ids_of(portal: Portal, wanted: int, contacts: int) -> list[str]:
    """Of some contacts, as far apart as that many allow."""
    headers, found, after = {"Authorization": f"Bearer {portal.token}"}, list[str](), "0"
    while after:
        asked = {"limit": str(BATCH), "after": after}
        answer = requests.get(f"{portal.url}/crm/v3/objects/contacts", params=asked, headers=headers, timeout=60).json()
        found += [row["id"] for row in answer["results"]]
        after = answer.get("paging", {}).get("next", {}).get("after", "")
    return found[:: max(1, contacts // wanted)][:wanted]


def change(portal: Portal, ids: list[str]) -> None:
    for start in range(0, len(ids), BATCH):
        rows = [{"id": one, "properties": {"city": "New Utrecht"}} for one in ids[start : start + BATCH]]
        url, headers = f"{portal.url}/crm/v3/objects/contacts/batch/update", {"Authorization": f"Bearer {portal.token}"}
        requests.post(url, json={"inputs": rows}, headers=headers, timeout=60).raise_for_status()


def measure(contacts: int, changed: int) -> dict[str, Any]:
    with ExitStack() as stack:
        portal = Portal(stack, contacts=contacts)
        portal.handoff("init", "--apply")
        first, _ = portal.handoff("sync", "--json")
        change(portal, ids_of(portal, changed, first["contacts_pulled"]))
        report, used = portal.handoff("sync", "--json")
        calls = report["api_calls"]
        return {
            "contacts": first["contacts_pulled"],
            "changed": report["completeness"]["contacts"]["changed"],
            "calls_for_contacts": sum(made for call, made in calls.items() if "contacts" in call.split("/")),
            "calls_for_contacts_aim": MOST_CALLS,
            "calls": sum(calls.values()),
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
            "peak_mb": used.ru_maxrss // 1024,
        }


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--changed", type=int, default=500)


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    figures = measure(options.contacts, options.changed)
    whole = figures["changed"] == options.changed
    return figures, whole and figures["calls_for_contacts"] <= MOST_CALLS
