"""Writing values: create, update and upsert, one by one and in batches, with HubSpot's way of failing.

A batch is all or nothing (400 or 409 for the whole), unless every input carries its own `objectWriteTraceId`: then the
good rows are written and the answer is 207 with one error a bad row. Source: hubspot-facts sections 3.1, 3.2, 4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import effects, validation
from .app import ApiError, Request, Response, route
from .links import LinkType, default_type, primary_type
from .portal import ENGAGEMENTS, OBJECT_TYPES, SINGULAR, Portal, change_event
from .records import (
    batch_body,
    batch_inputs,
    check_unique,
    kind_of,
    locate,
    missing_rows,
    not_found,
    paths,
    show,
    shown_names,
    source_of,
)
from .store import Record, Source

_REQUIRED: dict[str, tuple[str, ...]] = {
    "deals": ("dealname", "dealstage", "pipeline"),
    "leads": ("hs_lead_name",),
} | dict.fromkeys(ENGAGEMENTS, ("hs_timestamp",))


@dataclass(slots=True)
class Write:
    """One checked write, not yet done; record None = create."""

    record: Record | None
    values: dict[str, str]
    links: list[tuple[str, str, LinkType]] = field(default_factory=list)
    trace: str | None = None
    refused_stage: str | None = None


# -- one record --------------------------------------------------------------------------------------------------------


@route("POST", *paths(""))
def create_record(request: Request, name: str) -> Response:
    """Create one record: 201; 409 when the e-mail is taken."""
    kind, portal = kind_of(request, name, write=True), request.portal
    write = prepare(portal, kind, None, request.json_object())
    record = perform(portal, kind, write, source_of(request))
    return Response(201, _shown(portal, kind, record, write))


@route("PATCH", *paths("/{id}"))
def update_record(request: Request, name: str, record_id: str) -> Response:
    """Change one record; an earlier lifecycle stage is silently left as it is (switch backward_stage)."""
    kind, portal = kind_of(request, name, write=True), request.portal
    record = locate(portal, kind, record_id, request.param("idProperty"))
    if record is None:
        raise not_found(kind, record_id)
    write = prepare(portal, kind, record, request.json_object(), source_of(request))
    perform(portal, kind, write, source_of(request))
    return Response(200, _shown(portal, kind, record, write))


Names = dict[tuple[str, ...], list[str]]


def _shown(portal: Portal, kind: str, record: Record, write: Write, names: Names | None = None) -> dict[str, Any]:
    """Give the written record; `names` remembers which properties to show for the same set of written ones."""
    written = (*write.values, *(["lifecyclestage"] if write.refused_stage else []))
    names = {} if names is None else names
    if written not in names:
        names[written] = shown_names(portal, kind, written, search=True)
    body = show(portal, kind, record, names[written])
    if write.trace:
        body["objectWriteTraceId"] = write.trace
    if write.refused_stage and portal.switches.backward_warning:
        message = f"lifecyclestage was not set to {write.refused_stage}: it lies before the present stage"
        warning = {
            "category": "VALIDATION_WARNING",
            "message": message,
            "context": {"propertyName": ["lifecyclestage"]},
        }
        body["warnings"] = [warning]
    return body


# -- checking and doing ------------------------------------------------------------------------------------------------


def prepare(
    portal: Portal,
    kind: str,
    record: Record | None,
    body: dict[str, Any],
    source: Source = effects.CALCULATED,
    rules: validation.Rules | None = None,
) -> Write:
    """Check one write against definitions, owners and unique values; `rules` are shared by the rows of a batch.

    Raises:
        ApiError: 400 with every bad value, 409 for a unique value that another record holds.
    """
    sent = body.get("properties")
    if not isinstance(sent, dict):
        raise ApiError(400, "VALIDATION_ERROR", "Invalid input JSON: 'properties' must be an object")
    rules = rules or validation.Rules(portal, kind)
    values, problems = validation.check(portal, kind, sent, record, rules)
    trace = body.get("objectWriteTraceId")
    if problems:
        raise validation.refusal(problems, {"objectWriteTraceId": [trace]} if trace else None)
    if record is None:
        absent = [name for name in _REQUIRED.get(kind, ()) if not values.get(name)]
        if absent:
            raise validation.missing(absent)
    _check_taken(portal, kind, record, values, rules)
    refused = effects.refuse_backward(portal, kind, record, values, source) if record is not None else None
    links = _links(portal, kind, body.get("associations") or []) if record is None else []
    return Write(record, values, links, trace, refused)


def perform(portal: Portal, kind: str, write: Write, source: Source, at: int | None = None) -> Record:
    """Do a checked write with all that follows from it."""
    at = portal.clock.ms() if at is None else at
    record = write.record
    if record is None:
        record = create(portal, kind, write.values, source, at)
        for to_type, to_id, link in write.links:
            portal.link(kind, record.id, to_type, to_id, link, source, at)
    else:
        set_values(portal, kind, record, write.values, source, at)
    return record


def create(portal: Portal, kind: str, values: dict[str, str], source: Source, at: int) -> Record:
    """Make a record from clean values, with its calculated ones."""
    if kind in effects.STAGED:
        values = {"lifecyclestage": "lead"} | values if kind == "contacts" else values
    record = portal.objects[kind].create(values | effects.derived(portal, kind, None, values, at), source, at)
    portal.log("created", at=at, object=kind, id=record.id, source=source.type, properties=values)
    if kind == "tasks":
        portal.log("task", at=at, id=record.id, properties=values)
    if portal.webhook_sink is not None:
        event = change_event(kind, record.id, "creation", source, at)
        portal.emit(event)
        for name, value in values.items():
            portal.emit(change_event(kind, record.id, "propertyChange", source, at) | {
                "propertyName": name, "propertyValue": value,
            })  # fmt: skip
    return record


def set_values(portal: Portal, kind: str, record: Record, values: dict[str, str], source: Source, at: int) -> list[str]:
    """Set clean values with the calculated ones that follow; give the names that changed."""
    follow = effects.derived(portal, kind, record, values, at)
    changed = portal.objects[kind].update(record, values, source, at)
    if changed and follow:
        portal.objects[kind].update(record, follow, effects.CALCULATED, at)
    if kind == "deals" and changed:
        effects.deal_changed(portal, record, at)
    return changed


def _check_taken(
    portal: Portal, kind: str, record: Record | None, values: dict[str, str], rules: validation.Rules
) -> None:
    store = portal.objects[kind]
    for name, value in values.items():
        if not value or not rules.is_unique(name):
            continue
        holder = store.find(name, value)
        if holder is not None and holder is not record:
            what = "Contact" if name == "email" and kind == "contacts" else f"A {SINGULAR[kind]} with {name} '{value}'"
            raise ApiError(409, "CONFLICT", f"{what} already exists. Existing ID: {holder.id}")


def _links(portal: Portal, kind: str, rows: list[Any]) -> list[tuple[str, str, LinkType]]:
    """Read the `associations` of a create: each names a record and the types, whose ids tell the other object type."""
    found = []
    for row in rows:
        to_id = str((row.get("to") or {}).get("id", ""))
        for spec in row.get("types") or []:
            category, number = str(spec.get("associationCategory")), spec.get("associationTypeId")
            to_type, link = _link_type(portal, kind, category, number)
            if portal.objects[to_type].get(to_id) is None:
                message = f"No {to_type} with id {to_id} exists: the association cannot be made"
                raise ApiError(400, "VALIDATION_ERROR", message, context={"ids": [to_id]})
            found.append((to_type, to_id, link))
    return found


def _link_type(portal: Portal, kind: str, category: str, number: Any) -> tuple[str, LinkType]:
    own: dict[tuple[str, str], list[LinkType]] = portal.state("association labels", dict)  # kept by associations.py
    for to_type in OBJECT_TYPES:
        for link in (default_type(kind, to_type), primary_type(kind, to_type), *own.get((kind, to_type), ())):
            if link is not None and (link.category, link.type_id) == (category, number):
                return to_type, link
    raise ApiError(400, "VALIDATION_ERROR", f"{category} association type {number} does not start at {kind}")


# -- batches -----------------------------------------------------------------------------------------------------------

Preparer = Callable[[dict[str, Any]], Write | None]


@route("POST", *paths("/batch/create"))
def batch_create(request: Request, name: str) -> Response:
    """Create up to 100 records: 201, or 207 where trace ids let good rows pass."""
    kind = kind_of(request, name, write=True)
    rules = validation.Rules(request.portal, kind)
    return _batch(request, kind, lambda row: prepare(request.portal, kind, None, row, rules=rules), done=201)


@route("POST", *paths("/batch/update"))
def batch_update(request: Request, name: str) -> Response:
    """Change up to 100 records by id; unknown ids make the answer 207, ids twice make it 400."""
    kind, portal, source = kind_of(request, name, write=True), request.portal, source_of(request)
    rules = validation.Rules(portal, kind)

    def prepared(row: dict[str, Any]) -> Write | None:
        id_property = row.get("idProperty")
        if id_property == "email":
            raise ApiError(400, "VALIDATION_ERROR", "Unable to perform update/upsert by non-unique property 'email'")
        record = locate(portal, kind, str(row.get("id", "")), id_property)
        return prepare(portal, kind, record, row, source, rules) if record is not None else None

    _refuse_doubles([str(row.get("id", "")) for row in batch_inputs(request)])
    return _batch(request, kind, prepared, done=200)


@route("POST", *paths("/batch/upsert"))
def batch_upsert(request: Request, name: str) -> Response:
    """Create or change up to 100 records by a unique property; by e-mail it is all or nothing."""
    kind, portal, source = kind_of(request, name, write=True), request.portal, source_of(request)
    rows, rules = batch_inputs(request), validation.Rules(portal, kind)
    by_email = any(row.get("idProperty") == "email" for row in rows)

    def prepared(row: dict[str, Any]) -> Write | None:
        id_property, value = row.get("idProperty"), str(row.get("id", ""))
        if not id_property or id_property == "hs_object_id":
            record = locate(portal, kind, value, None)
            return prepare(portal, kind, record, row, source, rules) if record is not None else None
        check_unique(portal, kind, id_property)
        row = row | {"properties": {id_property: value} | (row.get("properties") or {})}
        return prepare(portal, kind, locate(portal, kind, value, id_property), row, source, rules)

    _refuse_doubles([str(row.get("id", "")).strip().lower() for row in rows])
    return _batch(request, kind, prepared, done=200, upsert=True, partial=not by_email)


def _refuse_doubles(ids: list[str]) -> None:
    doubles = sorted(each for each, times in Counter(ids).items() if times > 1)
    if doubles:
        message = f"Duplicate IDs found in batch input: [{', '.join(doubles)}]. IDs must be unique"
        raise ApiError(400, "VALIDATION_ERROR", message, context={"ids": doubles})


def _batch(
    request: Request, kind: str, prepared: Preparer, *, done: int, upsert: bool = False, partial: bool = True
) -> Response:
    portal, rows, source = request.portal, batch_inputs(request), source_of(request)
    traces = [row.get("objectWriteTraceId") for row in rows]
    partial = partial and all(traces) and len(set(traces)) == len(traces)
    started, missing = portal.clock.ms(), []
    writes: list[Write] = []
    errors: list[dict[str, Any]] = []
    taken: dict[str, int] = {}
    for row in rows:
        try:
            write = prepared(row)
            if write is None:
                missing.append(str(row.get("id", "")))
                continue
            _refuse_same(write, taken, len(writes))
            writes.append(write)
        except ApiError as error:
            if not partial:
                raise
            errors.append(_error_row(error, row))
    results: list[dict[str, Any]] = []
    names: Names = {}
    for number, write in enumerate(writes):
        new = write.record is None
        at = started if portal.switches.bulk_stamp else max(started, portal.clock.ms()) + number
        record = perform(portal, kind, write, source, at)
        shown = _shown(portal, kind, record, write, names)
        results.append(shown | {"new": new} if upsert else shown)
    errors += missing_rows(kind, missing)
    return Response(207 if errors else done, batch_body(started, results, errors, portal.clock.ms()))


def _refuse_same(write: Write, taken: dict[str, int], number: int) -> None:
    """Refuse two rows of one batch that are one record: the same record, or the same new unique value."""
    keys = [f"id:{write.record.id}"] if write.record else []
    keys += [f"email:{write.values['email']}"] if write.values.get("email") else []
    for key in keys:
        if key in taken:
            category = "VALIDATION_ERROR" if write.record else "CONFLICT"
            message = f"Two inputs of the batch lead to one record ({key.partition(':')[2]}); send it once"
            raise ApiError(400 if write.record else 409, category, message)
        taken[key] = number


def _error_row(error: ApiError, row: dict[str, Any]) -> dict[str, Any]:
    context = dict(error.context or {}) | {"objectWriteTraceId": [row["objectWriteTraceId"]]}
    return {
        "status": "error",
        "category": error.category,
        "message": error.message,
        "context": context,
        "errors": list(error.errors),
        "links": {},
    }

