"""The address of a login, and the door through which its answer comes (S1): one answer, ours, and no other."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from connector.crm.hubspot.login import Attempt, Door, build_address
from connector.errors import AuthenticationError, SettingsError

STATE = "the-state-of-this-login"
RFC_VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
RFC_CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.fixture
def door() -> Iterator[Door]:
    with Door(Attempt(state=STATE), 0) as made:
        yield made


def get(address: str, **query: str) -> requests.Response:
    return requests.get(address, params=query, timeout=20)


def address(**changes: object) -> str:
    given: dict[str, object] = {
        "base_url": "https://api.hubapi.com", "client_id": "app-1", "redirect_uri": "http://localhost:8976/callback",
        "scopes": ["oauth", "forms"], "optional": [],
    }  # fmt: skip
    return build_address(Attempt(state=STATE, verifier=RFC_VERIFIER), **(given | changes))  # type: ignore[arg-type]


def test_the_address_is_hubspots_page_with_all_that_the_login_needs() -> None:
    parts = urlsplit(address(optional=["content"]))
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "https://app.hubspot.com/oauth/authorize"
    assert {name: value for name, (value,) in parse_qs(parts.query).items()} == {
        "client_id": "app-1", "redirect_uri": "http://localhost:8976/callback", "response_type": "code",
        "scope": "oauth forms", "optional_scope": "content", "state": STATE, "code_challenge": RFC_CHALLENGE,
        "code_challenge_method": "S256",
    }  # fmt: skip
    assert RFC_VERIFIER not in address(), "RFC 7636, appendix B"


@pytest.mark.parametrize(
    ("changes", "begins"),
    [
        ({"portal": "4711"}, "https://app.hubspot.com/oauth/4711/authorize?"),
        ({"base_url": "https://api-eu1.hubapi.com"}, "https://app.hubspot.com/oauth/authorize?"),
        ({"base_url": "http://127.0.0.1:5000/"}, "http://127.0.0.1:5000/oauth/authorize?"),
        ({"base_url": "https://evilhubapi.com"}, "https://evilhubapi.com/oauth/authorize?"),
    ],
)
def test_the_page_stands_where_the_portal_is(changes: dict[str, object], begins: str) -> None:
    assert address(**changes).startswith(begins)


def test_each_login_is_another_and_does_not_show(door: Door) -> None:
    one, other = Attempt(), Attempt()
    assert one.state != other.state and one.verifier != other.verifier and 43 <= len(one.verifier) <= 128
    assert one.state not in repr(one) and one.verifier not in repr(one)
    assert "code_challenge" not in build_address(
        Attempt(verifier=""), base_url="http://127.0.0.1:1", client_id="a", redirect_uri=door.redirect_uri, scopes=["x"]
    )


def test_the_door_takes_the_one_answer_with_our_state(door: Door) -> None:
    """RFC 6749, section 10.12: an answer that somebody else made up changes nothing."""
    port = urlsplit(door.redirect_uri).port
    assert door.redirect_uri == f"http://localhost:{port}/callback"
    strays = [
        {"code": "theirs"}, {"code": "theirs", "state": "another"}, {"error": "access_denied", "state": "x"},
        {"state": STATE}, {"code": "", "state": STATE}, {"code": "theirs", "state": "é"},
    ]  # fmt: skip
    assert [get(door.redirect_uri, **stray).status_code for stray in strays] == [400] * len(strays)
    assert get(f"http://localhost:{port}/favicon.ico", code="theirs", state=STATE).status_code == 404
    assert requests.post(door.redirect_uri, data={"code": "x", "state": STATE}, timeout=20).status_code == 501
    with socket.create_connection(("127.0.0.1", port or 0), timeout=20):   # a connection that a browser never uses
        taken = get(door.redirect_uri, code="ours", state=STATE)
    assert taken.status_code == 200 and taken.headers["Cache-Control"] == "no-store"
    assert "ours" not in taken.text and taken.headers["Server"] == "Handoff"
    assert door.wait(20) == "ours"


@pytest.mark.parametrize(
    ("error", "says"),
    [("access_denied", "said no"), ("invalid_scope", r"\(invalid_scope\)"), ("a canary", "no reason that we know")],
)
def test_a_no_is_told_in_words_that_we_know(door: Door, error: str, says: str) -> None:
    """I10: what comes through the door is anybody's."""
    get(door.redirect_uri, error=error, error_description="canary", state=STATE)
    with pytest.raises(AuthenticationError, match=says) as caught:
        door.wait(20)
    assert "handoff auth login" in caught.value.advice and "canary" not in str(caught.value) + caught.value.advice


def test_nobody_in_time_is_told_with_the_redirect_url(door: Door) -> None:
    with pytest.raises(AuthenticationError, match=r"within 0\.01 s") as caught:
        door.wait(0.01)
    assert door.redirect_uri in caught.value.advice


def test_a_port_that_is_taken_is_told(door: Door) -> None:
    with pytest.raises(SettingsError, match="cannot be listened on") as caught:
        Door(Attempt(), urlsplit(door.redirect_uri).port or 0)
    assert "--port" in caught.value.advice


def test_the_door_is_open_to_this_machine_alone(door: Door) -> None:
    assert door._server.server_address[0] == "127.0.0.1"
