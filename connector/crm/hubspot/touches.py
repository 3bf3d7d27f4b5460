"""Touches: the calls, e-mails and meetings by which sales reached out, one activity for each contact of each (R17).

What a sequence sent by itself is no touch, nor what came in from the contact, or was planned, failed or called off.
Source: hubspot-facts, sections 1 (scopes) and 7 (engagements, their directions and states).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connector.crm.hubspot.associations import pull_associated
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.protocol import parse_instant, understood
from connector.crm.hubspot.search import pull_by_id
from connector.domain.activity import TOUCHES, Activity, ActivityKind, Channel
from connector.domain.contact import ContactId
from connector.engine.ports import ActivityPage, Window


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of engagement: its place in the API, what is read of it, and which values make it no touch."""

    objects: str
    channel: Channel
    at: str
    properties: tuple[str, ...]
    none: Mapping[str, tuple[str, ...]]


KINDS = (
    _Kind(
        "calls",
        Channel.CALL,
        "hs_timestamp",
        ("hs_call_direction", "hs_call_status"),
        {
            "hs_call_direction": ("INBOUND",),
            "hs_call_status": ("CANCELED", "FAILED", "QUEUED", "SCHEDULED", "CALLING_CRM_USER"),
        },
    ),
    _Kind(
        "emails",
        Channel.EMAIL,
        "hs_timestamp",
        ("hs_email_direction", "hs_email_status", "hs_sequence_id"),
        {
            "hs_email_direction": ("INCOMING_EMAIL", "FORWARDED_EMAIL", "DRAFT_EMAIL"),
            "hs_email_status": ("BOUNCED", "FAILED", "SCHEDULED", "SENDING"),
        },
    ),
    _Kind(
        "meetings",
        Channel.MEETING,
        "hs_meeting_start_time",
        ("hs_meeting_outcome", "hs_meeting_start_time"),
        {"hs_meeting_outcome": ("CANCELED", "NO_SHOW", "RESCHEDULED")},
    ),
)
"""In the order to pull them."""


def pull(client: Client, window: Window, cursor: str | None) -> Iterator[ActivityPage]:
    """All that changed in the window, kind after kind by rising id; the cursor is `OBJECTS|last id`.

    A page is one search, and one call more for its contacts.
    """
    start, _, after = (cursor or "").partition("|")
    left = [kind for place, kind in enumerate(KINDS) if place >= _place(start)]
    for number, kind in enumerate(left):
        following = f"{left[number + 1].objects}|" if number + 1 < len(left) else None
        resume = after if kind.objects == start and after else None
        api = client.engagement_search(kind.objects)
        properties = ("hs_timestamp", "hs_lastmodifieddate", *kind.properties)
        for rows, last in pull_by_id(api, "hs_lastmodifieddate", window, properties, resume):
            contacts = pull_associated(client, kind.objects, "contacts", [str(row["id"]) for row in rows])
            found = [
                touch for row in rows for touch in parse_touch(row, kind, contacts.get(str(row.get("id")), ()))
            ]
            yield ActivityPage(rows=tuple(found), cursor=f"{kind.objects}|{last}" if last else following)


def _place(objects: str) -> int:
    return next((place for place, kind in enumerate(KINDS) if kind.objects == objects), 0)


@understood("a call, e-mail or meeting")
def parse_touch(row: Mapping[str, Any], kind: _Kind, contacts: tuple[str, ...]) -> list[Activity]:
    """A touch for each contact; none where it is not one, or has no instant."""
    properties = row.get("properties") or {}
    at = parse_instant(properties.get(kind.at)) or parse_instant(properties.get("hs_timestamp"))
    if at is None or properties.get("hs_sequence_id"):
        return []
    if any(str(properties.get(name) or "").upper() in values for name, values in kind.none.items()):
        return []
    return [
        Activity(
            stream=TOUCHES,
            id=f"{kind.objects}-{row['id']}-{contact}",
            contact=ContactId(contact),
            kind=ActivityKind.TOUCH,
            occurred_at=at,
            name=kind.channel.value,
        )
        for contact in contacts
    ]
