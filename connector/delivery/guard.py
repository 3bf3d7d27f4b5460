"""Where a notice may go: an operator's address must not become a door into the network we run in (S8).

A name is resolved once, every address it gives is checked, and the connection goes to a checked address while Host and
SNI keep the name: what a second look-up would say does not matter. Speaking HTTP is door.py.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from connector.errors import ConfigError

Resolver = Callable[[str, int, float], Sequence[str]]
"""Host, port and seconds to wait -> addresses as text; an OSError where there are none."""

IPV4_REFUSED = tuple(ip_network(net) for net in ("192.0.0.0/24", "192.88.99.0/24"))
IPV6_PUBLIC = ip_network("2000::/3")
# Tunnels carry an IPv4 address that nobody checked (6to4, Teredo); the others are for documents. NAT64 (64:ff9b::/96,
# which ip_address calls global) and everything else outside of 2000::/3 is refused by the range above.
IPV6_REFUSED = tuple(ip_network(net) for net in ("2002::/16", "2001::/32", "2001:db8::/32", "3fff::/20"))


class AddressRefusedError(ConfigError):
    """An address that nothing may be sent to. Its text names the host, never the path: that may be a secret."""


@dataclass(frozen=True, slots=True)
class AllowList:
    """Hosts, or hosts with a port, that may be inward, speak plain http and listen on any port (or on that one)."""

    entries: frozenset[str] = frozenset()

    @classmethod
    def of(cls, entries: Iterable[str]) -> AllowList:
        return cls(frozenset(entry.lower().replace("[", "").replace("]", "").rstrip(".") for entry in entries))

    def holds(self, host: str, port: int) -> bool:
        name = host.lower().strip("[]").rstrip(".")
        return name in self.entries or f"{name}:{port}" in self.entries


def check_url(url: str, allowed: AllowList) -> None:
    """Refuse what needs no look-up to be refused.

    Raises:
        AddressRefusedError: no https, a port other than 443, a user name, or no host, unless the allow-list has it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:
        raise AddressRefusedError("its address cannot be read", advice="Write https://host/path.") from None
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url:
        raise AddressRefusedError("its address is none that starts with https://", advice="Write https://host/path.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefusedError(f"the address of {host} has a user name in it", advice="Leave it out; we sign.")
    if not allowed.holds(host, port) and (parts.scheme != "https" or port != 443):
        raise AddressRefusedError(
            f"{host}:{port} would be reached by {parts.scheme} on port {port}, and only https on port 443 is open",
            advice=f"If that is meant, add {host}:{port} to HANDOFF_ALLOW_HOSTS.",
        )


def is_public(text: str) -> bool:
    """Whether an address belongs to the public Internet; IPv4 inside of IPv6 is judged as what it is."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        address = address.ipv4_mapped or address
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in net for net in IPV4_REFUSED)
    return address in IPV6_PUBLIC and address.is_global and not any(address in net for net in IPV6_REFUSED)


def checked_addresses(
    host: str, port: int, seconds: float, *, allowed: AllowList, resolve: Resolver
) -> tuple[str, ...]:
    """The addresses of a host, all of them checked, in the resolver's order; one look-up.

    Raises:
        AddressRefusedError: one of them is inward and the allow-list does not have the host.
        OSError: there are none, or not within `seconds`.
    """
    addresses = tuple(dict.fromkeys(resolve(host, port, seconds)))
    if not addresses:
        raise OSError("the name has no address")
    if not allowed.holds(host, port) and not all(is_public(address) for address in addresses):
        raise AddressRefusedError(
            f"{host} leads to an address inside of a private network",
            advice=f"If that is meant, add {host} to HANDOFF_ALLOW_HOSTS.",
        )
    return addresses


def resolve_by_system(host: str, port: int, seconds: float) -> Sequence[str]:
    """The system's answer. The look-up has no time limit of its own, hence the thread; it is left behind when late."""
    answer: list[str] = []
    failure: list[OSError] = []

    def look_up() -> None:
        try:
            answer.extend(str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            failure.append(error if isinstance(error, OSError) else OSError("the name cannot be written in DNS"))

    thread = threading.Thread(target=look_up, name="resolve", daemon=True)
    thread.start()
    thread.join(max(seconds, 0.001))
    if failure:
        raise failure[0]
    if thread.is_alive():
        raise TimeoutError("the name was not resolved in time")
    return answer
