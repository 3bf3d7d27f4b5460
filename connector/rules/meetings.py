"""Meetings: whether the lead booked one, and whom with (R12).

A meeting that was pulled names its host; the contact's own field, which HubSpot fills, says only when one was booked.
"""

from __future__ import annotations

from datetime import datetime

from connector.domain.activity import ActivityKind
from connector.domain.contact import Contact, OwnerId
from connector.rules.activity_index import ActivityIndex

FIELD = "meeting_booked_at"


def booked_at(contact: Contact, activities: ActivityIndex, *, since: datetime | None) -> datetime | None:
    """The newest booking after `since` (None: of all); None where there is none."""
    known = [row.occurred_at for row in activities.groups.get(ActivityKind.MEETING, ())]
    field = contact.instant(FIELD)
    found = [at for at in (*known, *([field] if field else [])) if since is None or at > since]
    return max(found, default=None)


def host(activities: ActivityIndex, *, since: datetime | None) -> OwnerId | None:
    """With whom the newest meeting after `since` was booked; None where there is none, or nobody knows."""
    rows = [row for row in activities.groups.get(ActivityKind.MEETING, ()) if since is None or row.occurred_at > since]
    newest = max(rows, key=lambda row: (row.occurred_at, row.id), default=None)
    return OwnerId(newest.ref) if newest is not None and newest.ref else None
