"""Doors: the right one for each destination, by its type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from connector.delivery.apprise_door import AppriseDoor
from connector.delivery.destinations import Destination
from connector.delivery.door import Door, Outlet
from connector.delivery.guard import AllowList, Resolver, resolve_by_system


def open_doors(
    destinations: Mapping[str, Destination],
    *,
    allow_hosts: Iterable[str] = (),
    ca_file: Path | None = None,
    resolve: Resolver = resolve_by_system,
    timeout_seconds: float = 15.0,
) -> dict[str, Outlet]:
    """A door for each destination, by its name; `allow_hosts` as in HANDOFF_ALLOW_HOSTS."""
    allowed = AllowList.of(allow_hosts)

    def door(destination: Destination) -> Outlet:
        if destination.type == "apprise":
            return AppriseDoor(allowed=allowed, resolve=resolve, timeout_seconds=timeout_seconds)
        return Door(allowed=allowed, resolve=resolve, timeout_seconds=timeout_seconds, ca_file=ca_file)

    return {name: door(destination) for name, destination in destinations.items()}
