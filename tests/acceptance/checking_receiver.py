"""The receiver of an acceptance test: takes notices over HTTP and checks each the moment it comes (P2, I1).

The same id always has the same bytes; of one contact nothing comes before what happened earlier; nobody is told of a
handover that the portal has not shown. What is wrong is kept in `wrongs` and refused with 400.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HANDED_OFF = "lead.handed_off"

Shown = Callable[[str], Mapping[str, Any] | None]
"""Contact -> every episode and state that the portal ever showed of it; None where it is gone."""


class Receiver:
    """Takes every notice and answers 204; `answer` may be set to another status."""

    def __init__(self, shown: Shown | None = None) -> None:
        self.notices: list[dict[str, Any]] = []
        self.wrongs: list[str] = []
        self.answer = 204
        self.shown = shown
        self._bodies: dict[str, bytes] = {}
        self._latest: dict[str, str] = {}
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.answer
                if status < 300:
                    status = receiver.take(self.headers["webhook-id"], body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def kinds(self) -> Counter[str]:
        return Counter(notice["type"] for notice in self.notices)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [notice for notice in self.notices if notice["type"] == kind]

    def take(self, identity: str, body: bytes) -> int:
        """Keep a notice and judge it; gives the status to answer."""
        notice = {"webhook-id": identity, **json.loads(body)}
        with self._lock:
            known = len(self.wrongs)
            first = identity not in self._bodies
            if self._bodies.setdefault(identity, body) != body:
                self.wrongs.append(f"P2: {identity} came with another body than before")
            if first:
                self._judge(notice)
            self.notices.append(notice)
            return self.answer if len(self.wrongs) == known else 400

    def _judge(self, notice: dict[str, Any]) -> None:
        data = notice.get("data") or {}
        contact, kind = data.get("contact_id"), notice["type"]
        if not contact:
            return
        if notice["occurred_at"] < self._latest.get(contact, ""):
            self.wrongs.append(f"P2: {kind} of contact {contact} came after something that happened later")
        self._latest[contact] = max(self._latest.get(contact, ""), notice["occurred_at"])
        shown = self.shown(contact) if kind == HANDED_OFF and self.shown else None
        if shown is not None and data.get("episode_id") not in shown["episodes"]:
            self.wrongs.append(f"I1: told of a handover of contact {contact} that the portal does not show")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
