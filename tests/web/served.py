"""A receiver on a free port of this machine, its inbox in memory, and requests as HubSpot sends them."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import requests

from connector.crm.hubspot.inbound import signature
from connector.domain.contact import PortalId
from connector.domain.hint import Hint
from connector.errors import StoreBusyError
from connector.web.receiver import Receiver
from connector.web.server import serving
from connector.web.sources import Sources
from connector.web.writer import Writer

SECRET = "the-secret-of-the-app-0123"
PORTAL = PortalId("62515")
URL = "https://handoff.example/webhooks/hubspot"


class MemoryInbox:
    """Remembers; `busy` is a database that cannot, `slow_seconds` one that takes its time."""

    def __init__(self) -> None:
        self.hints: dict[str, Hint] = {}
        self.transactions = 0
        self.busy = False
        self.slow_seconds = 0.0
        self.open = True

    def put(self, hints: Sequence[Hint]) -> None:
        time.sleep(self.slow_seconds)
        if self.busy:
            raise StoreBusyError("the database is locked by another process")
        self.transactions += 1
        self.hints |= {hint.id: hint for hint in hints}

    def waiting(self) -> int:
        return len(self.hints)

    def close(self) -> None:
        self.open = False


class Served:
    """`post` is HubSpot's request; what is given may be anything else."""

    def __init__(self, receiver: Receiver, inbox: MemoryInbox, address: str, rung: threading.Event) -> None:
        self.receiver, self.inbox, self.rung = receiver, inbox, rung
        self.host, _, port = address.rpartition(":")
        self.port = int(port)
        self.http = requests.Session()

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.receiver.tally.counts)

    def post(self, body: bytes, *, path: str = "/webhooks/hubspot", **headers: str) -> requests.Response:
        """Signed now, unless other headers are given."""
        stamp = str(time.time_ns() // 1_000_000)
        signed = {
            "X-HubSpot-Request-Timestamp": stamp, "X-HubSpot-Signature-v3": signature(SECRET, "POST", URL, body, stamp)
        }  # fmt: skip
        given = signed | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(f"http://{self.host}:{self.port}{path}", data=body, headers=given, timeout=20)

    def raw(self, sent: bytes, *, hold: float = 0.0) -> bytes:
        """Bytes as they are, and all that is answered before the connection closes or `hold` is over."""
        with socket.create_connection((self.host, self.port), timeout=15) as connection:
            connection.sendall(sent)
            if hold:
                connection.settimeout(hold)
            answer = b""
            try:
                while part := connection.recv(65536):
                    answer += part
            except (TimeoutError, ConnectionResetError):
                pass
            return answer


def event(number: int = 1, **facts: Any) -> dict[str, Any]:
    return {
        "eventId": number, "subscriptionId": 1001, "portalId": 62515, "appId": 7, "occurredAt": 1772442000000,
        "subscriptionType": "contact.propertyChange", "objectId": 500 + number, "propertyName": "email",
    } | facts  # fmt: skip


def body(*numbers: int) -> bytes:
    return json.dumps([event(number) for number in numbers or (1,)]).encode()


@contextmanager
def served(*, most_waiting: int = 100_000, sources: Sources | None = None, **more: Any) -> Iterator[Served]:
    inbox, rung = MemoryInbox(), threading.Event()
    with closing(Writer(inbox, arrived=rung.set, most_waiting=most_waiting)) as writer:
        receiver = Receiver(writer, portal=PORTAL, target_url=URL, secrets=(SECRET,), sources=sources, **more)
        with serving(receiver, "127.0.0.1", 0) as address:
            world = Served(receiver, inbox, address, rung)
            with closing(world.http):
                yield world
