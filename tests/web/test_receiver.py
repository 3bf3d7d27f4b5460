"""The receiver: what it takes, what it refuses, and in what order (reliability.md section 4, P4, S7, I10)."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.crm.hubspot.inbound import signature
from connector.errors import SettingsError
from connector.web import intake, server
from connector.web import receiver as receiver_module
from connector.web.sources import Sources
from web import served as world
from web.served import Served, body, event, served


def test_what_hubspot_sends_is_durable_before_it_is_told_so(receiver: Served) -> None:
    answer = receiver.post(body(1, 2))
    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert {hint.contact for hint in receiver.inbox.hints.values()} == {"501", "502"}
    assert receiver.rung.wait(5)
    assert receiver.counts == {"hints": 2, "taken": 1}


def test_a_replay_within_its_time_is_one_hint(receiver: Served) -> None:
    for _ in range(3):
        assert receiver.post(body(1)).status_code == 200
    assert len(receiver.inbox.hints) == 1


def test_who_asks_whether_we_live_needs_no_signature_and_learns_nothing_else(receiver: Served) -> None:
    answer = receiver.http.get(f"http://{receiver.host}:{receiver.port}/healthz", timeout=5)
    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "cause"),
    [
        ({"X_HubSpot_Signature_v3": ""}, "signature_wrong"),
        ({"X_HubSpot_Signature_v3": "Zm9yZ2Vk"}, "signature_wrong"),
        ({"X_HubSpot_Request_Timestamp": "now"}, "timestamp_malformed"),
        ({"X_HubSpot_Request_Timestamp": "1772442000000"}, "timestamp_out_of_window"),
    ],
)
def test_a_forgery_is_refused_without_a_word_why_and_counted_by_cause(
    receiver: Served, headers: dict[str, str], cause: str
) -> None:
    answer = receiver.post(body(1), **headers)
    assert (answer.status_code, answer.text) == (401, "not accepted\n")
    assert receiver.counts == {cause: 1}
    assert receiver.inbox.hints == {}


def test_the_address_comes_from_the_settings_and_not_from_the_request(receiver: Served) -> None:
    """Whatever Host and X-Forwarded-* say, HubSpot signed the public address."""
    odd = {"Host": "evil.example", "X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "http"}
    assert receiver.post(body(1), **odd).status_code == 200
    stamp = str(time.time_ns() // 1_000_000)
    elsewhere = f"http://{receiver.host}:{receiver.port}/webhooks/hubspot"
    signed = signature(world.SECRET, "POST", elsewhere, body(1), stamp)
    answer = receiver.post(body(1), X_HubSpot_Signature_v3=signed, X_HubSpot_Request_Timestamp=stamp)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("sent", "status", "cause"),
    [
        (b"{}", 400, "not_a_list"),
        (b"\xff", 400, "not_json"),
        (b"[" * 500, 400, "not_json"),
        (json.dumps([event()] * 1001).encode(), 400, "too_many_events"),
        (b"[]", 200, "nothing_to_do"),
        (json.dumps([event(portalId=1)]).encode(), 200, "event_other_portal"),
        (json.dumps([event(subscriptionType="deal.creation")]).encode(), 200, "event_unknown_type"),
    ],
)
def test_what_is_signed_and_none_of_ours_is_counted(receiver: Served, sent: bytes, status: int, cause: str) -> None:
    assert receiver.post(sent).status_code == status
    assert receiver.counts[cause] == 1


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/webhooks/hubspot", 405), ("PUT", "/webhooks/hubspot", 405), ("POST", "/", 404), ("GET", "/admin", 404),
    ("POST", "/healthz", 405), ("POST", "/webhooks/hubspot/%2e%2e", 404),
])  # fmt: skip
def test_there_is_nothing_else_here(receiver: Served, method: str, path: str, status: int) -> None:
    answer = receiver.http.request(method, f"http://{receiver.host}:{receiver.port}{path}", timeout=5)
    assert answer.status_code == status


def test_a_proxy_may_put_a_path_before_ours(receiver: Served) -> None:
    assert receiver.post(body(1), path="/handoff/webhooks/hubspot").status_code == 200


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_garbage_behind_a_whole_request_costs_nobody_an_answer(
    receiver: Served, caplog: pytest.LogCaptureFixture, method: bytes
) -> None:
    answer = receiver.raw(method + b" /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n\x00 garbage")
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.count(b"HTTP/1.1") == 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_garbage_in_the_middle_of_a_body_is_answered_once(
    receiver: Served, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"POST /webhooks/hubspot HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = receiver.raw(head + b"no length\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1") == 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


# -- size and time ---------------------------------------------------------------------------------------------------


def test_a_megabyte_is_read_and_no_byte_more(receiver: Served) -> None:
    assert receiver.post(b"[" + b" " * (2**20 - 2) + b"]").status_code == 200
    answer = receiver.raw(b"POST /webhooks/hubspot HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert receiver.counts == {"nothing_to_do": 1, "large_body": 1}


def test_a_large_body_that_hides_its_length_is_cut_off(receiver: Served) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    head = b"POST /webhooks/hubspot HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with contextlib.suppress(ConnectionError):  # who goes on sending may not even hear the answer
        receiver.raw(head + chunk * 40)
    assert receiver.counts == {"large_body": 1}


def test_a_slow_body_is_given_up(receiver: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "READ_SECONDS", 0.3)
    answer = receiver.raw(b"POST /webhooks/hubspot HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n[")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer.lower()
    assert receiver.counts == {"slow_body": 1}


def test_a_slow_head_loses_its_connection(receiver: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)
    began = time.monotonic()
    assert receiver.raw(b"POST /webhooks/hubspot HTTP/1.1\r\nX-Slow: ") == b""
    assert time.monotonic() - began < 10


def test_who_hangs_up_in_the_middle_leaves_nothing_behind(receiver: Served) -> None:
    with socket.create_connection((receiver.host, receiver.port)) as connection:
        connection.sendall(b"POST /webhooks/hubspot HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n[")
    assert receiver.post(body(1)).status_code == 200
    assert len(receiver.inbox.hints) == 1


def test_beyond_so_many_connections_there_is_a_plain_503(receiver: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 2)
    held = [socket.create_connection((receiver.host, receiver.port)) for _ in range(2)]
    try:
        time.sleep(0.1)
        assert receiver.raw(b"").startswith(b"HTTP/1.1 503 ")
    finally:
        for one in held:
            one.close()


# -- what cannot be stored -------------------------------------------------------------------------------------------


def test_a_database_that_cannot_take_it_is_a_503_and_hubspot_comes_again(receiver: Served) -> None:
    """Fault row "DB locked; full": not durable is not 200."""
    receiver.inbox.busy = True
    answer = receiver.post(body(1))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    receiver.inbox.busy = False
    assert receiver.post(body(1)).status_code == 200


def test_a_database_that_takes_too_long_is_a_503_in_time(receiver: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver_module, "STORE_SECONDS", 0.2)
    receiver.inbox.slow_seconds = 1.0
    assert receiver.post(body(1)).status_code == 503
    assert receiver.counts == {"store_slow": 1}


def test_a_full_queue_is_a_503() -> None:
    """Queue bound."""
    with served(most_waiting=3) as receiver:
        assert receiver.post(body(1, 2, 3)).status_code == 200
        assert receiver.post(body(4)).status_code == 503
        assert len(receiver.inbox.hints) == 3


def test_many_requests_at_once_share_transactions(receiver: Served) -> None:
    receiver.inbox.slow_seconds = 0.1
    statuses: list[int] = []

    def post(number: int) -> None:
        statuses.append(receiver.post(body(number)).status_code)

    posts = [threading.Thread(target=post, args=(number,)) for number in range(15)]
    for one in posts:
        one.start()
    for one in posts:
        one.join()
    assert statuses == [200] * 15
    assert receiver.inbox.transactions < 15


def test_whatever_happens_inside_nobody_sees_a_traceback(receiver: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: Any, **__: Any) -> str:
        raise ZeroDivisionError("kim@acme.example")

    monkeypatch.setattr(receiver_module, "verify", break_down)
    answer = receiver.post(body(1))
    assert (answer.status_code, answer.text) == (503, "come again later\n")


# -- rate ------------------------------------------------------------------------------------------------------------


def test_each_source_has_its_rate_and_other_sources_have_theirs() -> None:
    sources = Sources(per_second=0.001, burst=2)
    with served(sources=sources, trusted=[server_network("127.0.0.1/32")]) as receiver:
        first = [receiver.post(body(n), X_Forwarded_For="192.0.2.1").status_code for n in range(3)]
        assert first == [200, 200, 429]
        assert receiver.post(body(9), X_Forwarded_For="198.51.100.7").status_code == 200


def test_who_is_no_trusted_proxy_cannot_pass_for_another_source() -> None:
    """S7, ASVS 4.1.3"""
    with served(sources=Sources(per_second=0.001, burst=2)) as receiver:
        statuses = [receiver.post(body(n), X_Forwarded_For=f"192.0.2.{n}").status_code for n in range(3)]
        assert statuses == [200, 200, 429]


def server_network(text: str) -> Any:
    from ipaddress import ip_network

    return ip_network(text)


# -- the server ------------------------------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_a_clear_error(receiver: Served) -> None:
    with pytest.raises(SettingsError, match="nothing can listen"), server.serving(None, "127.0.0.1", receiver.port):
        pass


def test_the_inbox_is_closed_with_the_writer() -> None:
    with served() as receiver:
        assert receiver.inbox.open
    assert not receiver.inbox.open


# -- whatever comes --------------------------------------------------------------------------------------------------

NAME = st.sampled_from([b"Host", b"Content-Length", b"Transfer-Encoding", b"X-HubSpot-Signature-v3", b"Expect",
                        b"X-HubSpot-Request-Timestamp", b"X-Forwarded-For", b"Connection", b"Upgrade"])  # fmt: skip
HEADER = st.tuples(NAME, st.binary(max_size=40))
LINES = st.sampled_from(
    [b"POST /webhooks/hubspot HTTP/1.1", b"GET /healthz HTTP/1.0", b"POST /%ff HTTP/1.1", b"\x16\x03\x01"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=LINES, headers=st.lists(HEADER, max_size=5), content=st.binary(max_size=200))
def test_no_bytes_bring_a_500_or_a_hint(
    receiver: Served, line: bytes, headers: list[tuple[bytes, bytes]], content: bytes
) -> None:
    """Fault row "webhook flood, forgery": a status of ours, or a closed connection."""
    sent = line + b"\r\n" + b"".join(name + b": " + value + b"\r\n" for name, value in headers) + b"\r\n" + content
    answer = receiver.raw(sent, hold=0.05)
    assert not answer or answer.startswith(b"HTTP/1.1 ")
    assert not answer.startswith(b"HTTP/1.1 500 ")
    assert b"Traceback" not in answer
    assert receiver.inbox.hints == {}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200) | st.recursive(
    st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) |
    st.dictionaries(st.sampled_from(sorted(event())), inner, max_size=4), max_leaves=8,
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_no_signed_body_brings_a_500_or_a_half_taken_state(receiver: Served, content: bytes) -> None:
    before = len(receiver.inbox.hints)
    answer = receiver.post(content)
    assert answer.status_code in (200, 400, 429)
    assert answer.status_code == 200 or len(receiver.inbox.hints) == before
