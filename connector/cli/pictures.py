"""Pictures: drawn here as SVG to stand within a page, so that nothing is loaded and nothing runs.

Colours are the page's own (pages.STYLE), so that a picture suits light, dark and paper. Every picture has its words for
whoever hears the page, and every mark its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape as escape_html

from connector.cli.pages import escape, heading, paragraph

WIDTH, LABEL = 720, 180
BAR = 16
ROOM_FOR_SHARE = 48
"""Width of a small percentage with some air; where a bar is narrower, it stands beside."""
SMALL = 'font-size="11" fill="currentColor"'
BOLD = 'font-size="15" font-weight="600" fill="currentColor"'
PLAIN = 'font-size="13" fill="currentColor"'
THICK = 'stroke-width="3" stroke-linecap="round"'
FIRST, SECOND, PALE = "var(--first)", "var(--bar)", "var(--pale)"
"""Of two series the one before and the one that matters; and what is not to be compared yet."""


def key(colour: str) -> str:
    """A small square of that colour, for a legend."""
    return f'<svg width="12" height="12" aria-hidden="true"><rect width="12" height="12" style="fill:{colour}"/></svg>'


def picture(title: str, height: float, drawn: Sequence[str], caption: str = "", *, headed: bool = True) -> str:
    """One picture with its title above, unless it stands under one already, and its caption below."""
    said = paragraph(caption, "soft") if caption else ""
    shown = f'<svg viewBox="0 0 {WIDTH} {height:.0f}" width="100%" role="img" aria-label="{escape(title)}">'
    return f"{heading(title) if headed else ''}{shown}{''.join(drawn)}</svg>{said}"


def text(x: float, y: float, words: str, style: str = PLAIN, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {style}>{escape(words)}</text>'


def rectangle(x: float, y: float, wide: float, tall: float, colour: str, told: str = "", *, round_by: int = 0) -> str:
    """With what it stands for, shown where somebody points at it."""
    tip = f"<title>{escape_html(told)}</title>" if told else ""
    corner = f' rx="{round_by}"' if round_by else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(wide, 0):.1f}" height="{max(tall, 0):.1f}"{corner} '
        f'style="fill:{colour}">{tip}</rect>'
    )


def line(x1: float, y1: float, x2: float, y2: float, colour: str = "currentColor", more: str = "") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" style="stroke:{colour}" {more}/>'


def pairs_of_columns(title: str, rows: Sequence[tuple[str, int, int]]) -> str:
    """Two columns for each row, side by side; a few of the labels below."""
    height, top = 160, max((max(a, b) for _, a, b in rows), default=0) or 1
    wide = WIDTH / max(1, len(rows))
    drawn = []
    for place, (label, first, second) in enumerate(rows):
        for shift, count, colour in ((0.1, first, FIRST), (0.5, second, SECOND)):
            tall = height * count / top
            at = (place + shift) * wide
            drawn.append(rectangle(at, height - tall, 0.4 * wide, tall, colour, f"{label}: {count:,}"))
        if place % max(1, len(rows) // 6) == 0:
            drawn.append(text(place * wide, height + 16, label, SMALL))
    return picture(title, height + 22, drawn, f"The highest column is {top:,}.")


def pairs_of_bars(title: str, rows: Sequence[tuple[str, int, int]]) -> str:
    """Two bars for each row, one below the other, with their numbers."""
    top = max((max(a, b) for _, a, b in rows), default=0) or 1
    room, step, drawn = WIDTH - LABEL - 70, 2 * BAR + 12, []
    for place, (label, first, second) in enumerate(rows):
        y = place * step
        drawn.append(text(0, y + BAR + 5, label[:28]))
        for row, count, colour in ((0, first, FIRST), (1, second, SECOND)):
            wide = room * count / top
            drawn.append(rectangle(LABEL, y + row * BAR, wide, BAR - 2, colour))
            drawn.append(text(LABEL + wide + 6, y + row * BAR + 12, f"{count:,}", SMALL))
    return picture(title, len(rows) * step, drawn)


def steps(title: str, rows: Sequence[tuple[str, int]]) -> str:
    """A funnel, without the title above: bars that narrow, with the share of the step before on the way to each.

    Args:
        rows: step and count, the widest first.
    """
    tall, gap = 34, 20
    room, centre = WIDTH - LABEL - 150, LABEL + (WIDTH - LABEL - 150) / 2
    top = max((count for _, count in rows), default=0) or 1
    drawn, before = [], 0
    for place, (label, count) in enumerate(rows):
        y, wide = place * (tall + gap), max(room * count / top, 3 if count else 1)
        if place:
            old = max(room * before / top, 3 if before else 1)
            left, right = centre - old / 2, centre + old / 2
            corners = ((left, y - gap), (right, y - gap), (centre + wide / 2, y), (centre - wide / 2, y))
            told = " ".join(f"{x:.1f},{at:.1f}" for x, at in corners)
            drawn.append(f'<polygon points="{told}" style="fill:var(--pale)"/>')
            if before:
                share, narrow = f"{100 * count / before:.1f} %", (old + wide) / 2 < ROOM_FOR_SHARE
                x, anchor = (centre + max(old, wide) / 2 + 6, "start") if narrow else (centre, "middle")
                drawn.append(text(x, y - 6, share, SMALL, anchor))
        drawn.append(rectangle(centre - wide / 2, y, wide, tall, SECOND, f"{label}: {count:,}", round_by=3))
        drawn.append(text(0, y + tall / 2 + 5, label, 'font-size="14" fill="currentColor"'))
        drawn.append(text(WIDTH, y + tall / 2 + 5, f"{count:,}", BOLD, "end"))
        if place:
            drawn.append(text(WIDTH - 70, y + tall / 2 + 5, f"{100 * count / top:.1f} %", SMALL, "end"))
        before = count
    said = f"At the right: the share of {rows[0][0]}. Between two steps: the share of the step before." if rows else ""
    return picture(title, len(rows) * (tall + gap) - gap, drawn, said, headed=False)


def columns(title: str, rows: Sequence[tuple[str, float, bool]], unit: str = "", caption: str = "") -> str:
    """Upright columns over a line, without the title above; those that are young are pale."""
    height, head = 150, 18
    top = max((value for _, value, _ in rows), default=0) or 1
    wide = WIDTH / max(1, len(rows))
    each = max(1, -(-len(rows) // 12))
    drawn, lines = [], 1
    for place, (label, value, young) in enumerate(rows):
        tall = height * value / top
        x, fill = (place + 0.15) * wide, PALE if young else SECOND
        told = f"{label}: {value:.1f}{unit}" if unit else f"{label}: {value:,.0f}"
        drawn.append(rectangle(x, head + height - tall, 0.7 * wide, tall, fill, told, round_by=2))
        if len(rows) <= 24:
            number = f"{value:.1f}" if unit else f"{value:,.0f}"
            drawn.append(text(x + 0.35 * wide, head + height - tall - 5, number, SMALL, "middle"))
        if place % each == 0:
            below = _two_lines(label, each * wide)
            lines = max(lines, len(below))
            for row, words in enumerate(below):
                drawn.append(text(x + 0.35 * wide, head + height + 16 + 13 * row, words, SMALL, "middle"))
    drawn.append(line(0, head + height, WIDTH, head + height, "var(--line)"))
    return picture(title, head + height + 9 + 13 * lines, drawn, caption, headed=False)


def intervals(
    title: str, rows: Sequence[tuple[str, float, float, float, str]], usual: float | None = None, caption: str = ""
) -> str:
    """Shares on one axis, without the title above: a dot, a line where it may lie, and one across for what is usual.

    Args:
        rows: label, share, low and high end of its interval, all in percent, and a remark at the right.
    """
    step, foot = 24, 24
    room = WIDTH - LABEL - 110
    top = max([high for _, _, _, high, _ in rows] + [usual or 0, 1.0])
    scale = room / top
    bottom = len(rows) * step
    drawn = []
    for at in _ticks(top):
        drawn.append(line(LABEL + at * scale, 0, LABEL + at * scale, bottom, "var(--line)"))
        drawn.append(text(LABEL + at * scale, bottom + 16, f"{at:g} %", SMALL, "middle"))
    if usual is not None:
        drawn.append(line(LABEL + usual * scale, 0, LABEL + usual * scale, bottom, more='stroke-dasharray="4 3"'))
    for place, (label, share, low, high, remark) in enumerate(rows):
        y = place * step + step / 2
        drawn.append(text(0, y + 4, label[:28]))
        drawn.append(line(LABEL + low * scale, y, LABEL + high * scale, y, SECOND, THICK))
        drawn.append(
            f'<circle cx="{LABEL + share * scale:.1f}" cy="{y:.1f}" r="5" style="fill:{SECOND}">'
            f"<title>{escape(label)}: {share:.1f} %, between {low:.1f} and {high:.1f} %</title></circle>"
        )
        drawn.append(text(WIDTH, y + 4, remark, SMALL, "end"))
    return picture(title, bottom + foot, drawn, caption, headed=False)


def _two_lines(label: str, room: float) -> list[str]:
    """A small label in one line where it fits, else broken between its words, and cut where that is not enough."""
    cut = _cut(label, room)
    if cut == label:
        return [label]
    breaks = [place for place, sign in enumerate(label) if sign == " "]
    if not breaks:
        return [cut]
    middle = min(breaks, key=lambda place: abs(place - len(label) / 2))
    return [_cut(label[:middle], room), _cut(label[middle + 1 :], room)]


def _cut(label: str, room: float) -> str:
    """What of a small label fits into so much room."""
    signs = max(int(room / 5.7), 3)
    return label if len(label) <= signs else f"{label[: signs - 1]}…"


def _ticks(top: float) -> list[float]:
    """Round numbers from 0 up to the top, five or six of them at most."""
    step = next(size for size in (0.5, 1, 2, 5, 10, 20, 25) if size * 5 >= top or size == 25)
    return [step * n for n in range(int(top / step) + 1)]
