"""HTTP side of list memberships: add, remove, read by record id or joining order, and the lists of a record.

A membership write answers with HubSpot's odd spelling: recordsIdsAdded, recordIdsRemoved, recordIdsMissing. It needs
the read scope as well as the write scope. The sandbox's own route:

- `PUT /_sandbox/lists/{id}/members?portal=ID` `{"add": [record id, …], "remove": […]}` changes the members of any list,
  DYNAMIC ones too: what the portal's own workflows and filters would do.

Source: hubspot-facts 6; the most ids in one call are not published: switch `membership_max_ids`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any

from .app import Request, Response, route
from .clock import iso
from .list_store import Lists, ObjectList, add, lists_of, remove
from .lists import DATED, READ, V3, WRITE, ids_in, invalid, live
from .portal import TYPE_NUMBERS, Portal, object_type

PAGE_MAX = 250
MOST_IDS = 100_000


@route("PUT", V3 + "/{list}/memberships/add", DATED + "/{list}/memberships/add", scopes=WRITE)
def add_members(request: Request, list_id: str) -> Response:
    """Add records, a bare JSON array of ids."""
    return _change(request, list_id, adding=request.json(), removing=[])


@route("PUT", V3 + "/{list}/memberships/remove", DATED + "/{list}/memberships/remove", scopes=WRITE)
def remove_members(request: Request, list_id: str) -> Response:
    """Remove records, a bare JSON array of ids."""
    return _change(request, list_id, adding=[], removing=request.json())


@route("PUT", V3 + "/{list}/memberships/add-and-remove", DATED + "/{list}/memberships/add-and-remove", scopes=WRITE)
def add_and_remove_members(request: Request, list_id: str) -> Response:
    """Add and remove in one call; both keys are needed."""
    body = request.json_object()
    if "recordIdsToAdd" not in body or "recordIdsToRemove" not in body:
        raise invalid("recordIdsToAdd and recordIdsToRemove must both be given")
    return _change(request, list_id, adding=body["recordIdsToAdd"], removing=body["recordIdsToRemove"])


@route(
    "PUT",
    V3 + "/{list}/memberships/add-from/{source}",
    DATED + "/{list}/memberships/add-from/{source}",
    scopes=WRITE,
)
def add_members_from(request: Request, list_id: str, source_id: str) -> Response:
    """Add all members of another list: 204."""
    target, source = _writable(request.portal, list_id), live(request.portal, source_id)
    if len(source.members) > MOST_IDS or source.object_type != target.object_type:
        raise invalid(f"The source list must hold at most {MOST_IDS} records of the same object type")
    add(request.portal, target, [str(key) for key in source.by_id])
    return Response(204)


@route("DELETE", V3 + "/{list}/memberships", DATED + "/{list}/memberships", scopes=WRITE)
def empty_list(request: Request, list_id: str) -> Response:
    """Remove all members: 204."""
    target = _writable(request.portal, list_id)
    if len(target.members) > MOST_IDS:
        raise invalid(f"Only lists of at most {MOST_IDS} members can be emptied in one call")
    remove(request.portal, target, [str(key) for key in target.by_id])
    return Response(204)


@route("GET", V3 + "/{list}/memberships", DATED + "/{list}/memberships", scopes=READ)
def read_members(request: Request, list_id: str) -> Response:
    """A page of members in order of record id."""
    found = live(request.portal, list_id)
    return _page(request, found, None)


@route("GET", V3 + "/{list}/memberships/join-order", DATED + "/{list}/memberships/join-order", scopes=READ)
def read_members_by_joining(request: Request, list_id: str) -> Response:
    """A page of members in the order in which they joined."""
    found = live(request.portal, list_id)
    return _page(request, found, found.by_place)


@route(
    "GET",
    V3 + "/records/{object_type}/{record}/memberships",
    DATED + "/records/{object_type}/{record}/memberships",
    scopes=READ,
)
def read_lists_of_record(request: Request, type_name: str, record_id: str) -> Response:
    """The lists that a record is in."""
    found = _memberships(lists_of(request.portal), _type(type_name), record_id)
    return Response(200, {"results": found, "total": len(found)})


@route("POST", V3 + "/records/memberships/batch/read", DATED + "/records/memberships/batch/read", scopes=READ)
def read_lists_of_records(request: Request) -> Response:
    """The lists that each of up to 100 records is in."""
    inputs = request.json_object().get("inputs")
    if not isinstance(inputs, list) or len(inputs) > 100:
        raise invalid("inputs must be a list of at most 100 entries")
    now, results = request.portal.clock.iso(), []
    for row in inputs:
        of_type, record_id = _type(str(row.get("objectTypeId"))), str(row.get("recordId"))
        found = _memberships(lists_of(request.portal), of_type, record_id)
        results.append({"objectTypeId": TYPE_NUMBERS[of_type], "recordId": record_id, "recordListMemberships": found})
    return Response(200, {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now})


@route("PUT", "/_sandbox/lists/{list}/members", auth=False, limit="none")
def set_members(request: Request, list_id: str) -> Response:
    """Change the members of any list, as the portal's own workflows would: see the module docstring."""
    found, body = live(request.portal, list_id), request.json_object()
    left = remove(request.portal, found, ids_in(body.get("remove") or [], MOST_IDS))
    return Response(
        200, {"added": add(request.portal, found, ids_in(body.get("add") or [], MOST_IDS)), "removed": left}
    )


def _change(request: Request, list_id: str, *, adding: Any, removing: Any) -> Response:
    portal, most = request.portal, request.portal.switches.membership_max_ids or MOST_IDS
    target = _writable(portal, list_id)
    to_add, to_remove = ids_in(adding, most), ids_in(removing, most)
    store = portal.objects[target.object_type]
    missing = [each for each in dict.fromkeys([*to_add, *to_remove]) if store.get(each) is None]
    left = remove(portal, target, to_remove)
    joined = add(portal, target, to_add)
    return Response(200, {"recordsIdsAdded": joined, "recordIdsRemoved": left, "recordIdsMissing": missing})


def _page(request: Request, found: ObjectList, by_place: list[tuple[int, int]] | None) -> Response:
    """Cut a page: the cursor is the last record id, or the last place in joining order.

    Ascending, but descending where `before` alone is given; `after` wins where both are.
    """
    limit = request.number("limit", 100, PAGE_MAX)
    after, before = _cursor(request, "after"), _cursor(request, "before")
    before = None if after is not None else before
    line: list[Any] = found.by_id if by_place is None else by_place
    low, high = (after, before) if by_place is None else ((after or 0, 1 << 62), (before or 0, 0))
    if before is not None:
        last = bisect_left(line, high)
        first = max(0, last - limit)
    else:
        first = bisect_right(line, low) if after is not None else 0
        last = min(len(line), first + limit)
    rows = line[first:last]
    shown = rows[::-1] if before is not None else rows
    keys = shown if by_place is None else [key for _, key in shown]
    body: dict[str, Any] = {
        "total": len(found.members),
        "results": [{"recordId": str(key), "membershipTimestamp": iso(found.members[key].last_added)} for key in keys],
    }
    ends = [str(row if by_place is None else row[0]) for row in (rows[:1] + rows[-1:])]
    paging = {}
    if rows and last < len(line):
        paging["next"] = {"after": ends[1], "link": f"{request.base_url}{request.path}?after={ends[1]}"}
    if rows and first > 0:
        paging["prev"] = {"before": ends[0], "link": f"{request.base_url}{request.path}?before={ends[0]}"}
    return Response(200, body | ({"paging": paging} if paging else {}))


def _cursor(request: Request, name: str) -> int | None:
    text = request.param(name)
    if not text:
        return None
    if not text.isdigit():
        raise invalid(f"Unable to parse value for query parameter: {name}={text}")
    return int(text)


def _memberships(lists: Lists, of_type: str, record_id: str) -> list[dict[str, Any]]:
    key = int(record_id) if record_id.isdigit() else -1
    return [
        {
            "listId": each.id,
            "listVersion": each.version,
            "firstAddedTimestamp": iso(each.members[key].first_added),
            "lastAddedTimestamp": iso(each.members[key].last_added),
            "isPublicList": True,
        }
        for each in lists.live()
        if each.object_type == of_type and key in each.members
    ]


def _type(name: str) -> str:
    found = object_type(name)
    if found is None:
        raise invalid(f"Unable to infer object type from: {name}")
    return found


def _writable(portal: Portal, list_id: str) -> ObjectList:
    found = live(portal, list_id)
    if found.kind == "DYNAMIC":
        raise invalid(f"List {list_id} is DYNAMIC: its members follow its filters", "ILS.INVALID_PROCESSING_TYPE")
    return found
