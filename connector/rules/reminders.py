"""Reminders: of a clock's levels that come due together, which still has something to say (R17)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connector.domain.timer import BREACH, Timer
from connector.rules.sla import AT_RISK, SlaRules, tell


def is_same_clock(one: Timer, other: Timer) -> bool:
    """Whether both are levels of one clock, for the same holder."""
    return (one.episode, one.name, one.assignment) == (other.episode, other.name, other.assignment)


def limit_among(levels: Sequence[Timer]) -> datetime | None:
    """When the time of the clock that these are levels of is up; None where that is not among them."""
    return next((timer.due_at for timer in levels if timer.level == BREACH), None)


def is_overtaken(timer: Timer, levels: Sequence[Timer], rules: SlaRules, *, now: datetime) -> bool:
    """Whether a reminder has nothing left to say, since more of the same time is up by now and all of its roles hear.

    After an outage, or a pause between two runs, nobody is told that time is running out when it has run out.
    """
    if not timer.level.startswith(AT_RISK):
        return False
    later = (one for one in levels if timer.due_at < one.due_at <= now and one.paused_at is None)
    said = (one for one in later if one.level == BREACH or one.level.startswith(AT_RISK))
    return any(set(tell(timer, rules)) <= set(tell(one, rules)) for one in said)
