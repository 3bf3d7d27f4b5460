"""Who we are to HubSpot: a static token, or an OAuth token that is renewed ahead of its end.

Knows nothing of sessions and databases: it is given a function that posts the form, and a vault that keeps what came of
it. Secrets never show in `repr` (S1, I10). How a person logs in is login.py's.
Source: hubspot-facts, section 1.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Protocol

from connector.domain.contact import PortalId
from connector.domain.login import Login
from connector.errors import AuthenticationError, ConfigError, ContractError, SettingsError

logger = logging.getLogger(__name__)

AHEAD_SECONDS = 120.0
"""Renewed so long before `expires_in`; usage guidelines ask not to wait for a 401."""

DEFAULT_SECONDS, LONGEST_SECONDS = 1800, 86_400

LOG_IN = "Run `handoff auth login`, or set HUBSPOT_REFRESH_TOKEN to what installing the app gave."
"""Also where the app was removed from the portal: logging in installs it again."""
WHOSE = "See that HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET are those of one app (in HubSpot: the app's page, Auth)."

OTHER = "Log in to that portal, or give this one a database of its own by HANDOFF_DATABASE_URL."

Exchange = Callable[[Mapping[str, str]], object]
"""Posts the form to the token endpoint and gives the parsed answer; raises AuthenticationError when refused."""


class Vault(Protocol):
    """Keeps a login for all processes that work with one database."""

    def read(self) -> Login | None:
        """None where there is none, or no database yet."""
        ...

    def keep(self, login: Login, *, make: bool) -> bool:
        """Put it in place of the former. False where there is no place and `make` does not ask for one."""
        ...

    def alone(self) -> AbstractContextManager[None]:
        """While this lasts, nobody else renews."""
        ...


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
    """An OAuth app's token: renewed two minutes ahead, and once when a 401 comes all the same.

    One process renews for all that share the vault: whoever comes second finds the new token there. What HubSpot gives
    is kept before it is used: another refresh token than before always, the same one where there is a place for it. A
    process that dies between HubSpot's answer and the keeping leaves the former refresh token, which HubSpot goes on
    taking; where HubSpot gave another one instead and refuses the former, a person logs in again.

    Args:
        refresh_token: what the environment holds; empty where it holds none. It goes before what is kept only where
            it is another than at the time when that was kept: then a person changed it since.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        refresh_token: str = "",
        vault: Vault | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app, self._secret, self._seed = client_id, client_secret, refresh_token
        self._vault = vault or _NoVault()
        self._clock = clock
        self._lock = threading.Lock()
        self._login: Login | None = None
        self._unkept: Login | None = None
        self._is_told = False

    def __repr__(self) -> str:
        return "OAuthToken(***)"

    def current(self, exchange: Exchange) -> str:
        with self._lock:
            if self._login is None or not self._serves(self._login):
                self._login = self._renew("", exchange)
            return self._login.access_token

    def renew(self, refused: str, exchange: Exchange) -> bool:
        with self._lock:
            if self._login is None or self._login.access_token == refused:  # else another thread was faster
                self._login = self._renew(refused, exchange)
            return True

    def login(self) -> Login | None:
        """What this process uses now; None before its first call."""
        return self._login

    def introspection(self, exchange: Exchange) -> Mapping[str, str]:
        return {
            "token": self.current(exchange),
            "token_type_hint": "access_token",
            "client_id": self._app,
            "client_secret": self._secret,
        }

    def log_in(
        self, code: str, redirect_uri: str, verifier: str, exchange: Exchange, *, accept: Callable[[Login], None]
    ) -> Login:
        """Trade the code of a login for tokens, and keep them in place of all others.

        Args:
            verifier: of PKCE; empty where the login was without.
            accept: looks at them first; what it raises, it is told, and nothing is kept.
        """
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        answer = exchange({**form, **self._who(), **({"code_verifier": verifier} if verifier else {})})
        login = self._read(answer, None, "")
        if not login.portal or not login.refresh_token:
            raise ContractError(
                "the token endpoint does not say which portal the login is for, or gave no refresh token",
                advice="See that HUBSPOT_BASE_URL names HubSpot's API, then log in again.",
            )
        accept(login)
        with self._lock, self._vault.alone():
            if not self._vault.keep(login, make=True):
                raise SettingsError("the login cannot be kept: the database belongs to another portal", advice=OTHER)
            self._login = login
        return login

    def _renew(self, refused: str, exchange: Exchange) -> Login:
        login = self._kept()
        if login is not None and self._serves(login, refused):
            return login
        with ExitStack() as stack:
            with self._or_the_setting():
                stack.enter_context(self._vault.alone())
            login = self._kept()  # meanwhile somebody else may have renewed it
            if login is not None and self._serves(login, refused):
                return login
            return self._refresh(login, exchange)

    def _kept(self) -> Login | None:
        """What is kept, unless it is another app's, or the setting was changed since."""
        found = self._unkept
        with self._or_the_setting():
            found = self._vault.read() or found
        if found is None or found.app != self._app or (self._seed and found.seed != self._seed):
            return None
        return found

    def _serves(self, login: Login, refused: str = "") -> bool:
        return login.access_token != refused and login.expires_at.timestamp() - AHEAD_SECONDS > self._clock()

    def _refresh(self, former: Login | None, exchange: Exchange) -> Login:
        refresh_token = former.refresh_token if former is not None else self._seed
        if not refresh_token:
            raise AuthenticationError("nobody has logged in to HubSpot here", advice=LOG_IN)
        answer = exchange({"grant_type": "refresh_token", "refresh_token": refresh_token, **self._who()})
        login = self._read(answer, former, refresh_token)
        is_new, is_kept = login.refresh_token != refresh_token, False
        with nullcontext() if is_new else self._or_the_setting():
            is_kept = bool(login.portal) and self._vault.keep(login, make=is_new)
        self._unkept = None if is_kept else login  # then the next process begins with the setting's own token again
        return login

    @contextmanager
    def _or_the_setting(self) -> Iterator[None]:
        """Where the vault cannot be used and the environment holds a token, that one serves without it."""
        try:
            yield
        except ConfigError as error:
            if not self._seed:
                raise
            if not self._is_told:
                logger.warning(
                    "HUBSPOT_REFRESH_TOKEN serves, for what is kept cannot be used: %s", error,
                    extra={"action": "login_not_kept"},
                )  # fmt: skip
            self._is_told = True

    def _read(self, answer: object, former: Login | None, refresh_token: str) -> Login:
        """What the token endpoint answered; what it leaves out stays as it was."""
        given = answer if isinstance(answer, dict) else {}
        token, lifetime = given.get("access_token"), given.get("expires_in")
        if not isinstance(token, str) or not token:
            raise AuthenticationError("the token endpoint gave no access token", advice=LOG_IN)
        portal = given.get("hub_id") or (former.portal if former is not None else "")
        told = given.get("scopes")
        scopes = told if isinstance(told, list) else former.scopes if former is not None else ()
        seconds = min(max(lifetime, 0), LONGEST_SECONDS) if isinstance(lifetime, int) else DEFAULT_SECONDS
        return Login(
            portal=PortalId(str(portal)),
            app=self._app,
            access_token=token,
            refresh_token=str(given.get("refresh_token") or refresh_token),
            expires_at=datetime.fromtimestamp(self._clock() + seconds, UTC),
            scopes=tuple(str(scope) for scope in scopes),
            seed=self._seed,
        )

    def _who(self) -> dict[str, str]:
        return {"client_id": self._app, "client_secret": self._secret}


class _NoVault:
    """Nothing is kept: the environment's refresh token serves each process anew."""

    def read(self) -> Login | None:
        return None

    def keep(self, login: Login, *, make: bool) -> bool:
        return False

    @contextmanager
    def alone(self) -> Iterator[None]:
        yield


def refused(host: str, form: Mapping[str, str], why: str) -> AuthenticationError:
    """The error for a form that the token endpoint refused. `why`: OAuth's word for it, such as invalid_grant."""
    said = f" ({why})" if why else ""
    if why == "invalid_client":
        return AuthenticationError(f"{host} does not know the app that wants to log in{said}", advice=WHOSE)
    if form.get("grant_type") == "authorization_code":
        return AuthenticationError(
            f"{host} did not take the code of this login{said}",
            advice=f"Run `handoff auth login` again, with --no-pkce if it stays. {WHOSE}",
        )
    return AuthenticationError(f"{host} refused to renew the OAuth token{said}", advice=LOG_IN)
