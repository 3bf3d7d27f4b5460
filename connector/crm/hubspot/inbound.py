"""Inbound webhooks of HubSpot: whether a request is HubSpot's, and what it hints at. Pure; serving is web's.

Signature v3 only: v1 and v2 carry no time and can be replayed. Source: reliability.md section 4, hubspot-facts 8.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from connector.domain.contact import ContactId, PortalId
from connector.domain.hint import Hint, HintKind

SIGNATURE_HEADER, TIMESTAMP_HEADER = b"x-hubspot-signature-v3", b"x-hubspot-request-timestamp"
WINDOW_MS = 5 * 60 * 1000
MOST_EVENTS = 1_000
DEEPEST = 20
LONGEST_NUMBER = 20
CONTACT_TYPE = "0-1"

KINDS: Mapping[str, HintKind] = {
    "creation": HintKind.CREATED,
    "propertyChange": HintKind.CHANGED,
    "restore": HintKind.CHANGED,
    "deletion": HintKind.DELETED,
    "privacyDeletion": HintKind.ERASED,
    "merge": HintKind.MERGED,
}
"""What follows the dot of a subscription type; before it stands `contact`, or `object` with objectTypeId 0-1."""

_DECODED = re.compile("%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)


# -- is it HubSpot's? ------------------------------------------------------------------------------------------------


def signature(secret: str, method: str, url: str, body: bytes, timestamp: str) -> str:
    """The signature that HubSpot sends: base64 HMAC-SHA256 over method, URL, body and milliseconds.

    Of the URL only %3A %2F %3F %40 %21 %24 %27 %28 %29 %2A %2C %3B are decoded.
    """
    plain = _DECODED.sub(lambda found: unquote(found.group()), url)
    mac = hmac.new(secret.encode(), method.encode() + plain.encode(), hashlib.sha256)
    mac.update(body)
    mac.update(timestamp.encode())
    return base64.b64encode(mac.digest()).decode()


def verify(
    secrets: Sequence[str],
    method: str,
    url: str,
    body: bytes,
    headers: Sequence[tuple[bytes, bytes]],
    *,
    now: datetime,
) -> str:
    """Why this request is not taken for HubSpot's, in one word for a count; empty where it is.

    Args:
        secrets: of the app; two while one replaces the other.
        url: as HubSpot calls it, from our own configuration; never put together from Host or X-Forwarded headers.
        headers: raw, names in lower case; whatever bytes stand in them, nothing is raised.
        now: our own clock; timestamps further away than five minutes either way are replays.
    """
    given, stamps = _values(headers, SIGNATURE_HEADER), _values(headers, TIMESTAMP_HEADER)
    if not given or not stamps:
        return "unsigned"
    if len(given) > 1 or len(stamps) > 1:
        return "headers_twice"
    stamp = stamps[0]
    if not stamp.isdigit() or len(stamp) > LONGEST_NUMBER:
        return "timestamp_malformed"
    if abs(int(now.timestamp() * 1000) - int(stamp)) > WINDOW_MS:
        return "timestamp_out_of_window"
    text, right = stamp.decode(), False
    for secret in secrets:  # all of them, whichever is right: the time taken tells nothing
        right |= hmac.compare_digest(signature(secret, method, url, body, text).encode(), given[0])
    return "" if right else "signature_wrong"


def _values(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> list[bytes]:
    return [value.strip() for name, value in headers if name == wanted]


# -- what does it hint at? -------------------------------------------------------------------------------------------


class BodyRefusedError(ValueError):
    """A signed body that is no list of events; its text names the cause and quotes nothing."""


@dataclass(slots=True)
class Parsed:
    """Attributes: ignored counts, by cause, events that are well-formed or signed and yet none of ours."""

    hints: list[Hint] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


def parse(body: bytes, portal: PortalId) -> Parsed:
    """The hints of one body, in order of `occurredAt`; a merge gives one for each contact in it.

    Raises:
        BodyRefusedError: no JSON list, more than 1,000 events, or nested deeper than 20.
    """
    found = Parsed()
    for event in _events(body):
        cause = _take(event, portal, found.hints) if isinstance(event, dict) else "malformed"
        if cause:
            found.ignored[cause] += 1
    found.hints.sort(key=lambda hint: (hint.occurred_at, hint.id))
    return found


def _events(body: bytes) -> list[Any]:
    try:
        events = json.loads(body)
    except (ValueError, RecursionError):  # bytes that are no UTF-8, numbers beyond all measure
        raise BodyRefusedError("not_json") from None
    if not isinstance(events, list):
        raise BodyRefusedError("not_a_list")
    if len(events) > MOST_EVENTS:
        raise BodyRefusedError("too_many_events")
    if _depth_exceeds(events, DEEPEST):
        raise BodyRefusedError("too_deep")
    return events


def _depth_exceeds(value: Any, most: int) -> bool:
    """Level by level, so that nothing recurses."""
    level = [value]
    for _ in range(most):
        level = [inner for outer in level for inner in _inside(outer) if isinstance(inner, (dict, list))]
        if not level:
            return False
    return True


def _inside(value: Any) -> Iterator[Any]:
    return iter(value.values() if isinstance(value, dict) else value)


def _take(event: dict[str, Any], portal: PortalId, hints: list[Hint]) -> str:
    """Adds what the event hints at; gives the cause where it hints at nothing."""
    if _number(event.get("portalId")) != portal:
        return "other_portal"
    name = event.get("subscriptionType") or event.get("eventType")
    area, _, what = name.partition(".") if isinstance(name, str) else ("", "", "")
    kind = KINDS.get(what)
    if kind is None or area not in ("contact", "object"):
        return "unknown_type"
    if area == "object" and event.get("objectTypeId") != CONTACT_TYPE:
        return "other_object"
    at, contacts = _moment(event.get("occurredAt")), _contacts(event, kind)
    if at is None or not contacts:
        return "malformed"
    hints += [Hint(id=_digest(event, contact), contact=contact, kind=kind, occurred_at=at) for contact in contacts]
    return ""


def _contacts(event: Mapping[str, Any], kind: HintKind) -> list[ContactId]:
    found = [event.get("objectId")]
    if kind is HintKind.MERGED:
        merged = event.get("mergedObjectIds")
        found += [event.get("newObjectId"), event.get("primaryObjectId"), *(merged if isinstance(merged, list) else ())]
    numbers = [number for value in found if (number := _number(value))]
    return [ContactId(number) for number in dict.fromkeys(numbers)]


def _number(value: Any) -> str:
    """An id as digits; empty where it is none."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    return text if len(text) <= LONGEST_NUMBER and text.isascii() and text.isdigit() else ""


def _moment(value: Any) -> datetime | None:
    number = _number(value)
    if not number or len(number) > len("9999999999999"):
        return None
    return datetime.fromtimestamp(int(number) / 1000, UTC)


def _digest(event: Mapping[str, Any], contact: ContactId) -> str:
    """Of what makes it one event: `eventId` alone is not unique (hubspot-facts 8)."""
    names = ("portalId", "appId", "subscriptionId", "eventId", "objectId", "occurredAt", "propertyName")
    parts = [str(event.get(name, ""))[:200] for name in names]
    return hashlib.sha256(json.dumps([*parts, contact]).encode("utf-8", "surrogatepass")).hexdigest()[:40]
