"""Error bodies to errors and wire values to values, without any network."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot.paths import match
from connector.crm.hubspot.protocol import (
    Cursors,
    from_milliseconds,
    parse_instant,
    parse_next,
    parse_rows,
    to_iso,
    to_milliseconds,
)
from connector.crm.hubspot.refusals import QuestionRefusedError, RefusedError, error_for, parse_refusal, retry_after
from connector.errors import (
    AuthenticationError,
    ContractError,
    CrmUnavailableError,
    QuotaExhaustedError,
    RateLimitedError,
    ScopeError,
)

READ = match("POST", "/crm/v3/objects/contacts/search")[0]
WRITE = match("POST", "/crm/v3/objects/contacts/batch/update")[0]
NOW = datetime(2026, 3, 2, 10, 16, tzinfo=UTC)
SAMPLES = Path(__file__).parent.parent / "samples"


def sample(case: str, status: int) -> Any:
    return json.loads((SAMPLES / case / f"{status}.json").read_text())


@pytest.mark.parametrize(
    ("status", "payload", "route", "kind"),
    [
        (400, None, WRITE, RefusedError),
        (400, None, READ, QuestionRefusedError),
        (404, None, READ, QuestionRefusedError),
        (409, None, WRITE, RefusedError),
        (414, None, READ, QuestionRefusedError),
        (401, None, READ, AuthenticationError),
        (403, None, READ, ScopeError),
        (423, None, WRITE, CrmUnavailableError),
        (429, None, READ, RateLimitedError),
        (429, sample("limit-daily", 429), READ, QuotaExhaustedError),
        (477, None, READ, CrmUnavailableError),
        (502, None, WRITE, CrmUnavailableError),
        (521, None, READ, CrmUnavailableError),
        (302, None, READ, ContractError),
        (418, None, READ, ContractError),
    ],
)
def test_each_status_has_its_error_with_advice(status: int, payload: object, route: Any, kind: type) -> None:
    error = error_for(status, payload, {}, route, host="api.hubapi.com", now=NOW)
    assert type(error) is kind or isinstance(error, kind)
    assert error.advice


def test_a_write_that_was_locked_out_is_clear_and_one_that_hit_a_gateway_is_not() -> None:
    """I7"""
    unclear = {status: error_for(status, None, {}, WRITE, host="h").unclear for status in (423, 477, 502, 504)}  # type: ignore[attr-defined] - all of them are CrmUnavailableError
    assert unclear == {423: False, 477: False, 502: True, 504: True}


def test_a_refused_token_is_never_repeated_in_the_message() -> None:
    """I10"""
    error = error_for(401, sample("token-refused", 401), {}, READ, host="api.hubapi.com")
    assert "secret" not in str(error) + error.advice
    assert "correlation id 11111111-2222-3333-4444-55555555555b" in str(error)


def test_missing_scopes_are_named() -> None:
    error = error_for(403, sample("scope-missing", 403), {}, READ, host="h")
    assert isinstance(error, ScopeError)
    assert error.scopes == ("crm.lists.write", "crm.lists.read")
    assert "crm.lists.write" in error.advice


def test_the_list_inside_a_message_gives_code_and_property_but_no_value() -> None:
    """I10: HubSpot's text repeats what was sent."""
    refusal = parse_refusal(207, sample("contacts-batch-update", 207)["errors"][0])
    assert str(refusal) == "VALIDATION_ERROR INVALID_OPTION on hs_lead_status"


@pytest.mark.parametrize(
    ("case", "policy"), [("limit-secondly", "SECONDLY"), ("limit-ten-secondly", "TEN_SECONDLY_ROLLING")]
)
def test_the_limit_is_known_by_its_name_or_by_its_message(case: str, policy: str) -> None:
    error = error_for(429, sample(case, 429), {"Retry-After": "3"}, READ, host="h", now=NOW)
    assert isinstance(error, RateLimitedError)
    assert (error.policy, error.retry_after_seconds) == (policy, 3.0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=12,
)
KEYS = st.sampled_from(["message", "errors", "context", "category", "policyName", "name", "correlationId", "error"])


@given(st.integers(300, 599), JSON | st.dictionaries(KEYS, JSON, max_size=5))
def test_any_body_whatever_makes_an_error_and_never_a_crash(status: int, payload: Any) -> None:
    """P7"""
    assert str(error_for(status, payload, {}, WRITE, host="h"))


@given(st.emails())
def test_no_address_survives_into_an_error(address: str) -> None:
    """I10"""
    body = {"message": f"{address} is taken", "category": address, "errors": [{"message": address, "code": address}]}
    error = error_for(409, {**body, "context": {"propertyName": [address]}}, {}, WRITE, host="h")
    assert address not in str(error) + error.advice


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("Mon, 02 Mar 2026 10:16:30 GMT", 30.0), ("soon", None), ("", None), ("-5", None)],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": text}, NOW) == seconds


@pytest.mark.parametrize(
    "text", ["2026-03-02T10:16:00Z", "2026-03-02T10:16:00.000Z", "1772446560000", 1772446560000, "2026-03-02T10:16:00"]
)
def test_instants_come_as_iso_or_milliseconds(text: object) -> None:
    assert parse_instant(text) == NOW


@pytest.mark.parametrize("text", ["", "soon", None, True, [], "99999999999999999999", "2026-13-40"])
def test_what_is_no_instant_is_none(text: object) -> None:
    assert parse_instant(text) is None


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_milliseconds_and_iso_lose_less_than_one_millisecond(moment: datetime) -> None:
    down = timedelta(microseconds=moment.microsecond % 1000)
    assert from_milliseconds(to_milliseconds(moment)) == moment - down
    assert parse_instant(to_iso(moment)) == moment - down


def test_a_cursor_that_comes_twice_is_an_error() -> None:
    cursors = Cursors("a")
    assert cursors.next("b") == "b"
    with pytest.raises(ContractError, match="twice"):
        cursors.next("a")


@pytest.mark.parametrize("payload", [None, [], {}, {"results": None}, {"results": {}}, {"results": ["x"]}, "x"])
def test_an_answer_without_rows_is_refused_whole(payload: object) -> None:
    """P7"""
    with pytest.raises(ContractError):
        parse_rows(payload)


def test_paging_ends_where_there_is_no_next() -> None:
    for page in ({}, {"paging": None}, {"paging": {}}, {"paging": {"next": None}}):
        assert parse_next(page) is None
    assert parse_next({"paging": {"next": {"after": 7}}}) == "7"
