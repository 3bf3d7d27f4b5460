"""The page on which a person lets an app in: hubspot-facts section 1."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connector.sandbox.account import app_of

if TYPE_CHECKING:
    from requests import Response

    from tests.sandbox.conftest import Box, Client

BACK = "http://localhost:8976/callback"
VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def ask(client: Client, path: str = "/oauth/authorize", **changes: Any) -> Response:
    asked = {"client_id": f"sandbox-client-{client.portal_id}", "redirect_uri": BACK, "scope": "oauth", "state": "s 1"}
    given = {name: value for name, value in (asked | changes).items() if value is not None}
    return client.session.get(client.url + path, params=given, timeout=5, allow_redirects=False)


def code_of(client: Client, **more: Any) -> str:
    answer = ask(client, decision="connect", **more)
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["Location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == BACK
    back = parse_qs(parts.query)
    assert back["state"] == ["s 1"]
    return back["code"][0]


def redeem(client: Client, code: str, **changes: str) -> Response:
    number = client.portal_id
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": f"sandbox-client-{number}",
        "client_secret": f"sandbox-secret-{number}", **changes,
    }  # fmt: skip
    return client.session.post(f"{client.url}/oauth/2026-03/token", data=form, timeout=5)


def test_the_page_names_scopes_and_leads_back_with_a_code_that_works_once(client: Client) -> None:
    page = ask(client, optional_scope="forms <x>")
    assert page.status_code == 200 and page.headers["Content-Type"] == "text/html"
    assert "<li>oauth</li><li>forms</li></ul>" in page.text and "decision=cancel" in page.text
    code = code_of(client, optional_scope="forms nothing.like.it")
    made = redeem(client, code)
    assert made.status_code == 200
    assert (made.json()["hub_id"], made.json()["scopes"]) == (client.portal_id, ["oauth", "forms"])
    assert redeem(client, code).json()["error"] == "invalid_grant"
    client.token = made.json()["access_token"]
    assert client.get("/crm/v3/objects/contacts").status_code == 403, "only what was agreed to"


@pytest.mark.parametrize("change", [{"redirect_uri": "http://localhost:1/callback"}, {"code": "another"}])
def test_a_code_is_good_for_its_own_login_alone(client: Client, change: dict[str, str]) -> None:
    assert redeem(client, **{"code": code_of(client), **change}).json()["error"] == "invalid_grant"


def test_a_code_ends_after_a_minute(client: Client) -> None:
    client.box.clock(now="2026-03-02T09:00:00Z")
    code = code_of(client)
    client.box.clock(advance_seconds=60)
    assert redeem(client, code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(("verifier", "status"), [(VERIFIER, 200), ("other", 400), ("", 400)])
def test_a_code_with_a_challenge_needs_its_verifier(client: Client, verifier: str, status: int) -> None:
    code = code_of(client, code_challenge=CHALLENGE, code_challenge_method="S256")
    assert redeem(client, code, code_verifier=verifier).status_code == status


def test_who_cancels_is_sent_back_without_a_code(client: Client) -> None:
    back = parse_qs(urlsplit(ask(client, decision="cancel").headers["Location"]).query)
    assert (back["error"], back["state"], "code" in back) == (["access_denied"], ["s 1"], False)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"client_id": "nope"}, "does not exist"),
        ({"redirect_uri": "http://127.0.0.1:8976/callback"}, "http is for localhost alone"),
        ({"redirect_uri": "http://[::1"}, "none"),
        ({"redirect_uri": None}, "https"),
        ({"scope": None}, "No scope"),
        ({"scope": "oauth crm.objects.aliens.read"}, "cannot grant: crm.objects.aliens.read"),
    ],
)
def test_what_is_wrong_is_told_on_the_page_and_nobody_is_sent_back(
    client: Client, change: dict[str, str | None], says: str
) -> None:
    answer = ask(client, decision="connect", **change)
    assert (answer.status_code, "Location" in answer.headers) == (400, False)
    assert says in answer.text


def test_a_registered_redirect_url_is_compared_sign_by_sign(client: Client) -> None:
    app_of(client.portal).redirects = (BACK,)
    assert ask(client).status_code == 200
    assert "registered redirect URL" in ask(client, redirect_uri=f"{BACK}/").text


def test_an_address_with_an_account_is_for_that_account(client: Client, box: Box) -> None:
    assert ask(client, f"/oauth/{client.portal_id}/authorize").status_code == 200
    assert "no access" in ask(client, f"/oauth/{box.new_portal().portal_id}/authorize").text
