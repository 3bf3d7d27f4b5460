"""The one way out for notices: posts a body to a checked address, within one deadline, and reads little of the answer.

No proxies, no redirects, no cookies, no login from files; the answer is read up to 64 kB and thrown away. Where a
notice may go is guard.py; what an answer means is sender.py.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Protocol

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from connector.delivery.guard import (
    AddressRefusedError,
    AllowList,
    Resolver,
    check_url,
    checked_addresses,
    resolve_by_system,
)

MOST_REPLY_BYTES = 64 * 1024
MOST_ADDRESSES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one post.

    Attributes:
        status: of HTTP; None where there was no answer.
        problem: why not, in words, without address, body or secret (I10); empty where there was one.
        retry_after: the header as it came.
    """

    status: int | None
    problem: str = ""
    retry_after: str | None = None
    seconds: float = 0.0


class Outlet(Protocol):
    """Anything that sends a body once and says what became of it; doors.py picks the right one for a destination."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send it once. Never raises for anything the receiver or the network does."""

    def close(self) -> None:
        """Let connections go."""


class Door:
    """One receiver's door by HTTP; used by one thread at a time, keeps its connection open between posts.

    Args:
        timeout_seconds: for all of it together: look-up, connecting, sending, waiting, reading.
        ca_file: certificates to trust; None for those that come with requests.
    """

    def __init__(
        self,
        *,
        allowed: AllowList | None = None,
        resolve: Resolver = resolve_by_system,
        timeout_seconds: float = 15.0,
        ca_file: Path | None = None,
    ) -> None:
        self._allowed = allowed or AllowList()
        self._line = _Line(self._allowed, resolve)
        self._timeout = timeout_seconds
        self._deadline = _Deadline(self._line, timeout_seconds)
        self._session = _session(self._line, ca_file)
        self._ready: dict[str, requests.PreparedRequest] = {}

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send it once. Never raises for anything the receiver or the network does."""
        began = time.monotonic()
        try:
            check_url(url, self._allowed)
            with self._deadline:
                status, retry_after = self._exchange(url, body, headers)
        except AddressRefusedError as error:
            return Answer(status=None, problem=f"not sent: {error}", seconds=time.monotonic() - began)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            self._line.forget()
            problem = f"no answer within {self._timeout:g} s" if self._line.is_over else _in_words(error)
            return Answer(status=None, problem=problem, seconds=time.monotonic() - began)
        return Answer(status=status, retry_after=retry_after, seconds=time.monotonic() - began)

    def close(self) -> None:
        self._deadline.close()
        self._session.close()
        self._line.forget()

    def _exchange(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str | None]:
        response = self._session.send(
            self._request(url, body, headers),
            timeout=self._timeout, allow_redirects=False, stream=True, verify=self._session.verify, proxies={},
        )  # fmt: skip
        if self._line.is_over:
            response.close()
            raise TimeoutError      # a head that we cut ourselves reads like a whole one
        may_be_used_again = _drain(response) and response.headers.get("Connection", "").lower() != "close"
        response.close()
        if not may_be_used_again:
            self._line.forget()
        return response.status_code, response.headers.get("Retry-After")


    def _request(self, url: str, body: bytes, headers: Mapping[str, str]) -> requests.PreparedRequest:
        """Address and our own headers are put together once for all posts; that costs as much as posting."""
        if url not in self._ready:
            self._ready[url] = self._session.prepare_request(requests.Request("POST", url))
        request = self._ready[url].copy()
        request.headers.update(headers)
        request.prepare_body(body, None)
        return request


class _Line:
    """Makes the sockets of one door, and can cut them: a socket's own timeout starts anew with every byte."""

    def __init__(self, allowed: AllowList, resolve: Resolver) -> None:
        self._allowed, self._resolve = allowed, resolve
        self._over_at = 0.0
        self._lock = threading.Lock()
        self._handles: list[socket.socket] = []

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._over_at

    def begin(self, seconds: float) -> None:
        self._over_at = time.monotonic() + seconds

    def connect(self, connection: HTTPConnection) -> socket.socket:
        host, port = connection.host, connection.port or connection.default_port
        try:
            addresses = checked_addresses(host, port, self._left(), allowed=self._allowed, resolve=self._resolve)
        except socket.gaierror as error:
            raise NameResolutionError(host, connection, error) from error
        failure: OSError = OSError("no address answered")
        for address in addresses[:MOST_ADDRESSES]:
            try:
                # A share of what is left, so that one dead address does not use up the time of the next.
                made = create_connection(
                    (address, port), max(self._left() / 2, 0.05), socket_options=connection.socket_options
                )
            except OSError as error:
                failure = error
                continue
            made.settimeout(max(self._left(), 0.05))
            self._keep(made)
            return made
        raise NewConnectionError(connection, type(failure).__name__) from failure

    def cut(self) -> None:
        """End every exchange on this line, from another thread."""
        with self._lock:
            for handle in self._handles:
                try:
                    handle.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue        # closed by the other side meanwhile

    def forget(self) -> None:
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()

    def _left(self) -> float:
        return max(self._over_at - time.monotonic(), 0.0)

    def _keep(self, made: socket.socket) -> None:
        # A second handle on the same connection: TLS takes the first one over, and cuts nothing while it shakes hands.
        self.forget()
        with self._lock:
            self._handles.append(made.dup())


class _Deadline:
    """Cuts the line when the time of an exchange is over; leaving the block in time calls it off.

    One thread watches over all exchanges of a door: starting one for each costs more than the exchange.
    """

    def __init__(self, line: _Line, seconds: float) -> None:
        self._line, self._seconds = line, seconds
        self._changed = threading.Condition()
        self._over_at: float | None = None
        self._idle = self._ended = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> None:
        self._line.begin(self._seconds)
        with self._changed:
            self._over_at = time.monotonic() + self._seconds
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="handoff-deadline", daemon=True)
                self._thread.start()
            elif self._idle:
                self._changed.notify()

    def __exit__(self, *_: object) -> None:
        self._over_at = None

    def close(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self._ended:
                over_at = self._over_at
                self._idle = over_at is None
                left = None if over_at is None else over_at - time.monotonic()
                if left is None or left > 0:
                    self._changed.wait(left)    # an exchange that began meanwhile is over later than this one
                else:
                    self._over_at = None
                    self._line.cut()


class _PinnedAdapter(HTTPAdapter):
    """Gives urllib3 connections whose sockets come from our line; names, certificates and pools stay its own work.

    A door posts to one address by one session: what follows from these is worked out for its first post alone.
    """

    def __init__(self, line: _Line) -> None:
        self._line = line
        self._pool: tuple[str | None, ConnectionPool] | None = None
        self._checks: ConnectionPool | None = None
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> ConnectionPool:
        if self._pool is None or self._pool[0] != request.url:
            self._pool = request.url, super().get_connection_with_tls_context(request, verify, proxies, cert)
        return self._pool[1]

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        if conn is not self._checks:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
            self._checks = conn

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """There is no proxy."""
        return request.path_url

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: object) -> None:
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = _pool_classes(self._line)


def _pool_classes(line: _Line) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return line.connect(self)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return line.connect(self)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


class _NoCookies(RequestsCookieJar):
    """Takes none, and does not look for any either: looking costs as much as sending."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        return


def _session(line: _Line, ca_file: Path | None) -> requests.Session:
    session = requests.Session()
    session.trust_env = False       # no proxies, no .netrc
    session.cookies = _NoCookies(DefaultCookiePolicy(allowed_domains=[]))
    session.verify = str(ca_file) if ca_file else True
    session.headers.clear()
    session.headers["User-Agent"] = "handoff"
    session.headers["Accept-Encoding"] = "identity"     # nothing that unpacks to more than it weighs
    adapter = _PinnedAdapter(line)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _drain(response: requests.Response) -> bool:
    """Read a short answer to its end, so that its connection can be used again; says whether the end was reached.

    The status is known by then: a rest that breaks, drips or never ends changes nothing of what became of the post.
    """
    left = MOST_REPLY_BYTES
    try:
        for chunk in response.raw.stream(8 * 1024, decode_content=False):
            left -= len(chunk)
            if left < 0:
                return False
    except (HTTPError, OSError):
        return False
    return True


def _in_words(error: Exception) -> str:
    """By kind alone: the texts of these errors quote addresses, and some addresses are secrets."""
    causes = _causes(error)
    if any(isinstance(cause, NameResolutionError | socket.gaierror) for cause in causes):
        return "its name does not resolve"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate or TLS was not accepted"
    if isinstance(error, requests.Timeout) or any(isinstance(cause, TimeoutError) for cause in causes):
        return "no answer in time"
    if any(isinstance(cause, NewConnectionError | ConnectionRefusedError) for cause in causes):
        return "no connection could be made"
    return "the connection broke before an answer came"


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    queue: list[object] = [error]
    while queue and len(found) < 20:
        item = queue.pop()
        if isinstance(item, BaseException) and item not in found:
            found.append(item)
            queue += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]
    return found
