"""An explanation as a page to mail (R34): the same facts as the text, in the same order."""

from __future__ import annotations

from collections.abc import Iterator

from connector.cli.pages import checks, facts, heading, page, paragraph, points, sums
from connector.engine.explain import Explanation
from connector.rules.words import day, sentence


def explain_page(found: Explanation) -> str:
    """The whole file."""
    foot = f"Rules {found.rules}. Worked out by Handoff from what was stored." if found.rules else ""
    return page(found.name, _body(found), foot=foot)


def _body(e: Explanation) -> Iterator[str]:
    if e.as_of is not None:
        yield paragraph(f"As it stood on {day(e.as_of)}.", "soft")
    yield paragraph("Did it go to sales?", "soft")
    yield paragraph(e.answer, "answer")
    yield paragraph(f"Why: {e.why}")
    if e.decided_on:
        yield paragraph(e.decided_on, "soft")
    if e.missing:
        yield paragraph(f"What was missing: {sentence(e.missing)}", "box")
    if e.score is not None:
        yield heading(f"Score {e.score:g} points, grade {e.grade}")
        yield sums(e.lines, e.score)
    if e.path:
        yield heading("What was looked at")
        yield checks(e.path)
    if e.seen:
        yield heading("What was seen")
        yield facts([(words, "yes" if held else "no") for held, words in e.seen])
    if e.owner:
        yield heading(f"Who has it: {e.owner}")
        if e.routed:
            yield paragraph(e.routed)
        if e.candidates:
            yield paragraph("Why not the others:", "soft")
            yield facts(e.candidates)
    for title, lines in (("What comes next", e.clocks), ("History", e.history)):
        if lines:
            yield heading(title)
            yield points(lines)
    if e.answered:
        yield heading("Answered by link")
        yield facts(e.answered)
    if e.written:
        yield heading(e.written_title)
        yield facts(e.written)
    if e.problems:
        yield heading("Could not be read")
        yield points(e.problems)
    if e.kept:
        yield heading("Stays in force")
        yield points(e.kept)
