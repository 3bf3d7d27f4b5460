"""Values in markup (S10): no mention, no link, no format, whatever anybody typed into a form."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.delivery.markup import (
    ESCAPES,
    for_google_chat,
    for_nobody,
    for_plain_services,
    for_slack,
    for_teams,
    in_a_card,
)

EVIL = ["<!channel>", "<@U0BOSS>", "<https://evil.example|click>", "[click](https://evil.example)", "<at>Boss</at>",
        "<users/all>", "@everyone", "{{DATE(2026-01-01T00:00:00Z, SHORT)}}", "*bold*", "_it_", "~no~", "`x`",
        "<a href='https://evil.example'>x</a>", "![p](https://evil.example/p.png)", "<script>", "{{{DATE()}}}",
        "< / at>", "&lt;!channel&gt;"]  # fmt: skip
TEXTS = st.lists(st.sampled_from(EVIL) | st.text(max_size=20), max_size=8).map("".join)


@given(TEXTS)
def test_slack_reads_no_mention_no_link_and_no_format(text: str) -> None:
    """S10"""
    safe = for_slack(text)
    assert "<" not in safe and ">" not in safe and "://" not in safe
    assert re.fullmatch(r"(?:[^&]|&(?:amp|lt|gt);)*", safe)
    assert not re.search(r"(?<![\w\u200b])[*_~`](?=\w)", safe)


@given(TEXTS)
def test_teams_reads_no_mention_no_link_and_no_date(text: str) -> None:
    """S10"""
    safe = for_teams(text)
    assert not set(safe) & set("<>[]") and "://" not in safe and "{{" not in safe
    assert not re.search(r"(?<!\w)(?<!\\)(?:\\\\)*[*_~`](?=\w)", safe.replace("\\\\", ""))


@given(TEXTS)
def test_google_chat_reads_letters_alone(text: str) -> None:
    """S10"""
    safe = for_google_chat(text)
    assert "<" not in safe and "://" not in safe
    assert html.unescape(safe) == for_nobody(text).replace("://", ": //") or "&" in text


@given(TEXTS)
def test_mail_and_other_services_get_no_address_no_tag_and_nobody_is_called(text: str) -> None:
    """S10"""
    safe = for_plain_services(text)
    assert not set(safe) & set("<>") and "://" not in safe
    assert not re.search(r"(?<![\w.+-])@\w", safe)


@given(TEXTS)
def test_a_plain_run_of_a_card_mentions_nobody_and_works_nothing_out(text: str) -> None:
    safe = in_a_card(text)
    assert not re.search(r"<\s*/?\s*at\b", safe, re.IGNORECASE)
    assert "{{" not in safe and "}}" not in safe


@pytest.mark.parametrize("escape", ESCAPES.values())
def test_ordinary_words_stay_as_they_are(escape: object) -> None:
    assert callable(escape)
    for text in ("Robin Sample", "robin_sample@acme.example", "+49 30 123", "Ana's 2-for-1, 10:00", "Söhne / 東京"):
        assert escape(text) == text


@pytest.mark.parametrize("escape", ESCAPES.values())
def test_lines_stay_and_signs_that_steer_a_reader_go(escape: object) -> None:
    assert callable(escape)
    assert escape("one\ntwo") == "one\ntwo"
    assert not set(escape("a\x00b\u202ec\x1b[2Jd\r")) & set("\x00\u202e\x1b\r")
