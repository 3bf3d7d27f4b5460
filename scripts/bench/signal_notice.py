"""From signal to notice: a form is sent in the portal, and the receiver of notices hears of the handover.

    python scripts/bench/run.py signal [--rates 1,10,100] [--seconds N] [--json]

Sandbox and `handoff serve` are processes of their own, the receiver of notices is a thread here; HubSpot's limits are
those of a Professional portal (190 calls in ten seconds, five searches a second). The clock starts just before the form
is sent in the sandbox and stops when the notice arrives: the sandbox's own time for form and webhook is in it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[2]
SECRET = "signal-bench-app-secret"  # noqa: S105 - of the bench alone
PER_10_SECONDS, SEARCHES_PER_SECOND = 190, 5
REPS = 40
TICK_SECONDS = 0.02
PATIENCE_SECONDS = 60.0


class Arrivals:
    """When the first notice of each handed-over contact arrived."""

    def __init__(self, stack: ExitStack) -> None:
        self.at: dict[str, float] = {}
        self.twice = 0
        arrivals = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                now = time.monotonic()
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                arrivals.take(body, now)
                self.send_response(204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """What arrived says all."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        self.host = f"127.0.0.1:{server.server_address[1]}"

    def take(self, body: dict[str, Any], now: float) -> None:
        data = body["data"]
        leads = data.get("leads", ()) if body["type"] == "lead.digest" else [data]
        for lead in leads if body["type"] in ("lead.digest", "lead.handed_off") else ():
            contact = str(lead["contact_id"])
            self.twice += contact in self.at
            self.at.setdefault(contact, now)


class Bench:
    """A sandbox with reps, and `handoff serve` beside it."""

    def __init__(self, stack: ExitStack) -> None:
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="handoff-signal-")))
        self.arrivals = Arrivals(stack)
        command = [sys.executable, "-m", "connector.sandbox", "--port", "0", "--json", "--enterprise"]
        command += ["--contacts", "200"]
        command += ["--rate-per-10s", str(PER_10_SECONDS), "--search-per-second", str(SEARCHES_PER_SECOND)]
        sandbox = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.sandbox_pid = sandbox.pid
        stack.callback(sandbox.wait)
        stack.callback(sandbox.terminate)
        assert sandbox.stdout is not None
        told = json.loads(sandbox.stdout.readline())
        self.url, self.portal = told["url"], told["portalId"]
        self.http = requests.Session()
        self.port = _free_port()
        self.env = os.environ | {
            "PYTHONPATH": str(ROOT),
            "HUBSPOT_ACCESS_TOKEN": told["token"],
            "HUBSPOT_BASE_URL": self.url,
            "HUBSPOT_RATE_PER_10S": str(PER_10_SECONDS),
            "HUBSPOT_SEARCH_PER_SECOND": "4",
            "HANDOFF_SYNC_EVERY": "5m",
            "HANDOFF_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "HANDOFF_LISTEN": f"127.0.0.1:{self.port}",
            "HANDOFF_INBOUND_SECRET": SECRET,
            "HANDOFF_WEBHOOK_URL": f"http://{self.arrivals.host}/notices",
            "HANDOFF_WEBHOOK_SECRET": "whsec_" + "q" * 43 + "=",
            "HANDOFF_ALLOW_HOSTS": self.arrivals.host,
            "HANDOFF_LOG_LEVEL": "WARNING",
        }
        reps = [{"email": f"rep{one}@reps.example", "firstName": "Rep", "lastName": str(one)} for one in range(REPS)]
        self.control("POST", "owners", reps)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(
            method, f"{self.url}/_sandbox/{path}", json=body, params={"portal": self.portal}, timeout=60
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def start(self, stack: ExitStack) -> subprocess.Popen[bytes]:
        handoff = [sys.executable, "-m", "connector.cli.app"]
        subprocess.run([*handoff, "init", "--apply"], cwd=self.folder, env=self.env, check=True, capture_output=True)
        subprocess.run([*handoff, "sync"], cwd=self.folder, env=self.env, check=True, capture_output=True)
        log = stack.enter_context((self.folder / "serve.log").open("wb"))
        profiled = ["-m", "cProfile", "-o", os.environ["HANDOFF_PROFILE"]] if "HANDOFF_PROFILE" in os.environ else []
        command = [sys.executable, *profiled, "-m", "connector.cli.app", "serve"]
        serving = subprocess.Popen(command, cwd=self.folder, env=self.env, stderr=log)
        stack.callback(_stop, serving)
        until = time.monotonic() + 60
        while not _listens(self.port):
            if serving.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"handoff serve did not start: {(self.folder / 'serve.log').read_text()}")
            time.sleep(0.05)
        hook = {
            "target_url": f"http://127.0.0.1:{self.port}/webhooks/hubspot",
            "client_secret": SECRET,
            "timestamps": "wall",
            "subscriptions": [
                {"subscriptionType": "contact.propertyChange", "propertyName": "recent_conversion_date"},
            ],
        }
        self.control("PUT", "webhooks", hook)
        self.asks(1, "warm")  # all that is loaded once is loaded
        while (not self.arrivals.at or self._runs()) and time.monotonic() < until:
            time.sleep(0.1)
        return serving

    def _runs(self) -> bool:
        """Whether a whole run is under way: the first one must be over."""
        with closing(sqlite3.connect(f"file:{self.folder / 'handoff.db'}?mode=ro", uri=True)) as database:
            return bool(database.execute("SELECT 1 FROM run WHERE status = 'running'").fetchone())

    def asks(self, count: int, name: str) -> list[str]:
        acts = [
            {"kind": "form_submission", "form": "Contact us", "email": f"{name}-{one}@firm-{name}-{one}.example"}
            for one in range(count)
        ]
        return [str(result["contact"]) for result in self.control("POST", "acts", acts)["results"]]


def phase(bench: Bench, serving: subprocess.Popen[bytes], rate: int, seconds: float) -> dict[str, float]:
    """Forms at one rate; delays of their notices."""
    sent: dict[str, float] = {}
    pids = {"cpu": serving.pid, "sandbox_cpu": bench.sandbox_pid}
    before, began, due = {name: _cpu_seconds(pid) for name, pid in pids.items()}, time.monotonic(), 0
    stolen = _stolen_seconds()
    total = max(10, round(rate * seconds))
    while due < total:
        ready = min(total, int((time.monotonic() - began) * rate) + 1) - due
        if ready > 0:
            at = time.monotonic()
            sent |= dict.fromkeys(bench.asks(ready, f"r{rate}n{due}"), at)
            due += ready
        time.sleep(TICK_SECONDS)
    until = time.monotonic() + PATIENCE_SECONDS
    while not sent.keys() <= bench.arrivals.at.keys() and time.monotonic() < until:
        time.sleep(0.05)
    delays = sorted(bench.arrivals.at[one] - at for one, at in sent.items() if one in bench.arrivals.at)
    return {
        f"events_at_{rate}": len(sent),
        f"lost_at_{rate}": len(sent) - len(delays),
        f"p50_seconds_at_{rate}": round(_quantile(delays, 0.50), 3),
        f"p99_seconds_at_{rate}": round(_quantile(delays, 0.99), 3),
        f"longest_seconds_at_{rate}": round(_quantile(delays, 1.0), 3),
        **{
            f"{name}_ms_per_event_at_{rate}": round((_cpu_seconds(pid) - before[name]) / len(sent) * 1000, 1)
            for name, pid in pids.items()
        },
        f"stolen_cores_at_{rate}": round((_stolen_seconds() - stolen) / (time.monotonic() - began), 2),
    }


def measure(rates: list[int], seconds: float) -> dict[str, float]:
    figures: dict[str, float] = {}
    with ExitStack() as stack:
        bench = Bench(stack)
        serving = bench.start(stack)
        for rate in rates:
            found = phase(bench, serving, rate, seconds)
            print(json.dumps(found), file=sys.stderr)
            figures |= found
            time.sleep(10)  # the portal's window of ten seconds is empty again
        figures["told_twice"] = bench.arrivals.twice
        figures["load"] = round(os.getloadavg()[1], 1)  # of five minutes: beside others, delays say little
        figures["throttled"] = bench.control("GET", "counters").get("by_status", {}).get("429", 0)
        if os.environ.get("HANDOFF_BENCH_LOG"):
            print((bench.folder / "serve.log").read_text(), file=sys.stderr)
    return figures


def _quantile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _stolen_seconds() -> float:
    """Of all cores, by other machines on the same host."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return int(fields[8]) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(60)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rates", default="1,10,100", help="events a second, with commas between")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long at each rate")


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    figures = measure([int(rate) for rate in options.rates.split(",")], options.seconds)
    lost = [value for name, value in figures.items() if name.startswith("lost_")]
    return figures, not any(lost) and not figures["told_twice"]
