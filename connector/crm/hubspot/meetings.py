"""Meetings that were booked: when, and with whom, one activity for each contact of each (R12).

The host is the meeting's owner. One that was called off is none. Its title is not read: it holds what people typed.
Source: hubspot-facts, sections 1 (scopes) and 7 (engagements).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connector.crm.hubspot.associations import pull_associated
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.protocol import parse_instant, understood
from connector.crm.hubspot.search import pull_by_id
from connector.domain.activity import MEETINGS, Activity, ActivityKind
from connector.domain.contact import ContactId
from connector.engine.ports import ActivityPage, Window

PROPERTIES = ("hs_createdate", "hs_lastmodifieddate", "hs_meeting_outcome", "hubspot_owner_id")
CALLED_OFF = "CANCELED"


def pull(client: Client, window: Window, cursor: str | None) -> Iterator[ActivityPage]:
    """All that changed in the window, by rising id; a page is one search, and one call more for its contacts."""
    api = client.engagement_search("meetings")
    for rows, last in pull_by_id(api, "hs_lastmodifieddate", window, PROPERTIES, cursor):
        contacts = pull_associated(client, "meetings", "contacts", [str(row["id"]) for row in rows])
        found = [one for row in rows for one in parse_meeting(row, contacts.get(str(row.get("id")), ()))]
        yield ActivityPage(rows=tuple(found), cursor=last)


@understood("a meeting")
def parse_meeting(row: Mapping[str, Any], contacts: tuple[str, ...]) -> list[Activity]:
    """A booking for each contact; none where it was called off, or has no instant."""
    properties = row.get("properties") or {}
    at = parse_instant(properties.get("hs_createdate")) or parse_instant(row.get("createdAt"))
    if at is None or str(properties.get("hs_meeting_outcome") or "").upper() == CALLED_OFF:
        return []
    return [
        Activity(
            stream=MEETINGS,
            id=f"{row['id']}-{contact}",
            contact=ContactId(contact),
            kind=ActivityKind.MEETING,
            occurred_at=at,
            ref=str(properties.get("hubspot_owner_id") or ""),
        )
        for contact in contacts
    ]
