"""An explanation as a page to mail: escaped, whole, and loading nothing (R34)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

from connector.cli.explain_page import explain_page
from connector.domain.contact import ContactId
from connector.engine.explain import Explanation

NASTY = '<img src=x onerror="alert(1)">&'
FOUND = Explanation(
    contact=ContactId("101"),
    name=f"Kim {NASTY}",
    as_of=datetime(2026, 3, 2, tzinfo=UTC),
    answer="No, not handed to sales.",
    why=f"Why {NASTY}",
    decided_at=datetime(2026, 3, 1, tzinfo=UTC),
    score=12.5,
    grade="C3",
    lines=((15.0, f"line {NASTY}", "1 March 2026"), (-2.5, "counts less", "")),
    missing=("37.5 points short", f"one more {NASTY} would do"),
    path=((True, f"fine {NASTY}"), (False, f"stop {NASTY}")),
    seen=((False, "number of employees is at least 50 (4)"),),
    owner=f"Ana {NASTY}",
    routed=f"routed {NASTY}",
    candidates=((f"Ben {NASTY}", f"away {NASTY}"),),
    clocks=(f"clock {NASTY}",),
    history=(f"history {NASTY}",),
    answered=(("2 March 2026 at 09:14", "Ana accepted by link; done"),),
    written=(("1 March 2026 at 10:00", f"stage {NASTY}"),),
    problems=(f"problem {NASTY}",),
    kept=(f"kept {NASTY}",),
    rules="0123456789ab",
    definition=f"by version 3 {NASTY}",
)


def test_every_fact_stands_on_the_page_and_none_of_it_is_markup() -> None:
    page = explain_page(FOUND)
    shown = unescape(re.sub(r"<[^>]+>", "", page))
    told = [
        FOUND.name, FOUND.answer, FOUND.why, "12.50", "-2.50", "one more", FOUND.owner, FOUND.routed, FOUND.definition,
        *(words for _, words in (*FOUND.path, *FOUND.seen)), *FOUND.candidates[0], *FOUND.clocks, *FOUND.history,
        *FOUND.answered[0], *FOUND.written[0], *FOUND.problems, *FOUND.kept, "As it stood on 2 March 2026",
    ]  # fmt: skip
    assert [text for text in told if text not in shown] == []
    assert "<img" not in page and 'onerror="' not in page


def test_a_name_cannot_turn_the_text_around_it() -> None:
    assert "\u202e" not in explain_page(replace(FOUND, name="Kim \u202eremirp"))


def test_it_loads_nothing_and_fits_a_phone() -> None:
    page = explain_page(FOUND)
    assert not re.search(r"<script|<link|src=|url\(|@import|https?://", page.replace(NASTY, "").replace("src=x", ""))
    assert "width=device-width" in page and "prefers-color-scheme:dark" in page
    assert "default-src &#x27;none&#x27;" in page


def test_parts_that_do_not_apply_are_left_out() -> None:
    bare = replace(
        FOUND, as_of=None, decided_at=None, score=None, lines=(), missing=(), path=(), seen=(), owner="", candidates=(),
        clocks=(), history=(), answered=(), written=(), problems=(), kept=(), rules="",
    )  # fmt: skip
    page = explain_page(bare)
    assert "<h2>" not in page and "<footer>" not in page and "As it stood" not in page
