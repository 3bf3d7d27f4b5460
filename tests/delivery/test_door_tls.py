"""The guard over https (S8): the checked address is connected to, the name is asked for and proved by a certificate."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from loopback_receiver import Receiver, answer

from connector.delivery.door import Answer, Door
from connector.delivery.guard import AllowList

HEADERS = {"Content-Type": "application/json", "webhook-id": "msg_1"}
INWARD = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.7", "100.64.0.9", "0.0.0.0", "224.0.0.1", "::1",
          "fe80::1", "fd00::7", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7",
          "2002:7f00:1::1", "2001::1", "2001:db8::1", "3fff::1", "::", "::127.0.0.1", "5f00::1"]  # fmt: skip


@dataclass(frozen=True)
class Authority:
    """Who vouches for names in these tests."""

    ca: trustme.CA
    file: Path

    def server(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names).configure_cert(context)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    ca = trustme.CA()
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(file)
    return Authority(ca, file)


class Resolver:
    """Gives one list of addresses after the other, the last one for ever; remembers what was asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers, self.asked = list(answers), list[str]()

    def __call__(self, host: str, port: int, seconds: float) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@contextmanager
def a_door(authority: Authority, resolver: Resolver, *allowed: str, timeout: float = 10.0) -> Iterator[Door]:
    hosts = AllowList.of(allowed)
    door = Door(allowed=hosts, resolve=resolver, timeout_seconds=timeout, ca_file=authority.file)
    try:
        yield door
    finally:
        door.close()


def test_the_address_is_the_checked_one_while_host_sni_and_certificate_keep_the_name(authority: Authority) -> None:
    """S8"""
    resolver = Resolver(["127.0.0.1"])
    with (
        Receiver(answer("200 OK"), tls=authority.server("hooks.example")) as receiver,
        a_door(authority, resolver, "hooks.example") as door,
    ):
        got = door.post(f"https://hooks.example:{receiver.port}/in", b"{}", HEADERS)
    assert (got.status, got.problem) == (200, "")
    assert receiver.names == ["hooks.example"] and resolver.asked == ["hooks.example"]
    head = receiver.requests[0].partition(b"\r\n\r\n")[0].lower()
    assert f"host: hooks.example:{receiver.port}".encode() in head


@pytest.mark.parametrize("names", [("other.example",), ("sub.hooks.example",), ("*.example.example",), ("127.0.0.1",)])
def test_a_certificate_for_another_name_or_for_the_address_is_refused(
    authority: Authority, names: tuple[str, ...]
) -> None:
    """S8: the right authority, the wrong name; also a certificate that fits the pinned address and not the name."""
    with (
        Receiver(answer("200 OK"), tls=authority.server(*names)) as receiver,
        a_door(authority, Resolver(["127.0.0.1"]), "hooks.example") as door,
    ):
        got = door.post(f"https://hooks.example:{receiver.port}/canary", b"{}", HEADERS)
    assert (got.status, got.problem) == (None, "its certificate or TLS was not accepted")
    assert receiver.requests == []


def test_a_certificate_of_an_unknown_authority_is_refused(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(trustme.CA(), tmp_path / "unused.pem")
    with (
        Receiver(answer("200 OK"), tls=stranger.server("hooks.example")) as receiver,
        a_door(authority, Resolver(["127.0.0.1"]), "hooks.example") as door,
    ):
        got = door.post(f"https://hooks.example:{receiver.port}/", b"{}", HEADERS)
    assert got.problem == "its certificate or TLS was not accepted" and receiver.requests == []


def test_an_expired_certificate_is_refused(authority: Authority) -> None:
    from datetime import UTC, datetime

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.ca.issue_cert("hooks.example", not_after=datetime(2020, 1, 1, tzinfo=UTC)).configure_cert(context)
    with (
        Receiver(answer("200 OK"), tls=context) as receiver,
        a_door(authority, Resolver(["127.0.0.1"]), "hooks.example") as door,
    ):
        got = door.post(f"https://hooks.example:{receiver.port}/", b"{}", HEADERS)
    assert got.problem == "its certificate or TLS was not accepted" and receiver.requests == []


def test_old_tls_is_refused(authority: Authority) -> None:
    context = authority.server("hooks.example")
    with pytest.warns(DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        Receiver(answer("200 OK"), tls=context) as receiver,
        a_door(authority, Resolver(["127.0.0.1"]), "hooks.example") as door,
    ):
        got = door.post(f"https://hooks.example:{receiver.port}/", b"{}", HEADERS)
    assert got.status is None and receiver.requests == []


def test_a_name_that_rebinds_is_looked_up_once_for_a_connection_and_checked_at_each(authority: Authority) -> None:
    """S8, DNS rebinding over TLS: first public, then our own machine; no connection is ever made to the second."""
    public, inward = ["93.184.216.34"], ["127.0.0.1"]
    reached: list[object] = []

    def refuse(address: tuple[str, int], *_: object, **__: object) -> object:
        reached.append(address[0])
        raise ConnectionRefusedError

    resolver = Resolver(public, inward)
    with (
        Receiver(answer("200 OK"), tls=authority.server("hooks.example")) as receiver,
        pytest.MonkeyPatch.context() as patch,
        a_door(authority, resolver) as door,
    ):
        patch.setattr("connector.delivery.door.create_connection", refuse)
        first = door.post("https://hooks.example/", b"{}", HEADERS)
        assert (resolver.asked, reached) == (["hooks.example"], ["93.184.216.34"])
        second = door.post("https://hooks.example/", b"{}", HEADERS)
    assert first.problem == "no connection could be made"
    assert second.problem.startswith("not sent: hooks.example leads to an address inside of a private network")
    assert len(resolver.asked) == 2 and reached == ["93.184.216.34"] and receiver.connections == 0


def test_a_connection_that_stays_open_is_used_again_without_another_look_up(authority: Authority) -> None:
    """S8: what the name says meanwhile does not matter, since nothing new is connected to."""
    resolver = Resolver(["127.0.0.1"], ["10.0.0.1"])
    with (
        Receiver(answer("200 OK"), tls=authority.server("hooks.example")) as receiver,
        a_door(authority, resolver, "hooks.example") as door,
    ):
        for _ in range(3):
            assert door.post(f"https://hooks.example:{receiver.port}/", b"{}", HEADERS).status == 200
    assert (receiver.connections, resolver.asked) == (1, ["hooks.example"])


@pytest.mark.parametrize("address", INWARD)
def test_no_inward_address_is_connected_to_over_https(authority: Authority, address: str) -> None:
    """S8: alone, and behind a public one."""
    for addresses in ([address], ["93.184.216.34", address]):
        with a_door(authority, Resolver(addresses)) as door, pytest.MonkeyPatch.context() as patch:
            patch.setattr("connector.delivery.door.create_connection", _never)
            got = door.post("https://hooks.example/", b"{}", HEADERS)
        assert got.problem == "not sent: hooks.example leads to an address inside of a private network"


def _never(*_: object, **__: object) -> object:
    raise AssertionError("connected")


def test_the_allow_list_opens_a_host_on_one_port_and_no_other(authority: Authority) -> None:
    """S8: inward targets only by an explicit setting, TLS proved all the same."""
    with (
        Receiver(answer("200 OK"), tls=authority.server("hooks.corp.example")) as open_one,
        Receiver(answer("200 OK"), tls=authority.server("hooks.corp.example")) as other,
        a_door(authority, Resolver(["127.0.0.1"]), f"hooks.corp.example:{open_one.port}") as door,
    ):
        assert door.post(f"https://hooks.corp.example:{open_one.port}/", b"{}", HEADERS).status == 200
        refused = door.post(f"https://hooks.corp.example:{other.port}/", b"{}", HEADERS)
    assert refused.problem.startswith("not sent: ") and other.connections == 0


def test_an_address_as_the_host_is_proved_by_a_certificate_for_it(authority: Authority) -> None:
    with (
        Receiver(answer("200 OK"), tls=authority.server("127.0.0.1")) as receiver,
        a_door(authority, Resolver([str(ipaddress.ip_address("127.0.0.1"))]), "127.0.0.1") as door,
    ):
        assert door.post(f"https://127.0.0.1:{receiver.port}/", b"{}", HEADERS).status == 200


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_over_https_is_an_answer_and_is_not_followed(authority: Authority, status: str) -> None:
    """S8"""
    with Receiver(answer("200 OK"), tls=authority.server("hooks.example")) as inner:
        script = answer(status, b"", f"Location: https://hooks.example:{inner.port}/")
        with (
            Receiver(script, tls=authority.server("hooks.example")) as receiver,
            a_door(authority, Resolver(["127.0.0.1"]), "hooks.example") as door,
        ):
            got = door.post(f"https://hooks.example:{receiver.port}/", b"{}", HEADERS)
    assert got.status == int(status[:3]) and inner.connections == 0


def test_two_doors_at_once_ask_for_their_own_names(authority: Authority) -> None:
    """The pinning belongs to a door, not to the process."""
    got: dict[str, Answer] = {}
    context = authority.server("one.example", "two.example")
    with Receiver(answer("200 OK"), tls=context) as one, Receiver(answer("200 OK"), tls=context) as two:

        def send(name: str, port: int) -> None:
            with a_door(authority, Resolver(["127.0.0.1"]), name) as door:
                got[name] = door.post(f"https://{name}:{port}/", b"{}", HEADERS)

        threads = [threading.Thread(target=send, args=pair)
                   for pair in (("one.example", one.port), ("two.example", two.port))]  # fmt: skip
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert [got[name].status for name in ("one.example", "two.example")] == [200, 200]
    assert sorted(filter(None, one.names + two.names)) == ["one.example", "two.example"]
