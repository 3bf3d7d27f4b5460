"""`handoff auth`: log in by OAuth, see who we are to HubSpot, and forget a login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.domain.login import Login

JsonFlag = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
PORT = 8976
"""Of the redirect URL that docs/hubspot.md has people register with their app."""

Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the address here, where it can.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        rich_markup_mode=None, no_args_is_help=True,
        help="Log in to HubSpot by OAuth; see or forget the login.",
    )  # fmt: skip
    group.command("login", epilog="Example: handoff auth login --no-browser")(login)
    group.command("status", epilog="Example: handoff auth status --json")(status)
    group.command("logout", epilog="Example: handoff auth logout")(logout)
    app.add_typer(group, name="auth")


def login(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Where HubSpot sends the browser back to; 0: any free one.")
    ] = PORT,
    browser: Browser = True,
    pkce: Annotated[bool, typer.Option("--pkce/--no-pkce", help="Bind the answer to this login (RFC 7636).")] = True,
    wait: Annotated[int, typer.Option("--wait", min=1, max=3600, help="Seconds to wait for the person.")] = 300,
    as_json: JsonFlag = False,
) -> int:
    """Log in by OAuth, in a browser.

    The app in HubSpot needs the redirect URL http://localhost:8976/callback, or that of --port, and the scopes that are
    named. Tokens are kept in the database, encrypted, and renewed by whatever runs.
    """
    from connector.cli.console import note, print_json, say
    from connector.cli.logging_in import log_in, still_first
    from connector.cli.start import start

    settings = start()
    made, remarks = log_in(settings, port=port, pkce=pkce, seconds=wait, browser=browser)
    if as_json:
        print_json(_facts_of(made))
    for remark in (*remarks, *still_first(settings)):
        note(f"note: {remark}")
    if not as_json:
        say(f"Logged in to portal {made.portal}. The tokens are in the database, encrypted. Next: `handoff check`.")
    return 0


def status(as_json: JsonFlag = False) -> int:
    """Show who we are to HubSpot; never the token.

    Asks HubSpot, so that what is shown works. An OAuth token near its end is renewed on the way.
    """
    from connector.cli.console import pairs, print_json
    from connector.cli.start import start
    from connector.gateways import gateway_of, login_vault, oauth_token

    settings = start()
    token = None if settings.credentials().access_token is not None else oauth_token(settings)
    gateway = gateway_of(settings, token)
    try:
        portal, scopes = gateway.portal(), gateway.scopes()
    finally:
        gateway.close()
    facts: dict[str, object] = {
        "kind": "static" if token is None else "oauth",
        "token_from": "HUBSPOT_ACCESS_TOKEN",
        "portal": portal.id,
        "scopes": sorted(scopes) if scopes is not None else None,
    }
    used = token.login() if token is not None else None
    if used is not None:
        is_kept = login_vault(settings).read() == used
        facts |= {"token_from": "database" if is_kept else "HUBSPOT_REFRESH_TOKEN", "app": used.app}
        facts |= {"expires_at": used.expires_at.isoformat(timespec="seconds")}
    if as_json:
        print_json({"app": None, "expires_at": None, **facts})
    else:
        pairs("HubSpot", _in_words(facts))
    return 0


def logout(as_json: JsonFlag = False) -> int:
    """Forget the login of `handoff auth login`.

    Here alone: HubSpot goes on trusting the app until somebody takes it out there.
    """
    from connector.cli.console import note, print_json, say
    from connector.cli.start import start
    from connector.gateways import login_vault

    settings = start()
    forgotten = login_vault(settings).forget()
    given = {"HUBSPOT_ACCESS_TOKEN": settings.access_token, "HUBSPOT_REFRESH_TOKEN": settings.refresh_token}
    still_set = [name for name, value in given.items() if value is not None]
    if as_json:
        print_json({"forgotten": forgotten, "still_set": still_set})
    else:
        say("Forgotten here; what runs now may go on for half an hour." if forgotten else "Nobody is logged in here.")
    if forgotten:
        note("To take the access away in HubSpot: Settings > Integrations > Connected apps, choose the app, Uninstall.")
    for name in still_set:
        note(f"note: {name} is still set and goes on working; take it out of the environment or .env.")
    return 0


def _facts_of(made: Login) -> dict[str, object]:
    return {"portal": made.portal, "app": made.app, "scopes": sorted(made.scopes), "expires_at": made.expires_at}


def _in_words(facts: Mapping[str, object]) -> dict[str, object]:
    scopes = facts["scopes"]
    is_static = facts["kind"] == "static"
    kept = {"database": "the database, encrypted"}
    shown = {
        "token": "a service key or private app's token" if is_static else f"OAuth, of app {facts['app']}",
        "kept in": kept.get(str(facts["token_from"]), facts["token_from"]),
        "portal": facts["portal"],
        "scopes": ", ".join(scopes) if isinstance(scopes, list) else "HubSpot does not tell of this kind of token",
    }
    ends = "not by itself" if is_static else f"{facts['expires_at']}; renewed two minutes ahead"
    return {**shown, "expires": ends}
