"""Intake: how a request is let in, whatever it is for: bounded in number (in all, and of a source), size and time.

Source: reliability.md section 4.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any

from connector.web.sources import Network, Sources, source_of

READ_SECONDS = 2.0
MOST_AT_ONCE = 64
"""Bodies in memory, of each kind of request."""
TELL_EVERY_SECONDS = 60.0

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

log = logging.getLogger(__name__)


class Gate:
    """Requests under way, in all and of each source.

    Args:
        trusted: reverse proxies whose X-Forwarded-For counts.
    """

    def __init__(self, sources: Sources, trusted: Sequence[Network] = ()) -> None:
        self.sources, self._trusted = sources, trusted
        self._under_way = 0

    def source(self, scope: Scope) -> str:
        """Whom a request is counted under."""
        peer = scope.get("client")
        return source_of(peer[0] if peer else "", scope["headers"], self._trusted)

    @contextmanager
    def entered(self, source: str) -> Iterator[bool]:
        """Whether one more request may be under way; it is over with the block."""
        if self._under_way >= MOST_AT_ONCE or not self.sources.enter(source):
            yield False
            return
        self._under_way += 1
        try:
            yield True
        finally:
            self._under_way -= 1
            self.sources.leave(source)


class Tally:
    """What requests came to, by cause: one line a minute at most, however many there are, and nothing of who sent them.

    Attributes:
        counts: so far, for tests.
    """

    def __init__(self, words: str, action: str) -> None:
        self._words, self._action = words, action
        self._told_at = time.monotonic()
        self._since: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def count(self, cause: str, count: int = 1) -> None:
        self.counts[cause] += count
        self._since[cause] += count
        if time.monotonic() - self._told_at >= TELL_EVERY_SECONDS:
            self.tell()

    def tell(self) -> None:
        """What came since the last line."""
        self._told_at = time.monotonic()
        if self._since:
            log.info(self._words, extra={"action": self._action, "counts": dict(self._since)})
            self._since.clear()


async def read_body(headers: Headers, receive: Receive, most_bytes: int) -> bytes | str:
    """The body, or the word for why there is none: `large_body`, `slow_body` or `broken_off`."""
    told = [value for name, value in headers if name == b"content-length"]
    if told and told[0].isdigit() and int(told[0][:20]) > most_bytes:
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
                if size > most_bytes:
                    return "large_body"
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError:
        return "slow_body"
