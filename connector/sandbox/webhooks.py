"""Webhooks out: what changes in a portal is posted to one address, signed, in batches, with retries.

The sandbox's own routes:

- `PUT /_sandbox/webhooks?portal=ID` `{target_url, client_secret, subscriptions: [{subscriptionType, propertyName?,
  objectTypeId?}], retry_seconds? (wall seconds before a retry, default 1), attempts? (default 11 = one try and ten
  retries), timestamps? ("sandbox" clock, or "wall"), duplicate_every? (every n-th batch is sent twice; 0 = never)}`
- `GET …` the configuration without the secret, `pending` events and the last 100 `deliveries`; `DELETE …` ends it.

Subscription types are `contact.propertyChange`, `object.propertyChange` (with objectTypeId) and so on; one property per
propertyChange subscription. A delivery must be answered within 5 s with a 2xx. Deliveries cost no quota.
Source: hubspot-facts 8; known answer of the signature in reliability.md section 4.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from .account import app_of
from .app import ApiError, Request, Response, route
from .portal import Portal

BATCH_MAX = 100
TIMEOUT_SECONDS = 5.0
ATTEMPTS = 11
FIRST_EVENT_ID = 100
_DECODED = re.compile("%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)
_KEYS = {
    *("target_url", "client_secret", "subscriptions"),
    *("retry_seconds", "attempts", "timestamps", "duplicate_every"),
}


def signature_v3(secret: str, method: str, uri: str, body: bytes, timestamp: str) -> str:
    """Give the X-HubSpot-Signature-v3: base64 HMAC-SHA256 over method, URI, body and timestamp (ms), no separators.

    In the URI only %3A %2F %3F %40 %21 %24 %27 %28 %29 %2A %2C %3B are decoded.
    """
    plain_uri = _DECODED.sub(lambda found: unquote(found.group()), uri)
    message = method.encode() + plain_uri.encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def signature_v1(secret: str, body: bytes) -> str:
    """Give the old X-HubSpot-Signature: hex SHA-256 over secret and body; no timestamp, so it can be replayed."""
    return hashlib.sha256(secret.encode() + body).hexdigest()


@dataclass(slots=True)
class Batch:
    """Events that are posted together; `due` in monotonic seconds."""

    events: list[dict[str, Any]]
    attempt: int = 0
    due: float = 0.0


@dataclass(slots=True)
class Hook:
    """The configured target of a portal, its queue, and the thread that empties it."""

    portal: Portal
    target_url: str
    secret: str
    subscriptions: list[dict[str, Any]]
    retry_seconds: float = 1.0
    attempts: int = ATTEMPTS
    wall_timestamps: bool = False
    duplicate_every: int = 0
    waiting: list[dict[str, Any]] = field(default_factory=list)
    retries: list[Batch] = field(default_factory=list)
    deliveries: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=100))
    sent: int = 0
    in_flight: int = 0
    ended: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, event: dict[str, Any]) -> None:
        """Queue an event once for each subscription that wants it."""
        rows = [
            _fit(self.portal, number, wanted, event)
            for number, wanted in enumerate(self.subscriptions, start=1)
            if _wants(wanted, event)
        ]
        if rows:
            with self.changed:
                self.waiting += rows
                self.changed.notify()

    def pending(self) -> int:
        """Say how many events have not been delivered or given up."""
        with self.changed:
            return len(self.waiting) + self.in_flight + sum(len(batch.events) for batch in self.retries)

    def end(self) -> None:
        """Stop the thread; what waits is dropped."""
        with self.changed:
            self.ended = True
            self.changed.notify()

    def run(self) -> None:
        """Post batch after batch until ended (the thread's body)."""
        while (batch := self._next()) is not None:
            repeat = self.duplicate_every and self.sent % self.duplicate_every == self.duplicate_every - 1
            self.sent += 1
            delivered = self._post(batch)
            if repeat and delivered:
                self._post(batch)
            with self.changed:
                self.in_flight = 0
                batch.attempt += 1
                if not delivered and batch.attempt < self.attempts:
                    batch.due = time.monotonic() + self.retry_seconds
                    self.retries.append(batch)

    def _next(self) -> Batch | None:
        """Wait for a batch: a retry that is due goes before new events."""
        with self.changed:
            while not self.ended:
                now = time.monotonic()
                due = next((batch for batch in self.retries if batch.due <= now), None)
                if due is not None:
                    self.retries.remove(due)
                elif self.waiting:
                    due = Batch(self.waiting[:BATCH_MAX])
                    del self.waiting[:BATCH_MAX]
                if due is not None:
                    self.in_flight = len(due.events)
                    return due
                self.changed.wait(min((batch.due - now for batch in self.retries), default=None))
            return None

    def _post(self, batch: Batch) -> bool:
        """Post one batch; True when the receiver took it."""
        events = [event | {"attemptNumber": batch.attempt} for event in batch.events]
        body = json.dumps(events, separators=(",", ":")).encode()
        stamp = str(time.time_ns() // 1_000_000 if self.wall_timestamps else self.portal.clock.ms())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "HubSpot Connect 2.0 (sandbox)",
            "X-HubSpot-Request-Timestamp": stamp,
            "X-HubSpot-Signature-v3": signature_v3(self.secret, "POST", self.target_url, body, stamp),
            "X-HubSpot-Signature": signature_v1(self.secret, body),
            "X-HubSpot-Signature-Version": "v1",
        }
        status = post(self.target_url, body, headers)
        self.deliveries.append({"at": self.portal.clock.iso(), "status": status, "events": events})
        return status is not None and 200 <= status < 300


def post(url: str, body: bytes, headers: dict[str, str]) -> int | None:
    """Post and give the status; None when there was no answer within five seconds."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@route("PUT", "/_sandbox/webhooks", auth=False, limit="none")
def configure(request: Request) -> Response:
    """Set the target: see the module docstring."""
    body = request.json_object()
    hook = _hook(request.portal, body)
    _end(request.portal)
    hooks: list[Hook] = request.portal.state("webhooks", list)
    hooks.append(hook)
    request.portal.webhook_sink = hook.take
    threading.Thread(target=hook.run, name=f"webhooks-{request.portal.id}", daemon=True).start()
    return Response(200, _show(hook))


@route("GET", "/_sandbox/webhooks", auth=False, limit="none")
def read_configuration(request: Request) -> Response:
    """The target, what waits, and the last deliveries; {} when there is none."""
    hooks: list[Hook] = request.portal.state("webhooks", list)
    return Response(200, _show(hooks[-1]) if hooks else {})


@route("DELETE", "/_sandbox/webhooks", auth=False, limit="none")
def end(request: Request) -> Response:
    """Send no more: 204."""
    _end(request.portal)
    return Response(204)


def _hook(portal: Portal, body: dict[str, Any]) -> Hook:
    url, wanted = str(body.get("target_url") or ""), body.get("subscriptions")
    if urlsplit(url).scheme not in ("http", "https") or not body.get("client_secret") or set(body) - _KEYS:
        raise _invalid(f"target_url (http or https) and client_secret must be given; known: {', '.join(sorted(_KEYS))}")
    if not isinstance(wanted, list) or not all(isinstance(row, dict) and row.get("subscriptionType") for row in wanted):
        raise _invalid("subscriptions must be a list of objects with subscriptionType")
    for row in wanted:
        if str(row["subscriptionType"]).endswith(".propertyChange") and not row.get("propertyName"):
            raise _invalid("a propertyChange subscription names one property: propertyName")
    hook = Hook(portal, url, str(body["client_secret"]), wanted)
    hook.retry_seconds = float(body.get("retry_seconds", 1.0))
    hook.attempts = int(body.get("attempts", ATTEMPTS))
    hook.wall_timestamps = body.get("timestamps") == "wall"
    hook.duplicate_every = int(body.get("duplicate_every", 0))
    return hook


def _end(portal: Portal) -> None:
    hooks: list[Hook] = portal.state("webhooks", list)
    portal.webhook_sink = None
    while hooks:
        hooks.pop().end()


def _wants(wanted: dict[str, Any], event: dict[str, Any]) -> bool:
    area, _, what = str(wanted["subscriptionType"]).partition(".")
    own_area, _, own_what = event["subscriptionType"].partition(".")
    if what != own_what or area not in (own_area, "object"):
        return False
    if area == "object" and wanted.get("objectTypeId") not in (None, event["objectTypeId"]):
        return False
    return what != "propertyChange" or wanted["propertyName"] == event.get("propertyName")


def _fit(portal: Portal, number: int, wanted: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """Give the event as this subscription sends it."""
    facts = dict(event) if str(wanted["subscriptionType"]).startswith("object.") else _without_type(event)
    own = {
        "eventId": portal.count_up("webhook event", FIRST_EVENT_ID),
        "subscriptionId": 1000 + number,
        "portalId": portal.id,
        "appId": app_of(portal).app_id,
    }
    return own | facts | {"subscriptionType": wanted["subscriptionType"]}


def _without_type(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "objectTypeId"}


def _show(hook: Hook) -> dict[str, Any]:
    return {
        "target_url": hook.target_url,
        "subscriptions": hook.subscriptions,
        "retry_seconds": hook.retry_seconds,
        "attempts": hook.attempts,
        "timestamps": "wall" if hook.wall_timestamps else "sandbox",
        "duplicate_every": hook.duplicate_every,
        "pending": hook.pending(),
        "deliveries": list(hook.deliveries),
    }


def _invalid(message: str) -> ApiError:
    return ApiError(400, "VALIDATION_ERROR", message)
