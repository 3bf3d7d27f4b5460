"""Requests in, responses out: the route table, errors in HubSpot's shape, JSON. Nothing here touches a socket.

`@route` registers a handler under any number of path patterns; `dispatch` checks token, scopes and limits, takes the
portal's lock and calls it. A handler gets the request and the values of the pattern's {names}, decoded, in order.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from .portal import Grant, Portal, Sandbox

Handler = Callable[..., "Response"]


class ApiError(Exception):
    """An answer that is an error; rendered as HubSpot's general error body."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        errors: tuple[dict[str, Any], ...] = (),
        context: Mapping[str, list[str]] | None = None,
        sub_category: str | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.category = category
        self.message = message
        self.errors = errors
        self.context = context
        self.sub_category = sub_category
        self.extra = extra or {}
        self.headers = headers or {}

    def body(self, correlation_id: str) -> dict[str, Any]:
        """Give the error body; absent parts are left out."""
        body: dict[str, Any] = {"status": "error", "message": self.message, "correlationId": correlation_id}
        if self.category:
            body["category"] = self.category
        if self.sub_category:
            body["subCategory"] = self.sub_category
        if self.errors:
            body["errors"] = list(self.errors)
        if self.context:
            body["context"] = dict(self.context)
        return body | dict(self.extra)


@dataclass(slots=True)
class Request:
    """One request. `grant` is None on routes without auth, whose portal is ?portal=ID or the first one."""

    method: str
    path: str
    params: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    portal: Portal
    correlation_id: str
    sandbox: Sandbox
    grant: Grant | None = None
    source: str = "INTEGRATION"
    user_id: str | None = None
    base_url: str = ""
    parsed: Any = None
    asked_scopes: list[str] = field(default_factory=list)

    def json(self) -> Any:
        """Give the parsed body.

        Raises:
            ApiError: 400, the body is no JSON.
        """
        try:
            if self.parsed is None:
                self.parsed = json.loads(self.body)
            return self.parsed
        except ValueError as error:
            raise ApiError(400, "VALIDATION_ERROR", f"Invalid input JSON: {error}") from error

    def json_object(self) -> dict[str, Any]:
        """Give the parsed body, which must be an object (ApiError 400 otherwise)."""
        body = self.json()
        if not isinstance(body, dict):
            raise ApiError(400, "VALIDATION_ERROR", "Invalid input JSON: expected an object")
        return body

    def param(self, name: str, default: str | None = None) -> str | None:
        """Give the first value of a query parameter."""
        values = self.params.get(name)
        return values[0] if values else default

    def names(self, name: str) -> list[str]:
        """Give a list parameter: repeated, or separated by commas."""
        return [part for value in self.params.get(name, ()) for part in value.split(",") if part]

    def flag(self, name: str) -> bool:
        """Say whether a query parameter is true."""
        return (self.param(name) or "").lower() == "true"

    def number(self, name: str, default: int, maximum: int) -> int:
        """Give a whole positive number from the query.

        Raises:
            ApiError: 400, not a number, below 1 or above the maximum.
        """
        text = self.param(name)
        if not text:
            return default
        if not text.isdigit() or not 1 <= int(text) <= maximum:
            raise ApiError(400, "VALIDATION_ERROR", f"{name} must be between 1 and {maximum}, but was {text}")
        return int(text)


@dataclass(slots=True)
class Response:
    """One answer; body None = empty, bytes or str are sent as they are, all else as JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """One path pattern of one handler."""

    method: str
    pattern: str
    segments: tuple[str, ...]
    handler: Handler
    scopes: tuple[str, ...]
    limit: str
    auth: bool

    def match(self, segments: list[str]) -> list[str] | None:
        """Give the values of the pattern's names, None if the path is another."""
        values = []
        for mine, theirs in zip(self.segments, segments, strict=True):
            if mine[:1] == "{":
                values.append(unquote(theirs))
            elif mine != theirs:
                return None
        return values

    def template(self, segments: list[str]) -> str:
        """Give the path as counters name it: ids hidden, object types ({object_type}, {…_type}) shown."""
        shown = (
            unquote(theirs) if mine[:1] == "{" and mine.endswith("type}") else mine
            for mine, theirs in zip(self.segments, segments, strict=True)
        )
        return "/" + "/".join(shown)


ROUTES: dict[tuple[str, int], list[Route]] = {}


def route(
    method: str, *patterns: str, scopes: tuple[str, ...] = (), limit: str = "ten_secondly", auth: bool = True
) -> Callable[[Handler], Handler]:
    """Register a handler under path patterns such as "/crm/v3/owners/{id}".

    Args:
        scopes: all are needed; "a|b" means either.
        limit: "ten_secondly", "search" or "none": which limit the call counts against.
        auth: False lets the call in without a token.
    """

    def register(handler: Handler) -> Handler:
        for pattern in patterns:
            segments = tuple(pattern.strip("/").split("/"))
            found = ROUTES.setdefault((method, len(segments)), [])
            found.append(Route(method, pattern, segments, handler, scopes, limit, auth))
            found.sort(key=lambda each: [segment[:1] == "{" for segment in each.segments])
        return handler

    return register


def find_route(method: str, path: str) -> tuple[Route, list[str], list[str]] | None:
    """Find the route of a path; give it with the pattern's values and the path's segments."""
    segments = path.strip("/").split("/")
    for candidate in ROUTES.get((method, len(segments)), ()):
        values = candidate.match(segments)
        if values is not None:
            return candidate, values, segments
    return None


def allowed_methods(path: str) -> list[str]:
    """Give the methods that a path knows."""
    return sorted({method for method, _ in ROUTES if find_route(method, path)})


def require(request: Request, *scopes: str) -> None:
    """Refuse a token that lacks a scope; "a|b" means either.

    Raises:
        ApiError: 403 MISSING_SCOPES with the scopes in the context.
    """
    request.asked_scopes += scopes
    held = request.grant.scopes if request.grant else None
    if held is None:
        return
    missing = [scope for scope in scopes if not any(each in held for each in scope.split("|"))]
    if missing:
        names = [each for scope in missing for each in scope.split("|")]
        message = (
            "This app hasn't been granted all required scopes to make this call. "
            "Read more about required scopes here: https://developers.hubspot.com/scopes."
        )
        detail = {
            "message": "One or more of the following scopes are required.",
            "context": {"requiredGranularScopes": names},
        }
        raise ApiError(403, "MISSING_SCOPES", message, (detail,), {"requiredGranularScopes": names})


def new_correlation_id() -> str:
    """Give a fresh correlation id."""
    return str(uuid.uuid4())


def encode(body: Any) -> bytes:
    """Give a body's bytes."""
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body, separators=(",", ":")).encode()


def dispatch(request: Request) -> Response:
    """Call the handler of a request that was let in (gate.py), under its portal's lock; errors become answers."""
    found = find_route(request.method, request.path)
    try:
        if found is None:
            raise _no_route(request)
        chosen, values, _ = found
        require(request, *chosen.scopes)
        with request.portal.lock:
            return chosen.handler(request, *values)
    except ApiError as error:
        return Response(error.status, error.body(request.correlation_id), dict(error.headers))


def _no_route(request: Request) -> ApiError:
    methods = allowed_methods(request.path)
    if methods:
        return ApiError(405, "", f"HTTP 405 Method Not Allowed; allowed: {', '.join(methods)}")
    return ApiError(404, "", f"resource not found: {request.method} {request.path}")
