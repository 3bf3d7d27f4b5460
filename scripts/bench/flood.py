"""The receiver of `handoff serve` under a flood: memory, what it sheds, and how soon the good ones are answered.

    python scripts/bench/run.py flood [--seconds N] [--json]

A second process sends one kind of request after another as fast as it can, from an address of its own (127.0.0.2):
good, replayed, forged, oversized, slow and malformed ones. Meanwhile this one sends good webhooks as HubSpot does, ten
under way at a time. Memory is that of the serving process, from /proc (Linux).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

SECRET = "signal-bench-app-secret"  # noqa: S105 - of the bench alone
KINDS = ("good", "replayed", "forged", "oversized", "slow", "malformed")
EVENTS = 20
THREADS = 8
UNDER_WAY = 10


def signed(url: str, body: bytes, secret: str = SECRET) -> dict[str, str]:
    stamp = str(time.time_ns() // 1_000_000)
    mac = hmac.new(secret.encode(), f"POST{url}".encode() + body + stamp.encode(), hashlib.sha256)
    return {
        "X-HubSpot-Request-Timestamp": stamp,
        "X-HubSpot-Signature-v3": base64.b64encode(mac.digest()).decode(),
        "Content-Type": "application/json",
    }


def events(portal: int, first: int, count: int = EVENTS) -> bytes:
    """Of contacts that the portal does not have."""
    return json.dumps(
        [
            {
                "eventId": first + number, "subscriptionId": 1, "portalId": portal, "appId": 1,
                "occurredAt": time.time_ns() // 1_000_000, "subscriptionType": "contact.propertyChange",
                "objectId": 90_000_000 + (first + number) % 500, "propertyName": "email",
            }
            for number in range(count)
        ]
    ).encode()  # fmt: skip


class Sender:
    """One connection after another; `post` gives the status, or a word for none."""

    def __init__(self, port: int, source: str) -> None:
        self.port, self.source = port, source
        self.connection: http.client.HTTPConnection | None = None

    def post(self, body: bytes, headers: dict[str, str]) -> str:
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(
                    "127.0.0.1", self.port, timeout=20, source_address=(self.source, 0)
                )
            self.connection.request("POST", "/webhooks/hubspot", body, headers)
            answer = self.connection.getresponse()
            answer.read()
            return str(answer.status)
        except (OSError, http.client.HTTPException):
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            return "closed"

    def raw(self, sent: bytes, patience: float) -> str:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 10, (self.source, 0)) as connection:
                connection.settimeout(patience)
                connection.sendall(sent)
                return connection.recv(12)[9:].decode("latin-1") or "closed"
        except OSError:
            return "closed"

    def drip(self) -> str:
        """One byte a second."""
        head = b"POST /webhooks/hubspot HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
        try:
            with socket.create_connection(("127.0.0.1", self.port), 10, (self.source, 0)) as connection:
                connection.sendall(head)
                connection.settimeout(1.0)
                for _ in range(30):
                    connection.sendall(b"[")
                    try:
                        return connection.recv(12)[9:].decode("latin-1") or "closed"
                    except TimeoutError:
                        continue
        except OSError:
            return "closed"
        return "never answered"


def attack(kind: str, url: str, portal: int, seconds: float) -> Counter[str]:
    """Until the time is over, from several threads."""
    port, found, until = int(url.split(":")[2].partition("/")[0]), Counter[str](), time.monotonic() + seconds
    replay = events(portal, 1)
    replay_headers = signed(url, replay)

    def one(thread: int) -> None:
        sender, number = Sender(port, "127.0.0.2"), thread * 100_000_000
        while time.monotonic() < until:
            number += EVENTS
            if kind == "good":
                body = events(portal, number)
                said = sender.post(body, signed(url, body))
            elif kind == "replayed":
                said = sender.post(replay, replay_headers)
            elif kind == "forged":
                said = sender.post(replay, signed(url, replay, "another secret"))
            elif kind == "oversized":
                said = sender.post(b" " * (2**20 + 1), replay_headers)
            elif kind == "slow":
                said = sender.drip()
            else:
                said = sender.raw(b"POST /webhooks/hubspot HTTP/1.1\r\nX\x00-Y: \xff\r\nContent-Length: -1\r\n\r\n{", 5)
            found[said] += 1

    threads = [threading.Thread(target=one, args=(number,)) for number in range(THREADS * (8 if kind == "slow" else 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def hubspot(url: str, portal: int, stop: threading.Event) -> tuple[list[float], Counter[str]]:
    """Good webhooks, ten under way at a time; the seconds of those that were taken, and all answers."""
    taken: list[float] = []
    answers: Counter[str] = Counter()
    port = int(url.split(":")[2].partition("/")[0])

    def one(thread: int) -> None:
        sender, number = Sender(port, "127.0.0.1"), (100 + thread) * 100_000_000
        while not stop.is_set():
            number += EVENTS
            body = events(portal, number)
            began = time.monotonic()
            said = sender.post(body, signed(url, body))
            answers[said] += 1
            if said == "200":
                taken.append(time.monotonic() - began)
            time.sleep(0.2)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(UNDER_WAY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken, answers


def resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def measure(seconds: float) -> dict[str, Any]:
    from signal_notice import Bench

    figures: dict[str, Any] = {}
    with ExitStack() as stack:
        bench = Bench(stack)
        serving = bench.start(stack)
        url = f"http://127.0.0.1:{bench.port}/webhooks/hubspot"
        _flood(bench.portal, url, "forged", 2.0)  # what it needs at all, it has now
        figures["resident_mb_before"] = round(resident_mb(serving.pid), 1)
        peak = 0.0
        for kind in KINDS:
            sent, taken, answers = _flood(bench.portal, url, kind, seconds)
            peak = max(peak, resident_mb(serving.pid))
            taken.sort()
            figures[f"{kind}_a_second"] = round(sum(sent.values()) / seconds)
            figures[f"{kind}_answers"] = dict(sorted(sent.items()))
            figures[f"hubspot_answers_during_{kind}"] = dict(sorted(answers.items()))
            last = taken[min(len(taken) - 1, int(0.99 * len(taken)))] if taken else float("nan")
            figures[f"hubspot_p99_seconds_during_{kind}"] = round(last, 3)
            print(f"{kind}: {dict(sent)}, HubSpot's: {dict(answers)}, p99 {last:.3f} s", file=sys.stderr)
        figures["resident_mb_at_most"] = round(peak, 1)
        figures["resident_mb_after"] = round(resident_mb(serving.pid), 1)
    return figures


def _flood(portal: int, url: str, kind: str, seconds: float) -> tuple[Counter[str], list[float], Counter[str]]:
    command = [sys.executable, __file__, kind, url, str(portal), str(seconds)]
    stop = threading.Event()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        result: list[tuple[list[float], Counter[str]]] = []
        beside = threading.Thread(target=lambda: result.append(hubspot(url, portal, stop)))
        beside.start()
        out, _ = other.communicate()
        stop.set()
        beside.join()
    return Counter(json.loads(out)), *result[0]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each kind of flood lasts")


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    figures = measure(options.seconds)
    slow = [value for name, value in figures.items() if name.startswith("hubspot_p99") and not value < 1.0]
    grown = figures["resident_mb_after"] - figures["resident_mb_before"]
    broken = [name for name, value in figures.items() if name.endswith("_answers") and "500" in value]
    return figures, not slow and not broken and grown < 50


if __name__ == "__main__":  # the second process
    print(json.dumps(attack(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))))
