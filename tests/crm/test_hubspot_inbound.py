"""Inbound webhooks: whose they are, and what they hint at (reliability.md section 4, P4, I12)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot.inbound import BodyRefusedError, Parsed, parse, signature, verify
from connector.domain.contact import PortalId
from connector.domain.hint import HintKind

SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
URL = "https://www.example.com/webhook_uri"
BODY = b"{'example_field':'example_value'}"
STAMP = "1693657560000"
SENT_AT = datetime.fromtimestamp(int(STAMP) / 1000, UTC)
KNOWN = "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
PORTAL = PortalId("62515")


def headers(signed: str | bytes = KNOWN, stamp: str | bytes = STAMP) -> list[tuple[bytes, bytes]]:
    raw = [text.encode() if isinstance(text, str) else text for text in (signed, stamp)]
    return [(b"x-hubspot-signature-v3", raw[0]), (b"x-hubspot-request-timestamp", raw[1])]


def check(given: list[tuple[bytes, bytes]], *secrets: str, body: bytes = BODY, now: datetime = SENT_AT) -> str:
    return verify(secrets or (SECRET,), "POST", URL, body, given, now=now)


# -- signature -------------------------------------------------------------------------------------------------------


def test_the_known_answer_of_hubspot() -> None:
    assert signature(SECRET, "POST", URL, BODY, STAMP) == KNOWN
    assert check(headers()) == ""


def test_only_the_listed_escapes_of_the_address_are_decoded() -> None:
    plain = signature(SECRET, "POST", "https://x.example/a/b?c=d:e", b"", "1")
    assert signature(SECRET, "POST", "https://x.example/a%2Fb?c=d%3ae", b"", "1") == plain
    assert signature(SECRET, "POST", "https://x.example/a b", b"", "1") != signature(
        SECRET, "POST", "https://x.example/a%20b", b"", "1"
    )


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_one_changed_byte_is_a_forgery(place: int, change: int) -> None:
    body = bytearray(BODY)
    body[place] ^= change
    assert check(headers(), body=bytes(body)) == "signature_wrong"


@pytest.mark.parametrize("seconds", [-299, 0, 299])
def test_a_message_is_good_for_five_minutes_either_way(seconds: int) -> None:
    assert check(headers(), now=SENT_AT + timedelta(seconds=seconds)) == ""


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_a_replay_after_five_minutes_is_none_of_hubspots(seconds: int) -> None:
    assert check(headers(), now=SENT_AT + timedelta(seconds=seconds)) == "timestamp_out_of_window"


def test_while_a_secret_is_replaced_both_hold() -> None:
    assert check(headers(), "the-new-secret-of-the-app", SECRET) == ""
    assert check(headers(), "the-new-secret-of-the-app") == "signature_wrong"


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ([], "unsigned"),
        (headers()[:1], "unsigned"),
        (headers()[1:], "unsigned"),
        (headers() + headers()[:1], "headers_twice"),
        (headers(stamp="1693657560000.0"), "timestamp_malformed"),
        (headers(stamp="-1693657560000"), "timestamp_malformed"),
        (headers(stamp="١٦٩٣"), "timestamp_malformed"),
        (headers(stamp="9" * 5000), "timestamp_malformed"),
        (headers(stamp="9" * 20), "timestamp_out_of_window"),
        (headers(signed=b"\xff\xfe\x00"), "signature_wrong"),
        (headers(signed=""), "signature_wrong"),
        (headers(signed=KNOWN + "A"), "signature_wrong"),
    ],
)
def test_every_oddity_of_the_headers_is_one_cause_and_no_error(given: list[tuple[bytes, bytes]], cause: str) -> None:
    assert check(given) == cause


@given(st.lists(st.tuples(st.sampled_from([b"x-hubspot-signature-v3", b"x-hubspot-request-timestamp"]), st.binary())))
def test_no_bytes_in_the_headers_raise_or_pass(given: list[tuple[bytes, bytes]]) -> None:
    assert check(given) != ""


# -- events ----------------------------------------------------------------------------------------------------------


def event(**facts: Any) -> dict[str, Any]:
    return {
        "eventId": 100,
        "subscriptionId": 1001,
        "portalId": 62515,
        "appId": 7,
        "occurredAt": 1772442000000,
        "subscriptionType": "contact.propertyChange",
        "attemptNumber": 0,
        "objectId": 501,
        "propertyName": "recent_conversion_date",
        "propertyValue": "1772442000000",
    } | facts


def parsed(*events: Any) -> Parsed:
    return parse(json.dumps(list(events)).encode(), PORTAL)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("contact.creation", HintKind.CREATED),
        ("contact.propertyChange", HintKind.CHANGED),
        ("contact.deletion", HintKind.DELETED),
        ("contact.privacyDeletion", HintKind.ERASED),
        ("contact.restore", HintKind.CHANGED),
    ],
)
def test_each_kind_of_event_hints_at_its_contact(name: str, kind: HintKind) -> None:
    (hint,) = parsed(event(subscriptionType=name)).hints
    assert (hint.contact, hint.kind) == ("501", kind)
    assert hint.occurred_at == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_generic_events_count_for_contacts_alone() -> None:
    found = parsed(
        event(subscriptionType="object.creation", objectTypeId="0-1"),
        event(subscriptionType="object.creation", objectTypeId="0-3", objectId=502),
    )
    assert [hint.contact for hint in found.hints] == ["501"]
    assert found.ignored == {"other_object": 1}


def test_a_merge_hints_at_all_that_were_merged() -> None:
    """I12"""
    found = parsed(event(subscriptionType="contact.merge", primaryObjectId=501, mergedObjectIds=[502], newObjectId=503))
    assert {hint.contact for hint in found.hints} == {"501", "502", "503"}
    assert {hint.kind for hint in found.hints} == {HintKind.MERGED}
    assert len({hint.id for hint in found.hints}) == 3


def test_the_type_may_stand_under_either_of_its_two_names() -> None:
    given = event(eventType="contact.creation")
    del given["subscriptionType"]
    assert parsed(given).hints[0].kind is HintKind.CREATED


def test_a_copy_is_the_same_hint_and_an_event_of_another_property_is_not() -> None:
    """`eventId` alone is not unique."""
    (one,), (copy,) = parsed(event()).hints, parsed(event(attemptNumber=3)).hints
    assert one.id == copy.id
    others = [event(**{name: 9}) for name in ("eventId", "subscriptionId", "appId", "objectId", "occurredAt")]
    others.append(event(propertyName="email"))
    assert len({hint.id for hint in parsed(event(), *others).hints}) == 7


def test_hints_come_in_the_order_in_which_things_happened() -> None:
    found = parsed(event(occurredAt=3000), event(occurredAt=1000, objectId=7), event(occurredAt=2000))
    assert [hint.occurred_at.timestamp() for hint in found.hints] == [1, 2, 3]


@pytest.mark.parametrize(
    ("odd", "cause"),
    [
        (event(portalId=1), "other_portal"),
        (event(portalId="62515x"), "other_portal"),
        (event(portalId=True), "other_portal"),
        (event(subscriptionType="deal.creation"), "unknown_type"),
        (event(subscriptionType="contact.associationChange"), "unknown_type"),
        (event(subscriptionType=["contact.creation"]), "unknown_type"),
        (event(occurredAt="yesterday"), "malformed"),
        (event(occurredAt=10**30), "malformed"),
        (event(objectId=None), "malformed"),
        (event(objectId="5 or 1=1"), "malformed"),
        (event(objectId={"id": 5}), "malformed"),
        ("contact", "malformed"),
        (None, "malformed"),
    ],
)
def test_what_is_none_of_ours_is_counted_and_the_others_are_taken(odd: Any, cause: str) -> None:
    found = parsed(odd, event())
    assert len(found.hints) == 1
    assert found.ignored == {cause: 1}


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"", "not_json"),
        (b"\xff\xfe[]", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"[" + b"9" * 5_000 + b"]", "not_json"),
        (b"{}", "not_a_list"),
        (b"[" + b",".join([b"1"] * 1_001) + b"]", "too_many_events"),
        (b"[" * 21 + b"]" * 21, "too_deep"),
    ],
)
def test_a_body_that_is_no_list_of_events_is_refused_by_cause(body: bytes, cause: str) -> None:
    with pytest.raises(BodyRefusedError, match=f"^{cause}$"):
        parse(body, PORTAL)


def test_twenty_levels_and_a_thousand_events_are_within_bounds() -> None:
    assert parse(b"[" * 20 + b"]" * 20, PORTAL).ignored == {"malformed": 1}
    assert len(parsed(*[event(eventId=number) for number in range(1_000)]).hints) == 1_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(sorted(event())) | st.text(), inner),
    max_leaves=20,
)


ALTERED = st.builds(lambda name, value: event(**{name: value}), st.sampled_from(sorted(event())), JSON)


@given(st.lists(JSON | ALTERED))
def test_whatever_stands_in_events_each_is_a_hint_or_counted(events: list[Any]) -> None:
    body = json.dumps(events).encode()
    found = parse(body, PORTAL)
    contacts = sum(1 for hint in found.hints if hint.kind is not HintKind.MERGED)
    assert contacts + found.ignored.total() <= len(events)
    assert all(hint.contact.isdigit() for hint in found.hints)


@given(st.binary(max_size=300))
def test_whatever_bytes_a_body_holds_it_is_parsed_or_refused(body: bytes) -> None:
    try:
        parse(body, PORTAL)
    except BodyRefusedError as error:
        assert str(error) in ("not_json", "not_a_list")
