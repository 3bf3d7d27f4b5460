"""The door to the CRM that the settings name: which one, by which token, at which pace.

A second CRM is a folder beside crm/hubspot and one line in `gateway_of`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from connector.config.settings import Settings
from connector.crm.hubspot.credentials import OAuthToken, TokenSource
from connector.crm.hubspot.gateway import HubSpotGateway
from connector.crm.hubspot.pacing import Buckets
from connector.store.logins import LoginVault
from connector.store.pacing import SharedWindow


def wall_clock() -> datetime:
    return datetime.now(UTC)


def gateway_of(settings: Settings, token: TokenSource | None = None) -> HubSpotGateway:
    """The portal that the settings name, by the token that they name or by another; to be closed."""
    return HubSpotGateway(
        token=token or _token(settings),
        base_url=settings.base_url,
        api_version=settings.api_version,
        portal_id=settings.portal_id,
        rate_per_10s=settings.rate_per_10s,
        search_per_second=settings.search_per_second,
        learns_rate=settings.learns_rate,
        searches_too=settings.full_pull == "both",
        daily_reserve=settings.quota_share,
        pacing_file=_pacing_file(settings),
        pacing_buckets=_pacing_buckets(settings),
        plain_hosts=settings.allow_hosts,
        ca_file=settings.ca_file,
    )


def _token(settings: Settings) -> str | TokenSource:
    given = settings.credentials()
    return given.access_token.get_secret_value() if given.access_token is not None else oauth_token(settings)


def oauth_token(settings: Settings) -> OAuthToken:
    """The OAuth app's token, kept in the database. Raises SettingsError where the app is not set."""
    given = settings.oauth()
    assert given.client_id and given.client_secret
    return OAuthToken(
        client_id=given.client_id,
        client_secret=given.client_secret.get_secret_value(),
        refresh_token=given.refresh_token.get_secret_value() if given.refresh_token is not None else "",
        vault=login_vault(settings),
    )


def login_vault(settings: Settings) -> LoginVault:
    """Where tokens of a login are kept; asks nothing of the database yet."""
    return LoginVault(
        settings.database_url.get_secret_value(),
        key=settings.given_key(),
        wall_clock=wall_clock,
    )


def _pacing_file(settings: Settings) -> Path | None:
    """Beside a SQLite database, so that processes with one token share its limits; a server keeps them itself.

    None where that place does not exist: the store says so, and nothing is made there before.
    """
    parts = urlsplit(settings.database_url.get_secret_value())
    if parts.scheme != "sqlite" or not parts.path.strip("/"):
        return None
    file = Path(parts.path[1:] + ".pacing")
    return file if file.absolute().parent.is_dir() else None


def _pacing_buckets(settings: Settings) -> Buckets | None:
    """In a PostgreSQL database; None elsewhere."""
    url = settings.database_url.get_secret_value()
    return partial(SharedWindow, url) if urlsplit(url).scheme.startswith("postgres") else None
