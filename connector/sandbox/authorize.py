"""The page on which a person lets an OAuth app into a portal, and the way back to the app.

HubSpot's page asks; here two links answer: `Connect app` and `Cancel`, the same address with `decision=connect` or
`decision=cancel`. What is wrong with the app or the address is told on the page: then nobody is sent back. A redirect
URL must be the registered one sign by sign, and https, or http with the host `localhost`. Scopes asked for must be
there in the portal, optional ones that are not are dropped.

Routes: /oauth/authorize, /oauth/{portal}/authorize (only that portal). The tokens are account.py's.
Source: hubspot-facts 1; developers.hubspot.com/changelog/2018-03-05-oauth2-redirect-uri-served-over-http-localhost.
"""

from __future__ import annotations

import secrets
from html import escape
from urllib.parse import urlencode, urlsplit

from .account import DEFAULT_SCOPES, App, Code, app_by
from .app import Request, Response, route
from .portal import Portal

CODE_MS = 60_000
_PAGE = "<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1>{body}</body></html>"


class _NoEntryError(Exception):
    """Said on the page."""


@route("GET", "/oauth/authorize", auth=False, limit="none")
def authorize(request: Request) -> Response:
    """Ask the person, or send the one who answered back to the app."""
    return _authorize(request, None)


@route("GET", "/oauth/{portal}/authorize", auth=False, limit="none")
def authorize_in(request: Request, portal: str) -> Response:
    """The same for one portal."""
    return _authorize(request, portal)


def _authorize(request: Request, wanted: str | None) -> Response:
    try:
        portal, app = _app(request, wanted)
        redirect_uri, scopes = _redirect(request, app), _granted(request, portal)
    except _NoEntryError as error:
        return Response(400, _PAGE.format(title="Authorization failed", body=f"<p>{escape(str(error))}</p>"))
    decision, state = request.param("decision"), request.param("state")
    back = {"state": state} if state is not None else {}
    if decision == "connect":
        code = secrets.token_urlsafe(24)
        challenge = request.param("code_challenge") or ""
        app.codes[code] = Code(redirect_uri, scopes, challenge, portal.clock.ms() + CODE_MS)
        return _sent_back(redirect_uri, {"code": code, **back})
    if decision == "cancel":
        said = "The user did not grant access"
        return _sent_back(redirect_uri, {"error": "access_denied", "error_description": said, **back})
    return Response(200, _question(request, portal, scopes))


def _app(request: Request, wanted: str | None) -> tuple[Portal, App]:
    found = app_by(request.sandbox, "client_id", request.param("client_id") or "")
    if found is None:
        raise _NoEntryError("This app does not exist: the client_id is missing or unknown.")
    if wanted is not None and wanted != str(found[0].id):
        raise _NoEntryError(f"You have no access to account {wanted}, or the app cannot be installed there.")
    return found


def _redirect(request: Request, app: App) -> str:
    uri = request.param("redirect_uri") or ""
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        raise _NoEntryError("The redirect URL is none.") from None
    if not host or (parts.scheme != "https" and (parts.scheme, host) != ("http", "localhost")):
        raise _NoEntryError("The redirect URL must be https; http is for localhost alone.")
    if app.redirects and uri not in app.redirects:
        raise _NoEntryError(f"The redirect URL {uri} does not match the app's registered redirect URL.")
    return uri


def _granted(request: Request, portal: Portal) -> tuple[str, ...]:
    asked = (request.param("scope") or "").split()
    if not asked:
        raise _NoEntryError("No scope is asked for.")
    there = frozenset(portal.scopes if portal.scopes is not None else (*DEFAULT_SCOPES.split(), "sales-email-read"))
    if missing := [scope for scope in asked if scope not in there]:
        raise _NoEntryError(f"This account cannot grant: {', '.join(missing)}.")
    optional = [scope for scope in (request.param("optional_scope") or "").split() if scope in there]
    return tuple(dict.fromkeys((*asked, *optional)))


def _question(request: Request, portal: Portal, scopes: tuple[str, ...]) -> str:
    given = [(name, value) for name, values in request.params.items() for value in values]
    links = ""
    for decision, label in (("connect", "Connect app"), ("cancel", "Cancel")):
        address = f"{request.path}?{urlencode([*given, ('decision', decision)])}"
        links += f'<a href="{escape(address)}">{label}</a> '
    listed = "".join(f"<li>{escape(scope)}</li>" for scope in scopes)
    return _PAGE.format(title=f"Connect to account {portal.id}?", body=f"<ul>{listed}</ul><p>{links}</p>")


def _sent_back(redirect_uri: str, values: dict[str, str]) -> Response:
    join = "&" if "?" in redirect_uri else "?"
    return Response(302, None, {"Location": f"{redirect_uri}{join}{urlencode(values)}"})
