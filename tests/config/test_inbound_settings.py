"""What `handoff serve` must be told before it listens (S1, S7, reliability.md section 4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.config.inbound import Inbound, inbound
from connector.config.settings import load_settings
from connector.errors import SettingsError

SECRET = "canary-app-secret-0123456789"
BASE = {"HANDOFF_PUBLIC_URL": "https://handoff.example/", "HANDOFF_INBOUND_SECRET": SECRET}


def made(**env: str) -> Inbound:
    return inbound(load_settings(BASE | env, dotenv=None))


def test_the_target_is_the_public_address_and_we_listen_on_this_machine_alone() -> None:
    """S7"""
    found = made()
    assert found.target_url == "https://handoff.example/webhooks/hubspot"
    assert (found.host, found.port, found.secrets, found.trusted_proxies) == ("127.0.0.1", 8090, (SECRET,), ())
    assert SECRET not in repr(found)


def test_listening_elsewhere_must_be_said() -> None:
    found = made(HANDOFF_LISTEN="[::1]:9000", HANDOFF_TRUSTED_PROXIES="10.0.0.0/24, 127.0.0.1")
    assert (found.host, found.port) == ("::1", 9000)
    assert [str(one) for one in found.trusted_proxies] == ["10.0.0.0/24", "127.0.0.1/32"]


def test_two_secrets_hold_while_one_replaces_the_other_and_both_are_hidden_in_logs() -> None:
    """I10"""
    both = f"{SECRET}-new {SECRET}"
    settings = load_settings(BASE | {"HANDOFF_INBOUND_SECRET": both}, dotenv=None)
    assert inbound(settings).secrets == (f"{SECRET}-new", SECRET)
    assert {f"{SECRET}-new", SECRET} <= set(settings.secret_values())


def test_the_secret_may_come_from_a_file_or_be_that_of_the_oauth_app(tmp_path: Path) -> None:
    """S1"""
    file = tmp_path / "secret"
    file.write_text(SECRET)
    file.chmod(0o600)
    assert made(HANDOFF_INBOUND_SECRET="", HANDOFF_INBOUND_SECRET_FILE=str(file)).secrets == (SECRET,)
    assert made(HANDOFF_INBOUND_SECRET="", HUBSPOT_CLIENT_SECRET=SECRET).secrets == (SECRET,)


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"HANDOFF_PUBLIC_URL": ""}, "HANDOFF_PUBLIC_URL is not set"),
        ({"HANDOFF_PUBLIC_URL": "http://handoff.example"}, "https://handoff.example.com"),
        ({"HANDOFF_PUBLIC_URL": "https://handoff.example/?a=b"}, "https://handoff.example.com"),
        ({"HANDOFF_INBOUND_SECRET": ""}, "HANDOFF_INBOUND_SECRET is not set"),
        ({"HANDOFF_INBOUND_SECRET": "short"}, "at least 16 signs"),
        ({"HANDOFF_INBOUND_SECRET": f"{SECRET} {SECRET} {SECRET}"}, "two with a blank between"),
        ({"HANDOFF_LISTEN": "8090"}, "127.0.0.1:8090"),
        ({"HANDOFF_LISTEN": "everywhere:8090"}, "127.0.0.1:8090"),
        ({"HANDOFF_LISTEN": "127.0.0.1:99999"}, "127.0.0.1:8090"),
        ({"HANDOFF_TRUSTED_PROXIES": "nginx"}, "10.0.0.0/24"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_write_instead(env: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        made(**env)
    assert says in str(caught.value)
    assert caught.value.advice
    assert SECRET not in f"{caught.value} {caught.value.advice}"
