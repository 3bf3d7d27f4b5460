"""The gate before the handlers: who calls, may they, does a fault strike; and the headers on the way out.

`answer` is all that server.py needs. Control routes (`/_sandbox/…`) and routes without auth pass without a token, are
neither counted nor limited nor struck by faults (OAuth is counted and may be struck).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from . import acts, counters, invariants, limits
from .app import ApiError, Request, Response, Route, dispatch, find_route, new_correlation_id
from .faults import Fault
from .portal import Grant, Portal, Sandbox

CONTROL = "/_sandbox"
_HTML = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"


@dataclass(slots=True)
class Answer:
    """What to send; `fault` tells the server what to do to the connection (None = nothing); wait in wall seconds."""

    response: Response | None
    fault: Fault | None = None
    wait_seconds: float = 0.0


def answer(sandbox: Sandbox, method: str, target: str, headers: dict[str, str], body: bytes, base_url: str) -> Answer:
    """Give the answer to one request as it came over the wire."""
    path, _, query = target.partition("?")
    found = find_route(method, path)
    portal, grant, refused = _who(sandbox, found[0] if found else None, path, query, headers)
    request = Request(
        method, path, parse_qs(query, keep_blank_values=True), headers, body, portal, new_correlation_id(), sandbox,
        grant, headers.get("x-sandbox-source", "INTEGRATION"), headers.get("x-sandbox-user"), base_url,
    )  # fmt: skip
    if path.startswith(CONTROL):
        if request.param("portal") and str(portal.id) != request.param("portal"):
            known = ", ".join(str(each) for each in sandbox.portals)
            unknown = ApiError(404, "", f"no portal {request.param('portal')} in this sandbox; portals: {known}")
            return Answer(_finish(request, Response(404, unknown.body(request.correlation_id))))
        return Answer(_finish(request, dispatch(request)))
    return _counted(sandbox, request, found, refused, len(target))


def _counted(
    sandbox: Sandbox,
    request: Request,
    found: tuple[Route, list[str], list[str]] | None,
    refused: ApiError | None,
    length: int,
) -> Answer:
    portal = request.portal
    template = found[0].template(found[2]) if found else request.path
    fault, due = sandbox.script.strike(request.method, request.path, portal.id)
    _act(portal, due, "act_before")
    broken = invariants.check(request)
    response: Response | None
    if broken is not None:
        fault, response = None, Response(broken.status, broken.body(request.correlation_id))
    elif fault is not None and fault.before:
        response = _fault_response(fault, request)
    else:
        response = _admitted(request, found[0] if found else None, refused, length)
        if fault is not None and fault.kind == "status":
            response = _fault_response(fault, request)
        elif fault is not None and fault.kind == "duplicate_page" and fault.previous is not None:
            response = Response(response.status if response else 200, fault.previous) if response else None
        elif response is not None and response.status < 300:
            sandbox.script.remember(request.method, request.path, portal.id, response.body)
    invariants.note(request, response, fault, refused=broken is not None)
    _act(portal, due, "act_after")
    silent = fault is not None and fault.kind.startswith(("timeout", "reset"))
    with portal.lock:
        counters.count(portal, request.method, template, None if silent or response is None else response.status)
    wait = portal.switches.latency_ms / 1000 + (fault.seconds if fault and fault.kind == "slow" else 0)
    return Answer(_finish(request, response) if response else None, fault, wait)


def _act(portal: Portal, due: list[Fault], when: str) -> None:
    """Do what people do just before or just after this very call."""
    for fault in due:
        if fault.kind == when:
            with portal.lock:
                for act in fault.acts:
                    acts.perform(portal, act)


def _admitted(request: Request, route: Route | None, refused: ApiError | None, length: int) -> Response:
    """Let the call through token, URL length and limits, then handle it."""
    portal, grant = request.portal, request.grant
    sent: dict[str, str] = {}
    try:
        if refused is not None:
            raise refused
        if length > portal.switches.url_max:
            raise ApiError(414, "", "Request-URI Too Long")
        limit = route.limit if route else "ten_secondly"
        if grant is not None and (route is None or route.auth):
            with portal.lock:
                try:
                    limits.admit(portal, grant, limit, request.correlation_id)
                finally:
                    sent = limits.headers(portal, grant, limit)
    except ApiError as error:
        return Response(error.status, error.body(request.correlation_id), sent | dict(error.headers))
    response = dispatch(request)
    response.headers = sent | response.headers
    return response


def _who(
    sandbox: Sandbox, route: Route | None, path: str, query: str, headers: dict[str, str]
) -> tuple[Portal, Grant | None, ApiError | None]:
    """Find the portal and the grant of a call; the error is set where the token opens nothing."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    grant = sandbox.grants.get(token.strip()) if scheme.lower() == "bearer" else None
    if grant is not None and grant.expires is not None and grant.expires <= sandbox.clock.ms():
        message = f"The OAuth token used to make this call expired {sandbox.clock.ms() - grant.expires}ms ago."
        expired = ApiError(401, "EXPIRED_AUTHENTICATION", message)
        return grant.portal, None, None if route is not None and not route.auth else expired
    if grant is not None:
        return grant.portal, grant, None
    named = parse_qs(query).get("portal", [""])[0] if route is not None and not route.auth else ""
    portal = sandbox.portals.get(int(named)) if named.isdigit() else sandbox.first()
    if route is not None and not route.auth and (portal is not None or path.startswith(CONTROL)):
        return portal or nobody(sandbox), None, None
    message = (
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
        "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
    )
    return portal or nobody(sandbox), None, ApiError(401, "INVALID_AUTHENTICATION", message)


def nobody(sandbox: Sandbox) -> Portal:
    """Give a portal that holds nothing, for calls that name none and for unknown tokens before any portal exists."""
    return Portal(0, "", sandbox.clock)


def _fault_response(fault: Fault, request: Request) -> Response | None:
    if fault.kind == "html":
        return Response(fault.status or 502, fault.body or _HTML, {"Content-Type": "text/html"} | fault.headers)
    if fault.kind != "status":
        return None
    body: Any = fault.body
    if body is None:
        body = {"status": "error", "message": "scripted fault", "correlationId": request.correlation_id}
    return Response(fault.status or 500, body, dict(fault.headers))


def _finish(request: Request, response: Response) -> Response:
    response.headers.setdefault("Date", request.sandbox.clock.http_date())
    response.headers.setdefault("X-HubSpot-Correlation-Id", request.correlation_id)
    if response.body is not None:
        kind = "text/html" if isinstance(response.body, str) else "application/json;charset=utf-8"
        response.headers.setdefault("Content-Type", kind)
    return response
