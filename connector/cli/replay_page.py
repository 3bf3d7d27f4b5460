"""The outcome of a replay as one HTML page with pictures in it. It loads nothing from anywhere; all text is escaped."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from connector.cli import pages
from connector.cli.pictures import FIRST, SECOND, key, pairs_of_bars, pairs_of_columns
from connector.cli.replay_words import GROUPS, KINDS, Rows, agreed, became_rows, load_rows, move_rows, taken_in
from connector.engine.replay.outcome import Outcome
from connector.rules.words import many

MOST_ROWS = 1_000


def page(found: Outcome) -> str:
    """The whole page."""
    rules = f"Today's rules are version {found.rules_today}, the changed ones version {found.rules_changed}."
    return pages.page(f"Replay {found.since:%Y-%m-%d} to {found.until:%Y-%m-%d}", _body(found), foot=rules)


def _body(found: Outcome) -> Iterator[str]:
    yield pages.paragraph(
        f"Handed over: {many(found.handed_today, 'lead')} by today's rules, "
        f"{found.handed_changed:,} by the changed ones.",
        "answer",
    )
    again = f"{many(found.runs, 'run')}, {many(found.activities, 'activity')}"
    yield pages.paragraph(f"Lived through again: {again}.", "soft")
    if silent := taken_in(found):
        yield pages.paragraph(silent)
    counted = found.counted()
    yield pages.points(f"{counted[kind]:,} {words}" for kind, words in KINDS.items())
    yield f"<p>{key(FIRST)} today's rules {key(SECOND)} changed rules</p>"
    weeks = [(f"{day:%d %b %Y}", today, changed) for day, (today, changed) in found.weeks.items()]
    yield pairs_of_columns("Handed over per week", weeks)
    yield pairs_of_bars("Leads per owner", [(load.name, load.today, load.changed) for load in found.loads])
    yield _table(load_rows(found))
    groups = [(GROUPS[name], one.won, one.junk) for name, one in found.became.items()]
    yield pairs_of_bars("What became of them in fact: won (first bar), called junk (second bar)", groups)
    yield _table(became_rows(found))
    yield pages.heading("What the past cannot tell")
    yield pages.points([*(f"{count:,} {words}" for words, count in found.unknown), agreed(found)])
    yield pages.heading("Who would move") + _table(move_rows(found, MOST_ROWS))
    if len(found.moves) > MOST_ROWS:
        yield pages.paragraph(f"and {len(found.moves) - MOST_ROWS:,} more in moves.csv")


def _table(rows: Rows) -> str:
    columns, lines = rows
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(_text(cell))}</td>" for cell in line) + "</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
