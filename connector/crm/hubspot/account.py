"""Which portal the token belongs to, its time zone, its pages' address and its clock: one call.

Source: hubspot-facts, section 2 (details), section 1 (introspection); design.md, section 5 (whence the portal id).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connector.crm.hubspot.paths import ACCOUNT
from connector.crm.hubspot.refusals import QuestionRefusedError
from connector.crm.hubspot.transport import Answer, Transport
from connector.domain.contact import PortalId
from connector.engine.ports import PortalInfo
from connector.errors import AuthenticationError, ContractError, ScopeError, SettingsError

UI_DOMAIN = "app.hubspot.com"
TIME_ZONE = "UTC"


def read_portal(transport: Transport, configured_id: str | None) -> PortalInfo:
    """The portal, by account details; where the token may not ask them, by the token itself; else as configured.

    Raises:
        SettingsError: no way tells the portal, or another one than HUBSPOT_PORTAL_ID.
    """
    details = _ask(transport)
    found = str(details.get("portalId") or details.get("hub_id") or configured_id or "")
    if not found:
        raise SettingsError(
            "the token does not say which portal it belongs to",
            advice="Set HUBSPOT_PORTAL_ID to the portal's number (in HubSpot: the account menu, top right).",
        )
    if configured_id and found != configured_id:
        raise SettingsError(
            f"the token belongs to portal {found}, but HUBSPOT_PORTAL_ID says {configured_id}",
            advice="Use the token of the portal that you mean, or correct HUBSPOT_PORTAL_ID.",
        )
    if transport.server_now is None:
        raise ContractError(
            "HubSpot's answer carries no Date header; Handoff takes its clock from there (I4)",
            advice="Check that no proxy removes headers.",
        )
    return PortalInfo(
        id=PortalId(found),
        time_zone=str(details.get("timeZone") or TIME_ZONE),
        ui_domain=str(details.get("uiDomain") or UI_DOMAIN),
        now=transport.server_now,
    )


def read_scopes(transport: Transport) -> frozenset[str] | None:
    """The token's scopes; None where HubSpot does not tell of this kind of token. One call.

    A token that is taken elsewhere and refused here is one of these: 401 says nothing more.
    """
    try:
        payload = transport.introspect().payload
    except (AuthenticationError, ScopeError, ContractError):
        return None
    scopes = payload.get("scopes") if isinstance(payload, dict) else None
    return frozenset(str(scope) for scope in scopes) if isinstance(scopes, list) and scopes else None


def records_url(portal: PortalInfo) -> str:
    """Where people open contacts in HubSpot; the contact's id follows after a slash."""
    return f"https://{portal.ui_domain}/contacts/{portal.id}/record/0-1"


def _ask(transport: Transport) -> dict[str, Any]:
    ways: tuple[Callable[[], Answer], ...] = (lambda: transport.call(ACCOUNT), transport.introspect)
    for ask in ways:
        try:
            payload = ask().payload
        except (ScopeError, QuestionRefusedError):
            continue
        if isinstance(payload, dict):
            return payload
    return {}
