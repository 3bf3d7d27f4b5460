"""How `handoff auth login` goes: who asks for what, the address, the answer, what is kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from connector.cli.console import note
from connector.config.mappings import load_rulebook
from connector.crm.hubspot.credentials import OTHER
from connector.crm.hubspot.login import Attempt, Door, build_address
from connector.crm.hubspot.scopes import Scope, asked_by, judge, wanted
from connector.errors import SettingsError
from connector.gateways import gateway_of, login_vault, oauth_token

if TYPE_CHECKING:
    from connector.config.settings import Settings
    from connector.domain.login import Login

ALWAYS = "oauth"
"""HubSpot asks for this one of every app."""


def log_in(
    settings: Settings, *, port: int, pkce: bool, seconds: float, browser: bool
) -> tuple[Login, tuple[str, ...]]:
    """The login as it is now kept, and what its scopes lack.

    Raises:
        SettingsError, RuleBookError: before anybody is asked; or the person chose another portal than the database's.
        AuthenticationError: the person said no or did not come back, or HubSpot refused.
    """
    token, asked = oauth_token(settings), asked_by(load_rulebook(settings.mappings_dir))
    portal = _only(settings, login_vault(settings).prepare())
    attempt = Attempt() if pkce else Attempt(verifier="")
    with Door(attempt, port) as door:
        _send(settings, attempt, door, wanted(**asked), portal, browser=browser)
        note(f"Waiting {seconds:g} s for the answer…")
        code = door.wait(seconds)

    def accept(login: Login) -> None:
        if portal is not None and login.portal != portal:
            raise SettingsError(
                f"The login is for portal {login.portal}, and this database for portal {portal}; it is not kept",
                advice=f"{OTHER} In portal {login.portal}, Settings > Integrations > Connected apps takes the app out.",
            )

    gateway = gateway_of(settings, token)
    try:
        made = token.log_in(code, door.redirect_uri, attempt.verifier, gateway.exchange_token, accept=accept)
    finally:
        gateway.close()
    complaints, remarks = judge(made.scopes, **asked) if made.scopes else ((), ())
    return made, (*complaints, *remarks)


def _send(
    settings: Settings, attempt: Attempt, door: Door, asked: Mapping[str, Scope], portal: str | None, *, browser: bool
) -> None:
    """The person to HubSpot's page, told what the app must have there."""
    needed = [ALWAYS, *(name for name, scope in asked.items() if scope.needed)]
    optional = [name for name, scope in asked.items() if not scope.needed]
    address = build_address(
        attempt,
        base_url=settings.base_url,
        client_id=settings.client_id or "",
        redirect_uri=door.redirect_uri,
        scopes=needed,
        optional=optional,
        portal=portal,
    )
    note(f"The app in HubSpot needs the redirect URL {door.redirect_uri}")
    note(f"  and the scopes {', '.join(needed)}; optional: {', '.join(optional)}.")
    opened = browser and _open(address)
    note(f"{'Opened in the browser' if opened else 'Open this address in a browser of this machine'}:\n{address}")


def _only(settings: Settings, known: Sequence[str]) -> str | None:
    """The one portal that will do; None where nothing says which."""
    wanted_by_setting = settings.portal_id
    if wanted_by_setting and known and wanted_by_setting not in known:
        raise SettingsError(
            f"HUBSPOT_PORTAL_ID says {wanted_by_setting}, and the database belongs to portal {known[0]}", advice=OTHER
        )
    return wanted_by_setting or (known[0] if known else None)


def still_first(settings: Settings) -> tuple[str, ...]:
    """A sentence where the login will not be used."""
    if settings.access_token is None:
        return ()
    return ("HUBSPOT_ACCESS_TOKEN is set and goes before this login; take it out, so that the login is used.",)


def _open(address: str) -> bool:
    """In a browser with a window; one that runs in the terminal would take it over."""
    import webbrowser

    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        return webbrowser.open(address)
    except webbrowser.Error:
        return False
