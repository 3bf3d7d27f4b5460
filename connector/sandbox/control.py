"""The control API under /_sandbox: portals, clock, switches, faults, counters, journal, acts.

No auth, no limits, no counting. PUT /_sandbox/webhooks is webhooks.py's.
The table of switches is in switches.py, that of faults in faults.py, the acts are in acts.py.
"""

from __future__ import annotations

import gc
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from . import acts, counters, seed
from .app import ApiError, Request, Response, route
from .clock import parse_instant
from .portal import Portal, Sandbox

_PORTAL_KEYS = {
    "token", "portalId", "contacts", "seed", "enterprise", "timeZone", "scopes", "switches", "stages", "tokens",
}  # fmt: skip


_LARGE = 20_000  # contacts


def bad(message: str) -> ApiError:
    """Give the 400 of a control call."""
    return ApiError(400, "VALIDATION_ERROR", message)


# -- portals -----------------------------------------------------------------------------------------------------------


@route("GET", "/_sandbox/portals", auth=False, limit="none")
def list_portals(request: Request) -> Response:
    """All portals with their tokens and sizes."""
    return Response(200, {"portals": [_shown(portal) for portal in request.sandbox.portals.values()]})


@route("POST", "/_sandbox/portals", auth=False, limit="none")
def add_portal(request: Request) -> Response:
    """Make a portal, seeded if asked: {token, portalId}."""
    try:
        portal = make_portal(request.sandbox, request.json_object() if request.body else {})
    except ValueError as error:
        raise bad(str(error)) from error
    return Response(201, _shown(portal))


def _shown(portal: Portal) -> dict[str, Any]:
    sizes = {kind: len(store.records) for kind, store in portal.objects.items() if store.records}
    return {"token": portal.token, "portalId": portal.id, "objects": sizes}


def make_portal(sandbox: Sandbox, spec: dict[str, Any]) -> Portal:
    """Make and seed a portal from the keys of POST /_sandbox/portals.

    Raises:
        ValueError: an unknown key or a value that cannot stand; nothing is made.
    """
    if unknown := set(spec) - _PORTAL_KEYS:
        raise ValueError(f"unknown key {sorted(unknown)[0]!r}; known: {', '.join(sorted(_PORTAL_KEYS))}")
    number, count = int(spec.get("seed") or 0), int(spec.get("contacts") or 0)
    scopes = tuple(spec["scopes"]) if spec.get("scopes") is not None else None
    zone = str(spec.get("timeZone") or "UTC")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"timeZone {zone!r} is unknown; give a name such as Europe/Lisbon") from error
    stages = seed.check_stages(spec.get("stages"), count)
    wanted = spec.get("portalId")
    if wanted is None and 24_001_000 + number not in sandbox.portals:
        wanted = 24_001_000 + number
    trial = Portal(0, "", sandbox.clock)
    changes = {"enterprise": bool(spec.get("enterprise"))} | dict(spec.get("switches") or {})
    trial.switches.change(changes)  # a bad switch must not leave a half-made portal
    portal = sandbox.add_portal(int(wanted) if wanted is not None else None, spec.get("token"), scopes)
    portal.time_zone, portal.seed = zone, number
    portal.switches.change({"enterprise": bool(spec.get("enterprise"))})
    for token in spec.get("tokens") or ():
        sandbox.grant(str(token), portal, scopes, oauth=False, expires=None)
    with portal.lock:
        gc.disable()
        try:
            seed.fill(portal, count, number, stages)
        finally:
            gc.enable()
            if count >= _LARGE:
                gc.freeze()  # the collector would walk millions of seeded values again and again
    portal.switches.change(changes)
    return portal


# -- clock and switches ------------------------------------------------------------------------------------------------


@route("GET", "/_sandbox/clock", auth=False, limit="none")
def get_clock(request: Request) -> Response:
    """The present instant and the mode."""
    return Response(200, {"now": request.sandbox.clock.iso(), "mode": request.sandbox.clock.mode})


@route("PUT", "/_sandbox/clock", auth=False, limit="none")
def put_clock(request: Request) -> Response:
    """Freeze at `now`, move by `advance_seconds`, or go back to `mode` real."""
    body, clock = request.json_object(), request.sandbox.clock
    try:
        if body.get("now"):
            clock.freeze(parse_instant(str(body["now"])))
        if "advance_seconds" in body:
            clock.advance(float(body["advance_seconds"]))
    except (ValueError, TypeError, ArithmeticError) as error:
        raise bad(f"clock: give now as ISO 8601 or advance_seconds as a number ({error})") from error
    if body.get("mode") == "real":
        clock.release()
    elif body.get("mode") == "frozen":
        clock.advance(0)
    elif not {"now", "advance_seconds"} & set(body):
        raise bad('clock: give {"now": ISO}, {"advance_seconds": n} or {"mode": "real"}')
    return get_clock(request)


@route("GET", "/_sandbox/switches", auth=False, limit="none")
def get_switches(request: Request) -> Response:
    """The portal's switches."""
    return Response(200, request.portal.switches.as_dict())


@route("PUT", "/_sandbox/switches", auth=False, limit="none")
def put_switches(request: Request) -> Response:
    """Change some switches; gives all."""
    try:
        request.portal.switches.change(request.json_object())
    except ValueError as error:
        raise bad(str(error)) from error
    return get_switches(request)


# -- faults and counters -----------------------------------------------------------------------------------------------


@route("GET", "/_sandbox/faults", auth=False, limit="none")
def get_faults(request: Request) -> Response:
    """The faults in force with their counts."""
    return Response(200, {"faults": request.sandbox.script.listed()})


@route("POST", "/_sandbox/faults", auth=False, limit="none")
def post_faults(request: Request) -> Response:
    """Append faults to the script."""
    body = request.json()
    specs = body if isinstance(body, list) else [body]
    try:
        request.sandbox.script.add(specs)
    except (ValueError, TypeError, AttributeError) as error:
        raise bad(f"faults: {error}") from error
    return Response(201, {"faults": request.sandbox.script.listed()})


@route("DELETE", "/_sandbox/faults", auth=False, limit="none")
def delete_faults(request: Request) -> Response:
    """Forget all faults."""
    request.sandbox.script.clear()
    return Response(204)


def _chosen(request: Request) -> list[Portal]:
    return [request.portal] if request.param("portal") else list(request.sandbox.portals.values())


@route("GET", "/_sandbox/counters", auth=False, limit="none")
def get_counters(request: Request) -> Response:
    """Counts of one portal, or of all together."""
    return Response(200, counters.totals(_chosen(request)))


@route("DELETE", "/_sandbox/counters", auth=False, limit="none")
def delete_counters(request: Request) -> Response:
    """Count from zero again."""
    counters.reset(_chosen(request))
    return Response(204)


# -- journal and acts --------------------------------------------------------------------------------------------------


@route("GET", "/_sandbox/log", auth=False, limit="none")
def get_log(request: Request) -> Response:
    """Journal entries after a sequence number, oldest first; `last` is where to go on."""
    after = request.param("after") or "0"
    if not after.isdigit():
        raise bad(f"log: after is a sequence number, not {after!r}")
    limit, kinds = request.number("limit", 10_000, 1_000_000), set(request.names("kinds"))
    events, last = [], int(after)
    for entry in request.portal.journal[int(after) :]:
        last = entry["seq"]
        if not kinds or entry["kind"] in kinds:
            events.append(entry)
            if len(events) >= limit:
                break
    return Response(200, {"events": events, "last": last})


@route("POST", "/_sandbox/acts", auth=False, limit="none")
def post_acts(request: Request) -> Response:
    """Do a list of acts in order; gives the ids each touched. A bad act stops the list: those before it are done."""
    body = request.json()
    listed = body if isinstance(body, list) else body.get("acts") if isinstance(body, dict) else None
    if not isinstance(listed, list):
        raise bad("acts: send a JSON list of acts")
    done: list[dict[str, Any]] = []
    for number, act in enumerate(listed):
        try:
            if not isinstance(act, dict):
                raise acts.BadActError("an act is an object with a kind")
            done.append(acts.perform(request.portal, act))
        except acts.BadActError as error:
            raise ApiError(400, "VALIDATION_ERROR", f"act {number}: {error}", extra={"done": done}) from error
    return Response(200, {"results": done})
