"""The receiver: an ASGI application with two routes, for HubSpot's webhooks and for whoever asks whether we live.

    1 size and time     at most 1 MiB within two seconds, before anything else
    2 rate              of its source
    3 signature         401 without a word why; counted by cause
    4 parse             what is none of ours is counted and answered 200
    5 store             200 only once it is durable; else 503, and HubSpot comes again

Which bytes are HubSpot's is crm/hubspot/inbound.py's, storing is writer.py's, connections are server.py's.
Source: reliability.md section 4.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connector.crm.hubspot.inbound import BodyRefusedError, Parsed, parse, verify
from connector.domain.contact import PortalId
from connector.web.sources import Network, Sources, source_of
from connector.web.writer import Writer

PATH = "/webhooks/hubspot"
HEALTH = "/healthz"
MOST_BYTES = 2**20
READ_SECONDS = 2.0
STORE_SECONDS = 3.0
"""From the first byte; HubSpot's own patience is five seconds, ours four."""
MOST_AT_ONCE = 64
"""Bodies in memory: 64 MiB at the very most."""
TELL_EVERY_SECONDS = 60.0

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

WORDS = {
    200: b"ok\n",
    400: b"not a list of events\n",
    401: b"not accepted\n",
    404: b"nothing here\n",
    405: b"method not allowed\n",
    408: b"too slow\n",
    413: b"too large\n",
    429: b"too many requests\n",
    503: b"come again later\n",
}
COME_AGAIN = {408, 429, 503}

log = logging.getLogger(__name__)


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class Receiver:
    """Args:
    target_url: under which HubSpot calls, from configuration.
    secrets: of the app, one or two.
    trusted: reverse proxies whose X-Forwarded-For counts.
    wall_clock: for signatures; HubSpot's timestamps are compared with our own clock.

    Attributes:
        counts: answers and causes so far, for the log and for tests.
    """

    def __init__(
        self,
        writer: Writer,
        *,
        portal: PortalId,
        target_url: str,
        secrets: Sequence[str],
        trusted: Sequence[Network] = (),
        sources: Sources | None = None,
        wall_clock: Callable[[], datetime] = _wall_clock,
    ) -> None:
        self._writer, self._portal = writer, portal
        self._target, self._secrets, self._trusted = target_url, tuple(secrets), tuple(trusted)
        self._sources = sources or Sources()
        self._wall_clock = wall_clock
        self._under_way = 0
        self._told_at = time.monotonic()
        self._since: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path, method = str(scope["path"]), str(scope["method"])
        if path == HEALTH:
            await _answer(send, 200 if method in ("GET", "HEAD") else 405)
        elif not path.endswith(PATH):
            self._count("no_such_path")
            await _answer(send, 404)
        elif method != "POST":
            self._count("method")
            await _answer(send, 405)
        else:
            status, cause = await self._guarded(scope, receive)
            self._count(cause)
            await _answer(send, status)

    async def _guarded(self, scope: Scope, receive: Receive) -> tuple[int, str]:
        """Bodies are taken up to a bound in all and for each source; whatever happens, there is an answer."""
        peer = scope.get("client")
        source = source_of(peer[0] if peer else "", scope["headers"], self._trusted)
        if self._under_way >= MOST_AT_ONCE or not self._sources.enter(source):
            return 503, "too_many_at_once"
        self._under_way += 1
        try:
            return await self._take(scope, receive, source)
        except Exception as error:  # around one request: nobody sees a traceback, and nothing was stored
            log.exception("A webhook met something unforeseen: %s", type(error).__name__, extra={"action": "webhook"})
            return 503, "unforeseen"
        finally:
            self._under_way -= 1
            self._sources.leave(source)

    async def _take(self, scope: Scope, receive: Receive, source: str) -> tuple[int, str]:
        began = time.monotonic()
        headers = scope["headers"]
        body = await _read(headers, receive)
        if isinstance(body, str):
            return (408 if body == "slow_body" else 413 if body == "large_body" else 400), body
        if not self._sources.may_pass(source, began):
            return 429, "rate"
        cause = verify(self._secrets, "POST", self._target, body, headers, now=self._wall_clock())
        if cause:
            return 401, cause
        try:
            parsed = parse(body, self._portal)
        except BodyRefusedError as error:
            return 400, str(error)
        return await self._store(parsed, began)

    async def _store(self, parsed: Parsed, began: float) -> tuple[int, str]:
        for cause, count in parsed.ignored.items():
            self._count(f"event_{cause}", count)
        if not parsed.hints:
            return 200, "nothing_to_do"
        try:
            async with asyncio.timeout(STORE_SECONDS - (time.monotonic() - began)):
                taken = await self._writer.put(parsed.hints)
        except TimeoutError:
            return 503, "store_slow"
        if not taken:
            return 503, "store_busy"
        self._count("hints", len(parsed.hints))
        return 200, "taken"

    def _count(self, cause: str, count: int = 1) -> None:
        """One line a minute at most, however many requests there are."""
        self.counts[cause] += count
        self._since[cause] += count
        if time.monotonic() - self._told_at >= TELL_EVERY_SECONDS:
            self.tell()

    def tell(self) -> None:
        """What came since the last line."""
        self._told_at = time.monotonic()
        if self._since:
            log.info("Webhooks came in", extra={"action": "webhook", "counts": dict(self._since)})
            self._since.clear()


async def _read(headers: Sequence[tuple[bytes, bytes]], receive: Receive) -> bytes | str:
    """The body, or the word for why there is none."""
    told = [value for name, value in headers if name == b"content-length"]
    if told and told[0].isdigit() and int(told[0][:20]) > MOST_BYTES:
        return "large_body"
    parts, size = [], 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return "broken_off"
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > MOST_BYTES:
                    return "large_body"
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError:
        return "slow_body"


async def _answer(send: Send, status: int) -> None:
    """Plain text, no detail; who sent too much or too slowly is not read to the end."""
    words = WORDS[status]
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(words)).encode())]
    headers += [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
    if status in COME_AGAIN:
        headers.append((b"retry-after", b"2"))
    if status in (408, 413):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words})
