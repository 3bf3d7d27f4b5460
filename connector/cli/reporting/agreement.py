"""What marketing and sales owe each other, as a document: the SLA, worked out from the rules (R10, R29)."""

from __future__ import annotations

from connector.cli.reporting.document import Column, Document, Part, Points, Section, Table, Words
from connector.rules.agreement import Agreement


def agreement_document(found: Agreement) -> Document:
    parts: list[Part] = [Words(f"Due: {found.review}", "box due")] if found.review else []
    if found.facts:
        parts.append(Table(name="facts", columns=(Column("what"), Column("")), rows=list(found.facts)))
    return Document(
        title="The agreement of marketing and sales",
        answer=found.text or "No definition is written down; these are the rules in force.",
        about="What a sales-ready lead is, who does what with it, and how fast.",
        sections=(
            Section("", parts),
            *(Section(section.title, (Points(section.lines),)) for section in found.sections),
        ),
        foot=f"Worked out from the rules themselves, version {found.rules}.",
    )
