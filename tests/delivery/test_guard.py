"""The guard: no notice goes into our own network (S8)."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.delivery.guard import AddressRefusedError, AllowList, check_url, checked_addresses, is_public

NOBODY = AllowList()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.1.1.1",
        "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "::127.0.0.1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b:1::1",
        "2002:7f00:1::1", "2001:0:7f00:1::", "2001:db8::1", "3fff::1", "3fff:fff::1", "100::1", "4000::1",
        "not an address", "", "127.1",
    ],
)  # fmt: skip
def test_inward_special_and_tunnelled_addresses_are_not_public(address: str) -> None:
    """S8"""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:93.184.216.34"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_wrapped_into_ipv6_is_judged_as_what_it_is(address: IPv4Address) -> None:
    """S8"""
    assert is_public(f"::ffff:{address}") == is_public(str(address))
    assert not is_public(f"64:ff9b::{int(address) >> 16:x}:{int(address) & 0xFFFF:x}")
    assert not is_public(f"2002:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}::1")


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example/x", "https://hooks.example:8443/x", "https://u:p@hooks.example/", "https://u@hooks.example/",
     "ftp://hooks.example/", "file:///etc/passwd", "https://", "https://:443/", "hooks.example", "https://[::1", "",
     "https://hooks.example/a b", "https://hooks.example/\nHost: x", "https://hooks.example:99999/"],
)  # fmt: skip
def test_an_address_that_is_not_plain_https_on_443_is_refused(url: str) -> None:
    """S8"""
    with pytest.raises(AddressRefusedError):
        check_url(url, NOBODY)


def test_https_on_443_is_open_and_the_allow_list_opens_the_rest() -> None:
    check_url("https://hooks.example/x?y=1", NOBODY)
    check_url("https://hooks.example:443/x", NOBODY)
    check_url("http://hooks.corp.example:8080/", AllowList.of(["Hooks.Corp.Example"]))
    check_url("http://10.0.0.7:8080/", AllowList.of(["10.0.0.7:8080"]))
    check_url("http://[fd00::1]:8080/", AllowList.of(["[fd00::1]:8080"]))
    with pytest.raises(AddressRefusedError, match=r"10\.0\.0\.7:8081"):
        check_url("http://10.0.0.7:8081/", AllowList.of(["10.0.0.7:8080"]))


def test_a_user_name_is_refused_even_for_an_allowed_host() -> None:
    with pytest.raises(AddressRefusedError):
        check_url("http://u:p@hooks.corp.example/", AllowList.of(["hooks.corp.example"]))


def test_a_complaint_never_shows_the_path_which_may_be_a_secret() -> None:
    """I10"""
    for url in ("http://hooks.example/canary", "https://canary:canary@hooks.example/canary", "https://[canary/canary"):
        with pytest.raises(AddressRefusedError) as caught:
            check_url(url, NOBODY)
        assert "canary" not in f"{caught.value} {caught.value.advice} {caught.value!r}"


@pytest.mark.parametrize("addresses", [("10.0.0.1",), ("93.184.216.34", "10.0.0.1"), ("93.184.216.34", "::1")])
def test_one_inward_address_among_public_ones_is_enough_to_refuse(addresses: tuple[str, ...]) -> None:
    """S8: every address is checked, not only the one that would be taken."""
    with pytest.raises(AddressRefusedError, match="private network"):
        checked_addresses("hooks.example", 443, 1, allowed=NOBODY, resolve=lambda *_: addresses)


def test_an_allowed_host_may_be_inward_on_the_port_it_was_allowed_for() -> None:
    allowed = AllowList.of(["hooks.corp.example:8080"])
    found = checked_addresses("hooks.corp.example", 8080, 1, allowed=allowed, resolve=lambda *_: ["10.0.0.7"])
    assert found == ("10.0.0.7",)
    with pytest.raises(AddressRefusedError):
        checked_addresses("hooks.corp.example", 443, 1, allowed=allowed, resolve=lambda *_: ["10.0.0.7"])


def test_a_name_without_addresses_is_an_error_of_the_network() -> None:
    with pytest.raises(OSError, match="no address"):
        checked_addresses("hooks.example", 443, 1, allowed=NOBODY, resolve=lambda *_: [])
