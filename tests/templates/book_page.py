"""What the page of a template states beforehand (docs/rules/templates/NAME.md), and whether a life came to that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from book_life import Ends, Life

BACK = ("recycled", "junk", "unreachable", "lost")
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


def differences(name: str, life: Life) -> tuple[Ends, list[str]]:
    """What a life came to, and a sentence for each thing that its page states otherwise or two witnesses tell apart."""
    leads, states = life.leads(), life.shown_states()
    ends = life.ends(leads)
    told = [
        *_differing({lead: end.words for lead, end in leads.items()}, stated_leads(name)),
        *_differing({lead: leads[lead].team for lead in stated_teams(name)}, stated_teams(name)),
        *_differing(ends, stated_ends(name)),
        *(str(wrong) for wrong in life.world.violations()),
    ]
    by_notices = {
        "handed over": _sum(ends, "handed to sales", "handed to telequalification"),
        "passed on": _sum(ends, "passed on to a rep"),
        "handed back": _sum(ends, "handed back"),
    }
    by_journal = {
        "handed over": states["handed_off"],
        "passed on": states["telequalified"],
        "handed back": sum(states[state] for state in BACK),
    }
    return ends, [*told, *_differing(by_notices, by_journal)]


def _differing(found: Mapping[Any, object], stated: Mapping[Any, object]) -> Iterator[str]:
    for key in {**stated, **found}:
        if found.get(key) != stated.get(key):
            name = ": ".join(key) if isinstance(key, tuple) else key
            yield f"{name}: {found.get(key)} instead of {stated.get(key)}"


def _sum(ends: Mapping[tuple[str, str], int], *what: str) -> int:
    return sum(number for (one, _), number in ends.items() if one in what)


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
