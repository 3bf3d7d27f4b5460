"""What a second sync costs right after a first one, and what the first one cost.

    python scripts/bench/run.py quiet [--contacts N] [--seed N] [--since DAY] [--json]

Sandbox, receiver and connector are processes (the receiver a thread) of their own; calls are counted by the sandbox,
CPU seconds and peak memory are those of the two `handoff sync` processes. With --since in the past the first sync hands
over all that qualifies, so that there is much which the second could do again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import requests

ROOT = Path(__file__).resolve().parents[2]
PLAIN, PER_SEARCH = 12, 200
"""Calls that any run may make; contacts that one page of a search holds."""


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to every notice and counts them."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    taken: ClassVar[Counter[str]] = Counter()

    def do_POST(self) -> None:
        self.taken[json.loads(self.rfile.read(int(self.headers["Content-Length"])))["type"]] += 1
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """The counter says all."""


class Bench:
    """A running sandbox with one portal, and a folder to run `handoff` in."""

    def __init__(self, stack: ExitStack, contacts: int, seed: int, since: str) -> None:
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="handoff-quiet-")))
        command = [sys.executable, "-m", "connector.sandbox", "--port", "0", "--json", "--enterprise"]
        command += ["--contacts", str(contacts), "--seed", str(seed), "--rate-per-10s", "0", "--search-per-second", "0"]
        self.sandbox = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        stack.callback(self.sandbox.wait)
        stack.callback(self.sandbox.terminate)
        assert self.sandbox.stdout is not None
        told = json.loads(self.sandbox.stdout.readline())
        self.url, self.portal, self.token = told["url"], told["portalId"], told["token"]
        receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        stack.callback(receiver.shutdown)
        host = f"127.0.0.1:{receiver.server_address[1]}"
        self.env = os.environ | {
            "PYTHONPATH": str(ROOT),
            "HUBSPOT_ACCESS_TOKEN": self.token,
            "HUBSPOT_BASE_URL": self.url,
            "HUBSPOT_RATE_PER_10S": "10000",
            "HUBSPOT_SEARCH_PER_SECOND": "1000",
            "HANDOFF_SINCE": since,
            "HANDOFF_WEBHOOK_URL": f"http://{host}/notices",
            "HANDOFF_WEBHOOK_SECRET": "whsec_" + "q" * 43 + "=",
            "HANDOFF_ALLOW_HOSTS": host,
            "HANDOFF_LOG_LEVEL": "ERROR",
        }

    def handoff(self, *words: str) -> tuple[dict[str, Any], os.struct_rusage]:
        """One command to its end: what it printed as JSON (empty where it is none), and what it used."""
        command = [sys.executable, "-m", "connector.cli.app", *words]
        with (self.folder / "out").open("w+") as out:
            process = subprocess.Popen(command, stdout=out, cwd=self.folder, env=self.env)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            text = out.read()
        if process.returncode:
            raise SystemExit(f"handoff {' '.join(words)} ended with {process.returncode}: {text}")
        return (json.loads(text) if text.startswith("{") else {}), used

    def control(self, path: str, **query: object) -> Any:
        asked = {"portal": self.portal, **query}
        return requests.get(f"{self.url}/_sandbox/{path}", params=asked, timeout=60).json()

    def calls(self) -> int:
        """Since the last look."""
        found = int(self.control("counters")["total"])
        requests.delete(f"{self.url}/_sandbox/counters", params={"portal": self.portal}, timeout=60)
        return found

    def written(self, after: int) -> tuple[set[str], int]:
        """Contacts that the API's clients changed since a place in the journal, and the place where it ends."""
        ids: set[str] = set()
        while True:
            found = self.control("log", after=after, limit=100_000, kinds="property,list_add,list_remove")
            after = found["last"]
            for event in found["events"]:
                if event.get("source", "INTEGRATION") == "INTEGRATION":
                    ids.add(str(event.get("id") or event.get("record_id")))
            if len(found["events"]) < 100_000:
                return ids, after

    def forms(self) -> int:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.get(f"{self.url}/marketing/v3/forms", params={"limit": 100}, headers=headers, timeout=60)
        return len(answer.json()["results"])


def measure(contacts: int, seed: int, since: str) -> dict[str, Any]:
    with ExitStack() as stack:
        bench = Bench(stack, contacts, seed, since)
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
