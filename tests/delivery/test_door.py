"""The door: the checked address and no other, one deadline for all of it, nothing followed, little read (S8, I10)."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import responses
import trustme
from loopback_receiver import Receiver, Script, answer

from connector.delivery.door import MOST_REPLY_BYTES, Door
from connector.delivery.guard import AllowList, resolve_by_system

HEADERS = {"Content-Type": "application/json", "webhook-id": "msg_1"}


def to_loopback(host: str, port: int, seconds: float) -> Sequence[str]:
    return ["127.0.0.1"]


@contextmanager
def a_door(*allowed: str, timeout: float = 5.0, ca_file: Path | None = None) -> Iterator[Door]:
    hosts = AllowList.of(allowed or ["hooks.example"])
    door = Door(allowed=hosts, resolve=to_loopback, timeout_seconds=timeout, ca_file=ca_file)
    try:
        yield door
    finally:
        door.close()


def test_a_post_arrives_with_its_exact_bytes_and_the_right_host() -> None:
    with Receiver(answer("204 No Content")) as receiver, a_door() as door:
        got = door.post(f"http://hooks.example:{receiver.port}/in?a=1", "{\"a\":\"ü\"}".encode(), HEADERS)
    head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
    assert (got.status, got.problem) == (204, "")
    assert body == "{\"a\":\"ü\"}".encode()
    assert head.startswith(b"POST /in?a=1 HTTP/1.1\r\n")
    assert f"host: hooks.example:{receiver.port}".encode() in head.lower()
    assert b"webhook-id: msg_1" in head and b"user-agent: handoff" in head.lower()


def test_a_name_that_changes_its_mind_gets_no_second_look_up() -> None:
    """S8, DNS rebinding: what was checked is what is connected to."""
    answers = [["127.0.0.1"], ["127.0.0.2"]]
    asked = []

    def rebinding(host: str, port: int, seconds: float) -> Sequence[str]:
        asked.append(host)
        return answers[min(len(asked), 2) - 1]

    with Receiver(answer("200 OK")) as receiver:
        door = Door(allowed=AllowList.of(["hooks.example"]), resolve=rebinding)
        assert door.post(f"http://hooks.example:{receiver.port}/", b"{}", HEADERS).status == 200
        door.close()
    assert asked == ["hooks.example"]


def test_a_public_name_that_leads_inward_is_never_connected_to() -> None:
    """S8: the name passes the check of its address line, its addresses do not."""
    with Receiver(answer("200 OK")) as receiver:
        door = Door(resolve=lambda *_: ["93.184.216.34", "127.0.0.1"])
        got = door.post("https://hooks.example/canary", b"{}", HEADERS)
        door.close()
    assert got.status is None and got.problem.startswith("not sent: hooks.example leads to an address inside")
    assert "canary" not in got.problem
    assert receiver.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_other_spellings_of_our_own_machine_are_refused(host: str) -> None:
    """S8"""
    got = Door(resolve=resolve_by_system).post(f"https://{host}/", b"{}", HEADERS)
    assert got.status is None and got.problem.startswith("not sent: ")


def test_plain_http_is_refused_before_any_look_up() -> None:
    def never(host: str, port: int, seconds: float) -> Sequence[str]:
        raise AssertionError("looked up")

    assert Door(resolve=never).post("http://hooks.example/", b"{}", HEADERS).problem.startswith("not sent: ")


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with Receiver(answer("200 OK")) as inner:
        script = answer("302 Found", b"", f"Location: http://hooks.example:{inner.port}/")
        with Receiver(script) as receiver, a_door() as door:
            assert door.post(f"http://hooks.example:{receiver.port}/", b"{}", HEADERS).status == 302
        assert inner.requests == []


def test_proxies_of_the_environment_and_cookies_of_receivers_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with Receiver(answer("200 OK", b"ok", "Set-Cookie: canary=1; Path=/")) as receiver, a_door() as door:
        for _ in range(2):
            assert door.post(f"http://hooks.example:{receiver.port}/", b"{}", HEADERS).status == 200
    assert len(receiver.requests) == 2 and receiver.connections == 1
    assert b"canary" not in receiver.requests[1]


def test_retry_after_comes_with_the_answer() -> None:
    with Receiver(answer("429 Too Many", b"", "Retry-After: 77")) as receiver, a_door() as door:
        got = door.post(f"http://hooks.example:{receiver.port}/", b"{}", HEADERS)
    assert (got.status, got.retry_after) == (429, "77")


# -- time --------------------------------------------------------------------------------------------------------


def drip(head: bytes, every: float) -> Script:
    """One byte after the other, so that no timeout of a single read ever strikes."""

    def write(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(200):
            time.sleep(every)
            connection.sendall(b"x")

    return write


@pytest.mark.parametrize(
    "script", [lambda _: time.sleep(1.5), drip(b"HTTP/1.1 200 O", 0.05)], ids=["silent", "dripping"]
)
def test_silence_and_dripping_end_at_the_deadline(script: Script) -> None:
    with Receiver(script) as receiver, a_door(timeout=0.4) as door:
        began = time.monotonic()
        got = door.post(f"http://hooks.example:{receiver.port}/", b"{}", HEADERS)
        assert got.problem == "no answer within 0.4 s"
        assert time.monotonic() - began < 1.2


def test_a_body_that_drips_after_the_status_changes_nothing_of_the_status() -> None:
    """I6: the receiver said 2xx, and the deadline ends the rest."""
    script = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", 0.05)
    with Receiver(script) as receiver, a_door(timeout=0.4) as door:
        began = time.monotonic()
        assert door.post(f"http://hooks.example:{receiver.port}/", b"{}", HEADERS).status == 200
        assert time.monotonic() - began < 1.2


def test_an_endless_body_is_read_up_to_64_kb_and_the_connection_is_closed() -> None:
    """S8"""
    sent = 0

    def flood(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(2_000):
            sent += connection.send(b"x" * 50_000)

    with Receiver(flood) as receiver, a_door() as door:
        assert door.post(f"http://hooks.example:{receiver.port}/", b"{}", HEADERS).status == 200
    assert sent < 100_000_000 / 4
    assert MOST_REPLY_BYTES == 65_536


def test_a_slow_name_server_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(3) and [])
    began = time.monotonic()
    got = Door(timeout_seconds=0.3).post("https://hooks.example/", b"{}", HEADERS)
    released.set()
    assert got.problem == "no answer within 0.3 s"
    assert time.monotonic() - began < 1


# -- failures in words, without the address -----------------------------------------------------------------------


def test_failures_are_told_in_words_and_never_show_the_path() -> None:
    """I10: the path of a Slack address is its secret."""
    def nowhere(host: str, port: int, seconds: float) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with a_door() as door:
        refused = door.post(f"http://hooks.example:{port}/canary", b"{}", HEADERS)
    unknown = Door(resolve=nowhere).post("https://hooks.example/canary", b"{}", HEADERS)
    with Receiver(lambda connection: connection.close()) as receiver, a_door() as door:
        broken = door.post(f"http://hooks.example:{receiver.port}/canary", b"{}", HEADERS)
    with Receiver(lambda connection: connection.sendall(b"garbage\r\n\r\n")) as receiver, a_door() as door:
        garbage = door.post(f"http://hooks.example:{receiver.port}/canary", b"{}", HEADERS)
    assert refused.problem == "no connection could be made"
    assert unknown.problem == "its name does not resolve"
    assert broken.problem == garbage.problem == "the connection broke before an answer came"


def test_the_next_address_is_tried_when_the_first_is_dead() -> None:
    with Receiver(answer("200 OK")) as receiver:
        door = Door(allowed=AllowList.of(["hooks.example"]), resolve=lambda *_: ["::1", "127.0.0.1"])
        assert door.post(f"http://hooks.example:{receiver.port}/", b"{}", HEADERS).status == 200
        door.close()


# -- TLS -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for hooks.example and its key, made here and now, with who vouches for it."""
    folder = tmp_path_factory.mktemp("tls")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    made = ca.issue_cert("hooks.example")
    made.private_key_pem.write_to_path(folder / "key.pem")
    made.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    return folder


def tls_server(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def test_over_tls_the_name_is_asked_for_and_checked_though_the_address_is_pinned(certificate: Path) -> None:
    """S8"""
    with (
        Receiver(answer("200 OK"), tls=tls_server(certificate)) as receiver,
        a_door("hooks.example", "other.example", ca_file=certificate / "ca.pem") as door,
    ):
        assert door.post(f"https://hooks.example:{receiver.port}/", b"{}", HEADERS).status == 200
        wrong = door.post(f"https://other.example:{receiver.port}/canary", b"{}", HEADERS)
    assert receiver.names == ["hooks.example", "other.example"]
    assert (wrong.status, wrong.problem) == (None, "its certificate or TLS was not accepted")
    assert len(receiver.requests) == 1


def test_a_certificate_nobody_vouches_for_is_refused(certificate: Path) -> None:
    with Receiver(answer("200 OK"), tls=tls_server(certificate)) as receiver, a_door() as door:
        got = door.post(f"https://hooks.example:{receiver.port}/", b"{}", HEADERS)
    assert got.problem == "its certificate or TLS was not accepted"
    assert receiver.requests == []


def test_a_tls_handshake_that_never_ends_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, a_door(timeout=0.4) as door:
        began = time.monotonic()
        got = door.post(f"https://hooks.example:{silent.getsockname()[1]}/", b"{}", HEADERS)
        assert got.problem == "no answer within 0.4 s"
        assert time.monotonic() - began < 1.2


def test_patched_libraries_see_what_goes_out() -> None:
    with responses.RequestsMock() as mock:
        mock.post("https://hooks.example/in", status=202)
        assert Door().post("https://hooks.example/in", b"{}", HEADERS).status == 202
        assert mock.calls[0].request.body == b"{}"
