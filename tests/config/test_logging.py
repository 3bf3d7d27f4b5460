"""Logs: one line an event, no secret, nobody's address (S13, I10)."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from connector.config.logging import configure_logging
from connector.config.redaction import escape_controls, redact, redact_text, worth_hiding

pytestmark = pytest.mark.canaries_may_sing
LOG = logging.getLogger("connector.somewhere")
SECRET = "s3cr3t-canary-value"


@pytest.fixture(autouse=True)
def leave_logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    yield
    root.handlers[:], root.level = before[0], before[1]
    structlog.reset_defaults()


def logged(log_format: str = "json", level: str = "INFO") -> io.StringIO:
    stream = io.StringIO()
    configure_logging(log_format, level, secrets=[SECRET, None, "", "ab"], stream=stream)
    return stream


def test_an_event_is_one_json_object_with_its_facts() -> None:
    stream = logged()
    LOG.info("Run %s began", "r1", extra={"action": "sync", "run_id": "r1", "contacts": 3})
    event = json.loads(stream.getvalue())
    assert datetime.fromisoformat(event.pop("timestamp")).tzinfo == UTC
    assert event == {
        "level": "info", "logger": "connector.somewhere", "event": "Run r1 began", "action": "sync", "run_id": "r1",
        "contacts": 3,
    }  # fmt: skip


def test_logs_of_libraries_and_of_structlog_come_out_the_same_way() -> None:
    stream = logged()
    logging.getLogger("thirdparty").warning("careful")
    structlog.get_logger("ours").info("done", contact_id="7")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["event"], first["logger"]) == ("careful", "thirdparty")
    assert (second["event"], second["contact_id"], second["level"]) == ("done", "7", "info")


CANARIES = [
    "pat-na1-canary-0123",
    "whsec_canaryCANARYcanary+/==",
    "Bearer canary.CANARY-123",
    "Basic Y2FuYXJ5OmNhbmFyeQ==",
    "https://user:canary@db.example/handoff",
    "postgresql+psycopg://handoff:canary!pw@db.example/handoff",
    "https://hooks.slack.com/services/T0CANARY/B0CANARY/canary",
    "access_token=canarycanary&x=1",
    '{"refresh_token": "canarycanary"}',
    "Authorization: canarycanary",
    "client_secret='canarycanary'",
    "hapikey=canary-canary",
    SECRET,
    "canary@example.com",
    "Canary.O'Neil+tag@mail.canary.example",
    "canary%40example.com",
]
PHONES = ["+49 171 2345678", "+14155550123", "(030) 1234-5678", "0171 2345678", "415-555-0123", "+44 (0)20 7946 0123"]


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("canary", CANARIES)
def test_no_canary_passes_in_message_facts_or_traceback(canary: str, log_format: str) -> None:
    """I10, S13"""
    stream = logged(log_format)
    LOG.warning("refused: %s", canary)
    LOG.warning("refused", extra={"note": canary, "inner": {"deep": [canary, (canary,)]}, canary: 1})
    try:
        raise ValueError(f"bad value {canary}")
    except ValueError:
        LOG.exception("crashed")
    said = stream.getvalue()
    assert said.count("refused") == 2 and "crashed" in said and "ValueError" in said
    assert "canary" not in said.lower().replace("passes_in", "").replace("no_canary", "").replace("{canary}", "")


@pytest.mark.parametrize("phone", PHONES)
def test_phones_are_hidden(phone: str) -> None:
    """S13"""
    assert redact_text(f"called {phone}, twice") == "called [phone], twice"


@pytest.mark.parametrize(
    "text",
    ["contact 12345678901 of portal 62515", "2026-03-02T09:00:00Z", "at 2026-03-02 09:00:00", "127.0.0.1:8080",
     "msg_0123456789abcdef", "GET /crm/v3/objects/contacts 429 in 0.123 s", "ep_4915550123", "score 12.50",
     "v3, 2026-03"],
)  # fmt: skip
def test_ids_times_and_figures_stay_readable(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "key", ["token", "access_token", "Authorization", "webhook_secret", "email", "phone", "body", "url"]
)
def test_keys_that_name_a_secret_or_a_person_hide_what_they_hold(key: str) -> None:
    assert redact({key: "anything", "deeper": {key: ["x"]}}) == {key: "[hidden]", "deeper": {key: "[hidden]"}}


def test_counts_under_such_keys_stay() -> None:
    assert redact({"emails": 3, "tokens_left": 2, "phone": None}) == {"emails": 3, "tokens_left": 2, "phone": None}


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_value_cannot_forge_a_line_or_turn_the_text_around(log_format: str) -> None:
    """S13"""
    stream = logged(log_format)
    evil = "x\n2026-03-02 [error] forged\r\x1b[2J\x00\u2028\u202e\x85"
    LOG.info("name %s", evil, extra={"note": evil})
    try:
        raise ValueError(evil)
    except ValueError:
        LOG.exception("crashed")
    said = stream.getvalue()
    assert not any(sign in said for sign in "\r\x1b\x00\u2028\u202e\x85")
    assert not any(line.startswith("2026-03-02 [error] forged") for line in said.splitlines())


@given(st.text(max_size=60))
def test_escaping_leaves_printable_signs_only(text: str) -> None:
    assert escape_controls(text).isprintable()
    assert escape_controls(escape_controls(text)) == escape_controls(text)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
))  # fmt: skip
def test_redacting_never_fails_and_twice_is_once(value: object) -> None:
    once = redact(value)
    assert redact(once) == once
    json.dumps(once)


def test_debug_of_libraries_that_quote_bodies_stays_silent() -> None:
    """I10"""
    stream = logged(level="DEBUG")
    LOG.debug("ours")
    logging.getLogger("hubspot.client").debug("response body: canary")
    logging.getLogger("urllib3.connectionpool").info("POST /services/canary")
    logging.getLogger("urllib3.connection").warning("Failed to parse headers (url=https://h:443/canary): unparsed data")
    assert "ours" in stream.getvalue() and "canary" not in stream.getvalue()


def test_configuring_again_replaces_and_does_not_double() -> None:
    first, second = logged(), logged()
    LOG.info("once")
    assert first.getvalue() == "" and second.getvalue().count("once") == 1


def test_auto_is_json_where_nobody_watches() -> None:
    stream = logged("auto")
    LOG.info("x")
    assert json.loads(stream.getvalue())["event"] == "x"


def test_short_words_are_not_taken_for_secrets() -> None:
    assert worth_hiding(["ab", None, "", "longer-secret", "longer-secret-2"]) == ("longer-secret-2", "longer-secret")
