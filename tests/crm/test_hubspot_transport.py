"""The one door: token, retries, counts, and what it refuses to do."""

from __future__ import annotations

import json
import logging
import random
from datetime import UTC, datetime, timedelta

import pytest
import requests
import responses
from responses import matchers
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connector.crm.hubspot.credentials import OAuthToken
from connector.crm.hubspot.gateway import HubSpotGateway
from connector.domain.change import OutcomeKind
from connector.domain.contact import ContactId
from connector.domain.quota import Purpose, Spent
from connector.engine.ports import Write
from connector.errors import (
    AuthenticationError,
    BackfillShedError,
    ContractError,
    CrmUnavailableError,
    QuotaExhaustedError,
    RateLimitedError,
    ScopeError,
    SettingsError,
)

DETAILS = "/account-info/v3/details"
UPDATE = "/crm/v3/objects/contacts/batch/update"
WRITES = [Write(contact=ContactId("501"), properties={"handoff_state": "qualified"})]


def test_the_token_goes_in_the_header_and_the_clock_comes_from_the_answer(wire, gateway) -> None:
    wire.answer("GET", DETAILS, "account-details")
    portal = gateway.portal()
    assert (portal.id, portal.time_zone, portal.ui_domain) == ("24001000", "Europe/Lisbon", "app-eu1.hubspot.com")
    assert portal.now == datetime(2026, 3, 2, 10, 16, tzinfo=UTC)
    assert wire.sent[0].headers["Authorization"] == "Bearer pat-na1-canary"
    assert gateway.api_calls() == {"GET /account-info/v3/details": 1}
    assert gateway.record_url(ContactId("5")) == "https://app-eu1.hubspot.com/contacts/24001000/record/0-1/5"


def test_the_dated_version_calls_dated_paths(wire, build) -> None:
    wire.answer("GET", "/account-info/2026-03/details", "account-details")
    gateway = build(api_version="2026-03")
    gateway.portal()
    assert gateway.api_calls() == {"GET /account-info/2026-03/details": 1}


def test_patience_is_waited_out_and_counted(wire, gateway, slept) -> None:
    """P8"""
    wire.answer("GET", DETAILS, "limit-ten-secondly", status=429, headers={"Retry-After": "7"})
    wire.answer("GET", DETAILS, "limit-ten-secondly", status=429)
    wire.answer("GET", DETAILS, "limit-secondly", status=429)
    wire.answer("GET", DETAILS, "account-details")
    gateway.portal()
    assert gateway.throttled() == 3
    assert gateway.api_calls() == {"GET /account-info/v3/details": 4}
    assert [7 <= slept[0] <= 9, 4 <= slept[1] <= 5, 3 <= slept[2] <= 4] == [True] * 3


def test_patience_without_end_ends_in_an_error_that_names_the_limit(wire, gateway) -> None:
    for _ in range(10):
        wire.answer("GET", DETAILS, "limit-ten-secondly", status=429)
    with pytest.raises(RateLimitedError, match="TEN_SECONDLY_ROLLING"):
        gateway.portal()


def test_a_spent_day_is_told_at_once(wire, gateway, slept) -> None:
    wire.answer("GET", DETAILS, "limit-daily", status=429)
    with pytest.raises(QuotaExhaustedError):
        gateway.portal()
    assert not slept


def test_calls_stop_before_the_share_of_the_day_that_is_left_to_others(wire, gateway) -> None:
    """P8: at most 80 % of the daily quota."""
    rates = {"X-HubSpot-RateLimit-Daily": "1000", "X-HubSpot-RateLimit-Daily-Remaining": "199"}
    wire.answer("GET", DETAILS, "account-details", headers=rates)
    gateway.portal()
    with pytest.raises(QuotaExhaustedError, match="199 of the portal's 1000"):
        gateway.portal()


@pytest.mark.parametrize(
    ("left", "waits", "goes_on"),
    [
        (399, {Purpose.BACKFILL}, {Purpose.DELTA, Purpose.STREAMS, Purpose.PROOF, Purpose.DECIDE, Purpose.WRITE}),
        (201, {Purpose.BACKFILL}, {Purpose.DELTA, Purpose.STREAMS, Purpose.PROOF, Purpose.DECIDE, Purpose.WRITE}),
        (199, set(Purpose), set()),
    ],
)
def test_a_backfill_stops_first_and_what_changed_goes_as_far_as_the_handover(
    wire, gateway, left, waits, goes_on
) -> None:
    """R38: each call is counted by what it is for."""
    rates = {"X-HubSpot-RateLimit-Daily": "1000", "X-HubSpot-RateLimit-Daily-Remaining": str(left)}
    for _ in range(1 + len(goes_on)):
        wire.answer("GET", DETAILS, "account-details", headers=rates)
    gateway.portal()
    for purpose in goes_on:
        with gateway.spend(purpose):
            gateway.portal()
    for purpose in waits:
        with pytest.raises(QuotaExhaustedError) as caught, gateway.spend(purpose):
            gateway.portal()
        assert isinstance(caught.value, BackfillShedError) == (purpose is Purpose.BACKFILL)
    made = {Purpose.SETUP: 1, **dict.fromkeys(goes_on, 1)}
    assert gateway.spent() == Spent(by_purpose=made, limit=1000, left=left)


@pytest.mark.parametrize("status", [408, 423, 477, 500, 502, 503, 504, 521, 523, 524])
def test_errors_that_pass_are_tried_five_times(wire, gateway, slept, status) -> None:
    for _ in range(5):
        wire.answer("GET", DETAILS, status=status, body="<html>busy</html>")
    with pytest.raises(CrmUnavailableError) as caught:
        gateway.portal()
    assert caught.value.status == status
    assert len(slept) == 4
    assert status != 423 or min(slept) >= 2


def test_a_portal_on_the_move_is_left_alone_for_as_long_as_it_asks(wire, gateway, slept) -> None:
    wire.answer("GET", DETAILS, status=477, headers={"Retry-After": "7200"})
    with pytest.raises(CrmUnavailableError):
        gateway.portal()
    assert not slept


@pytest.mark.parametrize("body", ["<html>sign in</html>", '{"portalId": 2400', "\x00"])
def test_a_read_that_came_broken_is_asked_again_and_never_half_read(wire, gateway, body) -> None:
    """P7"""
    wire.answer("GET", DETAILS, body=body)
    wire.answer("GET", DETAILS, "account-details")
    assert gateway.portal().id == "24001000"


@pytest.mark.parametrize(
    "lost",
    [
        requests.ReadTimeout(),
        requests.ConnectionError("reset by peer"),
        requests.exceptions.ChunkedEncodingError("incomplete read"),
    ],
)
def test_a_write_whose_answer_was_lost_is_not_sent_again(wire, gateway, slept, lost) -> None:
    """I7: later, after a look."""
    wire.mock.add("POST", "https://api.hubapi.com" + UPDATE, body=lost)
    (result,) = gateway.update_contacts(WRITES)
    assert result.kind is OutcomeKind.LATER
    assert not slept


def test_a_write_with_a_broken_answer_is_unclear_too(wire, gateway) -> None:
    wire.answer("POST", UPDATE, body='{"status": "COMPL')
    (result,) = gateway.update_contacts(WRITES)
    assert result.kind is OutcomeKind.LATER


def refused() -> requests.ConnectionError:
    return requests.ConnectionError(MaxRetryError(None, "/", NewConnectionError(None, "refused")))  # type: ignore[arg-type] - the pool is not looked at


def test_a_host_that_was_never_there_is_told_soon_and_by_name(wire, gateway, slept) -> None:
    for _ in range(2):
        wire.mock.add("GET", "https://api.hubapi.com" + DETAILS, body=refused())
    with pytest.raises(CrmUnavailableError, match=r"api\.hubapi\.com cannot be reached") as caught:
        gateway.portal()
    assert not caught.value.unclear
    assert caught.value.advice
    assert len(slept) == 1


def test_a_write_that_never_left_is_an_error_and_no_result(wire, gateway) -> None:
    for _ in range(2):
        wire.mock.add("POST", "https://api.hubapi.com" + UPDATE, body=refused())
    with pytest.raises(CrmUnavailableError):
        gateway.update_contacts(WRITES)


def test_a_wrong_token_says_what_to_set(wire, gateway) -> None:
    wire.answer("GET", DETAILS, "token-refused", status=401)
    with pytest.raises(AuthenticationError) as caught:
        gateway.portal()
    assert "HUBSPOT_ACCESS_TOKEN" in caught.value.advice


def test_a_missing_scope_is_named(wire, gateway) -> None:
    wire.answer("GET", "/crm/v3/owners", "scope-missing", status=403)
    with pytest.raises(ScopeError, match=r"crm\.lists\.write"):
        gateway.owners()


def test_redirects_are_not_followed_with_the_token(wire, gateway) -> None:
    """S8"""
    wire.answer("GET", DETAILS, status=302, headers={"Location": "https://elsewhere.example/"})
    with pytest.raises(ContractError):
        gateway.portal()
    assert len(wire.sent) == 1


@pytest.mark.parametrize(
    "url", ["http://api.hubapi.example", "ftp://api.hubapi.com", "api.hubapi.com", "https://user:pass@h.example", ""]
)
def test_no_token_goes_to_an_address_that_is_not_safe(build, url) -> None:
    with pytest.raises(SettingsError):
        build(base_url=url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://localhost:9/", "http://box.lan:9", "https://h.example"])
def test_plain_http_is_for_this_machine_and_named_hosts(build, url) -> None:
    build(base_url=url, plain_hosts=("box.lan:9",))


def test_the_environment_names_no_proxy_and_no_other_token(build, monkeypatch, tmp_path) -> None:
    """S8"""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.hubapi.com login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    session = build()._transport._session
    assert not session.trust_env
    assert not session.merge_environment_settings("https://api.hubapi.com", {}, None, None, None)["proxies"]


def test_nothing_of_a_person_or_a_token_is_logged(wire, gateway, caplog) -> None:
    """I10, S13"""
    caplog.set_level(logging.DEBUG)
    wire.answer("POST", UPDATE, "limit-secondly", status=429)
    wire.answer("POST", UPDATE, "contacts-batch-update", status=409)
    results = gateway.update_contacts([Write(contact=ContactId("501"), properties={"email": "ada@buyer.example"})])
    told = caplog.text + str([vars(record) for record in caplog.records]) + str(results) + repr(gateway)
    assert "ada@" not in told
    assert "canary" not in told


# -- OAuth -------------------------------------------------------------------------------------------------------


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def oauth(build, clock) -> HubSpotGateway:
    return build(token=OAuthToken(client_id="c-1", client_secret="s-1", refresh_token="refresh-1", clock=clock))


def form(**values: str) -> object:
    return matchers.urlencoded_params_matcher({"grant_type": "refresh_token", "client_id": "c-1", **values})


def bearer(token: str) -> object:
    return matchers.header_matcher({"Authorization": f"Bearer {token}"})


def test_an_oauth_token_is_renewed_ahead_of_its_end(wire, oauth, clock) -> None:
    """S1: by expires_in; the new refresh token is used from then on."""
    first = form(client_secret="s-1", refresh_token="refresh-1")
    second = form(client_secret="s-1", refresh_token="refresh-2")
    wire.answer("POST", "/oauth/v3/token", "oauth-token", match=(first,))
    wire.answer("GET", DETAILS, "account-details", match=(bearer("access-1"),))
    oauth.portal()
    clock.now = 1_600
    wire.answer("GET", DETAILS, "account-details")
    oauth.portal()
    clock.now = 1_700
    wire.answer("POST", "/oauth/v3/token", match=(second,), json={"access_token": "access-2", "expires_in": 1800})
    wire.answer("GET", DETAILS, "account-details", match=(bearer("access-2"),))
    oauth.portal()
    assert "Authorization" not in wire.sent[0].headers


def test_a_401_renews_an_oauth_token_once(wire, oauth) -> None:
    """Fault table: one refresh, then `auth`."""
    wire.answer("POST", "/oauth/v3/token", "oauth-token")
    wire.answer("GET", DETAILS, "token-refused", status=401)
    wire.answer("POST", "/oauth/v3/token", json={"access_token": "access-2", "expires_in": 1800})
    wire.answer("GET", DETAILS, "token-refused", status=401, match=(bearer("access-2"),))
    with pytest.raises(AuthenticationError):
        oauth.portal()
    assert len(wire.sent) == 4


def test_a_refresh_token_that_is_no_good_says_which_settings(wire, oauth) -> None:
    wire.answer("POST", "/oauth/v3/token", "oauth-token", status=400)
    with pytest.raises(AuthenticationError) as caught:
        oauth.portal()
    assert "_REFRESH_TOKEN" in caught.value.advice
    assert "refresh-1" not in str(caught.value) + caught.value.advice


def test_secrets_do_not_show(build) -> None:
    """S1"""
    source = OAuthToken(client_id="c-1", client_secret="s-canary", refresh_token="r-canary")
    assert "canary" not in repr(source) + repr(build()) + repr(build()._transport._credentials)


# -- the portal --------------------------------------------------------------------------------------------------


def test_a_token_that_may_not_ask_for_the_account_is_asked_itself(wire, gateway) -> None:
    wire.answer("GET", DETAILS, "scope-missing", status=403)
    wire.answer("POST", "/oauth/v3/token/introspect", "token-introspect")
    portal = gateway.portal()
    assert (portal.id, portal.time_zone, portal.now) == ("24001000", "UTC", datetime(2026, 3, 2, 10, 16, tzinfo=UTC))
    assert "canary" not in wire.sent[1].url


@pytest.mark.parametrize(
    ("status", "scopes"), [(200, {"crm.objects.contacts.read"}), (404, None), (403, None), (401, None)]
)
def test_scopes_are_what_hubspot_tells_or_unknown(wire, gateway, status, scopes) -> None:
    """S2"""
    body = wire.sample("token-introspect") if status == 200 else {}
    wire.answer("POST", "/oauth/v3/token/introspect", status=status, json=body)
    assert gateway.scopes() == scopes


@pytest.mark.parametrize("configured", ["24001000", None])
def test_the_configured_portal_is_the_last_source(wire, build, configured) -> None:
    wire.answer("GET", DETAILS, "scope-missing", status=403)
    wire.answer("POST", "/oauth/v3/token/introspect", status=404, json={})
    gateway = build(portal_id=configured)
    if configured:
        assert gateway.portal().id == configured
    else:
        with pytest.raises(SettingsError, match="portal"):
            gateway.portal()


def test_another_portals_token_is_refused(wire, build) -> None:
    wire.answer("GET", DETAILS, "account-details")
    with pytest.raises(SettingsError, match="24001000"):
        build(portal_id="7").portal()


def test_an_answer_without_a_clock_is_refused() -> None:
    """I4: the clock is HubSpot's, never ours."""
    with responses.RequestsMock() as mock:
        mock.add("GET", "https://api.hubapi.com" + DETAILS, json={"portalId": 1})
        gateway = HubSpotGateway(token="t", sleep=lambda _: None, rng=random.Random(1))
        with pytest.raises(ContractError, match="Date"):
            gateway.portal()
        gateway.close()


def test_bodies_are_json_and_query_flags_are_lower_case(wire, gateway) -> None:
    wire.answer("POST", UPDATE, "contacts-batch-update")
    wire.answer("GET", "/crm/v3/owners", "owners")
    wire.answer("GET", "/crm/v3/owners", "owners-archived")
    gateway.update_contacts(WRITES)
    gateway.owners()
    assert wire.sent[0].headers["Content-Type"] == "application/json"
    assert json.loads(wire.sent[0].body)["inputs"][0]["id"] == "501"
    assert "archived=false" in wire.sent[1].url and "archived=true" in wire.sent[2].url


@pytest.mark.parametrize(("ahead", "warned"), [(timedelta(seconds=20), False), (timedelta(minutes=-5), True)])
def test_a_clock_that_is_off_is_told_once(
    wire, gateway, caplog: pytest.LogCaptureFixture, ahead: timedelta, warned: bool
) -> None:
    """Reliability.md, section 7: more than a minute off the server's Date."""
    at = datetime.now(UTC) + ahead
    headers = {"Date": at.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    for _ in range(2):  # active ones and archived ones
        wire.answer("GET", "/crm/v3/owners", json={"results": []}, headers=headers)
    with caplog.at_level("WARNING"):
        gateway.owners()
    assert sum("clock is" in record.message for record in caplog.records) == warned
