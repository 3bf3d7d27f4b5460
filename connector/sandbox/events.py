"""Event occurrences: what visitors did, one line each, and the names of all event types (Enterprise portals only).

Page views and form submissions come from the portal's directory; `record` adds occurrences of any other type. One
submission shows as three types, as on HubSpot. Marketing e-mail events are not among them (email_events.py).
Routes: /events/v3/events, /events/event-occurrences/2026-03, and the sandbox's own:

- `POST /_sandbox/events?portal=ID` one occurrence or a list: `{eventType, contactId, at? (ISO or ms, default now),
  properties?}` → `{"ids": [event id, …]}`.

Source: hubspot-facts 5.1. Not published, so chosen here: newest first unless `sort` says otherwise, both bounds
exclusive, an opaque cursor. Switches: enterprise, occurrences_page_max, occurrences_lag_seconds,
occurrences_portal_wide.
"""

from __future__ import annotations

import base64
import uuid
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .app import ApiError, Request, Response, route
from .clock import iso, parse_instant
from .directory import PageView, Submission
from .portal import Portal, listen, object_type

VISIT = "e_visited_page"
FORM_VIEW = "e_form_view_v2"
SUBMISSION_TYPES = ("e_submitted_form", "e_form_submission_v2", "e_form_submission_metadata_v2")
TYPES = (
    VISIT,
    *SUBMISSION_TYPES,
    FORM_VIEW,
    "e_form_interaction_v2",
    "e_ad_interaction",
    "e_ad_metrics_imported_v0",
    "e_attended_marketing_event",
    "e_call_started",
    "e_cta_click_v2",
    "e_cta_view_v2",
    "e_document_shared_v2",
    "e_document_viewed_v2",
    "e_exited_delay_action_v5",
    "e_list_membership_updated_v2",
    "e_meeting_booked_v2",
    "e_site_search_converted",
    "e_v2_sequence_step_executed",
    "e_v2_contact_enrolled_in_sequence",
    "e_v2_contact_unenrolled_from_sequence",
    "e_v2_contact_booked_meeting_through_sequence",
    "e_visited_knowledge_base_article",
)
Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One event of one contact; `number` orders those of the same instant."""

    id: str
    number: int
    type: str
    contact_id: str
    at: int
    properties: dict[str, str]


@dataclass(slots=True)
class Timeline:
    """All occurrences of a portal in order of time, per type and per contact; filled from the directory when read."""

    taken: dict[str, int] = field(default_factory=dict)
    added: list[Occurrence] = field(default_factory=list)
    by_key: dict[Key, Occurrence] = field(default_factory=dict)
    line: list[Key] = field(default_factory=list)
    by_type: dict[str, list[Key]] = field(default_factory=dict)
    by_contact: dict[str, list[Key]] = field(default_factory=dict)

    def put(self, occurrence: Occurrence) -> None:
        """Take one in."""
        key = (occurrence.at, occurrence.number)
        self.by_key[key] = occurrence
        for line in (
            self.line,
            self.by_type.setdefault(occurrence.type, []),
            self.by_contact.setdefault(occurrence.contact_id, []),
        ):
            if not line or line[-1] < key:
                line.append(key)
            else:
                insort(line, key)


def record(portal: Portal, event_type: str, contact_id: str, at: int | None, properties: dict[str, str]) -> str:
    """Store an occurrence of a type that the directory does not know (`at` epoch ms); give its id."""
    timeline = portal.state("events", Timeline)
    number = portal.count_up("occurrence")
    at = portal.clock.ms() if at is None else at
    event_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{portal.id}:{number}"))
    values = {name: str(value) for name, value in properties.items()}
    made = Occurrence(event_id, number, event_type, contact_id, at, values)
    timeline.added.append(made)
    timeline.put(made)
    return event_id


@route("GET", "/events/v3/events", "/events/event-occurrences/2026-03")
def list_occurrences(request: Request) -> Response:
    """A page of occurrences: of one contact, or of the portal where the switch allows it."""
    portal = request.portal
    _refuse_without_enterprise(request)
    wanted = _wanted(request)
    limit = request.number("limit", 20, portal.switches.occurrences_page_max)
    rows: list[Occurrence] = []
    for occurrence in wanted:
        rows.append(occurrence)
        if len(rows) > limit:
            break
    body: dict[str, Any] = {"results": [_show(portal, each) for each in rows[:limit]]}
    paging: dict[str, Any] = {}
    if len(rows) > limit:
        after = _cursor(rows[limit - 1])
        paging["next"] = {"after": after, "link": f"{request.base_url}{request.path}?after={after}"}
    if rows and request.param("after"):
        before = _cursor(rows[0])
        paging["prev"] = {"before": before, "link": f"{request.base_url}{request.path}?before={before}"}
    return Response(200, body | ({"paging": paging} if paging else {}))


@route("GET", "/events/v3/events/event-types", "/events/event-occurrences/2026-03/event-types")
def list_types(request: Request) -> Response:
    """All event type names, those that this portal cannot produce too."""
    _refuse_without_enterprise(request)
    own = sorted({each.type for each in request.portal.state("events", Timeline).added} - set(TYPES))
    return Response(200, {"eventTypes": [*TYPES, *own]})


@route("POST", "/_sandbox/events", auth=False, limit="none")
def add_occurrences(request: Request) -> Response:
    """Store occurrences of any type: see the module docstring."""
    body = request.json()
    rows = body if isinstance(body, list) else [body]
    return Response(200, {"ids": [_add_row(request.portal, row) for row in rows]})


def _add_row(portal: Portal, row: Any) -> str:
    known = {"eventType", "contactId", "at", "properties"}
    if not isinstance(row, dict) or set(row) - known or not row.get("eventType") or not row.get("contactId"):
        raise _invalid(f"an occurrence is an object with eventType and contactId; known: {', '.join(sorted(known))}")
    if portal.objects["contacts"].survivor(str(row["contactId"])) is None:
        raise _invalid(f"no contact {row['contactId']}")
    try:
        at = parse_instant(str(row["at"])) if row.get("at") else None
    except (ValueError, ArithmeticError) as error:
        raise _invalid(f"at is an instant such as 2026-01-31T09:00:00Z, not {row['at']}") from error
    return record(portal, str(row["eventType"]), str(row["contactId"]), at, row.get("properties") or {})


def _refuse_without_enterprise(request: Request) -> None:
    if not request.portal.switches.enterprise:
        raise ApiError(403, "FORBIDDEN", "This portal's subscription does not include event occurrences (Enterprise)")


def _wanted(request: Request) -> Iterator[Occurrence]:
    """Give the occurrences that the query asks for, in its order, from its cursor on."""
    portal, timeline = request.portal, _filled(request.portal)
    event_type, ids = request.param("eventType"), request.names("id")
    properties = {name[9:]: values[0] for name, values in request.params.items() if name.startswith("property.")}
    if (ids or properties) and not event_type:
        raise _invalid("eventType must be given together with id or property.*")
    contacts = _contacts(request)
    if contacts is None and not portal.switches.occurrences_portal_wide:
        raise _invalid("objectType with objectId or objectProperty must be given")
    lines = [timeline.by_contact.get(each, []) for each in contacts] if contacts is not None else [timeline.line]
    if contacts is None and event_type:
        lines = [timeline.by_type.get(event_type, [])]
    for occurrence in _between(request, timeline, lines):
        if (
            (not event_type or occurrence.type == event_type)
            and (not ids or occurrence.id in ids)
            and all(occurrence.properties.get(name) == value for name, value in properties.items())
        ):
            yield occurrence


def _between(request: Request, timeline: Timeline, lines: list[list[Key]]) -> Iterator[Occurrence]:
    portal = request.portal
    low: Key = (_instant(request, "occurredAfter", -1), 1 << 62)
    visible = portal.clock.ms() - round(portal.switches.occurrences_lag_seconds * 1000)
    high: Key = (min(_instant(request, "occurredBefore", 1 << 62), visible + 1), 0)
    newest_first = request.param("sort", "-occurredAt") not in ("occurredAt", "ASCENDING")
    after, before = _read_cursor(request.param("after")), _read_cursor(request.param("before"))
    if newest_first:
        after, before = before, after
    if after is not None:
        low = max(low, after)
    if before is not None:
        high = min(high, before)
    line = lines[0] if len(lines) == 1 else sorted(key for each in lines for key in each)
    places = range(bisect_right(line, low), bisect_left(line, high))
    for place in reversed(places) if newest_first else places:
        yield timeline.by_key[line[place]]


def _contacts(request: Request) -> list[str] | None:
    """Give the ids (its own and those merged into it) of the contact asked for, None when none is."""
    kind, record_id = request.param("objectType"), request.param("objectId")
    named = {name[15:]: values[0] for name, values in request.params.items() if name.startswith("objectProperty.")}
    if not record_id and not named:
        return None
    if not kind:
        raise _invalid("objectType must be given together with objectId")
    if object_type(kind) != "contacts":
        return []
    store = request.portal.objects["contacts"]
    found = store.survivor(record_id) if record_id else None
    for name, value in named.items():
        found = store.find(name, value)
    if found is None:
        return []
    merged = [old for old in store.merged_into if store.survivor(old) is found]
    return [found.id, *merged]


def _filled(portal: Portal) -> Timeline:
    """Take in what the directory has gained since the last look."""
    timeline, directory = portal.state("events", Timeline), portal.directory
    sources: dict[str, list[Any]] = {"views": directory.page_views, "form views": directory.form_views}
    sources |= {f"form {guid}": stored for guid, stored in directory.submissions.items()}
    for name, found in sources.items():
        for each in found[timeline.taken.get(name, 0) :]:
            _take(portal, timeline, each, form_view=name == "form views")
        timeline.taken[name] = len(found)
    return timeline


@listen("erased")
def _forget(portal: Portal, entry: dict[str, Any]) -> None:
    """An erasure rewrites the directory: drop what the contact did and take all in anew at the next look."""
    timeline = portal.state("events", Timeline)
    timeline.added = [each for each in timeline.added if each.contact_id != entry["id"]]
    for emptied in (timeline.taken, timeline.by_key, timeline.line, timeline.by_type, timeline.by_contact):
        emptied.clear()
    for occurrence in timeline.added:
        timeline.put(occurrence)


def _take(portal: Portal, timeline: Timeline, happened: PageView | Submission, *, form_view: bool) -> None:
    if isinstance(happened, PageView):
        number = portal.count_up("occurrence")
        kind = FORM_VIEW if form_view else VISIT
        timeline.put(Occurrence(happened.id, number, kind, happened.contact_id, happened.at, _of_view(happened)))
        return
    for kind in SUBMISSION_TYPES:
        number = portal.count_up("occurrence")
        event_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{happened.conversion_id}:{kind}"))
        values = _of_submission(portal, happened)
        timeline.put(Occurrence(event_id, number, kind, happened.contact_id, happened.at, values))


def _of_view(view: PageView) -> dict[str, str]:
    found = {"hs_url": view.url, "hs_title": view.title, "hs_referrer": view.referrer, "hs_visit_source": view.source}
    found |= {"hs_session_source": view.source, "hs_base_url": urlsplit(view.url)._replace(query="").geturl()}
    return {name: value for name, value in found.items() if value}


def _of_submission(portal: Portal, stored: Submission) -> dict[str, str]:
    form = portal.directory.forms.get(stored.form_guid)
    found = {
        "hs_form_id": stored.form_guid,
        "hs_form_guid": stored.form_guid,
        "hs_form_name": form.name if form else None,
        "hs_conversion_id": stored.conversion_id,
        "hs_url": stored.page_url,
        "hs_title": stored.page_title,
    }
    return {name: value for name, value in found.items() if value}


def _show(portal: Portal, occurrence: Occurrence) -> dict[str, Any]:
    survivor = portal.objects["contacts"].survivor(occurrence.contact_id)
    return {
        "id": occurrence.id,
        "eventType": occurrence.type,
        "objectType": "CONTACT",
        "objectId": survivor.id if survivor is not None else occurrence.contact_id,
        "occurredAt": iso(occurrence.at),
        "properties": occurrence.properties,
    }


def _instant(request: Request, name: str, default: int) -> int:
    text = request.param(name)
    if not text:
        return default
    try:
        return parse_instant(text)
    except (ValueError, ArithmeticError) as error:
        raise _invalid(f"Unable to parse value for query parameter: {name}={text}") from error


def _cursor(occurrence: Occurrence) -> str:
    text = f"{occurrence.at}:{occurrence.number}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(text: str | None) -> Key | None:
    if not text:
        return None
    try:
        at, _, number = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(":")
        return int(at), int(number)
    except ValueError as error:
        raise _invalid(f"Unable to parse value for query parameter: after={text}") from error


def _invalid(message: str) -> ApiError:
    return ApiError(400, "VALIDATION_ERROR", message)
