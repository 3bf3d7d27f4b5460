"""Signals: strong new interest of a lead that is in work tells its holder (R40).

How much is strong, and how often somebody may be told, stands in notifications.yaml (`signals`). A second hand-raise is
none of it: it is told at once and starts the clock again (decide.py).
"""

from __future__ import annotations

from dataclasses import replace

from connector.domain.decision import Action, Contribution, Decision
from connector.domain.episode import Episode
from connector.rules.case import Case
from connector.rules.scoring import whole
from connector.rules.words import sentence

MOST_NAMED = 3
"""Kinds of interest in one sentence; the packet has them all."""


def interest(case: Case, episode: Episode) -> Decision | None:
    """What the lead did since its holder last heard of it, where that is strong and the cool-down is over.

    Everything since then counts together, so that what came during the cool-down is told with it, once.
    """
    rules = case.book.notifications.signals
    heard = [at for at in (episode.held_since, episode.signal_at, episode.interest_told_at) if at is not None]
    if not rules.active or not heard or not case.activities.after(max(heard)):
        return None
    told = episode.interest_told_at
    if told is not None and case.now < told + rules.cool_down:
        return None
    score = case.interest_since(max(heard))
    if score.engagement < whole(rules.points):
        return None
    after = replace(episode, interest_told_at=case.now)
    newest = case.activities[-1]
    return case.result(
        Action.INTEREST,
        sentence((f"{_named(score.contributions)} while sales is working it",)),
        episode=after,
        evidence=f"interest:{newest.id}",
        signal_at=newest.occurred_at,
    )


def _named(lines: tuple[Contribution, ...]) -> str:
    """The strongest kinds of interest in words, each once."""
    strongest = sorted((line for line in lines if line.group == "engagement" and line.points > 0), key=_points)
    labels = list(dict.fromkeys(line.label for line in strongest))[:MOST_NAMED]
    *first, last = labels or ["showed new interest"]
    return f"{', '.join(first)} and {last}" if first else last


def _points(line: Contribution) -> int:
    return -line.points
