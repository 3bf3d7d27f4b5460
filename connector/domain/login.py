"""What a person's login by OAuth gave: the tokens of one app in one portal. Secrets never show in `repr` (S1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector.domain.contact import PortalId, require_aware


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Login:
    """Tokens as HubSpot gave them last.

    Attributes:
        app: the client id that they were given to; another app cannot use them.
        expires_at: when the access token ends, by this machine's clock; aware.
        scopes: what HubSpot said that they may do; empty where it did not say.
        seed: what HUBSPOT_REFRESH_TOKEN held when this was kept, empty for nothing: where it holds something else
            now, a person changed it since, and it goes before.
    """

    portal: PortalId
    app: str
    access_token: str
    refresh_token: str
    expires_at: datetime
    scopes: tuple[str, ...] = ()
    seed: str = ""

    def __post_init__(self) -> None:
        require_aware(self.expires_at, "expires_at")

    def __repr__(self) -> str:
        return f"Login(portal={self.portal}, ***)"
