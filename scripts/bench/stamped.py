"""A bulk update stamps thousands of contacts alike while a run reads: is each seen, and none twice?

    python scripts/bench/run.py stamped [--contacts N] [--stamped N] [--seed N] [--json]

The sandbox's clock is frozen and set forward, so that nobody waits: its search shows changes 90 to 110 seconds late,
its pages are short, and some contacts are edited again and again while runs read, which moves rows in and out of the
window. The update comes while a full sync reads. What was seen is counted in the database (one change kept of each
contact that was stamped), held against what the runs state, and at last compared with the portal contact by contact
by `handoff check --deep --all`.
"""

from __future__ import annotations

import argparse
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import requests
from portal import Portal

BATCH = 100
COMPANY = "Stamped alike"
MOVING = 40
"""Contacts that are edited all the time."""
STEP, STEPS = 30, 8
"""Seconds between runs, and how many runs follow the update."""
SWITCHES = {"lag_seconds": 90, "lag_jitter_seconds": 20, "search_short_pages": 170}


class Outside:
    """What others do in the portal."""

    def __init__(self, portal: Portal) -> None:
        self._portal, self._http = portal, requests.Session()
        self._http.headers["Authorization"] = f"Bearer {portal.token}"

    def put(self, path: str, **body: Any) -> dict[str, Any]:
        asked = {"portal": self._portal.portal}
        found: dict[str, Any] = self._http.put(
            f"{self._portal.url}/_sandbox/{path}", params=asked, json=body, timeout=60
        ).json()
        return found

    def ids(self) -> list[str]:
        found: list[str] = []
        asked: dict[str, Any] = {"limit": BATCH}
        while True:
            answer = self._http.get(f"{self._portal.url}/crm/v3/objects/contacts", params=asked, timeout=60).json()
            found += [row["id"] for row in answer["results"]]
            if "paging" not in answer:
                return found
            asked["after"] = answer["paging"]["next"]["after"]

    def update(self, ids: list[str], **properties: str) -> set[str]:
        """Instants that the updates gave."""
        instants: set[str] = set()
        for start in range(0, len(ids), BATCH):
            rows = [{"id": one, "properties": properties} for one in ids[start : start + BATCH]]
            url = f"{self._portal.url}/crm/v3/objects/contacts/batch/update"
            answer = self._http.post(url, json={"inputs": rows}, timeout=60)
            answer.raise_for_status()
            instants.update(row["updatedAt"] for row in answer.json()["results"])
        return instants

    @contextmanager
    def restless(self, ids: list[str]) -> Iterator[None]:
        """Meanwhile these are edited one after the other, and time passes."""
        stop = threading.Event()

        def edit() -> None:
            number = 0
            while not stop.wait(0.1):
                self.put("clock", advance_seconds=0.2)
                self.update([ids[number % len(ids)]], jobtitle=f"Role {number}")
                number += 1

        thread = threading.Thread(target=edit)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def measure(contacts: int, stamped: int, seed: int) -> tuple[dict[str, Any], bool]:
    with ExitStack() as stack:
        portal = Portal(stack, contacts=contacts, seed=seed)
        outside = Outside(portal)
        portal.handoff("init", "--apply")
        portal.handoff("sync", "--json")
        outside.put("clock", now=outside.put("clock", advance_seconds=1200)["now"])
        outside.put("switches", **SWITCHES)
        ids = outside.ids()
        moving, chosen = ids[:MOVING], ids[-stamped:]
        runs, instants = [], set[str]()
        updating = threading.Thread(target=lambda: instants.update(outside.update(chosen, company=COMPANY)))
        began = time.monotonic()
        updating.start()
        runs.append(portal.handoff("sync", "--full", "--json")[0])
        updating.join()
        for _ in range(STEPS):
            outside.put("clock", advance_seconds=STEP)
            with outside.restless(moving):
                runs.append(portal.handoff("sync", "--json")[0])
        seconds = time.monotonic() - began
        outside.put("clock", advance_seconds=7200)
        portal.handoff("sync", "--json")
        deep, _ = portal.handoff("check", "--deep", "--all", "--json")
        with closing(sqlite3.connect(portal.folder / "handoff.db")) as database:
            asked = "select count(*), count(distinct contact) from field_change where field = 'company' and value = ?"
            kept, distinct = database.execute(asked, (COMPANY,)).fetchone()
        seen = [run["completeness"]["contacts"] for run in runs]
        figures = {
            "contacts": len(ids),
            "stamped": len(chosen),
            "timestamps": len(instants),
            "stamped_seen": distinct,
            "stamped_seen_twice": kept - distinct,
            "runs": len(runs),
            "seconds": round(seconds, 1),
            "rows": sum(one["rows"] for one in seen),
            "changed": sum(one["changed"] for one in seen),
            "read_again_in_the_overlap": sum(one["overlap"] for one in seen),
            "shown_late": sum(one["late"] for one in seen),
            "latest_seconds": max(one["latest"] for one in seen),
            "figures_add_up": all(one["rows"] == one["new"] + one["changed"] + one["known"] for one in seen),
            "compared": deep["theirs"],
            "differ": sum(deep["kinds"].values()),
            "compare_calls": sum(deep["api_calls"].values()),
        }
        whole = figures["stamped"] == figures["stamped_seen"] and not figures["stamped_seen_twice"]
        same = not figures["differ"] and figures["compared"] == figures["contacts"]
        return figures, whole and same and figures["timestamps"] == 1 and figures["figures_add_up"]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--contacts", type=int, default=26_000)
    parser.add_argument("--stamped", type=int, default=25_000)
    parser.add_argument("--seed", type=int, default=3)


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    return measure(options.contacts, options.stamped, options.seed)
