"""A mail server on loopback: takes what it is given, or refuses it."""

from __future__ import annotations

import socketserver
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass
class MailServer:
    """Attributes: mails: each as it came, headers and all; refuse: answers 550 to every addressee."""

    refuse: bool = False
    silent: bool = False
    mails: list[str] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer.connections += 1
                outer._talk(self)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _talk(self, peer: socketserver.StreamRequestHandler) -> None:
        if self.silent:
            self._released.wait(10)
            return
        peer.wfile.write(b"220 mail.example\r\n")
        while line := peer.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                peer.wfile.write(b"354 go on\r\n")
                self.mails.append(self._mail(peer))
                peer.wfile.write(b"250 taken\r\n")
            elif word == b"RCPT" and self.refuse:
                peer.wfile.write(b"550 no such box\r\n")
            elif word == b"QUIT":
                peer.wfile.write(b"221 bye\r\n")
                return
            else:
                peer.wfile.write(b"250 mail.example\r\n")

    def _mail(self, peer: socketserver.StreamRequestHandler) -> str:
        lines = []
        while (line := peer.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.decode())
        return "".join(lines)
