"""A document as one page to mail or print: it loads nothing, and its pictures are drawn here."""

from __future__ import annotations

from collections.abc import Iterator

from connector.cli import pages, pictures
from connector.cli.pages import escape
from connector.cli.reporting.document import (
    Cards,
    Cell,
    Column,
    Columns,
    Document,
    Intervals,
    Part,
    Points,
    Steps,
    Table,
    Words,
)
from connector.cli.reporting.words import interval, shown
from connector.rules.reporting.numbers import Share
from connector.rules.targets import verdict
from connector.rules.words import many

VERDICTS = {verdict(True): "ok", verdict(False): "missed", verdict(None, too_early=True): "early"}
"""Cells that say whether a target is met, with their class."""


def as_html(found: Document) -> str:
    """The whole file."""
    return pages.page(found.title, _body(found), foot=found.foot, style=pages.REPORT)


def _body(found: Document) -> Iterator[str]:
    yield pages.paragraph(found.about, "soft")
    yield pages.paragraph(found.answer, "answer")
    for section in found.sections:
        if section.parts:
            if section.title:
                yield pages.heading(section.title)
            for part in section.parts:
                yield _part(part)


def _part(part: Part) -> str:
    match part:
        case Words():
            return pages.paragraph(part.text, part.kind)
        case Points():
            return pages.points(part.lines, numbered=part.numbered)
        case Cards():
            return _cards(part)
        case Steps():
            return pictures.steps(part.title, part.steps)
        case Columns():
            return _under(part.title, pictures.columns(part.title, part.rows, part.unit, part.caption))
        case Intervals():
            return _under(part.title, _intervals(part))
        case Table():
            return _table(part)


def _under(title: str, drawn: str) -> str:
    return f"<h3>{escape(title)}</h3>{drawn}"


def _cards(found: Cards) -> str:
    told = "".join(
        f'<div class="card{_met(card.met)}">{escape(card.label)}<b>{escape(card.value)}</b>'
        f'<span class="soft">{escape(card.remark)}</span></div>'
        for card in found.cards
    )
    kind = "cards thirds" if len(found.cards) % 3 == 0 else "cards"  # so that no row is left half empty
    return f'<div class="{kind}">{told}</div>'


def _met(met: bool | None) -> str:
    return "" if met is None else " met" if met else " missed"


def _intervals(found: Intervals) -> str:
    rows = []
    for label, share in found.rows:
        bounds = share.interval
        if bounds is not None and share.percent is not None:
            rows.append((label, share.percent, *bounds, f"{share.percent:.1f} % of {share.whole:,}"))
    return pictures.intervals(found.title, rows, found.usual, found.caption)


def _table(found: Table) -> str:
    title = f"<h3>{escape(found.title)}</h3>" if found.title else ""
    if not found.rows:
        return f"{title}{pages.paragraph(found.empty, 'soft')}"
    columns, rows = found.for_people()
    head = "".join(f'<th scope="col"{_right(column)}>{escape(column.name)}</th>' for column in columns)
    body = "".join(
        f"<tr{' class=pale' if place in found.pale else ''}>"
        + "".join(_cell(value, column) for value, column in zip(row, columns, strict=True))
        + "</tr>"
        for place, row in enumerate(rows)
    )
    note = pages.paragraph(found.note, "soft") if found.note else ""
    return f'{title}<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}'


def _cell(value: Cell, column: Column) -> str:
    text = escape(shown(value, column.kind))
    if isinstance(value, Share):
        told = f"{value.part:,} of {many(value.whole, 'lead')}, 95 % interval {interval(value)}"
        return f'<td class="r" title="{escape(told)}">{text}</td>'
    if isinstance(value, str) and value in VERDICTS:
        return f'<td class="{VERDICTS[value]}">{text}</td>'
    return f"<td{_right(column)}>{text}</td>"


def _right(column: Column) -> str:
    return ' class="r"' if column.is_number else ""
