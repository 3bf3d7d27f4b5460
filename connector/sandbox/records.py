"""How a CRM record looks on the wire, and the small things that all record endpoints share: types, scopes, inputs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any

from .app import ApiError, Request, require
from .clock import iso
from .portal import ENGAGEMENTS, SINGULAR, Portal, object_type
from .properties import definition
from .store import ObjectStore, Record, Source

BATCH = 100
HISTORY_BATCH = 50
DEFAULTS: dict[str, tuple[str, ...]] = {
    "contacts": ("firstname", "lastname", "email", "hs_object_id", "createdate", "lastmodifieddate"),
    "companies": ("name", "domain", "hs_object_id", "createdate", "hs_lastmodifieddate"),
    "deals": (
        "dealname", "amount", "dealstage", "pipeline", "closedate", "hs_object_id", "createdate", "hs_lastmodifieddate",
    ),
    "tickets": ("subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_object_id", "createdate",
                "hs_lastmodifieddate"),
}  # fmt: skip
_OTHERS = ("hs_object_id", "hs_createdate", "hs_lastmodifieddate")


def paths(tail: str) -> tuple[str, str]:
    """Give the v3 and the dated pattern of a record endpoint; the first value is the object type."""
    return "/crm/v3/objects/{object_type}" + tail, "/crm/objects/2026-03/{object_type}" + tail


def kind_of(request: Request, name: str, *, write: bool = False) -> str:
    """Give the plural object type of a path and check the token's scope for it.

    Raises:
        ApiError: 400 for an unknown type, 403 without the scope.
    """
    kind = object_type(name)
    if kind is None:
        raise ApiError(400, "VALIDATION_ERROR", f"Unable to infer object type from: {name}")
    area = "contacts" if kind in ENGAGEMENTS else kind
    if kind == "tickets":
        require(request, "tickets")
    else:
        require(request, f"crm.objects.{area}.{'write' if write else 'read'}")
    return kind


def source_of(request: Request) -> Source:
    """Say who writes: the app of the token, or a person (header X-Sandbox-Source: CRM_UI)."""
    if request.source == "INTEGRATION":
        return Source("INTEGRATION", str(request.portal.id))
    user = request.user_id
    return Source(request.source, f"userId:{user}" if user else None, user)


def not_found(kind: str, record_id: str) -> ApiError:
    """Give the 404 of a single record."""
    return ApiError(404, "OBJECT_NOT_FOUND", f"Object not found.  objectId '{record_id}' for {kind} does not exist")


def locate(portal: Portal, kind: str, value: str, id_property: str | None) -> Record | None:
    """Find a live record by id or by a unique property; merged-away ids lead to the survivor unless switched off.

    Raises:
        ApiError: 400, the property is not unique.
    """
    store = portal.objects[kind]
    if id_property and id_property != "hs_object_id":
        check_unique(portal, kind, id_property)
        return store.find(id_property, value)
    return store.survivor(value) if portal.switches.read_merged == "survivor" else store.get(value)


def check_unique(portal: Portal, kind: str, id_property: str) -> None:
    """Refuse a property that identifies nobody (ApiError 400)."""
    if kind == "contacts" and id_property == "email":
        return
    found = definition(portal, kind, id_property)
    if found is None or not found.get("hasUniqueValue"):
        message = f"Unable to perform read/update/upsert by non-unique property '{id_property}' of {kind}"
        raise ApiError(400, "VALIDATION_ERROR", message)


def show(
    portal: Portal,
    kind: str,
    record: Record,
    names: Sequence[str],
    history: Sequence[str] = (),
    associations: Sequence[str] = (),
) -> dict[str, Any]:
    """Give a record in HubSpot's shape with the named properties; unknown names must be left out by the caller."""
    store = portal.objects[kind]
    stored = record.props.get
    props = {name: stored(name) for name in names}
    for name in store.own_names:
        if name in props and props[name] is None:
            props[name] = store.value(record, name)
    shown: dict[str, Any] = {
        "id": record.id,
        "properties": props,
        "createdAt": iso(record.created),
        "updatedAt": iso(record.modified),
        "archived": record.archived_at is not None,
    }
    if record.archived_at is not None:
        shown["archivedAt"] = iso(record.archived_at)
    if history:
        shown["propertiesWithHistory"] = {name: show_history(store, record, name) for name in history}
    if associations:
        found = {to: show_links(portal, kind, record.id, to) for to in associations}
        shown["associations"] = {to: {"results": rows} for to, rows in found.items() if rows}
    return shown


def page_json(
    portal: Portal, kind: str, records: Iterable[Record], names: Sequence[str], rest: dict[str, Any]
) -> bytes:
    """Give `{"results": […], **rest}` as JSON of records without history and associations.

    The same as encoding what `show` gives, in a third of the time: pages are what a sandbox sends all day.
    """
    own = [name for name in portal.objects[kind].own_names if name in names]
    stored = [(name, f"{_quoted(name)}:") for name in names if name not in own]
    rows = ",".join([_row_json(portal.objects[kind], record, stored, own) for record in records])
    more = json.dumps(rest, separators=(",", ":"))[1:-1]
    return f'{{"results":[{rows}]{"," if more else ""}{more}}}'.encode()


def _row_json(store: ObjectStore, record: Record, stored: list[tuple[str, str]], own: list[str]) -> str:
    get = record.props.get
    parts = [head + _quoted(value) if (value := get(name)) is not None else head + "null" for name, head in stored]
    for name in own:
        mine = store.value(record, name)
        parts.append(f'"{name}":{_quoted(mine) if mine is not None else "null"}')
    archived = "false" if record.archived_at is None else f'true,"archivedAt":"{iso(record.archived_at)}"'
    return (
        f'{{"id":"{record.id}","properties":{{{",".join(parts)}}},"createdAt":"{iso(record.created)}",'
        f'"updatedAt":"{iso(record.modified)}","archived":{archived}}}'
    )


def show_history(store: ObjectStore, record: Record, name: str) -> list[dict[str, Any]]:
    """Give a property's history, newest first; [] when it never had a value."""
    changes = record.changes(name)
    if not changes and (value := store.value(record, name)) is not None:
        return [{"value": value, "timestamp": iso(record.modified), "sourceType": "CALCULATED"}]
    rows = []
    for change in reversed(changes):
        row: dict[str, Any] = {"value": change.value, "timestamp": iso(change.at), "sourceType": change.source_type}
        if change.source_id:
            row["sourceId"] = change.source_id
        if change.user_id and change.user_id.isdigit():
            row["updatedByUserId"] = int(change.user_id)
        rows.append(row)
    return rows


def show_links(portal: Portal, kind: str, record_id: str, to_type: str) -> list[dict[str, str]]:
    """Give the association rows of the record list and read endpoints: one row a label."""
    name = f"{SINGULAR[kind]}_to_{SINGULAR[to_type]}"
    rows = []
    for to_id, links in portal.links.of(kind, record_id, to_type).items():
        for link in sorted(links, key=lambda each: each.type_id):
            both_kinds = {kind, to_type} in ({"contacts", "companies"}, {"deals", "companies"})
            plain = f"{name}_unlabeled" if link.label is None and both_kinds else name
            rows.append({"id": to_id, "type": plain})
    return rows


def known(portal: Portal, kind: str, names: Iterable[str]) -> list[str]:
    """Keep the names that the portal knows, each once; undefined ones are ignored, as HubSpot does."""
    return [name for name in dict.fromkeys(names) if definition(portal, kind, name) is not None]


def shown_names(portal: Portal, kind: str, asked: Sequence[str], *, search: bool = False) -> list[str]:
    """Give the properties of an answer: the defaults when none are asked for, else those plus the record's stamps."""
    defaults = DEFAULTS.get(kind, _OTHERS)
    if not asked:
        return list(defaults)
    stamps = [name for name in defaults if search or name in ("createdate", "lastmodifieddate", *_OTHERS)]
    return known(portal, kind, [*asked, *stamps])


def association_types(names: Iterable[str]) -> list[str]:
    """Give the plural types of an `associations` parameter (ApiError 400 for an unknown one)."""
    found = []
    for name in names:
        kind = object_type(name)
        if kind is None:
            raise ApiError(400, "VALIDATION_ERROR", f"Unable to infer object type from: {name}")
        found.append(kind)
    return found


def batch_inputs(request: Request, maximum: int = BATCH) -> list[dict[str, Any]]:
    """Give the inputs of a batch body.

    Raises:
        ApiError: 400, no list of objects, none or too many.
    """
    rows = request.json_object().get("inputs")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ApiError(400, "VALIDATION_ERROR", "Invalid input JSON: 'inputs' must be a list of objects")
    if len(rows) > maximum:
        raise ApiError(
            400, "VALIDATION_ERROR", f"Too many inputs: the maximum batch size is {maximum}, got {len(rows)}"
        )
    if not rows:
        raise ApiError(400, "VALIDATION_ERROR", "Some required fields were not set: [inputs]")
    return rows


def batch_body(
    started: int, results: list[dict[str, Any]], errors: list[dict[str, Any]], completed: int
) -> dict[str, Any]:
    """Give a batch answer's body; errors make it the multi-status one."""
    body: dict[str, Any] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": iso(started),
        "completedAt": iso(completed),
    }
    return body | ({"numErrors": len(errors), "errors": errors} if errors else {})


def missing_rows(kind: str, ids: list[str]) -> list[dict[str, Any]]:
    """Give the error rows of a multi-status answer for ids that lead nowhere."""
    if not ids:
        return []
    message = f"Could not get some {SINGULAR[kind].upper()} objects, they may be deleted or not exist."
    row = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"ids": ids}}
    return [{**row, "errors": [], "links": {}}]
