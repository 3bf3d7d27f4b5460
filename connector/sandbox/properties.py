"""HTTP side of property definitions and groups: read, create, change, archive, one by one and in batches.

Routes: /crm/v3/properties/{object type} and /crm/properties/2026-03/{object type}. What a definition may be, and which
exist, is decided in definitions.py; `definition` is offered here too, for those who ask "what is this property".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .app import ApiError, Request, Response, require, route
from .definitions import (
    NAME,
    archive,
    create,
    definition,
    definitions,
    group_of,
    groups,
    invalid,
    live,
    state_of,
    update,
)
from .portal import ENGAGEMENTS, object_type
from .schema import Definition

__all__ = ["definition"]

V3 = "/crm/v3/properties/{object_type}"
DATED = "/crm/properties/2026-03/{object_type}"


# -- HTTP: definitions ---------------------------------------------------------------------------------------------


@route("GET", V3, DATED)
def list_properties(request: Request, type_name: str) -> Response:
    """All definitions, or the archived ones with ?archived=true."""
    kind = _type(request, type_name)
    if request.flag("archived"):
        found = list(state_of(request.portal).archived.get(kind, {}).values())
    else:
        found = definitions(request.portal, kind)
    return Response(200, {"results": found})


@route("POST", V3, DATED)
def create_property(request: Request, type_name: str) -> Response:
    """Make one property: 201."""
    kind = _type(request, type_name, write=True)
    return Response(201, create(request.portal, kind, request.json_object()))


@route("GET", V3 + "/{name}", DATED + "/{name}")
def get_property(request: Request, type_name: str, name: str) -> Response:
    """One definition; ?archived=true looks among the archived ones."""
    kind = _type(request, type_name)
    if request.flag("archived"):
        found = state_of(request.portal).archived.get(kind, {}).get(name)
        return Response(200, found if found is not None else live(request.portal, kind, name))
    return Response(200, live(request.portal, kind, name))


@route("PATCH", V3 + "/{name}", DATED + "/{name}")
def update_property(request: Request, type_name: str, name: str) -> Response:
    """Change one definition."""
    kind = _type(request, type_name, write=True)
    return Response(200, update(request.portal, kind, name, request.json_object()))


@route("DELETE", V3 + "/{name}", DATED + "/{name}")
def delete_property(request: Request, type_name: str, name: str) -> Response:
    """Archive one definition: 204."""
    archive(request.portal, _type(request, type_name, write=True), name)
    return Response(204)


@route("POST", V3 + "/batch/create", DATED + "/batch/create")
def create_batch(request: Request, type_name: str) -> Response:
    """Make up to 100 properties; rows that fail are told in a 207, the others stand."""
    kind = _type(request, type_name, write=True)
    return _batch(request, lambda row: create(request.portal, kind, row), done=201)


@route("POST", V3 + "/batch/read", DATED + "/batch/read")
def read_batch(request: Request, type_name: str) -> Response:
    """Read definitions by name; unknown names make a 207."""
    kind = _type(request, type_name)
    return _batch(request, lambda row: live(request.portal, kind, str(row.get("name"))), done=200)


@route("POST", V3 + "/batch/archive", DATED + "/batch/archive")
def archive_batch(request: Request, type_name: str) -> Response:
    """Archive definitions by name; unknown ones are passed over: 204."""
    kind = _type(request, type_name, write=True)
    for row in _inputs(request):
        name = str(row.get("name"))
        if definition(request.portal, kind, name) is not None:
            archive(request.portal, kind, name)
    return Response(204)


# -- HTTP: groups --------------------------------------------------------------------------------------------------


@route("GET", V3 + "/groups", DATED + "/groups")
def list_groups(request: Request, type_name: str) -> Response:
    """All groups."""
    return Response(200, {"results": list(groups(request.portal, _type(request, type_name)).values())})


@route("POST", V3 + "/groups", DATED + "/groups")
def create_group(request: Request, type_name: str) -> Response:
    """Make a group: 201, or 409 when its name is taken."""
    kind, body = _type(request, type_name, write=True), request.json_object()
    name, label = str(body.get("name") or ""), str(body.get("label") or "")
    if not NAME.fullmatch(name) or not label:
        raise invalid("A property group needs a name of lower-case letters, digits and _, and a label", "INVALID_GROUP")
    if name in groups(request.portal, kind):
        raise ApiError(409, "OBJECT_ALREADY_EXISTS", f"A property group named '{name}' already exists")
    made = {"name": name, "label": label, "displayOrder": body.get("displayOrder", -1), "archived": False}
    state_of(request.portal).groups.setdefault(kind, {})[name] = made
    state_of(request.portal).archived_groups.get(kind, set()).discard(name)
    return Response(201, made)


@route("GET", V3 + "/groups/{group}", DATED + "/groups/{group}")
def get_group(request: Request, type_name: str, name: str) -> Response:
    """One group."""
    return Response(200, group_of(request.portal, _type(request, type_name), name))


@route("PATCH", V3 + "/groups/{group}", DATED + "/groups/{group}")
def update_group(request: Request, type_name: str, name: str) -> Response:
    """Change a group's label or place."""
    kind, body = _type(request, type_name, write=True), request.json_object()
    changed = group_of(request.portal, kind, name) | {
        key: body[key] for key in ("label", "displayOrder") if body.get(key) is not None
    }
    state_of(request.portal).groups.setdefault(kind, {})[name] = changed
    return Response(200, changed)


@route("DELETE", V3 + "/groups/{group}", DATED + "/groups/{group}")
def delete_group(request: Request, type_name: str, name: str) -> Response:
    """Archive an empty group: 204."""
    kind = _type(request, type_name, write=True)
    group_of(request.portal, kind, name)
    if any(each["groupName"] == name for each in definitions(request.portal, kind)):
        raise invalid(f"Property group '{name}' still has properties; move or archive them first", "GROUP_NOT_EMPTY")
    state_of(request.portal).archived_groups.setdefault(kind, set()).add(name)
    return Response(204)


# -- inside --------------------------------------------------------------------------------------------------------


def _type(request: Request, type_name: str, *, write: bool = False) -> str:
    kind = object_type(type_name)
    if kind is None:
        raise ApiError(400, "VALIDATION_ERROR", f"Unable to infer object type from: {type_name}")
    family = "contacts" if kind in ENGAGEMENTS else kind
    granted = f"crm.schemas.{family}.write" if write else f"crm.objects.{family}.read|crm.schemas.{family}.read"
    require(request, granted)
    return kind


def _inputs(request: Request) -> list[dict[str, Any]]:
    rows = request.json_object().get("inputs")
    if not isinstance(rows, list) or not rows or len(rows) > 100:
        raise ApiError(400, "VALIDATION_ERROR", "inputs must be a list of 1 to 100 entries")
    return [row for row in rows if isinstance(row, dict)]


def _batch(request: Request, one: Callable[[dict[str, Any]], Definition], *, done: int) -> Response:
    started, results, errors = request.portal.clock.iso(), [], []
    for row in _inputs(request):
        try:
            results.append(one(row))
        except ApiError as error:
            context = {"name": [str(row.get("name"))]}
            errors.append(
                {
                    "status": "error",
                    "category": error.category,
                    "message": error.message,
                    "context": context,
                    "errors": [],
                    "links": {},
                }
            )
    body = {"status": "COMPLETE", "results": results, "startedAt": started, "completedAt": request.portal.clock.iso()}
    if not errors:
        return Response(done, body)
    return Response(207, body | {"numErrors": len(errors), "errors": errors})
