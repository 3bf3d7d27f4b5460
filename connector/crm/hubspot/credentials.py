"""Who we are to HubSpot: a static token, or an OAuth token that is renewed ahead of its end.

Knows nothing of sessions: it is given a function that posts the refresh form. Secrets never show in `repr` (S1, I10).
Source: hubspot-facts, section 1.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from connector.errors import AuthenticationError

AHEAD_SECONDS = 120.0
"""Renewed so long before `expires_in`; usage guidelines ask not to wait for a 401."""

DEFAULT_SECONDS = 1800

Exchange = Callable[[Mapping[str, str]], object]
"""Posts the form to the token endpoint and gives the parsed answer; raises AuthenticationError when refused."""


class TokenSource(Protocol):
    def current(self, exchange: Exchange) -> str:
        """The token to send now."""
        ...

    def renew(self, refused: str, exchange: Exchange) -> bool:
        """Called after a 401 for `refused`; True when another token is there to try once."""
        ...

    def introspection(self, exchange: Exchange) -> Mapping[str, str]:
        """The form that asks HubSpot about the token."""
        ...


class StaticToken:
    """A service key or a private app's token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __repr__(self) -> str:
        return "StaticToken(***)"

    def current(self, exchange: Exchange) -> str:
        return self._token

    def renew(self, refused: str, exchange: Exchange) -> bool:
        return False

    def introspection(self, exchange: Exchange) -> Mapping[str, str]:
        return {"token": self._token, "token_type_hint": "access_token"}


class OAuthToken:
    """An OAuth app's token: refreshed under a lock, two minutes ahead, and once when a 401 comes all the same.

    Args:
        clock: seconds that only grow.
    """

    def __init__(
        self, *, client_id: str, client_secret: str, refresh_token: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client_id, self._client_secret, self._refresh_token = client_id, client_secret, refresh_token
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0

    def __repr__(self) -> str:
        return "OAuthToken(***)"

    def current(self, exchange: Exchange) -> str:
        with self._lock:
            if not self._token or self._clock() >= self._renew_at:
                self._refresh(exchange)
            return self._token

    def renew(self, refused: str, exchange: Exchange) -> bool:
        with self._lock:
            if self._token == refused:  # else another thread was faster
                self._refresh(exchange)
            return True

    def introspection(self, exchange: Exchange) -> Mapping[str, str]:
        return {
            "token": self.current(exchange),
            "token_type_hint": "access_token",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
        }

    def _refresh(self, exchange: Exchange) -> None:
        answer = exchange(
            {
                "grant_type": "refresh_token",
                "client_id": self._client_id,
                "client_secret": self._client_secret,
                "refresh_token": self._refresh_token,
            }
        )
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(answer, dict) or not isinstance(token, str) or not token:
            raise AuthenticationError(
                "the token endpoint gave no access token", advice="Connect the app to the portal again."
            )
        self._token = token
        lifetime = answer.get("expires_in")
        seconds = lifetime if isinstance(lifetime, int) else DEFAULT_SECONDS
        self._renew_at = self._clock() + max(0.0, seconds - AHEAD_SECONDS)
        if isinstance(answer.get("refresh_token"), str) and answer["refresh_token"]:
            self._refresh_token = answer["refresh_token"]
