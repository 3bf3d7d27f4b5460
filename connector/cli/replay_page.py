"""The outcome of a replay as one HTML page with pictures in it. It loads nothing from anywhere; all text is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from connector.cli import pages
from connector.cli.replay_words import GROUPS, KINDS, Rows, agreed, became_rows, load_rows, move_rows
from connector.engine.replay.outcome import Outcome

MOST_ROWS = 1_000
WIDTH, BAR, LABEL = 720, 16, 180
SMALL = 'font-size="11" fill="currentColor"'
TODAY, CHANGED = "#8793a3", "#3a8fc4"


def page(found: Outcome) -> str:
    """The whole page."""
    rules = f"Today's rules are version {found.rules_today}, the changed ones version {found.rules_changed}."
    return pages.page(f"Replay {found.since:%Y-%m-%d} to {found.until:%Y-%m-%d}", _body(found), foot=rules)


def _body(found: Outcome) -> Iterator[str]:
    yield pages.paragraph(
        f"Handed to sales: {found.handed_today:,} leads by today's rules, {found.handed_changed:,} by changed ones.",
        "answer",
    )
    yield pages.paragraph(f"{found.runs:,} runs and {found.activities:,} activities were lived through again.", "soft")
    counted = found.counted()
    yield pages.points(f"{counted[kind]:,} {words}" for kind, words in KINDS.items())
    yield f"<p>{_key(TODAY)} today's rules {_key(CHANGED)} changed rules</p>"
    weeks = [(f"{day:%d %b %Y}", today, changed) for day, (today, changed) in found.weeks.items()]
    yield _columns("Handed over per week", weeks)
    yield _bars("Leads per owner", [(load.name, load.today, load.changed) for load in found.loads])
    yield _table(load_rows(found))
    groups = [(GROUPS[name], one.won, one.junk) for name, one in found.became.items()]
    yield _bars("What became of them in fact: won (first bar), called junk (second bar)", groups)
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


def _key(colour: str) -> str:
    return f'<svg width="12" height="12" aria-hidden="true"><rect width="12" height="12" fill="{colour}"/></svg>'


def _columns(title: str, rows: Sequence[tuple[str, int, int]]) -> str:
    """Two columns for each row, side by side; a few of the labels below."""
    height, top = 160, max((max(a, b) for _, a, b in rows), default=0) or 1
    wide = WIDTH / max(1, len(rows))
    drawn = []
    for place, (label, today, changed) in enumerate(rows):
        for shift, count, colour in ((0.1, today, TODAY), (0.5, changed, CHANGED)):
            tall = height * count / top
            drawn.append(
                f'<rect x="{(place + shift) * wide:.1f}" y="{height - tall:.1f}" width="{0.4 * wide:.1f}" '
                f'height="{tall:.1f}" fill="{colour}"><title>{escape(label)}: {count:,}</title></rect>'
            )
        if place % max(1, len(rows) // 6) == 0:
            drawn.append(f'<text x="{place * wide:.1f}" y="{height + 16}" {SMALL}>{escape(label)}</text>')
    return _picture(title, height + 22, drawn, f"The highest column is {top:,}.")


def _bars(title: str, rows: Sequence[tuple[str, int, int]]) -> str:
    """Two bars for each row, one below the other, with their numbers."""
    top = max((max(a, b) for _, a, b in rows), default=0) or 1
    room, step, drawn = WIDTH - LABEL - 70, 2 * BAR + 12, []
    for place, (label, first, second) in enumerate(rows):
        y = place * step
        drawn.append(f'<text x="0" y="{y + BAR + 5}" font-size="13" fill="currentColor">{escape(label[:28])}</text>')
        for row, count, colour in ((0, first, TODAY), (1, second, CHANGED)):
            wide = room * count / top
            drawn.append(
                f'<rect x="{LABEL}" y="{y + row * BAR}" width="{wide:.1f}" height="{BAR - 2}" fill="{colour}"/>'
                f'<text x="{LABEL + wide + 6:.1f}" y="{y + row * BAR + 12}" {SMALL}>{count:,}</text>'
            )
    return _picture(title, len(rows) * step, drawn, "")


def _picture(title: str, height: int, drawn: Sequence[str], caption: str) -> str:
    said = pages.paragraph(caption, "soft") if caption else ""
    shown = f'<svg viewBox="0 0 {WIDTH} {height}" width="100%" role="img" aria-label="{escape(title)}">'
    return f"{pages.heading(title)}{shown}{''.join(drawn)}</svg>{said}"
