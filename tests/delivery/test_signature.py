"""Signatures: what we sign, the standard's library accepts; one changed byte it does not."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from connector.delivery.signature import new_secret, read_secrets, sign
from connector.errors import SettingsError

OLD, NEW = new_secret(), new_secret()
BODIES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200)


def accepted(secret: str, body: str, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


@given(BODIES)
def test_what_we_sign_is_accepted(body: str) -> None:
    assert accepted(NEW, body, sign([NEW], "msg_1", datetime.now(UTC), body))


@given(BODIES, st.data())
def test_one_changed_byte_is_refused(body: str, data: st.DataObject) -> None:
    headers = sign([NEW], "msg_1", datetime.now(UTC), body)
    place = data.draw(st.integers(0, len(body) - 1))
    sign_there = data.draw(st.characters(codec="utf-8").filter(lambda one: one != body[place]))
    assert not accepted(NEW, body[:place] + sign_there + body[place + 1 :], headers)


def test_another_id_another_time_or_another_secret_is_refused() -> None:
    headers = sign([NEW], "msg_1", datetime.now(UTC), "{}")
    assert not accepted(NEW, "{}", headers | {"webhook-id": "msg_2"})
    assert not accepted(NEW, "{}", headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)})
    assert not accepted(OLD, "{}", headers)


def test_during_a_change_of_secrets_either_is_accepted() -> None:
    headers = sign([NEW, OLD], "msg_1", datetime.now(UTC), "{}")
    assert accepted(NEW, "{}", headers)
    assert accepted(OLD, "{}", headers)
    assert not accepted(new_secret(), "{}", headers)


def test_the_instant_counts_and_not_the_zone_it_is_written_in() -> None:
    here = datetime.now(timezone(timedelta(hours=9)))
    assert accepted(NEW, "{}", sign([NEW], "msg_1", here, "{}"))


def test_a_message_that_is_too_old_is_refused() -> None:
    assert not accepted(NEW, "{}", sign([NEW], "msg_1", datetime.now(UTC) - timedelta(minutes=6), "{}"))


def test_known_answer() -> None:
    """Worked out by hand from the standard: base64 of HMAC-SHA256 over id.timestamp.body."""
    import hmac

    secret = "whsec_" + b64encode(b"k" * 24).decode()
    headers = sign([secret], "msg_1", datetime(2026, 3, 2, 9, 0, tzinfo=UTC), '{"a":"ü"}')
    by_hand = hmac.digest(b"k" * 24, 'msg_1.1772442000.{"a":"ü"}'.encode(), "sha256")
    assert headers["webhook-timestamp"] == "1772442000"
    assert headers["webhook-signature"] == "v1," + b64encode(by_hand).decode()


@pytest.mark.parametrize(
    "text",
    ["", " ", "secret", b64encode(b"k" * 32).decode(), "whsec_", "whsec_" + b64encode(b"k" * 23).decode(),
     "whsec_canary not base64", f"{NEW} {OLD} {NEW}", "whsec_" + "-_" * 20],
)  # fmt: skip
def test_a_weak_or_broken_secret_is_refused_without_being_shown(text: str) -> None:
    """I10"""
    with pytest.raises(SettingsError, match=r"^SALES_SECRET: ") as caught:
        read_secrets(text, "SALES_SECRET")
    for part in text.split():
        assert part.removeprefix("whsec_") not in str(caught.value) or part in ("secret", "whsec_")


def test_good_secrets_are_read_with_or_without_padding() -> None:
    assert read_secrets(f" {NEW}  {OLD}\n", "X") == (NEW, OLD)
    assert read_secrets("whsec_" + b64encode(b"k" * 25).decode().rstrip("="), "X")
