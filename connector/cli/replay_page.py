"""The outcome of a replay as one HTML page with pictures in it. It loads nothing from anywhere; all text is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from connector.cli.replay_words import GROUPS, KINDS, Rows, agreed, became_rows, load_rows, move_rows
from connector.engine.replay.outcome import Outcome

MOST_ROWS = 1_000
WIDTH, BAR, LABEL = 860, 16, 200
TODAY, CHANGED = "#6b7a8f", "#3a8fc4"
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:2em auto;padding:0 1em;color:#1d2733}
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}table{border-collapse:collapse;width:100%;font-size:13px}
td,th{text-align:left;padding:.3em .6em;border-bottom:1px solid #e3e8ee;vertical-align:top}
th{background:#f4f6f8}.key{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 1em}
figure{margin:1em 0}figcaption{font-size:13px;color:#5a6675}
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(found: Outcome) -> str:
    """The whole page."""
    title = f"Replay {found.since:%Y-%m-%d} to {found.until:%Y-%m-%d}"
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            *_body(found),
            "</body></html>",
            "",
        ]
    )


def _body(found: Outcome) -> Iterator[str]:
    yield (
        f"<p>{found.runs:,} runs and {found.activities:,} activities of the past, lived through by today's rules "
        f"(version {escape(found.rules_today)}) and by changed ones (version {escape(found.rules_changed)}).</p>"
    )
    yield (
        f"<p><b>{found.handed_today:,}</b> leads are handed to sales by today's rules, <b>{found.handed_changed:,}</b> "
        f"by the changed ones.</p>"
    )
    counted = found.counted()
    yield "<ul>" + "".join(f"<li>{counted[k]:,} {escape(words)}</li>" for k, words in KINDS.items()) + "</ul>"
    yield f"<p>{_key(TODAY)}today's rules{_key(CHANGED)}changed rules</p>"
    weeks = list(found.weeks.items())
    yield _columns("Handed over per week", [(f"{day:%d %b %Y}", *counts) for day, counts in weeks])
    yield _bars("Leads per owner", [(load.name, load.today, load.changed) for load in found.loads])
    yield "<h2>What became of them in fact</h2>" + _table(became_rows(found))
    groups = [(GROUPS[name], one.won, one.junk) for name, one in found.became.items()]
    yield _bars("Won (first bar) and called junk (second bar), in fact", groups)
    yield "<h2>Load per owner</h2>" + _table(load_rows(found))
    yield "<h2>What the past cannot tell</h2><ul>"
    yield "".join(f"<li>{count:,} {escape(words)}</li>" for words, count in found.unknown)
    yield f"<li>{escape(agreed(found))}</li></ul>"
    yield "<h2>Who would move</h2>" + _table(move_rows(found, MOST_ROWS))
    if len(found.moves) > MOST_ROWS:
        yield f"<p>and {len(found.moves) - MOST_ROWS:,} more in moves.csv</p>"


def _table(rows: Rows) -> str:
    columns, lines = rows
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(_text(cell))}</td>" for cell in line) + "</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _key(colour: str) -> str:
    return f'<svg class="key" viewBox="0 0 1 1" aria-hidden="true"><rect width="1" height="1" fill="{colour}"/></svg>'


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
            drawn.append(f'<text x="{place * wide:.1f}" y="{height + 16}" font-size="11">{escape(label)}</text>')
    return _picture(title, height + 22, drawn, f"The highest column is {top:,}.")


def _bars(title: str, rows: Sequence[tuple[str, int, int]]) -> str:
    """Two bars for each row, one below the other, with their numbers."""
    top = max((max(a, b) for _, a, b in rows), default=0) or 1
    room, step, drawn = WIDTH - LABEL - 70, 2 * BAR + 12, []
    for place, (label, first, second) in enumerate(rows):
        y = place * step
        drawn.append(f'<text x="0" y="{y + BAR + 5}" font-size="13">{escape(label[:28])}</text>')
        for row, count, colour in ((0, first, TODAY), (1, second, CHANGED)):
            wide = room * count / top
            drawn.append(
                f'<rect x="{LABEL}" y="{y + row * BAR}" width="{wide:.1f}" height="{BAR - 2}" fill="{colour}"/>'
                f'<text x="{LABEL + wide + 6:.1f}" y="{y + row * BAR + 12}" font-size="11">{count:,}</text>'
            )
    return _picture(title, len(rows) * step, drawn, "")


def _picture(title: str, height: int, drawn: Sequence[str], caption: str) -> str:
    said = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return (
        f'<h2>{escape(title)}</h2><figure><svg viewBox="0 0 {WIDTH} {height}" width="100%" role="img" '
        f'aria-label="{escape(title)}">{"".join(drawn)}</svg>{said}</figure>'
    )
