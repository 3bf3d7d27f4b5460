"""OAuth, token introspection, account details and usage.

OAuth knows one app per portal, made on first use (`app_of`): client id `sandbox-client-<portal>`, client secret
`sandbox-secret-<portal>`, refresh token `sandbox-refresh-<portal>`, code `sandbox-code-<portal>`, which works again and
again; those of a person's own login (authorize.py) work once. Access tokens live for 1,800 s of the sandbox clock,
carry the scopes that were granted, else the portal's, and are OAuth grants (their own rate limit, no daily limit).
The static token is introspected at /oauth/v2/private-apps/get/access-token-info.

Routes: /oauth/v1, /oauth/v3, /oauth/2026-03; /account-info/v3, /account-info/2026-03.
Source: hubspot-facts 1, 2 (usage). No refusal is an ApiError here: OAuth errors have a body of their own.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

from . import limits
from .app import ApiError, Request, Response, route
from .clock import iso, to_ms
from .forms import refuse_service_key
from .portal import Grant, Portal, Sandbox

LIFETIME_SECONDS = 1800
TOKEN_PATHS = ("/oauth/v3/token", "/oauth/2026-03/token")
APP_ID_BASE = 40_000
USER_ID = 9_000_000
DEFAULT_SCOPES = (
    "oauth crm.objects.contacts.read crm.objects.contacts.write crm.objects.owners.read crm.lists.read crm.lists.write "
    "crm.objects.deals.read crm.objects.deals.write crm.objects.companies.read crm.schemas.contacts.read "
    "crm.schemas.contacts.write forms content communication_preferences.read"
)


@dataclass(frozen=True, slots=True)
class Code:
    """What a person agreed to; `challenge` of PKCE (S256), empty without; expires in epoch ms of the sandbox clock."""

    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str
    expires: int


@dataclass(slots=True)
class App:
    """The one OAuth app that a portal has installed.

    Attributes:
        redirects: registered redirect URLs, compared sign by sign; empty for any.
        granted: scopes that a person agreed to; None before a login: the portal's.
    """

    client_id: str
    client_secret: str
    refresh_token: str
    code: str
    app_id: int
    revoked: bool = False
    access_tokens: list[str] = field(default_factory=list)
    redirects: tuple[str, ...] = ()
    codes: dict[str, Code] = field(default_factory=dict)
    granted: tuple[str, ...] | None = None


def app_of(portal: Portal) -> App:
    """Give the portal's app, made on first use; see the module docstring for its secrets."""
    number = portal.id
    return portal.state(
        "oauth",
        lambda: App(
            f"sandbox-client-{number}",
            f"sandbox-secret-{number}",
            f"sandbox-refresh-{number}",
            f"sandbox-code-{number}",
            APP_ID_BASE + number % 10_000,
        ),
    )


# -- tokens --------------------------------------------------------------------------------------------------------


@route("POST", "/oauth/v1/token", *TOKEN_PATHS, auth=False, limit="none")
def make_token(request: Request) -> Response:
    """Give an access token for a code, a refresh token or client credentials."""
    form = _form(request)
    found = app_by(request.sandbox, "client_id", form.get("client_id", ""))
    if found is None or form.get("client_secret") != found[1].client_secret:
        return _oauth_error("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id or client secret")
    portal, app = found
    kind = form.get("grant_type", "")
    if kind == "refresh_token" and (form.get("refresh_token") != app.refresh_token or app.revoked):
        return _oauth_error("invalid_grant", "BAD_REFRESH_TOKEN", "missing or unknown refresh token")
    if kind == "authorization_code" and not _redeem(portal, app, form):
        return _oauth_error("invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code")
    if kind not in ("refresh_token", "authorization_code", "client_credentials"):
        return _oauth_error("unsupported_grant_type", "BAD_GRANT_TYPE", "missing or unknown grant type")
    app.revoked = app.revoked and kind != "authorization_code"
    grant = _grant(request.sandbox, portal, app)
    body = {"access_token": grant.token, "expires_in": LIFETIME_SECONDS, "token_type": "bearer"}
    if kind != "client_credentials":
        body["refresh_token"] = app.refresh_token
    if not request.path.startswith("/oauth/v1"):
        use = "client_credentials" if kind == "client_credentials" else "access_token"
        body |= {"token_use": use, "hub_id": portal.id, "user_id": USER_ID, "scopes": _scopes(grant)}
    return Response(200, body)


@route("POST", *(path + "/introspect" for path in TOKEN_PATHS), auth=False, limit="none")
def introspect(request: Request) -> Response:
    """What a token is, of any portal; an unknown or expired one is {"active": false}."""
    token = _form(request).get("token", "")
    grant, refresh = request.sandbox.grants.get(token), app_by(request.sandbox, "refresh_token", token)
    if refresh is not None and not refresh[1].revoked:
        body = _identity(*refresh) | {"token": token, "active": True, "token_use": "refresh_token"}
        return Response(200, body | {"token_type": "refresh_token", "client_id": refresh[1].client_id})
    if grant is None or _seconds_left(grant) <= 0:
        return Response(200, {"active": False, "token": token, "token_type": "bearer"})
    app = app_of(grant.portal)
    body = _identity(grant.portal, app) | {"token": token, "active": True, "token_use": "access_token"}
    body |= {"scopes": _scopes(grant)}
    body |= {"token_type": "bearer", "client_id": app.client_id, "expires_in": _seconds_left(grant)}
    body |= {"is_private_distribution": not grant.oauth, "signed_access_token": _signed(grant, app)}
    return Response(200, body)


@route("POST", *(path + "/revoke" for path in TOKEN_PATHS), auth=False, limit="none")
def revoke(request: Request) -> Response:
    """Make a refresh token, or an OAuth access token, worthless: 200 even if it was."""
    token = _form(request).get("token", "")
    found, grant = app_by(request.sandbox, "refresh_token", token), request.sandbox.grants.get(token)
    if found is not None:
        found[1].revoked = True
    elif grant is not None and grant.oauth:
        del request.sandbox.grants[token]
    return Response(200)


@route("GET", "/oauth/v1/access-tokens/{token}", auth=False, limit="none")
def access_token_info(request: Request, token: str) -> Response:
    """What an OAuth access token is (v1)."""
    grant = request.sandbox.grants.get(token)
    if grant is None or not grant.oauth or _seconds_left(grant) <= 0:
        raise ApiError(404, "OBJECT_NOT_FOUND", "The access token is unknown or has expired")
    body = _identity(grant.portal, app_of(grant.portal)) | {"token": token, "token_type": "access"}
    return Response(200, body | {"expires_in": _seconds_left(grant)})


@route("GET", "/oauth/v1/refresh-tokens/{token}", auth=False, limit="none")
def refresh_token_info(request: Request, token: str) -> Response:
    """What a refresh token is (v1)."""
    found = app_by(request.sandbox, "refresh_token", token)
    if found is None or found[1].revoked:
        raise ApiError(404, "OBJECT_NOT_FOUND", "The refresh token is unknown")
    body = _identity(*found) | {"token": token, "token_type": "refresh", "client_id": found[1].client_id}
    return Response(200, body)


@route("DELETE", "/oauth/v1/refresh-tokens/{token}", auth=False, limit="none")
def delete_refresh_token(request: Request, token: str) -> Response:
    """Make a refresh token worthless (v1): 204."""
    found = app_by(request.sandbox, "refresh_token", token)
    if found is not None:
        found[1].revoked = True
    return Response(204)


@route("POST", "/oauth/v2/private-apps/get/access-token-info", auth=False, limit="none")
def static_token_info(request: Request) -> Response:
    """What a static token is: portal, user, app and scopes from `{tokenKey}`."""
    grant = request.sandbox.grants.get(str(request.json_object().get("tokenKey")))
    if grant is None or grant.oauth:
        raise ApiError(404, "OBJECT_NOT_FOUND", "The token is unknown")
    app = app_of(grant.portal)
    body = {"userId": USER_ID, "hubId": grant.portal.id, "appId": app.app_id, "scopes": _scopes(grant)}
    return Response(200, body)


# -- account -------------------------------------------------------------------------------------------------------


@route("GET", "/account-info/v3/details", "/account-info/2026-03/details")
def details(request: Request) -> Response:
    """The portal's id, zone, hosts and currency."""
    refuse_service_key(request)
    offset = limits.local_now(request.portal).utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    body = {
        "portalId": request.portal.id,
        "accountType": "STANDARD",
        "timeZone": request.portal.time_zone,
        "companyCurrency": "EUR",
        "additionalCurrencies": [],
        "utcOffset": f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}",
        "utcOffsetMilliseconds": minutes * 60_000,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "eu1",
    }
    return Response(200, body)


@route(
    "GET",
    "/account-info/v3/api-usage/daily/private-apps",
    "/account-info/2026-03/api-usage/daily/private-apps",
)
def daily_usage(request: Request) -> Response:
    """Calls of the day against the daily limit; the count starts anew at the portal's midnight."""
    refuse_service_key(request)
    portal = request.portal
    local = limits.local_now(portal)
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    row = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": portal.switches.requests_a_day,
        "currentUsage": limits.usage(portal).today,
        "collectedAt": portal.clock.iso(),
        "fetchStatus": "SUCCESS",
        "resetsAt": iso(to_ms(midnight)),
    }
    return Response(200, {"results": [row]})


# -- inside --------------------------------------------------------------------------------------------------------


def _form(request: Request) -> dict[str, str]:
    """Read the form of a token call; HubSpot's own newest client sends it as JSON, so that is taken too."""
    if request.headers.get("content-type", "").startswith("application/json"):
        return {name: str(value) for name, value in request.json_object().items()}
    pairs = parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in pairs.items()}


def app_by(sandbox: Sandbox, key: str, value: str) -> tuple[Portal, App] | None:
    for portal in sandbox.portals.values():
        app = app_of(portal)
        if value and getattr(app, key) == value:
            return portal, app
    return None


def _grant(sandbox: Sandbox, portal: Portal, app: App) -> Grant:
    token = f"sandbox-access-{portal.id}-{secrets.token_urlsafe(24)}"
    expires = portal.clock.ms() + LIFETIME_SECONDS * 1000
    app.access_tokens.append(token)
    scopes = app.granted if app.granted is not None else portal.scopes
    return sandbox.grant(token, portal, scopes, oauth=True, expires=expires)


def _redeem(portal: Portal, app: App, form: dict[str, str]) -> bool:
    """Whether the code is good: the redirect URL of the login, its verifier, once, within its time."""
    if form.get("code") == app.code:
        return bool(form.get("redirect_uri"))
    code = app.codes.pop(form.get("code", ""), None)
    if code is None or code.expires <= portal.clock.ms() or code.redirect_uri != form.get("redirect_uri"):
        return False
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    if code.challenge and urlsafe_b64encode(digest).rstrip(b"=").decode() != code.challenge:
        return False
    app.granted = code.scopes
    return True


def _seconds_left(grant: Grant) -> int:
    if grant.expires is None:
        return LIFETIME_SECONDS
    return max(0, (grant.expires - grant.portal.clock.ms()) // 1000)


def _scopes(holder: Portal | Grant) -> list[str]:
    return list(holder.scopes) if holder.scopes is not None else DEFAULT_SCOPES.split()


def _identity(portal: Portal, app: App) -> dict[str, Any]:
    return {
        "hub_id": portal.id,
        "user_id": USER_ID,
        "user": f"admin@portal-{portal.id}.example",
        "hub_domain": f"portal-{portal.id}.example",
        "app_id": app.app_id,
        "scopes": _scopes(portal),
    }


def _signed(grant: Grant, app: App) -> dict[str, Any]:
    return {
        "expiresAt": grant.expires or 0,
        "scopes": " ".join(_scopes(grant)),
        "hubId": grant.portal.id,
        "userId": USER_ID,
        "appId": app.app_id,
        "signature": "sandbox",
        "scopeToScopeGroupPks": "",
        "newSignature": "sandbox",
        "hublet": "eu1",
        "trialScopes": "",
        "trialScopeToScopeGroupPks": "",
        "isUserLevel": False,
        "installingUserId": USER_ID,
        "isServiceAccount": False,
        "isPrivateDistribution": not grant.oauth,
    }


def _oauth_error(error: str, status: str, message: str) -> Response:
    return Response(400, {"error": error, "error_description": message, "status": status, "message": message})
