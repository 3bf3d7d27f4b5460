"""The agreement as a page to mail (R10)."""

from __future__ import annotations

from collections.abc import Iterator

from connector.cli.pages import facts, heading, page, paragraph, points
from connector.rules.agreement import Agreement


def agreement_page(found: Agreement) -> str:
    """The whole file."""
    foot = f"Worked out from the rules themselves, version {found.rules}."
    return page("The definition of a sales-ready lead", _body(found), foot=foot)


def _body(found: Agreement) -> Iterator[str]:
    if found.text:
        yield paragraph(found.text, "box")
    if found.facts:
        yield facts(found.facts)
    if found.review:
        yield paragraph(f"Due: {found.review}", "box due")
    for section in found.sections:
        yield heading(section.title)
        yield points(section.lines)
