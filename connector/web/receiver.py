"""The receiver: an ASGI application with two routes, for HubSpot's webhooks and for whoever asks whether we live.

    1 size and time     at most 1 MiB within two seconds, before anything else (intake.py)
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
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from connector.crm.hubspot.inbound import BodyRefusedError, Parsed, parse, verify
from connector.domain.contact import PortalId
from connector.web.intake import Gate, Receive, Scope, Send, Tally, read_body
from connector.web.sources import Network, Sources
from connector.web.writer import Writer

PATH = "/webhooks/hubspot"
HEALTH = "/healthz"
MOST_BYTES = 2**20
STORE_SECONDS = 3.0
"""From the first byte; HubSpot's own patience is five seconds, ours four."""

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
        tally: answers and causes so far.
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
        self._target, self._secrets = target_url, tuple(secrets)
        self._gate = Gate(sources or Sources(), tuple(trusted))
        self._wall_clock = wall_clock
        self.tally = Tally("Webhooks came in", "webhook")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path, method = str(scope["path"]), str(scope["method"])
        if path == HEALTH:
            await _answer(send, 200 if method in ("GET", "HEAD") else 405)
        elif not path.endswith(PATH):
            self.tally.count("no_such_path")
            await _answer(send, 404)
        elif method != "POST":
            self.tally.count("method")
            await _answer(send, 405)
        else:
            status, cause = await self._guarded(scope, receive)
            self.tally.count(cause)
            await _answer(send, status)

    async def _guarded(self, scope: Scope, receive: Receive) -> tuple[int, str]:
        """Bodies are taken up to a bound in all and for each source; whatever happens, there is an answer."""
        source = self._gate.source(scope)
        with self._gate.entered(source) as enters:
            if not enters:
                return 503, "too_many_at_once"
            try:
                return await self._take(scope, receive, source)
            except Exception as error:  # around one request: nobody sees a traceback, and nothing was stored
                said = type(error).__name__
                log.exception("A webhook met something unforeseen: %s", said, extra={"action": "webhook"})
                return 503, "unforeseen"

    async def _take(self, scope: Scope, receive: Receive, source: str) -> tuple[int, str]:
        began = time.monotonic()
        headers = scope["headers"]
        body = await read_body(headers, receive, MOST_BYTES)
        if isinstance(body, str):
            return (408 if body == "slow_body" else 413 if body == "large_body" else 400), body
        if not self._gate.sources.may_pass(source, began):
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
            self.tally.count(f"event_{cause}", count)
        if not parsed.hints:
            return 200, "nothing_to_do"
        try:
            async with asyncio.timeout(STORE_SECONDS - (time.monotonic() - began)):
                taken = await self._writer.put(parsed.hints)
        except TimeoutError:
            return 503, "store_slow"
        if not taken:
            return 503, "store_busy"
        self.tally.count("hints", len(parsed.hints))
        return 200, "taken"


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
