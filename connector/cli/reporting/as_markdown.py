"""A document as Markdown, for a wiki, an issue or a chat. Pictures are left out: tables say the same."""

from __future__ import annotations

from collections.abc import Iterator

from connector.cli.reporting.document import (
    Cards,
    Columns,
    Document,
    Intervals,
    Kind,
    Part,
    Points,
    Steps,
    Table,
    Words,
)
from connector.cli.reporting.words import interval, shown

SPECIAL = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>|#~"})


def as_markdown(found: Document) -> str:
    """The whole text; what somebody typed cannot become markup."""
    return "\n\n".join(_blocks(found)) + "\n"


def _blocks(found: Document) -> Iterator[str]:
    yield f"# {plain(found.title)}"
    yield f"*{plain(found.about)}*"
    yield f"**{plain(found.answer)}**"
    for section in found.sections:
        if section.parts:
            if section.title:
                yield f"## {plain(section.title)}"
            for part in section.parts:
                yield from _part(part)
    if found.foot:
        yield f"---\n\n{plain(found.foot)}"


def plain(text: str) -> str:
    """One line of text and nothing else, whatever signs are in it."""
    seen = "".join(sign if sign.isprintable() else " " for sign in text)
    return seen.translate(SPECIAL)


def _part(part: Part) -> Iterator[str]:
    match part:
        case Words():
            yield f"> {plain(part.text)}" if part.kind.startswith("box") else plain(part.text)
        case Points():
            yield "\n".join(
                f"{f'{place}.' if part.numbered else '-'} {plain(line)}" for place, line in enumerate(part.lines, 1)
            )
        case Cards():
            yield "\n".join(
                f"- {plain(card.label)}: **{plain(card.value)}**{f' ({plain(card.remark)})' if card.remark else ''}"
                for card in part.cards
            )
        case Steps():
            top = part.steps[0][1] if part.steps else 0
            yield _grid(
                ["step", "leads", "of the first"],
                [[name, f"{count:,}", f"{100 * count / top:.1f} %" if top else ""] for name, count in part.steps],
                [False, True, True],
            )
        case Intervals():
            yield f"### {plain(part.title)}"
            rows = [[name, shown(share, Kind.SHARE), interval(share), f"{share.whole:,}"] for name, share in part.rows]
            yield _grid(["", "share", "95 % interval", "leads"], rows, [False, True, True, True])
        case Columns():
            return
        case Table():
            yield from _table(part)


def _table(found: Table) -> Iterator[str]:
    if found.title:
        yield f"### {plain(found.title)}"
    if not found.rows:
        yield plain(found.empty)
        return
    columns, cells = found.for_people()
    rows = [[shown(value, column.kind) for value, column in zip(row, columns, strict=True)] for row in cells]
    yield _grid([column.name for column in columns], rows, [column.is_number for column in columns])
    if found.note:
        yield plain(found.note)


def _grid(names: list[str], rows: list[list[str]], right: list[bool]) -> str:
    lines = [names, ["---:" if one else "---" for one in right], *rows]
    told = [[cell if place == 1 else plain(cell) for cell in row] for place, row in enumerate(lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in told)
