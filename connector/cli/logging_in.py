"""How `handoff auth login` goes: who asks for what, the address, the answer, what is kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from connector.bootstrap import gateway_of, login_vault, oauth_token
from connector.cli.console import note
from connector.config.mappings import load_rulebook
from connector.crm.hubspot.credentials import OTHER
from connector.crm.hubspot.login import Attempt, Door, build_address
from connector.crm.hubspot.scopes import asked_by, judge, wanted
from connector.errors import SettingsError

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
    token, book = oauth_token(settings), load_rulebook(settings.mappings_dir)
    known: Sequence[str] = login_vault(settings).prepare()
    known = tuple(dict.fromkeys((*known, *([settings.portal_id] if settings.portal_id else []))))
    asked = wanted(**asked_by(book))
    needed = [ALWAYS, *(name for name, scope in asked.items() if scope.needed)]
    optional = [name for name, scope in asked.items() if not scope.needed]
    attempt = Attempt() if pkce else Attempt(verifier="")
    with Door(attempt, port) as door:
        address = build_address(
            attempt,
            base_url=settings.base_url,
            client_id=settings.client_id or "",
            redirect_uri=door.redirect_uri,
            scopes=needed,
            optional=optional,
            portal=known[0] if len(known) == 1 else None,
        )
        note(f"The app in HubSpot needs the redirect URL {door.redirect_uri}")
        note(f"  and the scopes {', '.join(needed)}; optional: {', '.join(optional)}.")
        opened = browser and _open(address)
        note(f"{'Opened in the browser' if opened else 'Open this address in a browser of this machine'}:\n{address}")
        note(f"Waiting {seconds:g} s for the answer…")
        code = door.wait(seconds)

    def accept(login: Login) -> None:
        wrong = [one for one in known if one != login.portal]
        if wrong:
            raise SettingsError(
                f"The login is for portal {login.portal}, and this database for portal {wrong[0]}; it is not kept",
                advice=f"{OTHER} In portal {login.portal}, Settings > Integrations > Connected apps takes the app out.",
            )

    gateway = gateway_of(settings, token)
    try:
        made = token.log_in(code, door.redirect_uri, attempt.verifier, gateway.exchange_token, accept=accept)
    finally:
        gateway.close()
    complaints, remarks = judge(made.scopes, **asked_by(book)) if made.scopes else ((), ())
    return made, (*complaints, *remarks)


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
