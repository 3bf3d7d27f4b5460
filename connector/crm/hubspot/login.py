"""Logging in by OAuth: the address that a person opens, and the door on this machine through which the code comes back.

The door listens on 127.0.0.1 alone, for one answer. HubSpot takes plain http for the host `localhost` alone, and
compares the redirect URL with the registered one sign by sign, port included. What the code is traded for is
credentials.py's. Source: hubspot-facts, section 1; RFC 8252, section 7.3 (loopback); RFC 7636 (PKCE). HubSpot documents
`code_verifier` of the token endpoint, not what its page takes; a page that knows no PKCE passes the challenge over.
"""

from __future__ import annotations

import hashlib
import os
import queue
import secrets
import socketserver
import threading
from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlencode, urlsplit

from connector.errors import AuthenticationError, SettingsError

PATH = "/callback"
PAGE = "https://app.hubspot.com"
OWN_HOST = ".hubapi.com"
PATIENCE_SECONDS = 5
REASONS = frozenset({
    "access_denied", "invalid_request", "invalid_scope", "server_error", "temporarily_unavailable",
    "unauthorized_client", "unsupported_response_type",
})  # fmt: skip
"""RFC 6749, section 4.1.2.1: no other words are repeated (I10)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What makes one login this login: nobody else's answer fits it. `verifier` is empty where PKCE is not wanted."""

    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(64), repr=False)

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


def build_address(
    attempt: Attempt,
    *,
    base_url: str,
    client_id: str,
    redirect_uri: str,
    scopes: Collection[str],
    optional: Collection[str] = (),
    portal: str | None = None,
) -> str:
    """The page on which a person lets the app in.

    Args:
        base_url: of the API; HubSpot's page stands elsewhere, a sandbox's beside it.
        scopes: without these HubSpot lets nobody in; `optional` ones it drops where the portal lacks them.
        portal: the page offers only this one; None lets the person choose.
    """
    host = urlsplit(base_url).hostname or ""
    page = PAGE if host.endswith(OWN_HOST) else base_url.rstrip("/")
    asked = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": " ".join(scopes),
        "optional_scope": " ".join(optional),
        "state": attempt.state,
    }
    if attempt.verifier:
        asked |= {"code_challenge": attempt.challenge, "code_challenge_method": "S256"}
    account = f"/{portal}" if portal else ""
    return f"{page}/oauth{account}/authorize?{urlencode({name: value for name, value in asked.items() if value})}"


class Door:
    """Listens while its block lasts.

    Args:
        port: 0 takes any that is free.
    Raises:
        SettingsError: the port is taken.
    """

    def __init__(self, attempt: Attempt, port: int) -> None:
        self._answers: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise SettingsError(
                f"Port {port} of this machine cannot be listened on ({error.strerror or type(error).__name__})",
                advice="Give another by --port, and register http://localhost:PORT/callback with the app in HubSpot.",
            ) from error
        self._server.state, self._server.answers = attempt.state, self._answers
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.redirect_uri = f"http://localhost:{self._server.server_address[1]}{PATH}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self, seconds: float) -> str:
        """The code, once the person has answered.

        Raises:
            AuthenticationError: the person or HubSpot said no, or nobody answered within that time.
        """
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise AuthenticationError(
                f"nobody came back from HubSpot within {seconds:g} s",
                advice="Run `handoff auth login` again. Whoever closes HubSpot's page is not sent back; where it shows "
                "an error, see that HUBSPOT_CLIENT_ID is the app's, and that the app has the redirect URL "
                f"{self.redirect_uri} and the scopes that were named. With a browser "
                "on another machine, forward the port (docs/hubspot.md).",
            ) from None
        if code := answer.get("code"):
            return code
        if (why := answer.get("error", "")) == "access_denied":
            raise AuthenticationError(
                "the person at HubSpot said no, so nobody is logged in",
                advice="Run `handoff auth login` again and choose to connect the app; it takes a super admin.",
            )
        raise AuthenticationError(
            f"HubSpot refused the login ({why if why in REASONS else 'no reason that we know'})",
            advice="See that the app in HubSpot has the scopes that were named, then run `handoff auth login` again.",
        )


class _Server(socketserver.ThreadingTCPServer):
    """A thread for each connection: browsers open some that they never use."""

    allow_reuse_address = os.name == "posix"
    daemon_threads = True
    block_on_close = False
    state: str
    answers: queue.SimpleQueue[dict[str, str]]

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that went away is nobody's concern; and a trace could hold the code (I10)."""


class _Handler(BaseHTTPRequestHandler):
    """Takes the one answer that carries our state; anything else changes nothing."""

    timeout = PATIENCE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        fits = secrets.compare_digest(query.get("state", "").encode(), self.server.state.encode())
        if parts.path != PATH:
            self._say(404, "There is nothing here.")
        elif not fits or not (query.get("code") or query.get("error")):
            self._say(400, "This is no answer to the login that Handoff waits for.")
        else:
            self._say(200, "Handoff has your answer. You can close this window and go back to the terminal.")
            self.server.answers.put({name: query[name] for name in ("code", "error") if name in query})

    def _say(self, status: int, words: str) -> None:
        body = f"{words}\n".encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Connection": "close",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "Handoff"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """The address holds the code (I10)."""
