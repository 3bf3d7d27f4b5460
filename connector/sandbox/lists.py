"""HTTP side of lists ("segments"): create, find, rename, delete, restore. Who is in them is memberships.py.

Routes: /crm/v3/lists and /crm/lists/2026-03. Filters of DYNAMIC lists are stored and not evaluated: their members are
set by the sandbox's own route in memberships.py, as the portal's workflows and filters would. Source: hubspot-facts 6.
"""

from __future__ import annotations

from typing import Any

from .app import ApiError, Request, Response, route
from .clock import iso
from .list_store import ObjectList, add, create, lists_of, remove
from .portal import TYPE_NUMBERS, Portal, object_type

__all__ = ["add", "create", "find", "lists_of", "members", "remove"]

V3 = "/crm/v3/lists"
DATED = "/crm/lists/2026-03"
READ = ("crm.lists.read",)
WRITE = ("crm.lists.read", "crm.lists.write")
KINDS = ("MANUAL", "DYNAMIC", "SNAPSHOT")
RESTORABLE_MS = 90 * 86_400_000


def find(portal: Portal, name: str, kind: str = "contacts") -> ObjectList | None:
    """Give the live list of this name, None without one."""
    return lists_of(portal).named(name, kind)


def members(portal: Portal, list_id: str) -> list[str]:
    """Give the record ids in a list, by id; an unknown list has none."""
    found = lists_of(portal).by_id.get(list_id)
    return [str(key) for key in found.by_id] if found is not None else []


# -- the lists themselves ------------------------------------------------------------------------------------------


@route("POST", V3, DATED, scopes=WRITE)
def create_list(request: Request) -> Response:
    """Make a list; its name must be free."""
    body = request.json_object()
    name, kind = str(body.get("name") or ""), str(body.get("processingType") or "")
    of_type = object_type(str(body.get("objectTypeId") or ""))
    if not name or kind not in KINDS or of_type is None:
        raise invalid("A list needs a name, an objectTypeId and a processingType of MANUAL, DYNAMIC or SNAPSHOT")
    if kind != "MANUAL" and not body.get("filterBranch"):
        raise invalid(f"A list of processing type {kind} needs a filterBranch", "ILS.MISSING_FILTER_BRANCH")
    _refuse_taken(request.portal, name)
    custom = {str(key): str(value) for key, value in (body.get("customProperties") or {}).items()}
    made = create(request.portal, name, of_type, kind, filter_branch=body.get("filterBranch"), custom=custom)
    return Response(200, {"list": show(made, with_filters=True)})


@route("GET", V3, DATED, scopes=READ)
def read_lists(request: Request) -> Response:
    """Lists by ?listIds=…; without ids, all of them."""
    ids, all_lists = request.names("listIds"), lists_of(request.portal).live()
    chosen = [each for each in all_lists if not ids or each.id in ids]
    return Response(200, {"lists": [show(each, with_filters=request.flag("includeFilters")) for each in chosen]})


@route("GET", V3 + "/{list}", DATED + "/{list}", scopes=READ)
def read_list(request: Request, list_id: str) -> Response:
    """One list by id."""
    found = live(request.portal, list_id)
    return Response(200, {"list": show(found, with_filters=request.flag("includeFilters"))})


@route(
    "GET",
    V3 + "/object-type-id/{object_type}/name/{name}",
    DATED + "/object-type-id/{object_type}/name/{name}",
    scopes=READ,
)
def read_list_by_name(request: Request, type_name: str, name: str) -> Response:
    """One list by its exact name."""
    found = lists_of(request.portal).named(name, object_type(type_name) or "")
    if found is None:
        raise ApiError(404, "OBJECT_NOT_FOUND", f"List does not exist with name {name} and object type ID {type_name}.")
    return Response(200, {"list": show(found, with_filters=request.flag("includeFilters"))})


@route("POST", V3 + "/search", DATED + "/search", scopes=READ)
def search_lists(request: Request) -> Response:
    """Lists whose name contains `query`, by page; `offset` in the answer is where the next page starts."""
    body = request.json_object()
    count, offset = body.get("count", 20), body.get("offset", 0)
    if not isinstance(count, int) or not 1 <= count <= 500 or not isinstance(offset, int) or offset < 0:
        raise invalid("count must be from 1 to 500 and offset at least 0")
    query, kinds, ids = str(body.get("query") or "").lower(), body.get("processingTypes"), body.get("listIds")
    wanted_type = object_type(str(body.get("objectTypeId") or ""))
    chosen = [
        each
        for each in lists_of(request.portal).live()
        if query in each.name.lower()
        and (not kinds or each.kind in kinds)
        and (not ids or each.id in {str(one) for one in ids})
        and (wanted_type is None or each.object_type == wanted_type)
    ]
    page = chosen[offset : offset + count]
    reached = offset + len(page)
    rows = [_search_row(each) for each in page]
    return Response(200, {"total": len(chosen), "offset": reached, "hasMore": reached < len(chosen), "lists": rows})


@route("PUT", V3 + "/{list}/update-list-name", DATED + "/{list}/update-list-name", scopes=WRITE)
def rename_list(request: Request, list_id: str) -> Response:
    """Give a list the name of ?listName=."""
    found, name = live(request.portal, list_id), request.param("listName") or ""
    if not name:
        raise invalid("listName must be given")
    if name != found.name:
        _refuse_taken(request.portal, name)
    found.name, found.updated, found.version = name, request.portal.clock.ms(), found.version + 1
    return Response(200, {"updatedList": show(found, with_filters=request.flag("includeFilters"))})


@route("PUT", V3 + "/{list}/update-list-filters", DATED + "/{list}/update-list-filters", scopes=WRITE)
def change_filters(request: Request, list_id: str) -> Response:
    """Store new filters of a DYNAMIC list."""
    found, branch = live(request.portal, list_id), request.json_object().get("filterBranch")
    if found.kind != "DYNAMIC" or not isinstance(branch, dict):
        raise invalid("Only DYNAMIC lists take new filters, as filterBranch")
    found.filter_branch, found.version = branch, found.version + 1
    found.updated = found.filters_updated = request.portal.clock.ms()
    return Response(200, {"updatedList": show(found, with_filters=True)})


@route("DELETE", V3 + "/{list}", DATED + "/{list}", scopes=WRITE)
def delete_list(request: Request, list_id: str) -> Response:
    """Delete a list; it can be restored for 90 days: 204."""
    live(request.portal, list_id).deleted = request.portal.clock.ms()
    return Response(204)


@route("PUT", V3 + "/{list}/restore", DATED + "/{list}/restore", scopes=WRITE)
def restore_list(request: Request, list_id: str) -> Response:
    """Bring a deleted list back: 204."""
    found = lists_of(request.portal).by_id.get(list_id)
    if found is None or (found.deleted is not None and request.portal.clock.ms() - found.deleted > RESTORABLE_MS):
        raise _unknown(list_id)
    if found.deleted is not None:
        _refuse_taken(request.portal, found.name)
        found.deleted = None
    return Response(204)


@route("GET", V3 + "/idmapping", DATED + "/idmapping", scopes=READ)
def map_one_id(request: Request) -> Response:
    """The list id that belongs to ?legacyListId=."""
    legacy = request.param("legacyListId") or ""
    for each in lists_of(request.portal).live():
        if each.legacy_id == legacy:
            return Response(200, {"legacyListId": legacy, "listId": each.id})
    raise ApiError(404, "OBJECT_NOT_FOUND", f"No list has the legacy id {legacy}.")


@route("POST", V3 + "/idmapping", DATED + "/idmapping", scopes=READ)
def map_ids(request: Request) -> Response:
    """The list ids that belong to a JSON array of legacy ids."""
    wanted, known = (
        ids_in(request.json(), 10_000),
        {each.legacy_id: each.id for each in lists_of(request.portal).live()},
    )
    pairs = [{"legacyListId": each, "listId": known[each]} for each in wanted if each in known]
    missing = [each for each in wanted if each not in known]
    return Response(200, {"legacyListIdsToIdsMapping": pairs, "missingLegacyListIds": missing})


# -- inside --------------------------------------------------------------------------------------------------------


def show(found: ObjectList, *, with_filters: bool = False) -> dict[str, Any]:
    """Give a list in HubSpot's shape."""
    body = _core(found) | {"size": len(found.members)}
    return body | ({"filterBranch": found.filter_branch} if with_filters and found.filter_branch else {})


def _core(found: ObjectList) -> dict[str, Any]:
    return {
        "listId": found.id,
        "listVersion": found.version,
        "name": found.name,
        "objectTypeId": TYPE_NUMBERS[found.object_type],
        "processingType": found.kind,
        "processingStatus": "COMPLETE",
        "createdAt": iso(found.created),
        "updatedAt": iso(found.updated),
        "filtersUpdatedAt": iso(found.filters_updated),
        "createdById": found.created_by,
        "updatedById": found.created_by,
    }


def _search_row(found: ObjectList) -> dict[str, Any]:
    more = {"hs_list_size": str(len(found.members)), "hs_list_reference_count": "0"} | found.custom
    for name, at in (("added", found.last_added_at), ("removed", found.last_removed_at)):
        if at is not None:
            more[f"hs_last_record_{name}_at"] = str(at)
    return _core(found) | {"additionalProperties": more}


def ids_in(given: Any, most: int) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(each, str | int) for each in given):
        raise invalid("Record ids must be a JSON array of strings")
    if len(given) > most:
        raise invalid(f"At most {most} record ids are allowed in one call, but there were {len(given)}")
    return list(dict.fromkeys(str(each) for each in given))


def live(portal: Portal, list_id: str) -> ObjectList:
    found = lists_of(portal).by_id.get(list_id)
    if found is None or found.deleted is not None:
        raise _unknown(list_id)
    return found


def _refuse_taken(portal: Portal, name: str) -> None:
    if any(each.name == name for each in lists_of(portal).live()):
        raise invalid(f"A list with the name '{name}' already exists.", "ILS.DUPLICATE_LIST_NAMES")


def _unknown(list_id: str) -> ApiError:
    return ApiError(404, "OBJECT_NOT_FOUND", f"List does not exist with ID {list_id}.")


def invalid(message: str, sub_category: str | None = None) -> ApiError:
    return ApiError(400, "VALIDATION_ERROR", message, sub_category=sub_category)
