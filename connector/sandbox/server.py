"""The socket side: HTTP/1.1 with keep-alive, one buffered write per answer, and faults done to the raw connection.

Parses just enough HTTP for API clients (Content-Length and chunked bodies, Expect: 100-continue). Everything above the
wire is gate.py.
"""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import struct
import threading
import traceback
from collections.abc import Iterator
from http import HTTPStatus
from io import BufferedReader

from . import handlers
from .app import Response, encode
from .faults import Fault
from .gate import Answer, answer
from .portal import Sandbox

_REASONS = {status.value: status.phrase for status in HTTPStatus} | {423: "Locked", 477: "Migration in progress"}
_LONGEST_LINE = 1_000_000
_LARGEST_BODY = 64_000_000

assert handlers.LOADED  # importing it registers every route


class BadRequestError(Exception):
    """The bytes on the wire are no HTTP request that we understand."""


class Server(socketserver.ThreadingTCPServer):
    """The listening sandbox. `stopping` is set on shutdown, so that scripted silences end."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.stopping = threading.Event()
        self.open_sockets: set[socket.socket] = set()
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), Connection)

    @property
    def url(self) -> str:
        """Give the address that clients use."""
        host, port = self.server_address[:2]
        name = host.decode() if isinstance(host, bytes | bytearray) else host
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def stop(self) -> None:
        """End serving and drop open connections; call it from another thread than serve_forever's."""
        self.stopping.set()
        self.shutdown()
        for connection in list(self.open_sockets):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class Connection(socketserver.BaseRequestHandler):
    """One client connection."""

    server: Server

    def handle(self) -> None:
        """Answer requests until the client leaves or a fault ends the connection."""
        sock: socket.socket = self.request
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.open_sockets.add(sock)
        try:
            with sock.makefile("rb") as stream:
                while self._one(sock, stream):
                    pass
        except (OSError, ValueError):
            return  # the client went away, or stop() closed the socket
        finally:
            self.server.open_sockets.discard(sock)

    def _one(self, sock: socket.socket, stream: BufferedReader) -> bool:
        """Answer one request; False ends the connection."""
        try:
            read = _read_request(stream, sock)
        except BadRequestError as error:
            sock.sendall(_render(Response(400, {"status": "error", "message": str(error)}), close=True))
            return False
        if read is None:
            return False
        method, target, headers, body = read
        try:
            given = answer(self.server.sandbox, method, target, headers, body, self.server.url)
        except Exception as error:  # a bug of the sandbox: show it, so that a test can name it
            traceback.print_exc()
            message = f"sandbox error: {type(error).__name__}: {error}"
            given = Answer(Response(500, {"status": "error", "message": message}))
        if given.wait_seconds > 0:
            self.server.stopping.wait(given.wait_seconds)
        return self._send(sock, given, close=headers.get("connection", "").lower() == "close", head=method == "HEAD")

    def _send(self, sock: socket.socket, given: Answer, *, close: bool, head: bool) -> bool:
        kind = given.fault.kind if given.fault else ""
        if given.fault and kind.startswith("timeout"):
            self._stay_silent(sock, given.fault)
            return False
        if kind.startswith("reset") or given.response is None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
            return False
        wire = _render(given.response, close=close, head=head)
        if kind == "truncate":
            start = wire.index(b"\r\n\r\n") + 4
            sock.sendall(wire[: start + max(1, (len(wire) - start) // 2)])
            sock.shutdown(socket.SHUT_RDWR)
            return False
        sock.sendall(wire)
        return not close

    def _stay_silent(self, sock: socket.socket, fault: Fault) -> None:
        """Hold the connection without a byte, no longer than the client does."""
        waited = 0.0
        while waited < fault.seconds and not self.server.stopping.wait(0.05):
            waited += 0.05
            with contextlib.suppress(BlockingIOError):
                if sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"":
                    return


def _read_request(stream: BufferedReader, sock: socket.socket) -> tuple[str, str, dict[str, str], bytes] | None:
    line = stream.readline(_LONGEST_LINE)
    if not line:
        return None
    parts = line.decode("latin-1").split()
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequestError("malformed request line")
    headers = dict(_read_headers(stream))
    if headers.get("expect", "").lower() == "100-continue":
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b"".join(_read_chunks(stream))
    else:
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > _LARGEST_BODY:
            raise BadRequestError("bad Content-Length")
        body = stream.read(int(length))
    return parts[0].upper(), parts[1], headers, body


def _read_headers(stream: BufferedReader) -> Iterator[tuple[str, str]]:
    while (line := stream.readline(_LONGEST_LINE)) not in (b"\r\n", b"\n", b""):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise BadRequestError("malformed header")
        yield name.strip().lower(), value.strip()


def _read_chunks(stream: BufferedReader) -> Iterator[bytes]:
    while True:
        size = int(stream.readline(100).split(b";")[0], 16)
        if size == 0:
            while stream.readline(_LONGEST_LINE) not in (b"\r\n", b"\n", b""):
                pass
            return
        yield stream.read(size)
        stream.readline(10)


def _render(response: Response, *, close: bool, head: bool = False) -> bytes:
    body = encode(response.body)
    lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if response.status != 204:
        lines.append(f"Content-Length: {len(body)}")
    lines.append("Connection: close" if close else "Connection: keep-alive")
    start = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return start if head else start + body


def describe(server: Server, token: str, portal_id: int) -> str:
    """Give the one JSON line by which a started sandbox tells how to reach it."""
    return json.dumps({"url": server.url, "token": token, "portalId": portal_id})
