"""Misfits: what is wrong with the addresses and secrets of destinations, asked by `handoff check` before all else.

No look-up and no call: what a name leads to is checked whenever something goes there (guard.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from connector.delivery.apprise_door import open_service
from connector.delivery.destinations import Destination, resolve
from connector.delivery.guard import AllowList, check_url, checked_addresses
from connector.errors import ConfigError
from connector.rules.notifications import NotificationRules


def misfits(
    rules: NotificationRules, variable: Callable[[str], str | None], allow_hosts: Iterable[str]
) -> Iterator[ConfigError]:
    """One complaint for each destination that would get nothing, with advice; never a secret or a path in it."""
    allowed = AllowList.of(allow_hosts)
    for name, model in rules.destinations.items():
        alone = rules.model_copy(update={"destinations": {name: model}})
        try:
            for destination in resolve(alone, variable).values():
                _check(destination, allowed)
        except ConfigError as fault:
            yield ConfigError(f"notifications.yaml: destination `{name}`: {fault}", advice=fault.advice)


def _check(destination: Destination, allowed: AllowList) -> None:
    if destination.type == "apprise":
        open_service(destination.url, "its address", allowed)
        return
    check_url(destination.url, allowed)
    parts = urlsplit(destination.url)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return
    checked_addresses(host, parts.port or 443, 0, allowed=allowed, resolve=lambda *_: (host,))
