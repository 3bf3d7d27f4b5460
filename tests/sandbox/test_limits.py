"""Rate limits: who is refused, in which words, with which headers. Wall time is replaced, never slept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.sandbox import limits

if TYPE_CHECKING:
    from tests.sandbox.conftest import Box, Client

CONTACTS = "/crm/v3/objects/contacts"


class Wall:
    """A monotonic clock moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    made = Wall()
    monkeypatch.setattr(limits, "time", made)
    return made


def _limited(box: Box, **switches: object) -> Client:
    return box.new_portal(limited=True, switches=switches)


def test_the_call_over_the_ten_second_limit_is_refused_until_the_window_moves(box: Box, wall: Wall) -> None:
    client = _limited(box, rate_per_10s=3)
    for left in (2, 1, 0):
        headers = client.get(CONTACTS).headers
        assert headers["X-HubSpot-RateLimit-Max"] == "3"
        assert headers["X-HubSpot-RateLimit-Remaining"] == str(left)
        assert headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
        wall.now += 1
    refused = client.get(CONTACTS)
    body = refused.json()
    assert (refused.status_code, body["errorType"], body["policyName"]) == (429, "RATE_LIMIT", "TEN_SECONDLY_ROLLING")
    assert body["message"] == "You have reached your ten_secondly_rolling limit."
    assert "Retry-After" not in refused.headers
    wall.now += 7.5
    assert client.get(CONTACTS).status_code == 200
    assert client.get(CONTACTS).status_code == 429


def test_a_refusal_says_when_to_come_back_where_the_switch_is_on(box: Box, wall: Wall) -> None:
    client = _limited(box, rate_per_10s=1, retry_after_header=True)
    client.get(CONTACTS)
    assert 1 <= int(client.get(CONTACTS).headers["Retry-After"]) <= 11


def test_search_has_a_limit_of_its_own_and_no_rate_headers(box: Box, wall: Wall) -> None:
    client = _limited(box, search_per_second=5, rate_per_10s=2)
    answers = [client.post(f"{CONTACTS}/search", {}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1].json()["policyName"] == "SECONDLY"
    assert not [name for answer in answers for name in answer.headers if "ratelimit" in name.lower()]
    assert client.get(CONTACTS).status_code == 200
    wall.now += 1.01
    assert client.post(f"{CONTACTS}/search", {}).status_code == 200


@pytest.mark.parametrize(("scope", "second"), [("account", 429), ("token", 200)])
def test_two_tokens_share_the_search_limit_by_switch(box: Box, wall: Wall, scope: str, second: int) -> None:
    client = box.new_portal(limited=True, tokens=[f"pat-other-{scope}"])
    client.switch(search_per_second=1, search_limit_scope=scope)
    assert client.post(f"{CONTACTS}/search", {}).status_code == 200
    client.token = f"pat-other-{scope}"
    assert client.post(f"{CONTACTS}/search", {}).status_code == second


def test_the_daily_limit_ends_at_the_portals_midnight(box: Box, wall: Wall) -> None:
    box.clock(now="2026-03-02T22:30:00Z")
    client = box.new_portal(limited=True, timeZone="Europe/Athens", switches={"daily_limit": 2, "rate_per_10s": 0})
    box.clock(now="2026-03-02T21:00:00Z")
    assert client.get(CONTACTS).headers["X-HubSpot-RateLimit-Daily-Remaining"] == "1"
    assert client.get(CONTACTS).status_code == 200
    refused = client.get(CONTACTS)
    assert (refused.status_code, refused.json()["policyName"]) == (429, "DAILY")
    box.clock(now="2026-03-02T22:01:00Z")
    assert client.get(CONTACTS).status_code == 200


def test_an_enterprise_portal_has_a_million_calls_a_day(box: Box) -> None:
    daily = {
        tier: box.new_portal(limited=True, enterprise=tier).get(CONTACTS).headers["X-HubSpot-RateLimit-Daily"]
        for tier in (False, True)
    }
    assert daily == {False: "650000", True: "1000000"}


def test_an_oauth_token_has_its_own_limit_and_no_daily_headers(box: Box, wall: Wall) -> None:
    client = _limited(box, oauth_rate_per_10s=1)
    box.server.sandbox.grant("oauth-token", client.portal, None, oauth=True, expires=None)
    client.token = "oauth-token"
    headers = client.get(CONTACTS).headers
    assert headers["X-HubSpot-RateLimit-Max"] == "1"
    assert "X-HubSpot-RateLimit-Daily" not in headers
    assert client.get(CONTACTS).status_code == 429
    del box.server.sandbox.grants["oauth-token"]


def test_a_long_url_is_refused(client: Client) -> None:
    assert client.get(CONTACTS, properties=",".join(f"property_{n}" for n in range(2000))).status_code == 414
