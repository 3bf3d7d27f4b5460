"""Sources: where requests come from, and how many of each are taken. Memory is bounded by forgetting the oldest.

A reverse proxy's word on its caller counts only where the settings trust that proxy (S7); for the rate alone, never for
a signature.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

PER_SECOND, BURST = 100.0, 400.0
"""HubSpot has ten requests under way at most for one account, each of up to a hundred events."""
AT_ONCE = 20
MOST_SOURCES = 10_000


class Sources:
    """A bucket of tokens for each source."""

    def __init__(self, *, per_second: float = PER_SECOND, burst: float = BURST) -> None:
        self._per_second, self._burst = per_second, burst
        self._tokens: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._under_way: dict[str, int] = {}

    def may_pass(self, source: str, now: float) -> bool:
        """Takes one token; `now` in seconds that only rise."""
        tokens, at = self._tokens.pop(source, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._per_second)
        passes = tokens >= 1
        self._tokens[source] = (tokens - passes, now)
        if len(self._tokens) > MOST_SOURCES:
            self._tokens.popitem(last=False)
        return passes

    def enter(self, source: str) -> bool:
        """Whether one more request of this source may be under way; leave() ends it."""
        if self._under_way.get(source, 0) >= AT_ONCE:
            return False
        self._under_way[source] = self._under_way.get(source, 0) + 1
        return True

    def leave(self, source: str) -> None:
        self._under_way[source] -= 1
        if not self._under_way[source]:
            del self._under_way[source]


def source_of(peer: str, headers: Iterable[tuple[bytes, bytes]], trusted: Sequence[Network]) -> str:
    """Whom a request is counted under: the peer, or the last address before our own proxies in X-Forwarded-For."""
    told = [value for name, value in headers if name == b"x-forwarded-for"]
    chain = b",".join(told).decode("latin-1").split(",") if told and _is_trusted(peer, trusted) else []
    source = peer
    for address in reversed(chain[-20:]):
        source = address.strip()
        if not _is_trusted(source, trusted):
            break
    return _network(source) or peer


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in trusted)


def _network(address: str) -> str:
    """Whoever has one address of IPv6 has all of its /64; empty where it is no address."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((found.packed[:8] + bytes(8), 64)))
