"""A receiver on loopback that answers as told: for what no patched library can show (time, sockets, TLS)."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

Script = Callable[[socket.socket], None]
"""Writes an answer to the connection; the request has been read."""


@dataclass
class Receiver:
    """Attributes: requests: raw bytes of each, in order of arrival; names: what TLS clients asked for (SNI)."""

    script: Script
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    connections: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    _connection: socket.socket | None = None

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port = int(self._listener.getsockname()[1])
        if self.tls is not None:
            self.tls.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        if (open_one := self._connection) is not None:
            with suppress(OSError):  # the other side kept it open: nobody waits for what will not come
                open_one.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                continue
            self.connections += 1
            try:
                connection.settimeout(5)
                if self.tls is not None:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                self._connection = connection
                while request := read_request(connection):
                    self.requests.append(request)
                    self.script(connection)
            except OSError:
                continue
            finally:
                self._connection = None
                connection.close()


def read_request(connection: socket.socket) -> bytes:
    """Head and body of one request; empty when the other side closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(status: str, body: bytes = b"", *headers: str) -> Script:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]) + "\r\n\r\n"

    def write(connection: socket.socket) -> None:
        connection.sendall(head.encode() + body)

    return write
