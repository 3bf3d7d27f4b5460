"""Subscription types and the status of an e-mail address in each: communication preferences v3, v4 and 2026-03.

`hs_email_optout` is the wide status: an address that opted out of all is UNSUBSCRIBED everywhere. Writing here moves
the contact's properties too, as HubSpot does. Mail events (UNSUBSCRIBE) act on the same property through visits.py.
Source: hubspot-facts 6 (last row).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import schema
from .app import ApiError, Request, Response, route
from .clock import iso
from .portal import Portal
from .store import Record, Source

READ = ("communication_preferences.read|communication_preferences.read_write",)
WRITE = ("communication_preferences.write|communication_preferences.read_write",)
DEFINITIONS = (
    (8001, "Marketing information", "Offers and news about our products", "Marketing"),
    (8002, "Newsletter", "Our monthly letter", "Marketing"),
    (8003, "One to one", "Letters of our sales team", "Sales"),
)
STATUSES = "/communication-preferences/v4/statuses", "/communication-preferences/2026-03/statuses"
STATES = ("SUBSCRIBED", "UNSUBSCRIBED", "NOT_SPECIFIED")
CHANNEL = {"channel": "EMAIL"}


@dataclass(frozen=True, slots=True)
class Status:
    """What one address said to one subscription type; at in epoch ms."""

    state: str
    at: int
    basis: str | None = None
    explanation: str | None = None


Book = dict[tuple[str, int], Status]


def set_status(
    portal: Portal,
    email: str,
    subscription_id: int,
    state: str,
    *,
    basis: str | None = None,
    explanation: str | None = None,
) -> Status:
    """Store the status of an address and keep the contact's list of refused types in step.

    Raises:
        ApiError: 400, an unknown subscription type or state.
    """
    if subscription_id not in {row[0] for row in DEFINITIONS} or state not in STATES:
        raise ApiError(400, "VALIDATION_ERROR", f"No subscription type {subscription_id} takes the status {state}")
    book: Book = portal.state("subscriptions", dict)
    book[email.lower(), subscription_id] = found = Status(state, portal.clock.ms(), basis, explanation)
    record = _contact(portal, email)
    if record is not None:
        refused = [str(row[0]) for row in DEFINITIONS if _of(portal, email, row[0]).state == "UNSUBSCRIBED"]
        _write(portal, record, {"hs_email_communication_subscriptions_opted_out": ";".join(refused)})
    return found


def unsubscribe_all(portal: Portal, email: str) -> None:
    """Opt an address out of everything."""
    record = _contact(portal, email)
    if record is not None:
        _write(portal, record, {"hs_email_optout": "true"})
    for number, *_ in DEFINITIONS:
        set_status(portal, email, number, "UNSUBSCRIBED")


# -- v4 and 2026-03 ------------------------------------------------------------------------------------------------


@route(
    "GET", "/communication-preferences/v4/definitions", "/communication-preferences/2026-03/definitions", scopes=READ
)
def list_definitions(request: Request) -> Response:
    """All subscription types."""
    return Response(200, _action(request, [_definition(row) for row in DEFINITIONS]))


@route("GET", *(path + "/{email}" for path in STATUSES), scopes=READ)
def read_statuses(request: Request, email: str) -> Response:
    """The status of an address in each type (?subscriptionId= for one)."""
    _check_channel(request)
    wanted = request.param("subscriptionId")
    rows = [row for row in DEFINITIONS if not wanted or str(row[0]) == wanted]
    return Response(200, _action(request, [_show(request.portal, email, row[0], row[1]) for row in rows]))


@route("POST", *(path + "/{email}" for path in STATUSES), scopes=WRITE)
def write_status(request: Request, email: str) -> Response:
    """Set the status of an address in one type."""
    body = request.json_object()
    number, state = body.get("subscriptionId"), str(body.get("statusState"))
    if not isinstance(number, int) or body.get("channel") != "EMAIL":
        raise ApiError(400, "VALIDATION_ERROR", "subscriptionId (a number) and channel EMAIL must be given")
    before = _of(request.portal, email, number).state
    basis, why = body.get("legalBasis"), body.get("legalBasisExplanation")
    set_status(request.portal, email, number, state, basis=basis, explanation=why)
    name = next(row[1] for row in DEFINITIONS if row[0] == number)
    reason = "NO_STATUS_CHANGE" if before == state else "REQUESTED_CHANGE_OCCURRED"
    shown = _show(request.portal, email, number, name) | {"setStatusSuccessReason": reason}
    return Response(200, _action(request, [shown]))


@route("GET", *(path + "/{email}/unsubscribe-all" for path in STATUSES), scopes=READ)
def read_wide_status(request: Request, email: str) -> Response:
    """Whether an address opted out of everything."""
    _check_channel(request)
    return Response(200, _action(request, [_wide(request.portal, email)]))


@route("POST", *(path + "/{email}/unsubscribe-all" for path in STATUSES), scopes=WRITE)
def write_wide_status(request: Request, email: str) -> Response:
    """Opt an address out of everything."""
    _check_channel(request)
    unsubscribe_all(request.portal, email)
    rows = [_show(request.portal, email, row[0], row[1]) for row in DEFINITIONS]
    return Response(200, _action(request, rows if request.flag("verbose") else []))


@route("POST", *(path + "/batch/read" for path in STATUSES), scopes=("communication_preferences.statuses.batch.read",))
def read_many(request: Request) -> Response:
    """The statuses of up to 100 addresses (Enterprise)."""
    rows = [
        {
            "subscriberIdString": email,
            "statuses": [_show(request.portal, email, row[0], row[1]) for row in DEFINITIONS],
        }
        for email in _addresses(request)
    ]
    return Response(200, _action(request, rows))


@route(
    "POST",
    *(path + "/batch/unsubscribe-all/read" for path in STATUSES),
    scopes=("communication_preferences.statuses.batch.read",),
)
def read_many_wide(request: Request) -> Response:
    """The wide statuses of up to 100 addresses (Enterprise)."""
    rows = [
        {"subscriberIdString": email, "wideStatuses": [_wide(request.portal, email)]} for email in _addresses(request)
    ]
    return Response(200, _action(request, rows))


# -- v3 ------------------------------------------------------------------------------------------------------------


@route("GET", "/communication-preferences/v3/definitions", scopes=READ)
def list_definitions_v3(_request: Request) -> Response:
    """All subscription types, in the older wrapping."""
    return Response(200, {"subscriptionDefinitions": [_definition(row) for row in DEFINITIONS]})


@route("GET", "/communication-preferences/v3/status/email/{email}", scopes=READ)
def read_statuses_v3(request: Request, email: str) -> Response:
    """The status of an address in each type, in the older shape."""
    rows = [_show_v3(request.portal, email, row) for row in DEFINITIONS]
    return Response(200, {"recipient": email, "subscriptionStatuses": rows})


@route("POST", "/communication-preferences/v3/subscribe", scopes=WRITE)
def subscribe_v3(request: Request) -> Response:
    """Subscribe `{emailAddress, subscriptionId}`."""
    return _write_v3(request, "SUBSCRIBED")


@route("POST", "/communication-preferences/v3/unsubscribe", scopes=WRITE)
def unsubscribe_v3(request: Request) -> Response:
    """Unsubscribe `{emailAddress, subscriptionId}`."""
    return _write_v3(request, "UNSUBSCRIBED")


# -- inside --------------------------------------------------------------------------------------------------------


def _write_v3(request: Request, state: str) -> Response:
    body = request.json_object()
    email, number = str(body.get("emailAddress") or ""), str(body.get("subscriptionId") or "")
    row = next((row for row in DEFINITIONS if str(row[0]) == number), None)
    if row is None or "@" not in email:
        raise ApiError(400, "VALIDATION_ERROR", "emailAddress and an existing subscriptionId must be given")
    basis, why = body.get("legalBasis"), body.get("legalBasisExplanation")
    set_status(request.portal, email, row[0], state, basis=basis, explanation=why)
    return Response(200, _show_v3(request.portal, email, row))


def _of(portal: Portal, email: str, subscription_id: int) -> Status:
    book: Book = portal.state("subscriptions", dict)
    if _opted_out(portal, email):
        return Status("UNSUBSCRIBED", portal.clock.ms())
    return book.get((email.lower(), subscription_id)) or Status("NOT_SPECIFIED", portal.clock.ms())


def _show(portal: Portal, email: str, number: int, name: str) -> dict[str, Any]:
    status = _of(portal, email, number)
    body: dict[str, Any] = CHANNEL | {
        "subscriberIdString": email,
        "subscriptionId": number,
        "subscriptionName": name,
        "status": status.state,
        "source": "API" if status.state != "NOT_SPECIFIED" else "NONE",
        "timestamp": iso(status.at),
    }
    if status.basis:
        body["legalBasis"] = status.basis
    return body | ({"legalBasisExplanation": status.explanation} if status.explanation else {})


def _show_v3(portal: Portal, email: str, row: tuple[int, str, str, str]) -> dict[str, Any]:
    status = _of(portal, email, row[0])
    wide = _opted_out(portal, email)
    return {
        "id": str(row[0]),
        "name": row[1],
        "description": row[2],
        "status": "NOT_SUBSCRIBED" if status.state == "UNSUBSCRIBED" else "SUBSCRIBED",
        "sourceOfStatus": "PORTAL_WIDE_STATUS" if wide else "SUBSCRIPTION_STATUS",
        "legalBasis": status.basis,
        "legalBasisExplanation": status.explanation,
    }


def _wide(portal: Portal, email: str) -> dict[str, Any]:
    return CHANNEL | {
        "subscriberIdString": email,
        "wideStatusType": "PORTAL_WIDE",
        "status": "UNSUBSCRIBED" if _opted_out(portal, email) else "SUBSCRIBED",
        "timestamp": portal.clock.iso(),
    }


def _definition(row: tuple[int, str, str, str]) -> dict[str, Any]:
    return {
        "id": str(row[0]),
        "name": row[1],
        "description": row[2],
        "purpose": row[3],
        "communicationMethod": "Email",
        "isActive": True,
        "isDefault": False,
        "isInternal": False,
        "createdAt": schema.MADE_AT,
        "updatedAt": schema.MADE_AT,
    }


def _action(request: Request, results: list[dict[str, Any]]) -> dict[str, Any]:
    now = request.portal.clock.iso()
    return {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}


def _addresses(request: Request) -> list[str]:
    _check_channel(request)
    rows = request.json_object().get("inputs")
    if not isinstance(rows, list) or not 1 <= len(rows) <= 100:
        raise ApiError(400, "VALIDATION_ERROR", "inputs must be a list of 1 to 100 addresses")
    return [str(each) for each in rows]


def _check_channel(request: Request) -> None:
    if request.param("channel") != "EMAIL":
        raise ApiError(400, "VALIDATION_ERROR", "channel must be EMAIL")


def _contact(portal: Portal, email: str) -> Record | None:
    return portal.objects["contacts"].find("email", email)


def _opted_out(portal: Portal, email: str) -> bool:
    record = _contact(portal, email)
    return record is not None and record.value("hs_email_optout") == "true"


def _write(portal: Portal, record: Record, values: dict[str, str]) -> None:
    portal.objects["contacts"].update(record, values, Source("EMAIL", "SUBSCRIPTIONS"))
