"""S1: secrets come from the environment, from a file of their own, or from .env; what is odd about a file is told.

What a plain file must be like stands in tests/config/test_settings.py; here are the odd ones.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from connector.config.settings import load_settings
from connector.crm.hubspot.credentials import OAuthToken, StaticToken
from connector.errors import SettingsError

CANARY = "pat-na1-canary-0123456789abcdef"
OPEN_MODES = (0o640, 0o604, 0o620, 0o602, 0o610, 0o666)


def refused(dotenv: Path | None = None, **env: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(env, dotenv)
    assert caught.value.advice
    said = f"{caught.value} {caught.value.advice}"
    assert CANARY not in said
    return said


def written(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", OPEN_MODES)
@pytest.mark.parametrize("name", ["HUBSPOT_ACCESS_TOKEN", "HANDOFF_TEAMS_URL", "HANDOFF_X_SECRET"])
def test_an_env_file_that_others_may_touch_is_refused_for_destinations_of_rule_files_too(
    tmp_path: Path, name: str, mode: int
) -> None:
    dotenv = written(tmp_path / ".env", f"{name}={CANARY}\n".encode(), mode)
    assert "chmod 600" in refused(dotenv)


def test_an_env_file_without_secrets_may_be_read_by_all(tmp_path: Path) -> None:
    content = b"HUBSPOT_BASE_URL=https://api.hubapi.com\nHANDOFF_TEAMS_URL_FILE=/run/keys/teams\nHANDOFF_SYNC_EVERY=5m\n"
    assert load_settings({}, written(tmp_path / ".env", content, 0o644)).sync_every == "5m"


def test_a_link_is_judged_by_what_it_leads_to(tmp_path: Path) -> None:
    target = written(tmp_path / "token", CANARY.encode(), 0o644)
    link = tmp_path / "link"
    link.symlink_to(target)
    assert "read by other users" in refused(HUBSPOT_ACCESS_TOKEN_FILE=str(link))
    target.chmod(0o400)
    token = load_settings({"HUBSPOT_ACCESS_TOKEN_FILE": str(link)}, None).access_token
    assert token is not None and token.get_secret_value() == CANARY
    target.unlink()
    assert "No such file" in refused(HUBSPOT_ACCESS_TOKEN_FILE=str(link))


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "empty"), (b" \n\t", "empty"), (b"x" * 20_000, "too large"), (b"\x89PNG\r\n\x1a\n\xff", "UTF-8"),
     (b"pat\x00" + CANARY.encode(), "no token has"), (f"{CANARY}\n{CANARY}".encode(), "no token has")],
)  # fmt: skip
def test_what_is_no_secret_is_told_without_repeating_it(tmp_path: Path, content: bytes, says: str) -> None:
    assert says in refused(HUBSPOT_ACCESS_TOKEN_FILE=str(written(tmp_path / "token", content)))


def test_a_folder_or_an_endless_device_is_no_secret(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert "Is a directory" in refused(HUBSPOT_ACCESS_TOKEN_FILE=str(tmp_path))
    assert "HUBSPOT_ACCESS_TOKEN_FILE" in refused(HUBSPOT_ACCESS_TOKEN_FILE="/dev/zero")


def test_a_pipe_as_a_password_manager_gives_it_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    writer = threading.Thread(target=pipe.write_text, args=(CANARY,))
    writer.start()
    token = load_settings({"HUBSPOT_ACCESS_TOKEN_FILE": str(pipe)}, None).access_token
    writer.join(10)
    assert token is not None and token.get_secret_value() == CANARY


@pytest.mark.parametrize("value", [CANARY, f"{CANARY}\x00", "x" * 5000 + CANARY])
def test_a_secret_in_the_place_of_its_files_path_is_not_repeated(tmp_path: Path, value: str) -> None:
    said = refused(HUBSPOT_ACCESS_TOKEN_FILE=value)
    assert "HUBSPOT_ACCESS_TOKEN_FILE names no file" in said and "belongs into HUBSPOT_ACCESS_TOKEN" in said


@pytest.mark.parametrize("content", [b"\xff\xfe\x00A", b"A=" + b"x" * 1_100_000])
def test_an_env_file_that_is_none_is_told(tmp_path: Path, content: bytes) -> None:
    assert ".env" in refused(written(tmp_path / ".env", content))


def test_a_folder_called_env_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert load_settings({}, tmp_path / ".env").access_token is None


def test_no_holder_of_a_secret_shows_it() -> None:
    """S1, I10: in repr and str of settings and credentials."""
    oauth = {"HUBSPOT_CLIENT_ID": "app", "HUBSPOT_CLIENT_SECRET": CANARY, "HUBSPOT_REFRESH_TOKEN": CANARY + "r"}
    settings = load_settings({
        "HUBSPOT_ACCESS_TOKEN": CANARY, "HANDOFF_WEBHOOK_SECRET": CANARY, "HANDOFF_SLACK_URL": f"https://h/{CANARY}",
        "HANDOFF_DATABASE_URL": f"postgresql://u:{CANARY}@db.example/x", "HANDOFF_TEAMS_URL": f"https://t/{CANARY}",
        **oauth,
    }, None)  # fmt: skip
    renewed = OAuthToken(client_id="app", client_secret=CANARY, refresh_token=CANARY)
    holders = [settings, settings.credentials(), StaticToken(CANARY), renewed, settings.secret("HANDOFF_TEAMS_URL")]
    for holder in holders:
        assert CANARY not in f"{holder!r} {holder} {vars(holder) if isinstance(holder, type(settings)) else ''}", holder
    assert CANARY not in settings.model_dump_json()
