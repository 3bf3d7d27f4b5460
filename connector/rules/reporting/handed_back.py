"""Handed back: why sales gave leads back to marketing, and how these reasons have shifted (R21, R26)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.domain.episode import State
from connector.rules.reporting.numbers import Share, chance_of
from connector.rules.reporting.passed import Passed

UNSAID = "unsaid"
MOST_CHANCE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonShare:
    """One reason, as a share of all hand-backs; `shifted`: more than chance does among so many reasons."""

    reason: str
    recent: Share
    before: Share
    shifted: bool


def reasons(leads: Sequence[Passed], *, now: datetime, recent: timedelta, before: timedelta) -> tuple[ReasonShare, ...]:
    """Hand-backs of the last `recent` next to those of `before` ahead of them; the most frequent first.

    Args:
        now: hand-backs after it do not count.
    """
    back = [one for one in leads if one.state is State.RECYCLED and one.ended_at is not None and one.ended_at <= now]
    new = Counter(_reason(one) for one in back if one.ended_at and one.ended_at > now - recent)
    old = Counter(_reason(one) for one in back if one.ended_at and now - recent - before < one.ended_at <= now - recent)
    count, earlier = new.total(), old.total()
    named = sorted(new.keys() | old.keys(), key=lambda name: (-new[name], -old[name], name))
    return tuple(
        ReasonShare(
            reason=name,
            recent=Share(new[name], count),
            before=Share(old[name], earlier),
            shifted=chance_of(new[name], count, old[name], earlier) <= MOST_CHANCE / len(named),
        )
        for name in named
    )


def counted(leads: Sequence[Passed]) -> tuple[tuple[str, Share], ...]:
    """Every reason of these leads' hand-backs, the most frequent first."""
    found = Counter(_reason(one) for one in leads if one.state is State.RECYCLED)
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return tuple((name, Share(number, found.total())) for name, number in ordered)


def _reason(one: Passed) -> str:
    return one.exit_reason or UNSAID
