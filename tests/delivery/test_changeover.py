"""Changing a secret: both sign for 24 hours, then the new one alone (reliability.md, section 3; I10)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import responses
from fake_outbox import NOW, FakeOutbox, entry
from standardwebhooks import Webhook, WebhookVerificationError

from connector.delivery.changeover import notice_secrets, secrets_to_sign_with
from connector.delivery.destinations import Destination
from connector.delivery.doors import open_doors
from connector.delivery.sender import Sender
from connector.delivery.signature import new_secret
from connector.engine.ports import DestinationState

OLD, NEW, NEWER = new_secret(), new_secret(), new_secret()
WELL = DestinationState(name="crm")
DAY = timedelta(hours=24)


def test_a_pair_is_noticed_once_and_of_one_secret_nothing_is_kept() -> None:
    pair = notice_secrets(WELL, (NEW, OLD), NOW)
    assert pair.secrets_since == NOW
    assert notice_secrets(pair, (NEW, OLD), NOW + DAY) == pair
    assert notice_secrets(pair, (NEW,), NOW + DAY) == WELL
    assert notice_secrets(WELL, (), NOW) == WELL


def test_another_pair_begins_another_day() -> None:
    pair = notice_secrets(WELL, (NEW, OLD), NOW)
    assert notice_secrets(pair, (NEWER, NEW), NOW + DAY).secrets_since == NOW + DAY
    assert notice_secrets(pair, (OLD, NEW), NOW + DAY).secrets_since == NOW + DAY


@pytest.mark.parametrize(
    ("waited", "sign"),
    [
        (timedelta(0), (NEW, OLD)),
        (DAY - timedelta(seconds=1), (NEW, OLD)),
        (DAY, (NEW,)),
        (timedelta(days=9), (NEW,)),
        (-timedelta(days=9), (NEW, OLD)),
    ],
)
def test_both_sign_for_a_day_then_the_first(waited: timedelta, sign: tuple[str, ...]) -> None:
    pair = notice_secrets(WELL, (NEW, OLD), NOW)
    assert secrets_to_sign_with(pair, (NEW, OLD), NOW + waited) == sign
    assert pair.secret_is_old(NOW + waited) == (len(sign) == 1)


def test_what_is_kept_tells_no_secret() -> None:
    """I10"""
    kept = repr(notice_secrets(WELL, (NEW, OLD), NOW))
    for secret in (NEW, OLD):
        assert secret not in kept and secret.removeprefix("whsec_") not in kept


def knows(secret: str, request: object) -> bool:
    try:
        Webhook(secret).verify(request.body, dict(request.headers))  # type: ignore[attr-defined]  # of requests
    except WebhookVerificationError:
        return False
    return True


def signed_by(outbox: FakeOutbox, secrets: tuple[str, ...], at: datetime) -> list[str]:
    """Which of the secrets a receiver may have to accept the message, in a process of its own."""
    crm = Destination(name="crm", type="webhook", url="https://crm.example/in", secrets=secrets)
    sender = Sender(outbox, {"crm": crm}, open_doors({"crm": crm}, resolve=lambda *_: ["192.0.2.1"]))
    with responses.RequestsMock() as mock:
        mock.post(crm.url)
        assert sender.deliver(at) == 1
        request = mock.calls[0].request
    sender.close()
    return [name for name, secret in {"old": OLD, "new": NEW}.items() if knows(secret, request)]


def test_a_day_of_messages_while_the_secret_changes() -> None:
    """A receiver that knows the old secret only is served for a day, across restarts; then it needs the new one."""
    outbox = FakeOutbox.of(*(entry(hour, due_at=NOW + timedelta(hours=hour)) for hour in (0, 10, 30, 40, 50)))
    assert signed_by(outbox, (OLD,), NOW) == ["old"]
    assert signed_by(outbox, (NEW, OLD), NOW + timedelta(hours=10)) == ["old", "new"]
    assert signed_by(outbox, (NEW, OLD), NOW + timedelta(hours=30)) == ["old", "new"]
    assert signed_by(outbox, (NEW, OLD), NOW + timedelta(hours=40)) == ["new"]
    assert signed_by(outbox, (NEW,), NOW + timedelta(hours=50)) == ["new"]
    assert outbox.states["crm"].secrets is None


def test_the_day_begins_when_the_pair_is_first_seen_though_nothing_is_sent() -> None:
    outbox = FakeOutbox.of(entry(1, due_at=NOW + timedelta(hours=25)))
    crm = Destination(name="crm", type="webhook", url="https://crm.example/in", secrets=(NEW, OLD))
    sender = Sender(outbox, {"crm": crm}, open_doors({"crm": crm}))
    assert sender.deliver(NOW) == 0
    sender.close()
    assert outbox.states["crm"].secrets_since == NOW
    assert signed_by(outbox, (NEW, OLD), NOW + timedelta(hours=25)) == ["new"]
