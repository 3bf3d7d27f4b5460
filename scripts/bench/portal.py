"""A portal to measure on: the sandbox, the stub or a server from outside, a receiver, and `handoff` beside them.

The server and each command are processes of their own (the receiver a thread), so that CPU seconds and memory of a
command are its own. Where `HUBSPOT_BASE_URL` is set from outside, that server is used with `HUBSPOT_ACCESS_TOKEN`, and
nothing is asked of a sandbox's own doors.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import requests

ROOT = Path(__file__).resolve().parents[2]


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


class Portal:
    """One portal of a sandbox of its own, and a folder to run `handoff` in.

    Args:
        stack: ends what is begun here.
        per_10_seconds, searches_per_second: what the portal allows, and what the connector is told; 0 for no limit.
        latency_ms: added to every answer.
        stub: more contacts than the sandbox can hold (stub.py).
        since: HANDOFF_SINCE; empty for the portal's own clock at the first run.
    """

    def __init__(
        self,
        stack: ExitStack,
        *,
        contacts: int,
        seed: int = 3,
        since: str = "",
        per_10_seconds: int = 0,
        searches_per_second: int = 0,
        latency_ms: float = 0,
        stub: bool = False,
    ) -> None:
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="handoff-bench-")))
        self.sandbox: subprocess.Popen[str] | None = None
        self.url, self.portal, self.token = os.environ.get("HUBSPOT_BASE_URL", ""), "", ""
        if self.url:
            self.token = os.environ.get("HUBSPOT_ACCESS_TOKEN", "none")
        else:
            server = [str(Path(__file__).with_name("stub.py"))] if stub else ["-m", "connector.sandbox"]
            command = [sys.executable, *server, "--port", "0", "--json", "--enterprise"]
            command += ["--contacts", str(contacts), "--seed", str(seed), "--latency-ms", str(latency_ms)]
            command += ["--rate-per-10s", str(per_10_seconds), "--search-per-second", str(searches_per_second)]
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
            "HUBSPOT_RATE_PER_10S": str(per_10_seconds or 10_000),
            "HUBSPOT_SEARCH_PER_SECOND": str(searches_per_second or 1_000),
            "HANDOFF_WEBHOOK_URL": f"http://{host}/notices",
            "HANDOFF_WEBHOOK_SECRET": "whsec_" + "q" * 43 + "=",
            "HANDOFF_ALLOW_HOSTS": host,
            "HANDOFF_LOG_LEVEL": "ERROR",
        }
        if since:
            self.env["HANDOFF_SINCE"] = since

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
        if self.sandbox is None:
            raise SystemExit("this bench asks the sandbox's own doors: run it without HUBSPOT_BASE_URL")
        asked = {"portal": self.portal, **query}
        return requests.get(f"{self.url}/_sandbox/{path}", params=asked, timeout=60).json()

    def tell(self, path: str, **body: object) -> None:
        asked = {"portal": self.portal}
        requests.put(f"{self.url}/_sandbox/{path}", params=asked, json=body, timeout=60).raise_for_status()

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
