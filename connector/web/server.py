"""The server: uvicorn in a thread of its own, with bounds on connections that its protocol lacks.

Whoever is slow with a request's head loses the connection; beyond a number of connections there is a plain 503. No
access log is kept: it would hold addresses. TLS is the reverse proxy's (docs/webhooks.md).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from connector.errors import SettingsError

HEAD_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 15
MOST_CONNECTIONS = 512
LARGEST_HEAD = 16 * 1024
STOP_SECONDS = 5
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 2\r\ncontent-length: 0\r\n\r\n"
)

log = logging.getLogger(__name__)


class Protocol(H11Protocol):
    """One connection."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.access_log = False  # whoever else sets up its logger: addresses of links to answer by are secrets (I10)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.write(FULL)
            transport.close()
            return
        self._arm()

    def data_received(self, data: bytes) -> None:
        self._arm()
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._disarm()  # the head is complete; what its body may take is the receiver's to say

    def send_400_response(self, msg: str) -> None:
        """For what is no HTTP. Behind a whole request it is left unread: that one's answer goes out and is the last."""
        cycle = self.cycle
        under_way = cycle is not None and not cycle.response_complete
        if under_way and (cycle.response_started or not cycle.more_body):
            return
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE) and not (under_way and cycle.scope["method"] == "HEAD"):
            super().send_400_response(msg)
        else:
            self.transport.close()  # h11 takes no second answer, and no words in answer to HEAD
        if under_way:
            cycle.disconnected = True  # whoever still reads the broken body answers nobody
            cycle.message_event.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self._disarm()
        super().on_response_complete()

    def _arm(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


@contextmanager
def serving(app: Any, host: str, port: int) -> Iterator[str]:
    """Serves while the block runs; gives `host:port` as bound. What is under way at the end is answered.

    Raises:
        SettingsError: nobody can listen there.
    """
    listening = _listen(host, port)
    server = uvicorn.Server(configured(app))
    thread = threading.Thread(target=server.run, args=([listening],), name="handoff-web", daemon=True)
    thread.start()
    bound = listening.getsockname()
    address = f"[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"{bound[0]}:{bound[1]}"
    log.info("Listening for webhooks", extra={"action": "listen", "address": address})
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS * 2)
        listening.close()


def configured(app: Any) -> uvicorn.Config:
    """How the server serves; where it listens is serving()'s."""
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        h11_max_incomplete_event_size=LARGEST_HEAD,
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            made.listen(256)
        except OSError:
            made.close()
            raise
    except OSError as error:
        raise SettingsError(
            f"HANDOFF_LISTEN: nothing can listen on {host}:{port} ({error.strerror or type(error).__name__})",
            advice="End the program that listens there, or set HANDOFF_LISTEN to a free address of this machine.",
        ) from error
    return made
