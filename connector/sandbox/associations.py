"""HTTP side of associations: v4 and 2026-03, one by one and in batches, and their labels.

The store is links.py; what a new link sets in motion is effects.py. Setting "Primary" brings the unlabelled type with
it and takes the label from the former primary; the first company of a contact or deal becomes its primary one.
Routes: /crm/v4/objects/…/associations, /crm/v4/associations, /crm/objects/2026-03/…, /crm/associations/2026-03.
Source: hubspot-facts 7; a batch read tells records without associations as errors in a 207.
"""

from __future__ import annotations

from typing import Any

from .app import ApiError, Request, Response, require, route
from .links import HUBSPOT, LinkType, default_type, primary_type
from .portal import ENGAGEMENTS, SINGULAR, TYPE_NUMBERS, Portal, object_type
from .records import source_of

ONE = "/crm/v4/objects/{from_type}/{id}/associations"
ONE_DATED = "/crm/objects/2026-03/{from_type}/{id}/associations"
MANY = "/crm/v4/associations/{from_type}/{to_type}"
MANY_DATED = "/crm/associations/2026-03/{from_type}/{to_type}"
PAGE_MAX = 500
READ_MAX = 1000
CREATE_MAX = 2000
FIRST_LABEL_ID = 1001
CATEGORIES = ("HUBSPOT_DEFINED", "USER_DEFINED", "INTEGRATOR_DEFINED", "WORK")
Labels = dict[tuple[str, str], list[LinkType]]


# -- one pair ------------------------------------------------------------------------------------------------------


@route("PUT", ONE + "/default/{to_type}/{to_id}", ONE_DATED + "/default/{to_type}/{to_id}")
def associate_default(request: Request, from_type: str, from_id: str, to_type: str, to_id: str) -> Response:
    """Associate two records without a label."""
    types = _pair(request, from_type, to_type, write=True)
    link = _default(types)
    _associate(request, types, from_id, to_id, [link])
    return Response(200, _batch(request, _default_rows(types, from_id, to_id, link)))


@route("PUT", ONE + "/{to_type}/{to_id}", ONE_DATED + "/{to_type}/{to_id}")
def associate(request: Request, from_type: str, from_id: str, to_type: str, to_id: str) -> Response:
    """Associate two records with the labels of the body, `[{associationCategory, associationTypeId}]`: 201."""
    types = _pair(request, from_type, to_type, write=True)
    links = _wanted(request.portal, types, request.json())
    _associate(request, types, from_id, to_id, links)
    return Response(201, _labelled(types, from_id, to_id, links))


@route("DELETE", ONE + "/{to_type}/{to_id}", ONE_DATED + "/{to_type}/{to_id}")
def dissociate(request: Request, from_type: str, from_id: str, to_type: str, to_id: str) -> Response:
    """Drop all associations of two records: 204, also when there were none."""
    types = _pair(request, from_type, to_type, write=True)
    request.portal.unlink(types[0], from_id, types[1], to_id, None, source_of(request))
    return Response(204)


@route("GET", ONE + "/{to_type}", ONE_DATED + "/{to_type}")
def read(request: Request, from_type: str, from_id: str, to_type: str) -> Response:
    """A page of what one record is associated with."""
    types = _pair(request, from_type, to_type)
    if request.portal.objects[types[0]].get(from_id) is None:
        raise ApiError(404, "OBJECT_NOT_FOUND", f"Object not found. objectId are usually numeric: {from_id}")
    limit, after = request.number("limit", PAGE_MAX, PAGE_MAX), request.param("after") or ""
    rows, paging = _page(request, types, from_id, after, limit)
    return Response(200, {"results": rows} | paging)


# -- batches -------------------------------------------------------------------------------------------------------


@route("POST", MANY + "/batch/read", MANY_DATED + "/batch/read")
def read_batch(request: Request, from_type: str, to_type: str) -> Response:
    """What each of up to 1,000 records is associated with; those with nothing are errors of a 207."""
    types = _pair(request, from_type, to_type)
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for row in _inputs(request, READ_MAX):
        record_id = str(row.get("id"))
        rows, paging = _page(request, types, record_id, str(row.get("after") or ""), PAGE_MAX)
        if rows:
            results.append({"from": {"id": record_id}, "to": rows} | paging)
        else:
            errors.append(_nothing(types, record_id))
    body = _batch(request, results)
    return Response(207, body | {"numErrors": len(errors), "errors": errors}) if errors else Response(200, body)


@route("POST", MANY + "/batch/create", MANY_DATED + "/batch/create")
def create_batch(request: Request, from_type: str, to_type: str) -> Response:
    """Associate up to 2,000 pairs with labels: 201."""
    types, results = _pair(request, from_type, to_type, write=True), []
    for row in _inputs(request, CREATE_MAX):
        from_id, to_id = _end(row, "from"), _end(row, "to")
        links = _wanted(request.portal, types, row.get("types"))
        _associate(request, types, from_id, to_id, links)
        results.append(_labelled(types, from_id, to_id, links))
    return Response(201, _batch(request, results))


@route("POST", MANY + "/batch/associate/default", MANY_DATED + "/batch/associate/default")
def create_default_batch(request: Request, from_type: str, to_type: str) -> Response:
    """Associate up to 2,000 pairs without a label."""
    types, results = _pair(request, from_type, to_type, write=True), []
    link = _default(types)
    for row in _inputs(request, CREATE_MAX):
        from_id, to_id = _end(row, "from"), _end(row, "to")
        _associate(request, types, from_id, to_id, [link])
        results += _default_rows(types, from_id, to_id, link)
    return Response(200, _batch(request, results))


@route("POST", MANY + "/batch/archive", MANY_DATED + "/batch/archive")
def archive_batch(request: Request, from_type: str, to_type: str) -> Response:
    """Drop all associations of the pairs `{from, to[]}`: 204."""
    types = _pair(request, from_type, to_type, write=True)
    for row in _inputs(request, CREATE_MAX):
        for each in row.get("to") or []:
            to_id = str(each.get("id"))
            request.portal.unlink(types[0], _end(row, "from"), types[1], to_id, None, source_of(request))
    return Response(204)


@route("POST", MANY + "/batch/labels/archive", MANY_DATED + "/batch/labels/archive")
def archive_labels(request: Request, from_type: str, to_type: str) -> Response:
    """Drop the given labels of the pairs `{from, to, types}`: 204."""
    types = _pair(request, from_type, to_type, write=True)
    for row in _inputs(request, CREATE_MAX):
        links = set(_wanted(request.portal, types, row.get("types")))
        request.portal.unlink(types[0], _end(row, "from"), types[1], _end(row, "to"), links, source_of(request))
    return Response(204)


# -- labels --------------------------------------------------------------------------------------------------------


@route("GET", MANY + "/labels", MANY_DATED + "/labels")
def read_labels(request: Request, from_type: str, to_type: str) -> Response:
    """The types that two object types can be associated with."""
    types = _pair(request, from_type, to_type)
    return Response(200, {"results": [_show(link) for link in _known(request.portal, types)]})


@route("POST", MANY + "/labels", MANY_DATED + "/labels")
def create_label(request: Request, from_type: str, to_type: str) -> Response:
    """Make a label of the portal's own from `{label, name}`; it reads the same from both ends."""
    types, body = _pair(request, from_type, to_type, write=True), request.json_object()
    label = str(body.get("label") or "")
    if not label or any(link.label == label for link in _known(request.portal, types)):
        raise ApiError(400, "VALIDATION_ERROR", "label must be given and not be taken for this pair of object types")
    made = LinkType("USER_DEFINED", request.portal.count_up("association label", FIRST_LABEL_ID), label)
    own: Labels = request.portal.state("association labels", dict)
    for pair in (types, types[::-1]):
        own.setdefault(pair, []).append(made)
    return Response(200, {"results": [_show(made)]})


# -- inside --------------------------------------------------------------------------------------------------------


def _pair(request: Request, from_type: str, to_type: str, *, write: bool = False) -> tuple[str, str]:
    found = object_type(from_type), object_type(to_type)
    for given, kind in zip((from_type, to_type), found, strict=True):
        if kind is None:
            raise ApiError(400, "VALIDATION_ERROR", f"Unable to infer object type from: {given}")
        family = "contacts" if kind in ENGAGEMENTS else kind
        require(request, f"crm.objects.{family}.write" if write else f"crm.objects.{family}.read")
    assert found[0] is not None
    assert found[1] is not None
    return found[0], found[1]


def _default(types: tuple[str, str]) -> LinkType:
    link = default_type(*types)
    if link is None:
        raise ApiError(400, "VALIDATION_ERROR", f"{types[0]} and {types[1]} cannot be associated")
    return link


def _known(portal: Portal, types: tuple[str, str]) -> list[LinkType]:
    own: Labels = portal.state("association labels", dict)
    standard = [link for link in (primary_type(*types), default_type(*types)) if link is not None]
    return standard + own.get(types, [])


def _wanted(portal: Portal, types: tuple[str, str], given: Any) -> list[LinkType]:
    if not isinstance(given, list) or not given:
        raise ApiError(400, "VALIDATION_ERROR", "association types must be a list of at least one entry")
    known = {(link.category, link.type_id): link for link in _known(portal, types)}
    links = []
    for row in given:
        category, number = row.get("associationCategory", HUBSPOT), row.get("associationTypeId")
        if category not in CATEGORIES or (category, number) not in known:
            message = f"{number} is not a valid association type between {types[0]} and {types[1]}"
            raise ApiError(
                400, "VALIDATION_ERROR", message, ({"message": message, "code": "INVALID_ASSOCIATION_TYPE"},)
            )
        links.append(known[category, number])
    return links


def _associate(request: Request, types: tuple[str, str], from_id: str, to_id: str, links: list[LinkType]) -> None:
    portal, source = request.portal, source_of(request)
    for kind, record_id in zip(types, (from_id, to_id), strict=True):
        if portal.objects[kind].get(record_id) is None:
            detail = {"message": f"{SINGULAR[kind].upper()}={record_id} is not valid", "code": "INVALID_OBJECT_IDS"}
            raise ApiError(400, "VALIDATION_ERROR", "One or more associations are invalid", (detail,))
    for link in links:
        if link.label == "Primary":
            _dethrone(request, types, from_id)
            portal.link(types[0], from_id, types[1], to_id, _default(types), source)
        portal.link(types[0], from_id, types[1], to_id, link, source)
    first = primary_type(*types)
    if types[1] == "companies" and first is not None and len(portal.links.of(types[0], from_id, types[1])) == 1:
        portal.link(types[0], from_id, types[1], to_id, first, source)


def _dethrone(request: Request, types: tuple[str, str], from_id: str) -> None:
    for other, present in list(request.portal.links.of(types[0], from_id, types[1]).items()):
        primary = {link for link in present if link.label == "Primary"}
        if primary:
            request.portal.unlink(types[0], from_id, types[1], other, primary, source_of(request))


def _page(
    request: Request, types: tuple[str, str], from_id: str, after: str, limit: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Give rows and paging; the cursor is the id of the last row."""
    linked = request.portal.links.of(types[0], from_id, types[1])
    ids = sorted(linked, key=int)
    if after:
        ids = [each for each in ids if after.isdigit() and int(each) > int(after)]
    rows = [
        {"toObjectId": each, "associationTypes": [_show(link) for link in sorted(linked[each], key=_order)]}
        for each in ids[:limit]
    ]
    if len(ids) <= limit:
        return rows, {}
    last = ids[limit - 1]
    return rows, {"paging": {"next": {"after": last, "link": f"{request.base_url}{request.path}?after={last}"}}}


def _show(link: LinkType) -> dict[str, Any]:
    return {"category": link.category, "typeId": link.type_id, "label": link.label}


def _order(link: LinkType) -> int:
    return link.type_id


def _labelled(types: tuple[str, str], from_id: str, to_id: str, links: list[LinkType]) -> dict[str, Any]:
    return {
        "fromObjectTypeId": TYPE_NUMBERS[types[0]],
        "fromObjectId": from_id,
        "toObjectTypeId": TYPE_NUMBERS[types[1]],
        "toObjectId": to_id,
        "labels": [link.label for link in links if link.label],
    }


def _default_rows(types: tuple[str, str], from_id: str, to_id: str, link: LinkType) -> list[dict[str, Any]]:
    back = default_type(types[1], types[0]) or link
    ends = ((from_id, to_id, link), (to_id, from_id, back))
    return [
        {
            "from": {"id": start},
            "to": {"id": end},
            "associationSpec": {"associationCategory": each.category, "associationTypeId": each.type_id},
        }
        for start, end, each in ends
    ]


def _nothing(types: tuple[str, str], record_id: str) -> dict[str, Any]:
    here, there = SINGULAR[types[0]], SINGULAR[types[1]]
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {there} is associated with {here} {record_id}.",
        "context": {"fromObjectId": [record_id], "fromObjectType": [here], "toObjectType": [there]},
        "errors": [],
        "links": {},
    }


def _batch(request: Request, results: list[dict[str, Any]]) -> dict[str, Any]:
    now = request.portal.clock.iso()
    return {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}


def _inputs(request: Request, most: int) -> list[dict[str, Any]]:
    rows = request.json_object().get("inputs")
    if not isinstance(rows, list) or not 1 <= len(rows) <= most or not all(isinstance(row, dict) for row in rows):
        raise ApiError(400, "VALIDATION_ERROR", f"inputs must be a list of 1 to {most} objects")
    return rows


def _end(row: dict[str, Any], name: str) -> str:
    end = row.get(name)
    if not isinstance(end, dict) or "id" not in end:
        raise ApiError(400, "VALIDATION_ERROR", f"each input needs {name} with an id")
    return str(end["id"])
