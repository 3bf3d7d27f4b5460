"""Reading records and removing them: list, get, batch read, archive, batch archive, privacy deletion.

Writing values is writes.py, merging merge.py, searching search.py. Source: hubspot-facts sections 3.1, 3.2, 3.5.
"""

from __future__ import annotations

from bisect import bisect_left
from urllib.parse import urlencode

from .app import ApiError, Request, Response, route
from .portal import OBJECT_TYPES, Portal, change_event
from .records import (
    BATCH,
    HISTORY_BATCH,
    association_types,
    batch_body,
    batch_inputs,
    kind_of,
    known,
    locate,
    missing_rows,
    not_found,
    page_json,
    paths,
    show,
    shown_names,
    source_of,
)
from .store import Record, Source


@route("GET", *paths(""))
def list_records(request: Request, name: str) -> Response:
    """One page in id order; `after` is the id of the next record."""
    kind, portal = kind_of(request, name), request.portal
    history = known(portal, kind, request.names("propertiesWithHistory"))
    limit = request.number("limit", 10, HISTORY_BATCH if history else BATCH)
    names = shown_names(portal, kind, request.names("properties"))
    links = association_types(request.names("associations"))
    start = _start(request)
    found = _archived_after(portal, kind, start, limit + 1) if request.flag("archived") else (
        portal.objects[kind].after(start, limit + 1)
    )  # fmt: skip
    rest: dict[str, object] = {}
    if len(found) > limit:
        _given(portal).add(found[limit].id)
        rest["paging"] = {"next": {"after": found[limit].id, "link": _link(request, found[limit].id)}}
    if not history and not links:
        return Response(200, page_json(portal, kind, found[:limit], names, rest))
    return Response(
        200, {"results": [show(portal, kind, each, names, history, links) for each in found[:limit]]} | rest
    )


def _start(request: Request) -> int:
    after = request.param("after") or "0"
    any_will_do = request.portal.switches.list_after == "any" or after == "0"
    if not after.isdigit() or not (any_will_do or after in _given(request.portal)):
        raise ApiError(400, "VALIDATION_ERROR", f"Unable to parse value for query parameter: after ({after})")
    return int(after)


def _given(portal: Portal) -> set[str]:
    """Every cursor that a list of this portal gave."""
    return portal.state("list cursors", set[str])


def _link(request: Request, after: str) -> str:
    kept = [(name, value) for name, values in request.params.items() if name != "after" for value in values]
    return f"{request.base_url}{request.path}?{urlencode([*kept, ('after', after)])}"


def _archived_after(portal: Portal, kind: str, start: int, limit: int) -> list[Record]:
    bin_of = sorted(portal.objects[kind].archived.values(), key=lambda record: record.key)
    first = bisect_left([record.key for record in bin_of], start)
    return bin_of[first : first + limit]


@route("GET", *paths("/{id}"))
def get_record(request: Request, name: str, record_id: str) -> Response:
    """One record by id, e-mail or another unique property; a merged-away id gives the survivor."""
    kind, portal = kind_of(request, name), request.portal
    if request.flag("archived"):
        record = portal.objects[kind].archived.get(record_id)
    else:
        record = locate(portal, kind, record_id, request.param("idProperty"))
    if record is None:
        raise not_found(kind, record_id)
    names = shown_names(portal, kind, request.names("properties"))
    history = known(portal, kind, request.names("propertiesWithHistory"))
    links = association_types(request.names("associations"))
    return Response(200, show(portal, kind, record, names, history, links))


@route("POST", *paths("/batch/read"))
def batch_read(request: Request, name: str) -> Response:
    """Up to 100 records by id or unique property (50 with history); 207 when some are not there."""
    kind, portal, body = kind_of(request, name), request.portal, request.json_object()
    history = known(portal, kind, body.get("propertiesWithHistory") or [])
    rows = batch_inputs(request, HISTORY_BATCH if history else BATCH)
    names = shown_names(portal, kind, body.get("properties") or [])
    started, id_property = portal.clock.ms(), body.get("idProperty")
    found: dict[str, Record] = {}
    missing: list[str] = []
    for row in rows:
        wanted = str(row.get("id", ""))
        if request.flag("archived"):
            record = portal.objects[kind].archived.get(wanted)
        else:
            record = locate(portal, kind, wanted, id_property)
        if record is None:
            missing.append(wanted)
        else:
            found[record.id] = record
    answer = batch_body(started, [], missing_rows(kind, missing), portal.clock.ms())
    if not history:
        del answer["results"]
        return Response(207 if missing else 200, page_json(portal, kind, found.values(), names, answer))
    answer["results"] = [show(portal, kind, record, names, history) for record in found.values()]
    return Response(207 if missing else 200, answer)


# -- removing ----------------------------------------------------------------------------------------------------------


@route("DELETE", *paths("/{id}"))
def archive_record(request: Request, name: str, record_id: str) -> Response:
    """Move one record to the recycle bin; an unknown one is 204 too, as HubSpot does."""
    archive(request.portal, kind_of(request, name, write=True), record_id, source_of(request))
    return Response(204)


@route("POST", *paths("/batch/archive"))
def batch_archive(request: Request, name: str) -> Response:
    """Move up to 100 records to the recycle bin."""
    kind = kind_of(request, name, write=True)
    for row in batch_inputs(request):
        archive(request.portal, kind, str(row.get("id", "")), source_of(request))
    return Response(204)


def archive(portal: Portal, kind: str, record_id: str, source: Source) -> bool:
    """Archive a record and tell of it; False if there is none."""
    record = portal.objects[kind].archive(record_id)
    if record is None:
        return False
    portal.log("archived", object=kind, id=record_id, source=source.type)
    portal.emit(change_event(kind, record_id, "deletion", source, portal.clock.ms()))
    return True


def restore(portal: Portal, kind: str, record_id: str, source: Source) -> bool:
    """Bring a record back from the recycle bin (people do it in the UI); False if it is not there."""
    if portal.objects[kind].restore(record_id) is None:
        return False
    portal.log("restored", object=kind, id=record_id, source=source.type)
    portal.emit(change_event(kind, record_id, "restore", source, portal.clock.ms()))
    return True


@route("POST", *paths("/gdpr-delete"))
def gdpr_delete(request: Request, name: str) -> Response:
    """Erase a person for good; an unknown e-mail address is put on the blocklist."""
    kind, body = kind_of(request, name, write=True), request.json_object()
    if kind != "contacts":
        raise ApiError(405, "", "HTTP 405 Method Not Allowed")
    portal, wanted = request.portal, str(body.get("objectId", ""))
    by_email = body.get("idProperty") == "email"
    record = locate(portal, kind, wanted, body.get("idProperty")) or portal.objects[kind].archived.get(wanted)
    if record is not None:
        erase(portal, record, source_of(request))
    elif by_email:
        portal.blocked_emails.add(wanted.strip().lower())
    else:
        raise not_found(kind, wanted)
    return Response(204)


def erase(portal: Portal, record: Record, source: Source) -> None:
    """Forget a contact with its links and what it did; journal and webhooks say only that it happened."""
    store, place, email = portal.objects["contacts"], portal.directory, record.value("email")
    store.erase(record.id)
    portal.links.drop_record("contacts", record.id, OBJECT_TYPES)
    place.page_views[:] = [view for view in place.page_views if view.contact_id != record.id]
    place.form_views[:] = [view for view in place.form_views if view.contact_id != record.id]
    place.email_events[:] = [event for event in place.email_events if event.recipient != email]
    for rows in place.submissions.values():
        rows[:] = [row for row in rows if row.contact_id != record.id]
    portal.log("erased", object="contacts", id=record.id)
    for what in ("privacyDeletion", "deletion"):
        portal.emit(change_event("contacts", record.id, what, source, portal.clock.ms()))
