"""The post room of the story: a webhook receiver on loopback, as a customer would run one.

It checks each signature with the public library of Standard Webhooks and keeps what came, by address.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from connector.cli.story import StoryError
from connector.delivery.text import as_text
from connector.domain.notice import NoticeKind

DESKS = ("reps", "managers", "marketing", "triage", "ops")
LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Letter:
    """One notice as it came in; `desk` is the address it came to."""

    desk: str
    body: Mapping[str, Any]

    @property
    def kind(self) -> NoticeKind:
        return NoticeKind(self.body["type"])

    @property
    def email(self) -> str:
        person = self.body["data"].get("contact") or {}
        return str(person.get("email", ""))

    @property
    def owner(self) -> str:
        return str(self.body["data"].get("owner_id") or "")

    def text(self) -> str:
        """As its reader sees it."""
        return as_text(self.body["data"], self.kind)


@dataclass(slots=True)
class PostRoom:
    """Attributes: address: where it listens; forged: how many came with a wrong signature."""

    address: str
    letters: list[Letter] = field(default_factory=list)
    forged: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def url(self, desk: str) -> str:
        return f"{self.address}/{desk}"

    def find(self, desk: str, kind: NoticeKind, email: str = "") -> list[Letter]:
        """Letters to a desk, oldest first; of one person where an address is given."""
        with self._lock:
            return [
                letter
                for letter in self.letters
                if letter.desk == desk and letter.kind is kind and email in ("", letter.email)
            ]

    def about(self, email: str) -> list[Letter]:
        with self._lock:
            return [letter for letter in self.letters if letter.email == email]

    def only(self, desk: str, kind: NoticeKind, email: str) -> Letter:
        """The one letter of this kind about a person.

        Raises:
            StoryError: there is none, or there are several.
        """
        found = self.find(desk, kind, email)
        if len(found) != 1:
            raise StoryError(f"{desk} should have heard {kind.value} of {email} once, and heard it {len(found)} times")
        return found[0]

    def keep(self, letter: Letter) -> None:
        with self._lock:
            self.letters.append(letter)


@contextmanager
def open_post_room(secret: str) -> Iterator[PostRoom]:
    """Listen on a free port of loopback until the block ends."""
    checker = Webhook(secret)

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            desk, size = self.path.strip("/"), int(self.headers.get("Content-Length") or 0)
            if desk not in DESKS or size > LARGEST:
                self.close_connection = True
                return self._answer(404)
            body = self.rfile.read(size)
            try:
                checker.verify(body, dict(self.headers.items()))
            except WebhookVerificationError:
                room.forged += 1
                return self._answer(401)
            room.keep(Letter(desk, json.loads(body)))
            return self._answer(204)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The letters say all."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    room = PostRoom(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield room
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
