"""Owners: read-only over HTTP, as HubSpot's are; made by the seed, by `add` or by `POST /_sandbox/owners?portal=ID`.

An owner's id is not the user's id; an archived owner shows no userId, only userIdIncludingInactive.
Routes: /crm/v3/owners, /crm/owners/2026-03, and the sandbox's own:

- `POST /_sandbox/owners?portal=ID` one owner or a list: `{email, firstName?, lastName?, id?, userId?, archived?, type?,
  teams?: [name, …] (the first is the main one)}` → `{"results": [owner, …]}`. An id that exists is changed instead.

Source: hubspot-facts 4. The largest page is not published: switch `owners_page_max`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .app import ApiError, Request, Response, route
from .clock import iso
from .directory import Owner, Team
from .portal import Portal

SCOPES = ("crm.objects.owners.read|automation",)
FIRST_ID = 70_000_001
FIRST_USER_ID = 9_000_001


def add(
    portal: Portal,
    email: str,
    first_name: str = "",
    last_name: str = "",
    *,
    owner_id: str | None = None,
    user_id: int | None = None,
    archived: bool = False,
    kind: str = "PERSON",
    teams: Iterable[str] = (),
) -> Owner:
    """Add an owner, or change the one with this id; the first team is the main one. Ids left out are made up.

    Raises:
        ApiError: 400, an e-mail without "@" or a kind other than PERSON and QUEUE.
    """
    if "@" not in email or kind not in ("PERSON", "QUEUE"):
        raise ApiError(400, "VALIDATION_ERROR", "an owner needs an e-mail address, and type PERSON or QUEUE")
    directory, now = portal.directory, portal.clock.ms()
    owner_id = owner_id or _free_id(portal)
    present = directory.owners.get(owner_id)
    if user_id is None and kind == "PERSON":
        user_id = present.user_id if present else portal.count_up("user", FIRST_USER_ID)
    created = present.created if present else now
    member_of = [(_team(portal, name), index == 0) for index, name in enumerate(teams)]
    owner = Owner(owner_id, user_id, email, first_name, last_name, created, now, archived, kind, member_of)
    directory.owners[owner_id] = owner
    portal.log("owner", id=owner_id, email=email, archived=archived)
    return owner


def find(portal: Portal, owner_id: str) -> dict[str, Any] | None:
    """Give an owner, archived or not, as the API shows it; None when there is none."""
    owner = portal.directory.owners.get(owner_id)
    return show(owner) if owner is not None else None


def show(owner: Owner) -> dict[str, Any]:
    """Give an owner in HubSpot's shape."""
    body: dict[str, Any] = {
        "id": owner.id,
        "email": owner.email,
        "type": owner.kind,
        "firstName": owner.first_name,
        "lastName": owner.last_name,
        "createdAt": iso(owner.created),
        "updatedAt": iso(owner.updated),
        "archived": owner.archived,
    }
    if owner.user_id is not None:
        body["userIdIncludingInactive"] = owner.user_id
        if not owner.archived:
            body["userId"] = owner.user_id
    if owner.teams:
        body["teams"] = [{"id": team.id, "name": team.name, "primary": main} for team, main in owner.teams]
    return body


@route("GET", "/crm/v3/owners", "/crm/owners/2026-03", scopes=SCOPES)
def list_owners(request: Request) -> Response:
    """A page of owners in order of id; ?archived=true gives the archived ones only, ?email= the one address."""
    limit = request.number("limit", 100, request.portal.switches.owners_page_max)
    archived, email = request.flag("archived"), (request.param("email") or "").lower()
    chosen = [
        owner
        for owner in sorted(request.portal.directory.owners.values(), key=_order)
        if owner.archived == archived and (not email or owner.email.lower() == email)
    ]
    start = _position(request.param("after"))
    body: dict[str, Any] = {"results": [show(owner) for owner in chosen[start : start + limit]]}
    if start + limit < len(chosen):
        after = str(start + limit)
        body["paging"] = {"next": {"after": after, "link": f"{request.base_url}{request.path}?after={after}"}}
    return Response(200, body)


@route("GET", "/crm/v3/owners/{id}", "/crm/owners/2026-03/{id}", scopes=SCOPES)
def get_owner(request: Request, number: str) -> Response:
    """One owner by id, or by user id with ?idProperty=userId."""
    by_user, archived = request.param("idProperty") == "userId", request.flag("archived")
    for owner in request.portal.directory.owners.values():
        same = str(owner.user_id) == number if by_user else owner.id == number
        if same and owner.archived == archived:
            return Response(200, show(owner))
    raise ApiError(404, "OBJECT_NOT_FOUND", "resource not found")


@route("POST", "/_sandbox/owners", auth=False, limit="none")
def add_owners(request: Request) -> Response:
    """Make or change owners: see the module docstring."""
    body = request.json()
    rows = body if isinstance(body, list) else [body]
    return Response(200, {"results": [show(add_row(request.portal, row)) for row in rows]})


def add_row(portal: Portal, row: Any) -> Owner:
    """Make one owner from a row of POST /_sandbox/owners, or of the `owners` of a new portal.

    Raises:
        ApiError: 400, no object, an unknown key, no e-mail.
    """
    known = {"email", "firstName", "lastName", "id", "userId", "archived", "type", "teams"}
    if not isinstance(row, dict) or not row.get("email") or set(row) - known:
        raise ApiError(
            400, "VALIDATION_ERROR", f"an owner is an object with email; known keys: {', '.join(sorted(known))}"
        )
    return add(
        portal,
        str(row["email"]),
        str(row.get("firstName") or ""),
        str(row.get("lastName") or ""),
        owner_id=str(row["id"]) if row.get("id") else None,
        user_id=int(row["userId"]) if row.get("userId") else None,
        archived=bool(row.get("archived", False)),
        kind=str(row.get("type") or "PERSON"),
        teams=[str(name) for name in row.get("teams") or ()],
    )


def _free_id(portal: Portal) -> str:
    while (owner_id := str(portal.count_up("owner", FIRST_ID))) in portal.directory.owners:
        pass
    return owner_id


def _team(portal: Portal, name: str) -> Team:
    teams = portal.directory.teams
    found = next((team for team in teams.values() if team.name == name), None)
    if found is None:
        found = Team(str(3_000_000 + len(teams) + 1), name)
        teams[found.id] = found
    return found


def _order(owner: Owner) -> tuple[int, str]:
    return (int(owner.id) if owner.id.isdigit() else 0, owner.id)


def _position(after: str | None) -> int:
    if after and not after.isdigit():
        raise ApiError(400, "VALIDATION_ERROR", f"Unable to parse value for query parameter: after={after}")
    return int(after) if after else 0
