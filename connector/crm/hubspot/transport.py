"""The one HTTP door to HubSpot: token, timeouts, pacing, retries, counts; the client library goes through it too.

Rewrites the paths that the library speaks to the API version in use (paths.py), turns every answer outside 2xx into one
of our errors (refusals.py), and parses bodies inside the retry loop, so that a half page is asked for again and never
half-read. Redirects and proxies of the environment are not followed: the token goes to the configured host alone.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState, Retrying, retry_if_exception
from urllib3.exceptions import HTTPError

from connector.crm.hubspot.credentials import TokenSource, refused
from connector.crm.hubspot.naps import nap
from connector.crm.hubspot.pacing import Pacing, Sleep
from connector.crm.hubspot.paths import INTROSPECT, TOKEN, Route, Work, check_version, match
from connector.crm.hubspot.protocol import parse_count, parse_date_header
from connector.crm.hubspot.refusals import RefusedError, error_for, lost, parse_oauth_error, retry_after
from connector.crm.hubspot.retrying import is_enough, may_repeat, wait
from connector.domain.json_text import loads
from connector.domain.quota import Purpose, Spent
from connector.errors import (
    AuthenticationError,
    BackfillShedError,
    CrmUnavailableError,
    QuotaExhaustedError,
    RateLimitedError,
    SettingsError,
)
from connector.rules.quota import floor

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
WRITE_SECONDS = 12.0  # until a write is answered; with connecting below 20 s, which a lease always has left (I8)
CONNECTIONS = 16  # kept open: a full pull reads on up to 13 threads
DAILY_SECONDS = 900.0  # so long a figure of the daily quota is believed; then one call looks again
SKEW_SECONDS = 60.0  # so far off, webhooks of HubSpot and receivers of notices begin to refuse our signatures
PURPOSE: ContextVar[Purpose] = ContextVar("purpose", default=Purpose.SETUP)
"""What the calls that this thread makes now are for (R38)."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
Query = Sequence[tuple[str, Any]]


class Answer:
    """A 2xx answer. `payload` is the parsed body, None for an empty one; the rest is for the client library."""

    __slots__ = ("data", "headers", "payload", "reason", "status")

    def __init__(self, response: requests.Response) -> None:
        self.status: int = response.status_code
        self.reason: str = response.reason
        self.headers: Mapping[str, str] = response.headers
        self.data: bytes = response.content
        self.payload: Any = None

    def getheaders(self) -> Mapping[str, str]:
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        return self.headers.get(name, default)


class Transport:
    """See the module.

    Args:
        base_url: https; http only on this machine and to `plain_hosts` (`host` or `host:port`).
        ca_file: certificates to trust instead of the ones that come with requests.
        daily_reserve: share of the daily limit that is left to others (P8); what stops when is rules/quota.py's.
        sleep, rng: for tests; waiting and jitter go through them alone.

    Attributes:
        server_now: HubSpot's clock in its last answer; None before the first.
        before_write: called before each try of a call that writes, with the seconds that it may take; may raise (I8).
    """

    def __init__(
        self,
        *,
        base_url: str,
        credentials: TokenSource,
        pacing: Pacing,
        api_version: str = "v3",
        plain_hosts: Collection[str] = (),
        ca_file: Path | None = None,
        daily_reserve: float = 0.2,
        sleep: Sleep = nap,
        rng: random.Random | None = None,
    ) -> None:
        self.base_url, self.host = _checked(base_url, plain_hosts)
        self.version = check_version(api_version)
        self.server_now: datetime | None = None
        self.before_write: Callable[[float], None] = _whoever
        self._credentials, self._pacing, self._reserve = credentials, pacing, daily_reserve
        self._sleep = sleep
        self._wait = wait(rng or random.Random())  # noqa: S311 - jitter, not a secret
        self._session = _session(ca_file)
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._by_purpose: Counter[str] = Counter()
        self._throttled = 0
        self._daily: tuple[int, int, float] | None = None
        self._judges_clock = urlsplit(self.base_url).hostname not in LOOPBACK  # a sandbox has a time of its own

    def calls(self) -> Mapping[str, int]:
        with self._lock:
            return dict(self._calls)

    def count_anew(self) -> None:
        """Calls and throttled ones from zero: one run's counts are not the process's."""
        with self._lock:
            self._calls.clear()
            self._by_purpose.clear()
            self._throttled = 0

    def throttled(self) -> int:
        with self._lock:
            return self._throttled

    def spent(self) -> Spent:
        """Calls since the last `count_anew`, by purpose, and the portal's day as last heard."""
        with self._lock:
            limit, left, _ = self._daily or (None, None, 0.0)
            return Spent(by_purpose=dict(self._by_purpose), limit=limit, left=left)

    def held_up(self, *, search: bool) -> int:
        """Calls that waited for one of the portal's two limits until now."""
        return self._pacing.held_up(search=search)

    def refusals(self, *, search: bool) -> int:
        """Calls that one of the two limits refused until now."""
        return self._pacing.refusals(search=search)

    def call(
        self, route: Route, *, ids: Mapping[str, str] | None = None, query: Query = (), form: Query | None = None
    ) -> Answer:
        """Make a call that the client library lacks. `ids` are plain values for the path's {names}."""
        encoded = {name: quote(value, safe="") for name, value in (ids or {}).items()}
        return self.send(route, encoded, query=query, form=form)

    def introspect(self) -> Answer:
        """Ask HubSpot about our own token."""
        return self.call(INTROSPECT, form=list(self._credentials.introspection(self.exchange_token).items()))

    def send(
        self,
        route: Route,
        ids: Mapping[str, str],
        *,
        query: Query = (),
        body: object = None,
        form: Query | None = None,
    ) -> Answer:
        """Send a call, again where that is harmless, and give its answer.

        Raises:
            RefusedError, QuestionRefusedError: HubSpot said no to this one.
            CrmUnavailableError: no usable answer after all tries; `unclear` where a write may have been done.
            others of protocol.ERRORS.
        """
        request = requests.Request(
            route.method,
            self.base_url + route.path(self.version, ids),
            params=[(name, _text(value)) for name, value in query],
            data=list(form) if form is not None else None if body is None else json.dumps(body).encode(),
            headers={} if form is not None or body is None else {"Content-Type": "application/json"},
        )
        retrying = Retrying(
            sleep=self._sleep,
            stop=is_enough(reached=lambda: self.server_now is not None),
            wait=self._wait,
            retry=retry_if_exception(partial(may_repeat, route=route)),
            before_sleep=partial(_tell, route),
            reraise=True,
        )
        return retrying(self._attempt, route, request)

    def close(self) -> None:
        self._session.close()
        self._pacing.close()

    def _attempt(self, route: Route, request: requests.Request) -> Answer:
        self._keep_reserve()
        token = self._credentials.current(self.exchange_token)
        response = self._exchange(route, request, token)
        if response.status_code == 401 and self._credentials.renew(token, self.exchange_token):
            token = self._credentials.current(self.exchange_token)
            response = self._exchange(route, request, token)
        return self._read(route, response)

    def exchange_token(self, form: Mapping[str, str]) -> object:
        """Ask for tokens: no Authorization header, tried once; the call that needs them is retried around it."""
        request = requests.Request("POST", self.base_url + TOKEN.path(self.version, {}), data=dict(form))
        response = self._exchange(TOKEN, request, None)
        try:
            return self._read(TOKEN, response).payload
        except (RefusedError, AuthenticationError) as error:
            raise refused(self.host, form, parse_oauth_error(_parse(response.content))) from error

    def _exchange(self, route: Route, request: requests.Request, token: str | None) -> requests.Response:
        """One request and its answer, whatever it says."""
        self._pacing.acquire(search=route.search)
        patience = READ_SECONDS if route.work is Work.READ else min(WRITE_SECONDS, READ_SECONDS)
        if route.work is not Work.READ:
            self.before_write(CONNECT_SECONDS + patience)
        try:
            prepared = self._session.prepare_request(request)
        except requests.RequestException as error:
            raise lost(error, self.host, CONNECT_SECONDS) from error
        if token is not None:
            prepared.headers["Authorization"] = f"Bearer {token}"
        with self._lock:
            self._calls[f"{route.method} {route.template(self.version)}"] += 1
            self._by_purpose[PURPOSE.get().value] += 1
        try:
            response = self._session.send(prepared, timeout=(CONNECT_SECONDS, patience), allow_redirects=False)
        except (requests.RequestException, HTTPError) as error:     # urllib3's own: a host that no name can be
            raise lost(error, self.host, CONNECT_SECONDS) from error
        self._note(response, search=route.search)
        return response

    def _read(self, route: Route, response: requests.Response) -> Answer:
        """The answer with its body parsed, or the error it stands for."""
        payload = _parse(response.content)
        if not 200 <= response.status_code < 300:
            raise error_for(
                response.status_code, payload, response.headers, route, host=self.host, now=self.server_now
            )
        answer = Answer(response)
        answer.payload = payload
        if answer.data and payload is None:
            raise CrmUnavailableError(
                f"{self.host} answered with something that is no JSON",
                unclear=True,
                advice="Run again; if it stays, check HUBSPOT_BASE_URL and that no proxy answers in HubSpot's place.",
            )
        return answer

    def _note(self, response: requests.Response, *, search: bool) -> None:
        headers = response.headers
        with self._lock:
            self.server_now = parse_date_header(headers) or self.server_now
            daily = parse_count(headers, "X-HubSpot-RateLimit-Daily")
            left = parse_count(headers, "X-HubSpot-RateLimit-Daily-Remaining")
            if daily and left is not None:
                self._daily = daily, left, time.monotonic()
            if response.status_code == 429:
                self._throttled += 1
        self._judge_clock()
        most = parse_count(headers, "X-HubSpot-RateLimit-Max")
        if most is not None and headers.get("X-HubSpot-RateLimit-Interval-Milliseconds") == "10000":
            self._pacing.fit(most)
            remaining = parse_count(headers, "X-HubSpot-RateLimit-Remaining")
            if remaining is not None and response.status_code != 429:
                self._pacing.see(remaining)
        if response.status_code == 429:
            self._pacing.refused(search=search, seconds=retry_after(headers, self.server_now))

    def _judge_clock(self) -> None:
        """Warn once of a machine whose clock is off; the run itself goes by HubSpot's (I4)."""
        if not self._judges_clock or self.server_now is None:
            return
        self._judges_clock = False
        off = (datetime.now(UTC) - self.server_now).total_seconds()
        if abs(off) > SKEW_SECONDS:
            logger.warning(
                "this machine's clock is %.0f s %s HubSpot's; set it by NTP, or signatures will be refused",
                abs(off),
                "ahead of" if off > 0 else "behind",
                extra={"action": "clock_skew", "seconds": round(off)},
            )

    def _keep_reserve(self) -> None:
        """What can wait stops first: a backfill, then what changed, and last the handover of leads (R38)."""
        if self._daily is None:
            return
        daily, left, seen_at = self._daily
        purpose = PURPOSE.get()
        stops = floor(daily, self._reserve, purpose)
        if left >= stops or time.monotonic() - seen_at >= DAILY_SECONDS:
            return
        said = f"{left} of the portal's {daily} calls of today are left; Handoff leaves {self._reserve:.0%} to others"
        if stops > floor(daily, self._reserve, Purpose.WRITE):
            said += f", and {stops - floor(daily, self._reserve, Purpose.WRITE)} to what is more urgent"
        advice = "Run again after midnight in the portal's time zone, or raise the portal's daily limit."
        raise (BackfillShedError if purpose is Purpose.BACKFILL else QuotaExhaustedError)(said, advice=advice)


class LibraryDoor:
    """Stands where the client library keeps its own HTTP client; methods and arguments are as it calls them."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def request(
        self,
        method: str,
        url: str,
        query_params: Query | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        post_params: object = None,
        _preload_content: bool = True,
        _request_timeout: object = None,
    ) -> Answer:
        route, ids = match(method, url.removeprefix(self._transport.base_url))
        query = [(name, one) for name, value in query_params or () for one in _several(value)]
        return self._transport.send(route, ids, query=query, body=body)

    def __getattr__(self, name: str) -> Any:
        if name in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}:
            return partial(self.request, name)
        raise AttributeError(name)


def _checked(base_url: str, plain_hosts: Collection[str]) -> tuple[str, str]:
    """The address without its last slash, and its host for messages."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    plain = {*LOOPBACK, *plain_hosts}
    secure = parts.scheme == "https" or (parts.scheme == "http" and (host in plain or parts.netloc in plain))
    if not host or not secure or parts.username or parts.query or parts.fragment:
        raise SettingsError(
            "HUBSPOT_BASE_URL is no address that a token may be sent to",
            advice="Set it to https://api.hubapi.com, or to http://127.0.0.1:PORT for the sandbox.",
        )
    return base_url.rstrip("/"), host if parts.port is None else f"{host}:{parts.port}"


def _session(ca_file: Path | None) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # neither .netrc nor a proxy variable may take the token elsewhere (S8)
    session.mount("https://", HTTPAdapter(pool_maxsize=CONNECTIONS))
    session.mount("http://", HTTPAdapter(pool_maxsize=CONNECTIONS))
    session.verify = str(ca_file) if ca_file else True
    session.headers.update({"User-Agent": f"handoff-connector/{_version()}", "Accept": "application/json"})
    return session


def _version() -> str:
    try:
        return version("handoff-connector")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "0"


def _parse(data: bytes) -> Any:
    """The parsed body; None where it is empty or no JSON."""
    try:
        return loads(data) if data else None
    except (ValueError, RecursionError):    # what is nested thousands deep is no answer either
        return None


def _tell(route: Route, state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    logger.warning(
        "calling again after %s",
        "a 429" if isinstance(error, RateLimitedError) else "no usable answer",
        extra={
            "action": "retry",
            "call": f"{route.method} {route.v3}",
            "attempt": state.attempt_number,
            "status": getattr(error, "status", None),
            "seconds": round(state.next_action.sleep, 2) if state.next_action else 0,
        },
    )


def _several(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else (value,)


def _whoever(_seconds: float) -> None:
    """Without a lease nobody needs to be asked."""


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
