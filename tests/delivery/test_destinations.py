"""Destinations: rules and environment joined; what is not set is off, what is weak is refused."""

from __future__ import annotations

import pytest

from connector.delivery.destinations import Destination, present, resolve
from connector.delivery.signature import new_secret
from connector.domain.notice import NoticeKind
from connector.errors import SettingsError
from connector.rules.notifications import NotificationRules

SECRET = new_secret()
RULES = NotificationRules.model_validate(
    {
        "destinations": {
            "reps": {
                "type": "webhook", "to": "rep", "url_env": "REPS_URL", "secret_env": "REPS_SECRET", "personal": True,
            },
            "marketing": {
                "type": "webhook", "to": "marketing", "url": "https://hooks.example/back", "secret_env": "REPS_SECRET",
            },
            "channel": {
                "type": "slack", "to": "rep", "url_env": "SLACK_URL", "owners": {"Ana@Seller.Example": "U0ANAFIELD"},
            },
            "silent": {"type": "slack", "to": "ops", "url_env": "SLACK_URL", "on": False},
        }
    }
)  # fmt: skip


def found(**environment: str) -> dict[str, Destination]:
    return resolve(RULES, environment.get)


def test_what_is_not_set_or_switched_off_is_off() -> None:
    assert found() == {}
    assert list(found(REPS_SECRET=SECRET)) == ["marketing"]
    assert list(found(REPS_SECRET=SECRET, REPS_URL="https://r.example", SLACK_URL="https://s.example")) == [
        "reps", "marketing", "channel",
    ]  # fmt: skip


def test_addresses_and_secrets_come_from_the_environment_and_never_show() -> None:
    """I10"""
    made = found(REPS_SECRET=SECRET, REPS_URL="https://r.example/canary", SLACK_URL="https://s.example/canary")
    assert (made["reps"].url, made["reps"].secrets) == ("https://r.example/canary", (SECRET,))
    assert made["reps"].personal and not made["marketing"].personal
    assert made["marketing"].url == "https://hooks.example/back"
    assert made["channel"].members == {"ana@seller.example": "U0ANAFIELD"} and made["channel"].secrets == ()
    assert "canary" not in repr(made) and SECRET not in repr(made)


def test_chats_and_mail_have_an_address_from_the_environment_and_no_secret_to_sign_with() -> None:
    """I10"""
    rules = NotificationRules.model_validate(
        {
            "destinations": {
                "team": {"type": "teams", "to": "rep", "url_env": "TEAM", "owners": {"Ana@x.example": "ana@x.example"}},
                "space": {"type": "google_chat", "to": "rep", "url_env": "SPACE", "owners": {"501": 104857600042},
                          "templates": {"lead.signal": {"title": "{{ company }}"}}},
                "desk": {"type": "apprise", "to": "triage", "url_env": "MAIL", "personal": True},
            }
        }
    )  # fmt: skip
    addresses = {"TEAM": "https://t.example/canary", "SPACE": "https://s.example/canary",
                 "MAIL": "mailtos://u:canary@mail.example?to=desk@x.example"}  # fmt: skip
    made = resolve(rules, addresses.get)
    assert [(one.type, one.secrets, one.personal) for one in made.values()] == [
        ("teams", (), False), ("google_chat", (), False), ("apprise", (), True),
    ]  # fmt: skip
    assert made["team"].members == {"ana@x.example": "ana@x.example"} and made["space"].members["501"] == "104857600042"
    assert list(made["space"].templates) == [NoticeKind.LEAD_SIGNAL]
    assert "canary" not in repr(made)
    with pytest.raises(SettingsError, match="MAIL: this is no address of a service") as caught:
        resolve(rules, {**addresses, "MAIL": "smtp://u:canary@mail.example"}.get)
    assert "canary" not in f"{caught.value} {caught.value.advice}"


def test_two_secrets_sign_while_they_change_over() -> None:
    other = new_secret()
    assert found(REPS_SECRET=f"{SECRET} {other}")["marketing"].secrets == (SECRET, other)


def test_a_weak_secret_and_a_broken_address_name_their_variable() -> None:
    with pytest.raises(SettingsError, match="REPS_SECRET"):
        found(REPS_SECRET="whsec_weak")
    with pytest.raises(SettingsError, match="SLACK_URL"):
        found(SLACK_URL="hooks.slack.example/services")


def test_present_names_the_variables_that_hold_something() -> None:
    assert present(RULES, {"REPS_URL": "https://r.example", "OTHER": "x"}.get) == {"REPS_URL"}
