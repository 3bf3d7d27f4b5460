"""What the page of a template states beforehand: docs/rules/templates/NAME.md, its two tables as values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PAGES = Path(__file__).parents[2] / "docs" / "rules" / "templates"
HEAD_OF_ENDS = ["what", "which", "how many"]
HEAD_OF_LEADS = ["lead", "what happens", "ends"]
HEAD_OF_TEAMS = ["lead", "team"]


def stated_ends(name: str) -> Counter[tuple[str, str]]:
    """(what, which) -> how many, as the page's table has it."""
    return Counter({(what, which): int(number) for what, which, number in _table(name, HEAD_OF_ENDS)})


def stated_leads(name: str) -> dict[str, str]:
    """Lead -> how it ends."""
    return {lead: ends for lead, _, ends in _table(name, HEAD_OF_LEADS)}


def stated_teams(name: str) -> dict[str, str]:
    """Lead -> HubSpot team of its owner, where the page of a template says so; empty where it has no such table."""
    return dict(_table(name, HEAD_OF_TEAMS)) if "| lead | team |" in page_text(name) else {}


def page_text(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def _table(name: str, head: list[str]) -> Iterator[list[str]]:
    """The rows of the one table with these columns."""
    rows = [_cells(line) if line.startswith("|") else [] for line in page_text(name).splitlines()]
    (start,) = [place for place, row in enumerate(rows) if row == head]
    for row in rows[start + 2 :]:
        if not row:
            return
        assert len(row) == len(head), row
        yield row


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
