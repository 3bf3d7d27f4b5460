"""What the sandbox costs at 100,000 contacts: CPU per call over a real socket, and resident memory.

    python scripts/bench/run.py sandbox [--contacts N] [--json]

Runs the sandbox as a process of its own and reads that process's CPU time and memory from /proc (Linux), so that the
client's cost is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[2]
CONTACTS = "/crm/v3/objects/contacts"
PROPERTIES = [
    *("firstname", "lastname", "email", "phone", "company", "jobtitle", "industry", "numberofemployees", "website"),
    *("country", "city", "zip", "lifecyclestage", "hs_lead_status", "hubspot_owner_id", "hubspot_owner_assigneddate"),
    *("hs_analytics_source", "hs_analytics_num_visits", "hs_analytics_num_page_views", "hs_analytics_last_url"),
    *("hs_analytics_last_timestamp", "hs_email_delivered", "hs_email_open", "hs_email_click", "hs_email_optout"),
    *("num_notes", "notes_last_contacted", "recent_conversion_date", "num_conversion_events"),
    "hs_v2_date_entered_current_stage",
]


class Bench:
    """A running sandbox and a session to call it."""

    def __init__(self, contacts: int) -> None:
        command = [sys.executable, "-m", "connector.sandbox", "--port", "0", "--contacts", str(contacts), "--json"]
        command += ["--rate-per-10s", "0", "--search-per-second", "0"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        began = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT)
        assert self.process.stdout is not None
        told = json.loads(self.process.stdout.readline())
        self.start_seconds = time.monotonic() - began
        self.url = told["url"]
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {told['token']}"

    def cpu_seconds(self) -> float:
        """Give the CPU time that the sandbox has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        """Give the largest resident memory so far."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        return 0.0

    def each_ms(self, call: Callable[[int], None], times: int) -> float:
        """Give the sandbox's CPU milliseconds per call."""
        before = self.cpu_seconds()
        for number in range(times):
            call(number)
        return (self.cpu_seconds() - before) / times * 1000

    def post(self, path: str, body: Any) -> Any:
        """Call and give the parsed answer."""
        answer = self.session.post(self.url + path, json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def get(self, path: str, **params: Any) -> Any:
        """Call and give the parsed answer."""
        answer = self.session.get(self.url + path, params=params, timeout=60)
        answer.raise_for_status()
        return answer.json()


def window_search(bench: Bench, low: int, high: int, after_id: int) -> Any:
    """Search as a sync does: a window of modification dates, ids above the last, sorted by id."""
    filters = [
        {"propertyName": "lastmodifieddate", "operator": "BETWEEN", "value": str(low), "highValue": str(high)},
        {"propertyName": "hs_object_id", "operator": "GT", "value": str(after_id)},
    ]
    sorts = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    body = {"filterGroups": [{"filters": filters}], "sorts": sorts, "limit": 100, "properties": PROPERTIES}
    return bench.post(f"{CONTACTS}/search", body)


def calibrate() -> float:
    """Give the CPU milliseconds of a fixed piece of work here and now: figures of two runs compare by their ratio."""
    values = {str(number): str(number * 7) for number in range(200)}
    began = time.process_time()
    for _ in range(500):
        json.dumps({name: values.get(name) for name in values})
    return (time.process_time() - began) * 1000


def measure(contacts: int) -> dict[str, float]:
    """Run everything once and give the figures."""
    bench = Bench(contacts)
    try:
        now = round(time.time() * 1000)
        start = {"after": "501"}

        def list_page(_number: int) -> None:
            page = bench.get(CONTACTS, limit=100, properties=",".join(PROPERTIES), after=start["after"])
            start["after"] = page.get("paging", {}).get("next", {}).get("after", "501")

        def batch_update(number: int) -> None:
            first = 501 + number * 100 % max(1, contacts - 100)
            rows = [
                {"id": str(first + each), "properties": {"jobtitle": f"Title {number}", "hs_lead_status": "OPEN"}}
                for each in range(min(100, contacts))
            ]
            bench.post(f"{CONTACTS}/batch/update", {"inputs": rows})

        walk = {"last": 0}

        def wide_search(_number: int) -> None:
            page = window_search(bench, 0, now - 60_000, walk["last"])
            walk["last"] = int(page["results"][-1]["id"]) if page["results"] else 0

        def narrow_search(number: int) -> None:
            window_search(bench, now - 6 * 3_600_000 - number * 60_000, now - 60_000, 0)

        figures = {"calibration_ms": calibrate(), "contacts": float(contacts), "start_seconds": bench.start_seconds}
        figures["list_page_ms"] = bench.each_ms(list_page, 300)
        figures["search_narrow_ms"] = bench.each_ms(narrow_search, 300)
        figures["search_wide_ms"] = bench.each_ms(wide_search, 300)
        figures["batch_update_ms"] = bench.each_ms(batch_update, 300)
        walk["last"] = 0
        figures["search_wide_after_writes_ms"] = bench.each_ms(wide_search, 300)
        figures["resident_mb"] = bench.resident_mb()
        return {name: round(value, 2) for name, value in figures.items()}
    finally:
        bench.process.terminate()
        bench.process.wait(20)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--contacts", type=int, default=100_000)


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    return dict(measure(options.contacts)), True
