"""Settings: where they come from, what is refused, and that no secret is ever shown (S1, I10)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.config.settings import Settings, load_settings, secret_names, variable_names
from connector.errors import SettingsError

EXAMPLE = Path(__file__).parents[2] / ".env.example"
CANARY = "pat-na1-canary-0123456789abcdef"


def load(**env: str) -> Settings:
    return load_settings(env, dotenv=None)


def complaint(**env: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(**env)
    return str(caught.value)


def secret_file(folder: Path, content: str | bytes, mode: int = 0o600) -> str:
    path = folder / "secret"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return str(path)


# -- .env.example ------------------------------------------------------------------------------------------------


def test_every_setting_has_its_line_in_the_example_and_every_line_is_a_setting() -> None:
    lines = re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", EXAMPLE.read_text("utf-8"), re.MULTILINE)
    assert sorted(lines) == sorted(variable_names())


def test_every_line_of_the_example_is_explained_in_words_above_it() -> None:
    blocks = EXAMPLE.read_text("utf-8").split("\n\n")
    for block in (block for block in blocks if re.search(r"^(# )?[A-Z0-9_]+=", block, re.MULTILINE)):
        assert re.match(r"# [A-Za-z]", block), block
        assert len(block.splitlines()[0]) > 25, block


def test_the_example_gives_the_defaults_so_that_it_can_be_the_test_environment() -> None:
    assert load_settings({}, EXAMPLE).model_dump() == load().model_dump()


def test_a_rate_that_nobody_set_is_only_where_to_begin() -> None:
    """P8: what the portal's answers say is gone by then."""
    assert load().learns_rate and load_settings({}, EXAMPLE).learns_rate
    assert not load(HUBSPOT_RATE_PER_10S="90").learns_rate


# -- sources -----------------------------------------------------------------------------------------------------


def test_the_environment_beats_the_file_and_an_empty_value_counts_as_unset(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("HUBSPOT_RATE_PER_10S=50\nHUBSPOT_SEARCH_PER_SECOND=3\nHANDOFF_MAPPINGS_DIR=rules\n")
    settings = load_settings({"HUBSPOT_RATE_PER_10S": "60", "HANDOFF_MAPPINGS_DIR": " "}, dotenv)
    assert (settings.rate_per_10s, settings.search_per_second, settings.mappings_dir) == (60, 3, Path("mappings"))


def test_a_missing_env_file_is_no_error(tmp_path: Path) -> None:
    assert load_settings({}, tmp_path / "none").base_url == "https://api.hubapi.com"


def test_a_dollar_sign_in_the_file_means_itself(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("HANDOFF_DATABASE_URL=postgresql://u:a${HOME}b@db.example/handoff\n")
    dotenv.chmod(0o600)
    assert load_settings({}, dotenv).database_url.get_secret_value() == "postgresql://u:a${HOME}b@db.example/handoff"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """S1"""
    with pytest.raises(SettingsError, match="read by other users") as caught:
        load(HUBSPOT_ACCESS_TOKEN_FILE=secret_file(tmp_path, CANARY, mode))
    assert "chmod 600" in caught.value.advice


def test_an_env_file_with_a_secret_in_it_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """S1"""
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"HUBSPOT_ACCESS_TOKEN={CANARY}\n")
    dotenv.chmod(0o644)
    with pytest.raises(SettingsError, match="read by other users"):
        load_settings({}, dotenv)
    dotenv.chmod(0o600)
    assert load_settings({}, dotenv).access_token is not None


def test_a_secret_is_read_from_its_file_without_the_line_end(tmp_path: Path) -> None:
    settings = load(HUBSPOT_ACCESS_TOKEN_FILE=secret_file(tmp_path, CANARY + "\n"))
    token = settings.credentials().access_token
    assert token is not None and token.get_secret_value() == CANARY


@pytest.mark.parametrize(("content", "says"), [("", "empty"), ("x" * 20_000, "too large"), (b"\xff\xfe", "UTF-8")])
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, content: str | bytes, says: str) -> None:
    assert says in complaint(HUBSPOT_ACCESS_TOKEN_FILE=secret_file(tmp_path, content))


def test_a_missing_secret_file_names_its_variable() -> None:
    assert "HUBSPOT_ACCESS_TOKEN_FILE: /nowhere/token" in complaint(HUBSPOT_ACCESS_TOKEN_FILE="/nowhere/token")


def test_a_value_and_a_file_for_the_same_setting_are_refused(tmp_path: Path) -> None:
    assert "both set" in complaint(
        HUBSPOT_ACCESS_TOKEN=CANARY, HUBSPOT_ACCESS_TOKEN_FILE=secret_file(tmp_path, "pat-other")
    )


def test_a_value_in_the_environment_replaces_the_file_that_the_env_file_names(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("HUBSPOT_ACCESS_TOKEN_FILE=/nowhere/token\n")
    token = load_settings({"HUBSPOT_ACCESS_TOKEN": CANARY}, dotenv).access_token
    assert token is not None and token.get_secret_value() == CANARY


# -- credentials -------------------------------------------------------------------------------------------------


def test_a_missing_token_names_the_variable_and_how_to_get_one() -> None:
    settings = load()
    assert not settings.has_credentials
    with pytest.raises(SettingsError, match="HUBSPOT_ACCESS_TOKEN is not set") as caught:
        settings.credentials()
    assert "Service keys" in caught.value.advice
    assert caught.value.exit_code == 2


def test_half_an_oauth_login_names_the_missing_half() -> None:
    settings = load(HUBSPOT_CLIENT_ID="app", HUBSPOT_REFRESH_TOKEN="r-123")
    with pytest.raises(SettingsError, match="HUBSPOT_CLIENT_SECRET not set"):
        settings.credentials()


def test_an_oauth_app_alone_will_do_for_a_login_gives_the_rest() -> None:
    settings = load(HUBSPOT_CLIENT_ID="app", HUBSPOT_CLIENT_SECRET="s-1")
    assert settings.has_credentials and settings.credentials().refresh_token is None
    secret_of_webhooks_alone = load(HUBSPOT_CLIENT_SECRET="s-1")
    with pytest.raises(SettingsError, match="HUBSPOT_ACCESS_TOKEN is not set"):
        secret_of_webhooks_alone.credentials()


def test_oauth_and_a_token_the_token_wins() -> None:
    oauth = {"HUBSPOT_CLIENT_ID": "app", "HUBSPOT_CLIENT_SECRET": "s-1", "HUBSPOT_REFRESH_TOKEN": "r-1"}
    assert load(**oauth).credentials().access_token is None
    assert load(**oauth, HUBSPOT_ACCESS_TOKEN=CANARY).credentials().client_id is None


@pytest.mark.parametrize("token", [f"Bearer {CANARY}", f"{CANARY}\n{CANARY}", f"{CANARY} x", "pat-ключ"])
def test_a_token_that_was_copied_badly_is_refused_without_being_shown(token: str) -> None:
    """I10"""
    said = complaint(HUBSPOT_ACCESS_TOKEN=token)
    assert said.startswith("HUBSPOT_ACCESS_TOKEN: ")
    assert "canary" not in said and "ключ" not in said


def test_no_secret_shows_in_any_form_of_the_settings() -> None:
    """I10"""
    canaries = {
        "HUBSPOT_ACCESS_TOKEN": CANARY,
        "HUBSPOT_CLIENT_SECRET": "canary-client",
        "HUBSPOT_REFRESH_TOKEN": "canary-refresh",
        "HANDOFF_DATABASE_URL": "postgresql://u:canary-password@db.example/handoff",
        "HANDOFF_WEBHOOK_URL": "https://hooks.example/canary-url",
        "HANDOFF_WEBHOOK_SECRET": "whsec_canary",
        "HANDOFF_SLACK_URL": "https://hooks.example/canary-slack",
        "HANDOFF_INBOUND_SECRET": "canary-inbound-secret",
        "HANDOFF_ANSWER_SECRET": "canary-answer-secret",
        "HANDOFF_KEY": "canary-key",
    }
    assert set(canaries) == set(secret_names())
    settings = load(**canaries)
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()} {settings.credentials()!r}"
    assert "canary" not in shown.lower()


# -- each value --------------------------------------------------------------------------------------------------


def test_all_bad_values_are_told_at_once_each_with_its_name() -> None:
    said = complaint(HUBSPOT_RATE_PER_10S="many", HANDOFF_SHADOW="perhaps", HUBSPOT_API_VERSION="v9")
    assert "HUBSPOT_RATE_PER_10S: say a whole number (found 'many')" in said
    assert "HANDOFF_SHADOW: say true or false (found 'perhaps')" in said
    assert "HUBSPOT_API_VERSION: say one of 'v3' or '2026-03' (found 'v9')" in said


@pytest.mark.parametrize(
    "url",
    ["api.hubapi.com", "ftp://api.hubapi.com", "https://user:pw@api.hubapi.com", "https://api.hubapi.com/?a=1",
     "https://api.hubapi.com:0", "https://api.hubapi.com:99999", "https://", "https://[::1"],
)  # fmt: skip
def test_a_base_url_that_is_no_plain_address_is_refused(url: str) -> None:
    assert "HUBSPOT_BASE_URL" in complaint(HUBSPOT_BASE_URL=url)


def test_plain_http_needs_loopback_or_permission() -> None:
    assert load(HUBSPOT_BASE_URL="http://127.0.0.1:8123/").base_url == "http://127.0.0.1:8123"
    assert load(HUBSPOT_BASE_URL="http://[::1]:8123").base_url == "http://[::1]:8123"
    assert "plain http" in complaint(HUBSPOT_BASE_URL="http://portal.example")
    assert load(HUBSPOT_BASE_URL="http://portal.example", HANDOFF_ALLOW_HOSTS="portal.example").allow_hosts
    assert "plain http" in complaint(HUBSPOT_BASE_URL="http://portal.example", HANDOFF_ALLOW_HOSTS="portal.example:81")


def test_allowed_hosts_are_a_list_with_commas() -> None:
    assert load(HANDOFF_ALLOW_HOSTS="Hooks.Corp.Example, 10.0.0.7:8080,[fd00::1]:443").allow_hosts == (
        "hooks.corp.example", "10.0.0.7:8080", "[fd00::1]:443",
    )  # fmt: skip


@pytest.mark.parametrize("hosts", ["https://a.example", "a.example:0", "a.example:70000", "a b", "*"])
def test_an_allowed_host_that_is_none_is_refused(hosts: str) -> None:
    assert "HANDOFF_ALLOW_HOSTS" in complaint(HANDOFF_ALLOW_HOSTS=hosts)


@pytest.mark.parametrize("url", ["handoff.db", "sqlite://handoff.db", "sqlite:///", "mysql://db.example/x", "postgresql://"])
def test_a_database_we_do_not_speak_is_refused_without_showing_the_url(url: str) -> None:
    said = complaint(HANDOFF_DATABASE_URL=url)
    assert "sqlite:///handoff.db" in said and f"found '{url}'" not in said


def test_sync_every_is_an_interval_or_a_cron_line() -> None:
    """R31"""
    assert load(HANDOFF_SYNC_EVERY="90s").sync_interval == timedelta(seconds=90)
    cron = load(HANDOFF_SYNC_EVERY="*/5 8-18 * * mon-fri")
    assert (cron.sync_every, cron.sync_interval) == ("*/5 8-18 * * mon-fri", None)
    assert cron.sync_cron is not None and cron.sync_cron.weekdays == (1, 2, 3, 4, 5)


@pytest.mark.parametrize("text", ["5", "soon", "1s", "3d", "8bh", "a b c d !", "99 * * * *", "0 0 31 2 *"])
def test_a_schedule_that_means_nothing_is_refused_with_advice(text: str) -> None:
    """R18"""
    assert "HANDOFF_SYNC_EVERY" in complaint(HANDOFF_SYNC_EVERY=text)


@pytest.mark.parametrize(
    ("text", "instant"),
    [("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
     ("2026-03-01T08:00:00+01:00", datetime(2026, 3, 1, 7, tzinfo=UTC)),
     ("2026-03-01T08:00Z", datetime(2026, 3, 1, 8, tzinfo=UTC))],
)  # fmt: skip
def test_since_is_a_day_or_an_instant_with_its_zone(text: str, instant: datetime) -> None:
    """R41"""
    assert load(HANDOFF_SINCE=text).since == instant


@pytest.mark.parametrize("text", ["2026-03-01T08:00", "yesterday", "01.03.2026", "1772442000"])
def test_a_since_without_a_zone_or_meaning_is_refused(text: str) -> None:
    assert "HANDOFF_SINCE: " in complaint(HANDOFF_SINCE=text)


def test_the_portal_id_is_digits() -> None:
    assert load(HUBSPOT_PORTAL_ID="62515").portal_id == "62515"
    assert "digits only" in complaint(HUBSPOT_PORTAL_ID="hub-1")


# -- strangers and secrets of rule files -------------------------------------------------------------------------


def test_an_unknown_variable_is_told_with_the_nearest_name() -> None:
    settings = load(HUBSPOT_ACESS_TOKEN=CANARY)
    (said,) = settings.strangers()
    assert said == "HUBSPOT_ACESS_TOKEN is set, but Handoff knows no such setting; did you mean HUBSPOT_ACCESS_TOKEN?"


def test_variables_of_rule_files_and_of_others_are_no_strangers(tmp_path: Path) -> None:
    path = secret_file(tmp_path, "https://hooks.example/x")
    settings = load(HANDOFF_EAST="https://hooks.example", HANDOFF_WEST_FILE=path, PATH="/bin")
    assert settings.strangers(["HANDOFF_EAST", "HANDOFF_WEST"]) == ()
    assert len(settings.strangers()) == 2


def test_a_destinations_variable_is_a_stranger_only_where_it_looks_like_a_slip() -> None:
    assert load(HANDOFF_SLACK_SALES_URL="https://hooks.example").strangers() == ()
    assert "HANDOFF_SLACK_URL?" in load(HANDOFF_SLAK_URL="https://hooks.example").strangers()[0]
    assert "HANDOFF_WEBHOOK_SECRET?" in load(HANDOFF_WEBHOKS_SECRET="x").strangers()[0]


def test_the_values_to_hide_in_logs_are_all_secrets_and_of_a_database_its_password() -> None:
    """I10"""
    settings = load(
        HUBSPOT_ACCESS_TOKEN=CANARY,
        HANDOFF_DATABASE_URL="postgresql://u:a%40canary@db.example/handoff",
        HANDOFF_SLACK_SALES_URL="https://hooks.example/canary",
        HUBSPOT_PORTAL_ID="62515",
        PATH="/bin",
    )
    assert set(settings.secret_values()) == {CANARY, "a%40canary", "a@canary", "https://hooks.example/canary"}
    assert load().secret_values() == ()


def test_a_secret_that_a_rule_file_names_comes_from_the_variable_or_its_file(tmp_path: Path) -> None:
    settings = load(EAST_URL="https://east.example", WEST_URL_FILE=secret_file(tmp_path, "https://west.example\n"))
    east, west = settings.secret("EAST_URL"), settings.secret("WEST_URL")
    assert east is not None and east.get_secret_value() == "https://east.example"
    assert west is not None and west.get_secret_value() == "https://west.example"
    assert settings.secret("NORTH_URL") is None


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".example", "[v1.x]", "[::g]", ".", "-" * 70])
def test_an_address_whose_host_cannot_be_asked_for_is_refused(host: str) -> None:
    assert "HUBSPOT_BASE_URL" in complaint(HUBSPOT_BASE_URL=f"https://{host}")


@pytest.mark.parametrize("url", ["postgresql://[x", "sqlite:///x.db?mode=ro", "sqlite:///x\x01.db"])
def test_a_database_address_that_cannot_be_read_is_refused(url: str) -> None:
    assert "HANDOFF_DATABASE_URL" in complaint(HANDOFF_DATABASE_URL=url)


def test_a_file_without_certificates_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate", encoding="utf-8")
    for place in (tmp_path / "none.pem", tmp_path, tmp_path / "ca.pem"):
        assert "HANDOFF_CA_FILE: no certificates can be read there" in complaint(HANDOFF_CA_FILE=str(place))


def test_a_day_on_no_calendar_is_refused() -> None:
    assert "HANDOFF_SINCE" in complaint(HANDOFF_SINCE="0001-01-01T00:00:00+14:00")


@pytest.mark.parametrize("name", ["HANDOFF_MAPPINGS_DIR", "HANDOFF_KEY", "HANDOFF_LISTEN"])
def test_bytes_that_are_no_text_are_refused_and_not_shown(name: str) -> None:
    """I10"""
    said = complaint(**{name: "a\udcffb-canary"})
    assert said.startswith(f"{name} holds bytes that are no UTF-8 text") and "canary" not in said
