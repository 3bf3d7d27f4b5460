"""Marketing e-mail events, the old v1 list: /email/public/v1/events, newest first, and one event by (created, id).

Reading only: what records events and moves the contact's properties is visits.py. `filteredEvent` marks what a bot did.
Source: hubspot-facts 5.4 (scope `content`; offset an opaque string; at most 1,000 a page).
"""

from __future__ import annotations

import base64
from typing import Any

from .app import ApiError, Request, Response, route
from .directory import EmailEvent
from .forms import refuse_service_key
from .portal import Portal

SCOPES = ("content",)
APP_ID = 113
PAGE_MAX = 1000


@route("GET", "/email/public/v1/events", scopes=SCOPES)
def list_events(request: Request) -> Response:
    """A page of events by eventType, recipient, campaignId, startTimestamp and endTimestamp (ms, inclusive)."""
    refuse_service_key(request)
    limit, (low, high) = (
        request.number("limit", 100, PAGE_MAX),
        (_ms(request, "startTimestamp", 0), _ms(request, "endTimestamp", 1 << 62)),
    )
    kinds, recipient, campaign = (
        request.names("eventType"),
        (request.param("recipient") or "").lower(),
        request.param("campaignId"),
    )
    stored, cursor = request.portal.directory.email_events, _read_offset(request.param("offset"))
    line = sorted(
        (
            (each.at, place)
            for place, each in enumerate(stored)
            if low <= each.at <= high
            and (not kinds or each.kind in kinds)
            and (not recipient or each.recipient.lower() == recipient)
            and (not campaign or str(each.campaign_id) == campaign)
            and (cursor is None or (each.at, place) < cursor)
        ),
        reverse=True,
    )
    page = line[:limit]
    offset = base64.urlsafe_b64encode(f"{page[-1][0]}:{page[-1][1]}".encode()).decode().rstrip("=") if page else ""
    rows = [show(request.portal, stored[place]) for _, place in page]
    return Response(200, {"hasMore": len(line) > limit, "offset": offset, "events": rows})


@route("GET", "/email/public/v1/events/{created}/{event}", scopes=SCOPES)
def get_event(request: Request, created: str, event_id: str) -> Response:
    """One event by its two keys."""
    refuse_service_key(request)
    for each in request.portal.directory.email_events:
        if each.id == event_id and str(each.at) == created:
            return Response(200, show(request.portal, each))
    raise ApiError(404, "OBJECT_NOT_FOUND", f"No event {event_id} was created at {created}")


def show(portal: Portal, event: EmailEvent) -> dict[str, Any]:
    """Give an event in HubSpot's shape."""
    body: dict[str, Any] = {
        "id": event.id,
        "created": event.at,
        "type": event.kind,
        "recipient": event.recipient,
        "portalId": portal.id,
        "appId": APP_ID,
        "appName": "Batch",
        "emailCampaignId": event.campaign_id,
    }
    if event.name:
        body["subject"] = event.name
    if event.kind in ("OPEN", "CLICK"):
        body |= {"filteredEvent": event.filtered, "userAgent": "Sandbox/1.0", "deviceType": "COMPUTER"}
        body |= {"browser": {"name": "Sandbox", "type": "Browser"}, "location": {"country": "UNKNOWN"}}
        body["sentBy"] = {"id": event.id, "created": event.sent_at or event.at}
    if event.url:
        body["url"] = event.url
    return body


def _ms(request: Request, name: str, default: int) -> int:
    text = request.param(name)
    if text and not text.isdigit():
        raise ApiError(400, "VALIDATION_ERROR", f"{name} must be a timestamp in milliseconds, but was {text}")
    return int(text) if text else default


def _read_offset(text: str | None) -> tuple[int, int] | None:
    if not text:
        return None
    try:
        at, _, place = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(":")
        return int(at), int(place)
    except ValueError as error:
        raise ApiError(400, "VALIDATION_ERROR", f"Unable to parse value for query parameter: offset={text}") from error
