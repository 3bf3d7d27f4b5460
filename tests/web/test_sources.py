"""Sources: a bucket of tokens for each, bounded memory, and proxies that are believed only where they are trusted."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.web import sources
from connector.web.sources import Sources, source_of

PROXIES = [ip_network("10.0.0.0/8")]


def test_a_bucket_fills_again_with_time() -> None:
    found = Sources(per_second=2, burst=2)
    assert [found.may_pass("a", at) for at in (0, 0, 0, 0.5, 0.5, 10, 10, 10)] == [
        True, True, False, True, False, True, True, False,
    ]  # fmt: skip


def test_memory_is_bounded_however_many_sources_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_SOURCES", 10)
    found = Sources()
    for number in range(100):
        found.may_pass(str(number), number)
    assert len(found._tokens) == 10


def test_a_source_has_only_so_many_requests_under_way() -> None:
    found = Sources()
    assert all(found.enter("a") for _ in range(sources.AT_ONCE))
    assert not found.enter("a")
    assert found.enter("b")
    found.leave("a")
    assert found.enter("a")


@pytest.mark.parametrize(
    ("peer", "told", "source"),
    [
        ("192.0.2.1", b"198.51.100.7", "192.0.2.1"),
        ("10.0.0.1", b"198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", b"203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", b"unknown", "10.0.0.1"),
        ("10.0.0.1", b"", "10.0.0.1"),
        ("2001:db8::1:2:3:4", b"", "2001:db8::/64"),
        ("::ffff:192.0.2.1", b"", "192.0.2.1"),
    ],
)
def test_whose_request_it_is(peer: str, told: bytes, source: str) -> None:
    """S7"""
    assert source_of(peer, [(b"x-forwarded-for", told)], PROXIES) == source


@given(st.text(max_size=30), st.lists(st.binary(max_size=60), max_size=3))
def test_no_bytes_raise(peer: str, told: list[bytes]) -> None:
    source_of(peer, [(b"x-forwarded-for", value) for value in told], [ip_network("0.0.0.0/0"), ip_network("::/0")])
