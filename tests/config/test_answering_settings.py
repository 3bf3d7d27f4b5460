"""What answers by link must be told, and what says that they were not (R20, I10)."""

from __future__ import annotations

import pytest

from connector.config.answering import Answering, answering, why_no_answers
from connector.config.inbound import inbound
from connector.config.redaction import redact_text, without_answer_links
from connector.config.settings import load_settings
from connector.errors import SettingsError

SECRET = "canary-answer-secret-" + "0" * 20
BASE = {"HANDOFF_PUBLIC_URL": "https://handoff.example/", "HANDOFF_ANSWER_SECRET": SECRET}


def made(**env: str) -> Answering | None:
    return answering(load_settings(BASE | env, dotenv=None))


def test_both_settings_make_links() -> None:
    found = made()
    assert found == Answering(base_url="https://handoff.example", secrets=(SECRET,))
    assert "canary" not in repr(found) and why_no_answers(load_settings(BASE, dotenv=None)) == ""


def test_two_secrets_hold_while_one_replaces_the_other() -> None:
    found = made(HANDOFF_ANSWER_SECRET=f"{SECRET}-new {SECRET}")
    assert found is not None and found.secrets == (f"{SECRET}-new", SECRET)


@pytest.mark.parametrize("missing", BASE)
def test_without_one_of_them_there_are_no_links_and_it_is_said(missing: str) -> None:
    settings = load_settings(BASE | {missing: ""}, dotenv=None)
    assert answering(settings) is None
    assert missing in why_no_answers(settings) and "docs/answers.md" in why_no_answers(settings)


@pytest.mark.parametrize("secret", ["short", f"{SECRET} short", f"{SECRET} {SECRET} {SECRET}", " "])
def test_a_weak_secret_is_refused_without_being_shown(secret: str) -> None:
    if not secret.strip():
        assert made(HANDOFF_ANSWER_SECRET=secret) is None
        return
    with pytest.raises(SettingsError, match="HANDOFF_ANSWER_SECRET") as found:
        made(HANDOFF_ANSWER_SECRET=secret)
    assert "canary" not in str(found.value) and "token_urlsafe" in found.value.advice
    settings = load_settings(BASE | {"HANDOFF_ANSWER_SECRET": secret}, dotenv=None)
    assert why_no_answers(settings) == "none: HANDOFF_ANSWER_SECRET is to be mended first"


def test_answers_alone_need_no_app_of_hubspots() -> None:
    """Without webhooks the server takes answers; of the webhooks' route nothing is accepted."""
    assert inbound(load_settings(BASE, dotenv=None)).secrets == ()


def test_links_are_hidden_in_logs_and_where_others_look() -> None:
    """I10"""
    link = "https://handoff.example/answer/accept-" + "0123456789abcdef" * 2 + "-" + "a1" * 20
    for hidden in (redact_text(f"GET {link} failed"), without_answer_links(link)):
        assert "https://handoff.example/answer/accept-[hidden]" in hidden and "0123456789abcdef" not in hidden
