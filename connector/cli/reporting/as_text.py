"""A document on a terminal: bars, tables and colours; in a pipe plain lines with tabs between."""

from __future__ import annotations

from connector.cli.console import is_terminal, note, say, table
from connector.cli.funnel import COLOURS, WIDTH, Bar
from connector.cli.reporting.document import Cards, Columns, Document, Intervals, Part, Points, Steps, Table, Words
from connector.cli.reporting.words import interval, percent, shown


def print_document(found: Document) -> None:
    """On stdout; what it is about goes to stderr in a pipe, so that tables stay tables."""
    from rich.markup import escape

    say(f"[bold]{escape(found.title)}[/]")
    say(escape(found.answer))
    note(found.about)
    for section in found.sections:
        if section.parts:
            print()
            if section.title:
                say(f"[bold cyan]{escape(section.title)}[/]")
            for part in section.parts:
                _part(part)
    if found.foot:
        note(found.foot)


def _part(part: Part) -> None:
    from rich.markup import escape

    match part:
        case Words():
            say(f"[yellow]{escape(part.text)}[/]" if part.kind.startswith("box") else escape(part.text))
        case Points():
            for place, line in enumerate(part.lines, 1):
                say(escape(f"  {place}. {line}" if part.numbered else f"  - {line}"))
        case Cards():
            wide = max((len(card.label) for card in part.cards), default=0)
            for card in part.cards:
                colour = "bold" if card.met is None else "bold green" if card.met else "bold red"
                remark = f"  [dim]{escape(card.remark)}[/]" if card.remark else ""
                say(f"  {escape(card.label):<{wide}}  [{colour}]{escape(card.value)}[/]{remark}")
        case Steps():
            top = max((count for _, count in part.steps), default=0) or 1
            wide = max((len(name) for name, _ in part.steps), default=0)
            for place, (name, count) in enumerate(part.steps):
                colour = COLOURS[min(place, len(COLOURS) - 1)]
                say(f"  {Bar(name, count, 100 * count / top, colour).line(f'[{colour}]', '[/]', wide=wide)}")
        case Columns():
            _columns(part)
        case Intervals():
            rows = [[label, percent(share.percent), interval(share), share.whole] for label, share in part.rows]
            table(part.title, ["", "share", "95 % interval", "leads"], rows)
        case Table():
            _table(part)


def _columns(found: Columns) -> None:
    """As bars, one below the other; a terminal has more lines than columns."""
    from rich.markup import escape

    if not is_terminal():
        return
    top = max((value for _, value, _ in found.rows), default=0) or 1
    say(escape(found.title))
    wide = max((len(label) for label, _, _ in found.rows), default=0)
    for label, value, young in found.rows:
        bar = "█" * max(round(WIDTH * value / top), 1 if value else 0)
        number = f"{value:.1f}{found.unit}" if found.unit else f"{value:,.0f}"
        colour, remark = ("grey50", " (young)") if young else (COLOURS[1], "")
        say(f"  {escape(label)}{' ' * (wide - len(label))} [{colour}]{bar}[/] {number}{remark}")
    if found.caption:
        say(f"[dim]{escape(found.caption)}[/]")


def _table(found: Table) -> None:
    if not found.rows:
        say(f"{found.title + ': ' if found.title else ''}{found.empty}")
        return
    columns, cells = found.for_people()
    rows = [[shown(value, column.kind) for value, column in zip(row, columns, strict=True)] for row in cells]
    table(found.title, [column.name for column in columns], rows)
    if found.note:
        note(found.note)
