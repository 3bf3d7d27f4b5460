"""The receiver of the notices: a small loopback HTTP server, a process of its own (`python -m olist.receiver FILE`).

It verifies each POST's Standard Webhooks signature by `hmac` alone, writes one JSON line per POST to FILE and answers
204, or 401 where the signature is not right. It knows nothing of the connector but that public convention.
Environment: OLIST_RECEIVER_SECRET, `whsec_` and base64.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

SECRET = "OLIST_RECEIVER_SECRET"  # noqa: S105 - the name of a variable, not a secret
MAX_BODY = 1_000_000
TELEQUALIFICATION, SALES = "telequalification", "sales"
"""In whose hands a lead is."""


def is_signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Say whether one of the `v1` signatures is right.

    Args:
        headers: lower-case names. The age of `webhook-timestamp` is not judged: the world's clock is simulated.
    Source: www.standardwebhooks.com, signature scheme v1.
    """
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode() + body
    right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    given = (part.partition(",") for part in headers.get("webhook-signature", "").split())
    return any(name == "v1" and hmac.compare_digest(right, value.encode()) for name, _, value in given)


def receipt(headers: Mapping[str, str], body: bytes, secret: str) -> dict[str, Any]:
    """Give what is kept of one POST: id, type, contact, whose hands it tells of, the body's hash, whether the signature
    was right."""
    try:
        sent = json.loads(body)
    except ValueError:
        sent = {}
    return {
        "id": headers.get("webhook-id", ""),
        "type": str(sent.get("type", "")) if isinstance(sent, dict) else "",
        "contact": _contact(sent),
        "hop": _hop(sent),
        "owner": _data(sent).get("owner_id") or "",
        "body": hashlib.sha256(body).hexdigest(),
        "signed": is_signed(headers, body, secret),
    }


def _data(sent: Any) -> Mapping[str, Any]:
    data = sent.get("data") if isinstance(sent, dict) else None
    return data if isinstance(data, dict) else {}


def _hop(sent: Any) -> str:
    """Telequalification's, where the notice is for it in place of the reps."""
    return TELEQUALIFICATION if TELEQUALIFICATION in _data(sent).get("tell", ()) else SALES


def _contact(sent: Any) -> str:
    """The contact's id: `contact_id`, or `contact` (an id, or an object with one), at the top or under `data`."""
    for part in (sent, _data(sent)):
        if isinstance(part, dict):
            found = part.get("contact_id", part.get("contact"))
            found = found.get("id") if isinstance(found, dict) else found
            if found is not None:
                return str(found)
    return ""


class Inbox:
    """The file, and the lock that keeps its lines whole."""

    def __init__(self, file: BinaryIO, secret: str) -> None:
        self.secret = secret
        self._file = file
        self._lock = threading.Lock()

    def keep(self, row: dict[str, Any]) -> None:
        """Write one line; it is in the file before the sender is answered."""
        line = json.dumps(row, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            self._file.write(line)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    inbox: Inbox

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if size > MAX_BODY:
            self.close_connection = True
            return self._answer(413)
        body = self.rfile.read(size)
        row = receipt({name.lower(): value for name, value in self.headers.items()}, body, self.inbox.secret)
        self.inbox.keep(row)
        return self._answer(204 if row["signed"] else 401)

    def do_GET(self) -> None:
        """Say that it is this receiver, for the driver that comes back."""
        self._answer(200, json.dumps({"receiver": "olist", "pid": os.getpid()}).encode())

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """The file says all."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Store every POST that comes in, one JSON line each.")
    parser.add_argument("file", type=Path)
    file = parser.parse_args().file
    secret = os.environ.get(SECRET, "")
    if not secret.startswith("whsec_"):
        print(f"set {SECRET} to the endpoint's secret, whsec_…", file=sys.stderr)
        return 2
    with file.open("ab", buffering=0) as stream:
        Handler.inbox = Inbox(stream, secret)
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        print(json.dumps({"address": f"http://127.0.0.1:{server.server_address[1]}"}), flush=True)
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
