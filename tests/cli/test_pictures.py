"""Pictures of reports can be read: labels whole, shares beside narrow steps, and what they are shares of (R26)."""

from __future__ import annotations

import re

from connector.cli import pages, pictures

ORIGINS = [(name, 10.0, False) for name in ("organic search", "other publicities", "(not known)", *"abcdefgh")]


def words(drawn: str) -> list[tuple[str, str]]:
    """Anchor and words of every text."""
    return re.findall(r'<text [^>]*text-anchor="(\w+)"[^>]*>([^<]*)</text>', drawn)


def test_a_label_with_two_words_stands_in_two_lines() -> None:
    shown = [text for _, text in words(pictures.columns("Leads by source", ORIGINS))]
    assert {"organic", "search", "other", "publicities"} <= set(shown)
    assert not [text for text in shown if text.endswith("…")]


def test_a_word_that_is_too_long_is_cut() -> None:
    assert "conversationa…" not in pictures.columns("x", [("a", 1.0, False)])
    rows = [("x" * 40, 1.0, False)] * 12
    assert all(len(text) < 12 for _, text in words(pictures.columns("x", rows)))


def test_the_share_of_a_narrow_step_stands_beside_it() -> None:
    drawn = pictures.steps("The funnel", [("leads that came in", 4_015), ("accepted", 373), ("customers", 158)])
    shares = {text: anchor for anchor, text in words(drawn) if text.endswith("%") and anchor != "end"}
    assert shares == {"9.3 %": "middle", "42.4 %": "start"}
    assert "At the right: the share of leads that came in." in drawn


def test_a_command_is_told_from_the_words_around_it_and_stays_escaped() -> None:
    assert "<code>handoff rules agreement</code>" in pages.paragraph("Read `handoff rules agreement`, then go on.")
    assert "<b>" not in pages.paragraph("`handoff <b>`") and "<code>" not in pages.paragraph("a `name` in backticks")
