"""OAuth, introspection, account details, usage and subscription statuses: hubspot-facts sections 1, 2 and 6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from requests import Response

    from tests.sandbox.conftest import Box, Client

TOKENS = pytest.mark.parametrize("path", ["/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-03/token"])


def post_form(client: Client, path: str, **fields: Any) -> Response:
    return client.session.post(client.url + path, data=fields, timeout=5)


def app(client: Client) -> dict[str, str]:
    number = client.portal_id
    return {"client_id": f"sandbox-client-{number}", "client_secret": f"sandbox-secret-{number}"}


def refresh(client: Client, path: str = "/oauth/2026-03/token") -> dict[str, Any]:
    fields = app(client) | {"grant_type": "refresh_token", "refresh_token": f"sandbox-refresh-{client.portal_id}"}
    answer = post_form(client, path, **fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@TOKENS
def test_an_access_token_opens_the_portal_for_half_an_hour(client: Client, path: str) -> None:
    client.box.clock(now="2026-03-02T09:00:00Z")
    made = refresh(client, path)
    assert (made["expires_in"], made["token_type"]) == (1800, "bearer")
    client.token = made["access_token"]
    answer = client.get("/crm/v3/objects/contacts")
    assert answer.status_code == 200
    assert "X-HubSpot-RateLimit-Daily" not in answer.headers
    client.box.clock(advance_seconds=1799)
    assert client.get("/crm/v3/objects/contacts").status_code == 200
    client.box.clock(advance_seconds=1)
    expired = client.get("/crm/v3/objects/contacts")
    assert (expired.status_code, expired.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")


@TOKENS
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"refresh_token": "nope"}, "invalid_grant"),
        ({"client_secret": "nope"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "nope", "redirect_uri": "https://x.example"}, "invalid_grant"),
    ],
)
def test_a_bad_grant_is_told_in_oauths_own_shape(client: Client, path: str, change: dict[str, str], error: str) -> None:
    fields = app(client) | {"grant_type": "refresh_token", "refresh_token": f"sandbox-refresh-{client.portal_id}"}
    answer = post_form(client, path, **(fields | change))
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert set(answer.json()) == {"error", "error_description", "status", "message"}


def test_a_code_gives_tokens_and_client_credentials_give_no_refresh_token(client: Client) -> None:
    code = {"grant_type": "authorization_code", "code": f"sandbox-code-{client.portal_id}"}
    made = post_form(client, "/oauth/2026-03/token", redirect_uri="https://x.example", **app(client), **code).json()
    assert (made["refresh_token"], made["hub_id"]) == (f"sandbox-refresh-{client.portal_id}", client.portal_id)
    bare = post_form(client, "/oauth/2026-03/token", grant_type="client_credentials", **app(client)).json()
    assert ("refresh_token" in bare, bare["token_use"]) == (False, "client_credentials")


def test_introspection_tells_static_oauth_and_dead_tokens_apart(client: Client) -> None:
    path = "/oauth/2026-03/token/introspect"
    static = post_form(client, path, token=client.token).json()
    assert (static["active"], static["hub_id"], static["is_private_distribution"]) == (True, client.portal_id, True)
    made = refresh(client)
    assert post_form(client, path, token=made["access_token"]).json()["is_private_distribution"] is False
    assert post_form(client, path, token=made["refresh_token"]).json()["token_use"] == "refresh_token"
    post_form(client, "/oauth/2026-03/token/revoke", token=made["access_token"])
    assert post_form(client, path, token=made["access_token"]).json()["active"] is False
    info = client.session.post(
        f"{client.url}/oauth/v2/private-apps/get/access-token-info", json={"tokenKey": client.token}, timeout=5
    )
    assert info.json()["hubId"] == client.portal_id


def test_a_revoked_refresh_token_is_worthless(client: Client) -> None:
    token = refresh(client)["refresh_token"]
    assert client.session.delete(f"{client.url}/oauth/v1/refresh-tokens/{token}", timeout=5).status_code == 204
    fields = app(client) | {"grant_type": "refresh_token", "refresh_token": token}
    assert post_form(client, "/oauth/v3/token", **fields).json()["status"] == "BAD_REFRESH_TOKEN"


@pytest.mark.parametrize("version", ["v3", "2026-03"])
def test_details_give_the_zone_and_its_offset_on_that_day(box: Box, version: str) -> None:
    box.clock(now="2026-07-01T09:00:00Z")
    details = box.new_portal(timeZone="America/New_York").get(f"/account-info/{version}/details").json()
    assert (details["timeZone"], details["utcOffset"]) == ("America/New_York", "-04:00")
    assert details["utcOffsetMilliseconds"] == -4 * 3_600_000
    assert {"uiDomain", "dataHostingLocation", "companyCurrency", "portalId", "accountType"} <= set(details)


def test_usage_counts_the_day_and_starts_anew_at_the_portals_midnight(box: Box) -> None:
    box.clock(now="2026-03-02T22:30:00Z")
    portal = box.new_portal(timeZone="Europe/Berlin", switches={"daily_limit": 1000})
    path = "/account-info/v3/api-usage/daily/private-apps"
    portal.get("/crm/v3/owners")
    (row,) = portal.get(path).json()["results"]
    assert (row["currentUsage"], row["usageLimit"], row["fetchStatus"]) == (2, 1000, "SUCCESS")
    assert row["resetsAt"] == "2026-03-02T23:00:00.000Z"
    box.clock(now="2026-03-02T23:00:00Z")
    assert portal.get(path).json()["results"][0]["currentUsage"] == 1


def test_opting_out_moves_the_contacts_properties_and_back(client: Client) -> None:
    contact = client.contact(email="lia@kind.example")
    path = "/communication-preferences/v4/statuses/lia@kind.example"
    first = client.get(path, channel="EMAIL").json()["results"][0]
    assert first["status"] == "NOT_SPECIFIED"
    wish = {"channel": "EMAIL", "statusState": "UNSUBSCRIBED", "subscriptionId": first["subscriptionId"]}
    assert client.post(path, wish).json()["results"][0]["setStatusSuccessReason"] == "REQUESTED_CHANGE_OCCURRED"
    names = ("hs_email_optout", "hs_email_communication_subscriptions_opted_out")
    assert client.read(contact, *names)[names[1]] == str(first["subscriptionId"])
    assert client.call("POST", f"{path}/unsubscribe-all", params={"channel": "EMAIL"}).status_code == 200
    assert client.read(contact, *names)["hs_email_optout"] == "true"
    wide = client.get(f"{path}/unsubscribe-all", channel="EMAIL").json()["results"][0]
    assert (wide["wideStatusType"], wide["status"]) == ("PORTAL_WIDE", "UNSUBSCRIBED")
    assert client.get(path).status_code == 400  # the channel must be named
