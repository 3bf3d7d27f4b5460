"""Faults by script, seen from the client's side of a real socket."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from tests.sandbox.conftest import Box, Client

CONTACTS = "/crm/v3/objects/contacts"
NEW = {"properties": {"email": "iris@birch.example"}}


def _count(client: Client) -> int:
    return len(client.portal.objects["contacts"].records)


def test_a_status_strikes_the_nth_match_so_often_and_is_not_applied(box: Box, client: Client) -> None:
    box.faults({"kind": "status", "status": 502, "method": "POST", "path": "contacts$", "nth": 2, "times": 2})
    statuses = [client.post(CONTACTS, {"properties": {"email": f"{n}@birch.example"}}).status_code for n in range(4)]
    assert statuses == [201, 502, 502, 201]
    assert _count(client) == 2
    listed = box.session.get(f"{box.url}/_sandbox/faults", timeout=5).json()["faults"]
    assert (listed[0]["matches"], listed[0]["hits"]) == (4, 2)


def test_a_status_may_come_after_the_call_was_applied(box: Box, client: Client) -> None:
    box.faults({"kind": "status", "status": 503, "applied": True, "body": {"message": "busy"}, "headers": {"X-A": "b"}})
    answer = client.post(CONTACTS, NEW)
    assert (answer.status_code, answer.json(), answer.headers["X-A"]) == (503, {"message": "busy"}, "b")
    assert _count(client) == 1


@pytest.mark.parametrize(("kind", "made"), [("timeout_before", 0), ("timeout_after", 1)])
def test_silence_before_or_after_applying(box: Box, client: Client, kind: str, made: int) -> None:
    box.faults({"kind": kind, "seconds": 5})
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(client.url + CONTACTS, json=NEW, headers={"Authorization": f"Bearer {client.token}"}, timeout=0.3)
    assert _count(client) == made


@pytest.mark.parametrize(("kind", "made"), [("reset", 0), ("reset_after", 1)])
def test_a_reset_before_or_after_applying(box: Box, client: Client, kind: str, made: int) -> None:
    box.faults({"kind": kind})
    with pytest.raises(requests.exceptions.ConnectionError):
        client.post(CONTACTS, NEW)
    assert _count(client) == made


def test_a_truncated_answer_is_an_error_of_the_connection(box: Box, client: Client) -> None:
    box.faults({"kind": "truncate", "method": "GET"})
    client.contact(email="iris@birch.example")
    with pytest.raises(requests.exceptions.RequestException):
        client.get(CONTACTS)
    assert client.get(CONTACTS).status_code == 200


def test_a_proxys_page_is_html(box: Box, client: Client) -> None:
    box.faults({"kind": "html"})
    answer = client.get(CONTACTS)
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html")
    assert "<html>" in answer.text


def test_a_page_can_come_twice(box: Box) -> None:
    client = box.new_portal(contacts=30)
    box.faults({"kind": "duplicate_page", "method": "GET", "path": "contacts$", "nth": 2})
    first = client.get(CONTACTS).json()
    second = client.get(CONTACTS, after=first["paging"]["next"]["after"]).json()
    third = client.get(CONTACTS, after=first["paging"]["next"]["after"]).json()
    assert second["results"] == first["results"] != third["results"]


def test_a_slow_answer_comes_whole(box: Box, client: Client) -> None:
    box.faults({"kind": "slow", "seconds": 0.2})
    began = time.monotonic()
    assert client.get(CONTACTS).status_code == 200
    assert time.monotonic() - began >= 0.2


def test_a_fault_can_be_meant_for_one_portal_and_be_cleared(box: Box, client: Client) -> None:
    box.faults({"kind": "status", "status": 500, "times": 0, "portal": client.portal_id})
    other = box.new_portal()
    assert [client.get(CONTACTS).status_code, other.get(CONTACTS).status_code] == [500, 200]
    assert client.get(CONTACTS).status_code == 500
    box.session.delete(f"{box.url}/_sandbox/faults", timeout=5)
    assert client.get(CONTACTS).status_code == 200


@pytest.mark.parametrize(
    "spec",
    [{"kind": "nonsense"}, {"kind": "status"}, {"kind": "reset", "path": "("}, {"kind": "reset", "when": "now"}],
)
def test_a_bad_fault_is_refused_with_what_would_do(box: Box, spec: dict[str, Any]) -> None:
    answer = box.session.post(f"{box.url}/_sandbox/faults", json=[{"kind": "reset"}, spec], timeout=5)
    assert answer.status_code == 400
    assert box.session.get(f"{box.url}/_sandbox/faults", timeout=5).json()["faults"] == []


def test_control_calls_are_never_struck(box: Box, client: Client) -> None:
    box.faults({"kind": "status", "status": 500, "times": 0})
    assert client.control("GET", "switches")["enterprise"] is False
