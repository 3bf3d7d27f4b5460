"""Counts of answered calls per portal: in all, by "METHOD /path/template" and by status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .portal import Portal


@dataclass(slots=True)
class Counts:
    """One portal's counts."""

    by_path: Counter[str] = field(default_factory=Counter)
    by_status: Counter[str] = field(default_factory=Counter)


def count(portal: Portal, method: str, template: str, status: int | None) -> None:
    """Count one call; status None = it ended without an answer (a fault)."""
    found = portal.state("counters", Counts)
    found.by_path[f"{method} {template}"] += 1
    found.by_status["none" if status is None else str(status)] += 1


def totals(portals: Iterable[Portal]) -> dict[str, Any]:
    """Give the counts of some portals together."""
    by_path: Counter[str] = Counter()
    by_status: Counter[str] = Counter()
    for portal in portals:
        found = portal.state("counters", Counts)
        by_path += found.by_path
        by_status += found.by_status
    return {
        "total": by_path.total(),
        "by_path": dict(sorted(by_path.items())),
        "by_status": dict(sorted(by_status.items())),
    }


def reset(portals: Iterable[Portal]) -> None:
    """Begin at zero again."""
    for portal in portals:
        found = portal.state("counters", Counts)
        found.by_path.clear()
        found.by_status.clear()
