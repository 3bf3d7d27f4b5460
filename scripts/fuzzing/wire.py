"""The receiver as it listens: raw bytes into the server's own protocol, in any pieces; the socket alone is missing.

Whatever comes, what goes back is HTTP with a status that the receiver knows, never 500; nothing is logged as an error,
and nothing is stored unless it was signed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

from uvicorn.server import ServerState

from connector.crm.hubspot.inbound import signature
from connector.domain.contact import PortalId
from connector.domain.hint import Hint
from connector.web.receiver import WORDS, Receiver
from connector.web.server import Protocol, configured
from fuzzing.choices import Choices

TARGET = "https://h.example/webhooks/hubspot"
SECRET = "s3cret-canary-of-the-receiver"  # noqa: S105 - nobody's
NOW = datetime.fromtimestamp(1772442000, UTC)
PORTAL = PortalId("4711")
BODY = json.dumps([
    {"eventId": 1, "portalId": 4711, "occurredAt": 1772442000000, "subscriptionType": "contact.creation", "objectId": 5}
]).encode()  # fmt: skip
BY_UVICORN = {400}
TURNS = 30
"""Of the event loop; an answer takes fewer."""
HEADS = (
    "Host: h.example", "Content-Length: 5", f"Content-Length: {len(BODY)}", "Content-Length: 99999999999999999999",
    "Content-Length: -1", "Content-Length: 5, 5", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked",
    "Expect: 100-continue", "Connection: close", "Connection: upgrade", "Upgrade: websocket", "Upgrade: h2c",
    "X-Forwarded-For: 10.0.0.1, \xff", "X-HubSpot-Signature-v3: x", "X-HubSpot-Request-Timestamp: 1772442000000",
    "Content-Encoding: gzip", ": empty", " folded", "A" * 3000 + ": b", "x:\x00", "Content-Type: application/json",
)  # fmt: skip
LINES = (
    "POST /webhooks/hubspot HTTP/1.1", "POST /x/webhooks/hubspot?a=%ff HTTP/1.1", "GET /healthz HTTP/1.1",
    "HEAD /healthz HTTP/1.0", "GET /webhooks/hubspot HTTP/1.1", "OPTIONS * HTTP/1.1", "CONNECT h:443 HTTP/1.1",
    "POST http://h.example/webhooks/hubspot HTTP/1.1", "POST /%00%ff%2e%2e/ HTTP/1.1", "PRI * HTTP/2.0",
    "POST / HTTP/9.9", "GET  / HTTP/1.1", "GET /" + "a" * 20_000 + " HTTP/1.1", "\x16\x03\x01", "",
)  # fmt: skip


class WireError(AssertionError):
    """The server answered as it never should, or complained of itself."""


def feed(data: bytes) -> None:
    choices = Choices(data)
    asked, signed = _asked(choices)
    with _said() as complaints:
        answers, hints = _loop().run_until_complete(_exchange(asked, choices))
    if complaints:
        raise WireError(complaints[0])
    statuses = [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3})", answers)]
    if any(status not in {*WORDS, *BY_UVICORN, 100} for status in statuses):
        raise WireError(f"answered {statuses}")
    if hints and not signed:
        raise WireError("stored what nobody signed")


def _asked(choices: Choices) -> tuple[bytes, bool]:
    """Up to three requests, one after another, and whether one of them is HubSpot's."""
    wire, signed = b"", False
    for _ in range(1 + choices.below(3)):
        if choices.below(8) == 7:
            wire += choices.bytes(200)
            continue
        heads = [choices.pick(LINES)] + [choices.pick(HEADS) for _ in range(choices.below(6))]
        body = choices.pick((b"", b"5\r\nhello\r\n0\r\n\r\n", BODY, b"[" * 500, b"hello", b"ffffffffffffffff\r\n"))
        if choices.below(4) == 0:
            signed = True
            heads = [LINES[0], "Host: h.example", f"Content-Length: {len(BODY)}",
                     "X-HubSpot-Request-Timestamp: 1772442000000",
                     f"X-HubSpot-Signature-v3: {signature(SECRET, 'POST', TARGET, BODY, '1772442000000')}"]  # fmt: skip
            body = BODY
        end = choices.pick((b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"))
        wire += end.join(head.encode("latin-1") for head in heads) + end + end + body
    return wire, signed


async def _exchange(asked: bytes, choices: Choices) -> tuple[bytes, int]:
    """What came back, and how many hints were stored."""
    writer: Any = _Writer()
    receiver = Receiver(writer, portal=PORTAL, target_url=TARGET, secrets=[SECRET], wall_clock=lambda: NOW)
    config = configured(receiver)
    config.load()
    state = ServerState()
    made = Protocol(config=config, server_state=state, app_state={}, _loop=asyncio.get_running_loop())
    transport = _Transport(made)
    made.connection_made(transport)
    while asked and not transport.closed:
        size = 1 + choices.below(2048)
        piece, asked = asked[:size], asked[size:]
        made.data_received(piece)
        await asyncio.sleep(0)
    made.eof_received()
    for _ in range(TURNS):
        await asyncio.sleep(0)
    if not transport.closed:
        made.connection_lost(None)
    await asyncio.gather(*state.tasks, return_exceptions=True)
    return bytes(transport.written), writer.hints


class _Writer:
    """Stores at once, in memory."""

    def __init__(self) -> None:
        self.hints = 0

    def put(self, hints: Sequence[Hint]) -> asyncio.Future[bool]:
        self.hints += len(hints)
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        answer.set_result(True)
        return answer


class _Transport(asyncio.Transport):
    """Keeps what is written; reading never pauses, for all that comes is in memory."""

    def __init__(self, protocol: Protocol) -> None:
        super().__init__()
        self._protocol = protocol
        self.written = bytearray()
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("203.0.113.7", 4711), "sockname": ("192.0.2.1", 8090)}.get(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close

    def pause_reading(self) -> None:
        return None

    def resume_reading(self) -> None:
        return None


@contextmanager
def _said() -> Iterator[list[str]]:
    """What is logged as an error meanwhile."""
    said: list[str] = []

    class Hearer(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(self.format(record))

    hearer = Hearer(logging.ERROR)
    root = logging.getLogger()
    root.addHandler(hearer)
    try:
        yield said
    finally:
        root.removeHandler(hearer)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()
