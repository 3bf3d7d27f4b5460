"""A door through the apprise library, for e-mail and other services; it fulfils door.Outlet.

Apprise answers yes or no and nothing more: yes is given on as 200, no as "not taken". Which services are open is
services.py; what goes through is the JSON that payload.py wrote, a title and a text.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from connector.delivery.door import Answer
from connector.delivery.guard import AddressRefusedError, AllowList, Resolver, checked_addresses, resolve_by_system
from connector.delivery.services import MAIL, MAIL_PORTS, service_of
from connector.errors import ConfigError, SettingsError

if TYPE_CHECKING:
    from apprise import NotifyBase

HOW_TO_INSTALL = "Run: pip install 'handoff-connector[notify]'"
TAKEN = 200
NOT_TAKEN = "the service did not take it, or could not be reached; apprise does not say which"


class AppriseDoor:
    """One destination's door; used by one thread at a time.

    Args:
        timeout_seconds: for a whole post. Apprise cannot be stopped: a post that takes longer is left to end by itself,
            and nothing more is sent until it has.
    """

    def __init__(
        self,
        *,
        allowed: AllowList | None = None,
        resolve: Resolver = resolve_by_system,
        timeout_seconds: float = 15.0,
    ) -> None:
        self._allowed, self._resolve, self._timeout = allowed or AllowList(), resolve, timeout_seconds
        self._late: threading.Thread | None = None

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send it once. Never raises for anything the service or the network does."""
        began = time.monotonic()
        if self._late is not None and self._late.is_alive():
            return Answer(status=None, problem="not sent: the try before has not ended yet")
        try:
            service = open_service(url, "its address", self._allowed)
            self._check_mail_server(service)
        except OSError:
            return Answer(status=None, problem="its name does not resolve", seconds=time.monotonic() - began)
        except ConfigError as error:
            return Answer(status=None, problem=f"not sent: {error}", seconds=time.monotonic() - began)
        problem = self._send(service, json.loads(body))
        return Answer(status=None if problem else TAKEN, problem=problem, seconds=time.monotonic() - began)

    def close(self) -> None:
        """Nothing stays open between posts."""

    def _check_mail_server(self, service: NotifyBase) -> None:
        """S8: every address of the mail server, right before apprise looks it up again."""
        if (server := _mail_server(service)) is not None:
            checked_addresses(*server, self._timeout, allowed=self._allowed, resolve=self._resolve)

    def _send(self, service: NotifyBase, message: Mapping[str, str]) -> str:
        """What went wrong; empty where it was taken."""
        taken: list[bool] = []

        def send() -> None:
            try:
                taken.append(
                    bool(service.notify(body=message["text"], title=message["title"], body_format="text"))
                )
            except Exception:   # a stranger's code: whatever it raises, the notice was not taken
                taken.append(False)

        thread = threading.Thread(target=send, name="apprise", daemon=True)
        thread.start()
        thread.join(self._timeout)
        if not taken:
            self._late = thread
            return f"no answer within {self._timeout:g} s"
        return "" if taken[0] else NOT_TAKEN


def open_service(url: str, variable: str, allowed: AllowList) -> NotifyBase:
    """Apprise's object for an address that may be used; nothing is looked up or called.

    Raises:
        SettingsError: apprise is not installed, or cannot read the address.
        AddressRefusedError: a mail server that would be reached without TLS or on an unusual port.
    """
    scheme = service_of(url, variable)
    if find_spec("apprise") is None:
        raise SettingsError("the library for e-mail and other services is not installed", advice=HOW_TO_INSTALL)
    from apprise import Apprise, AppriseAsset, NotifyBase

    # Its log has the addressees in it (I10); what went wrong is told by us.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    asset = AppriseAsset(app_id="Handoff", app_desc="Handoff", app_url="", async_mode=False, http_redirects=False)
    service = Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if not isinstance(service, NotifyBase):
        raise SettingsError(
            f"{variable}: a part of it is missing or wrong",
            advice="docs/notifications.md shows the address of each service; signs like @ and / in a password are "
            "written %40 and %2F.",
        )
    if scheme in MAIL:
        _check_mail(service, allowed)
    return service


def _check_mail(service: NotifyBase, allowed: AllowList) -> None:
    host, port = _mail_server(service) or ("", 0)
    if allowed.holds(host, port):
        return
    if str(getattr(service, "secure_mode", "")) == "insecure":
        raise AddressRefusedError(
            f"mail would go to {host}:{port} without TLS",
            advice=f"Use mailtos: in its address, or, if that is meant, add {host}:{port} to HANDOFF_ALLOW_HOSTS.",
        )
    if port not in MAIL_PORTS:
        raise AddressRefusedError(
            f"mail would go to {host}:{port}, and only ports 465, 587 and 25 are open",
            advice=f"If that is meant, add {host}:{port} to HANDOFF_ALLOW_HOSTS.",
        )


def _mail_server(service: NotifyBase) -> tuple[str, int] | None:
    host = getattr(service, "smtp_host", None)
    return (str(host), int(getattr(service, "port", None) or MAIL_PORTS[1])) if host else None
