"""Merging two records: whose values win, what becomes of the ids, and what webhooks hear.

The primary's values win, its gaps are filled from the other; the later lifecycle stage stays. With switch merge_new_id
the survivor is a new record. Source: hubspot-facts section 3.5.
"""

from __future__ import annotations

from . import effects
from .app import ApiError, Request, Response, route
from .portal import OBJECT_TYPES, Portal, change_event
from .records import kind_of, not_found, paths, show, shown_names, source_of
from .store import Record, Source

_OWN = {"hs_object_id", "hs_merged_object_ids", "hs_calculated_merged_vids", "hs_additional_emails", "email"}
_MOST = 250


@route("POST", *paths("/merge"))
def merge_records(request: Request, name: str) -> Response:
    """Merge one record into another; gives the survivor, whose id may be new."""
    kind, portal, body = kind_of(request, name, write=True), request.portal, request.json_object()
    primary_id, other_id = str(body.get("primaryObjectId", "")), str(body.get("objectIdToMerge", ""))
    store = portal.objects[kind]
    primary, other = store.survivor(primary_id), store.survivor(other_id)
    if primary is None or other is None:
        raise not_found(kind, other_id if primary else primary_id)
    if primary is other:
        raise ApiError(400, "VALIDATION_ERROR", f"Cannot merge {kind} {primary_id} with itself")
    if len(_merged_ids(primary)) + len(_merged_ids(other)) >= _MOST:
        raise ApiError(414, "", f"A {kind} record cannot take part in more than {_MOST} merges")
    survivor = merge(portal, kind, primary, other, source_of(request))
    return Response(200, show(portal, kind, survivor, shown_names(portal, kind, [])))


def merge(portal: Portal, kind: str, primary: Record, other: Record, source: Source) -> Record:
    """Merge and tell of it; property changes of the merge itself fire no webhooks, as in HubSpot."""
    at, store = portal.clock.ms(), portal.objects[kind]
    values = _united(portal, kind, primary, other, at)
    sink, portal.webhook_sink = portal.webhook_sink, None
    try:
        if portal.switches.merge_new_id:
            survivor = _reborn(portal, kind, primary, other, values, source, at)
        else:
            survivor = primary
            store.merge_away(other.id, primary.id)
            store.update(primary, values, Source("MERGE_OBJECTS", source.id), at)
            portal.links.move(kind, other.id, primary.id, OBJECT_TYPES)
    finally:
        portal.webhook_sink = sink
    _follow(portal, kind, primary, other, survivor)
    facts = {"primary": primary.id, "merged": other.id, "survivor": survivor.id}
    portal.log("merged", at=at, object=kind, id=survivor.id, source=source.type, **facts)
    _tell(portal, kind, primary, other, survivor, source, at)
    return survivor


def _united(portal: Portal, kind: str, primary: Record, other: Record, at: int) -> dict[str, str]:
    values = {name: value for name, value in other.props.items() if name not in primary.props and name not in _OWN}
    mine, theirs = primary.value("lifecyclestage"), other.value("lifecyclestage")
    if mine and theirs and effects.is_backward(portal, kind, theirs, mine):
        values |= {"lifecyclestage": theirs} | effects.derived(portal, kind, primary, {"lifecyclestage": theirs}, at)
    ids = [*_merged_ids(primary), *_merged_ids(other), other.id]
    values["hs_merged_object_ids"] = ";".join(dict.fromkeys(ids))
    if kind == "contacts":
        emails = [primary.value("hs_additional_emails"), other.value("email"), other.value("hs_additional_emails")]
        additional = [part for text in emails if text for part in text.split(";")]
        if primary.value("email") is None and additional:
            values["email"] = additional.pop(0)
        values["hs_additional_emails"] = ";".join(dict.fromkeys(additional))
        known = primary.value("hs_calculated_merged_vids")
        values["hs_calculated_merged_vids"] = ";".join(filter(None, [known, f"{other.id}:{at}"]))
    return values


def _merged_ids(record: Record) -> list[str]:
    return [each for each in (record.value("hs_merged_object_ids") or "").split(";") if each]


def _reborn(
    portal: Portal, kind: str, primary: Record, other: Record, values: dict[str, str], source: Source, at: int
) -> Record:
    """Make the survivor as a new record with the primary's history; both old ids lead to it."""
    store = portal.objects[kind]
    values["hs_merged_object_ids"] = ";".join([*values["hs_merged_object_ids"].split(";"), primary.id])
    store.merge_away(other.id, "")
    store.merge_away(primary.id, "")
    survivor = store.create(primary.props, primary.source, min(primary.created, other.created))
    survivor.history = primary.history
    for old in (primary.id, other.id):
        store.merged_into[old] = survivor.id
        portal.links.move(kind, old, survivor.id, OBJECT_TYPES)
    store.update(survivor, values, Source("MERGE_OBJECTS", source.id), at)
    return survivor


def _follow(portal: Portal, kind: str, primary: Record, other: Record, survivor: Record) -> None:
    """Let what people did belong to the survivor."""
    if kind != "contacts":
        return
    gone = {primary.id, other.id} - {survivor.id}
    place = portal.directory
    for views in (place.page_views, place.form_views):
        views[:] = [view.of(survivor.id) if view.contact_id in gone else view for view in views]
    for rows in place.submissions.values():
        rows[:] = [row.of(survivor.id) if row.contact_id in gone else row for row in rows]


def _tell(portal: Portal, kind: str, primary: Record, other: Record, survivor: Record, source: Source, at: int) -> None:
    event = change_event(kind, survivor.id, "merge", source, at)
    event |= {
        "primaryObjectId": int(primary.id),
        "mergedObjectIds": [int(other.id)],
        "newObjectId": int(survivor.id),
        "numberOfPropertiesMoved": len(other.props),
    }
    portal.emit(event)
    for gone in {primary.id, other.id} - {survivor.id}:
        portal.emit(change_event(kind, gone, "deletion", source, at) | {"changeFlag": "DELETED"})
