"""A timer: something that comes due by time alone. Due means `due_at <= as_of`, found by index, never by a scan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.domain.contact import ContactId
from connector.domain.episode import EpisodeId

BREACH = "breach"
"""The level at which the time of a clock is up; every other level is a reminder before."""


class TimerKind(StrEnum):
    SLA = "sla"  # a clock of an episode: `name` is the clock, `level` at_risk or breach
    RETURN = "return"  # the return condition of a hand-back
    SIGNAL = "signal"  # a cool-down is over: has the lead shown strong interest meanwhile? (R40)
    FORM_ABANDONED = "form_abandoned"  # a form page was viewed; was the form sent? (R08)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """`assignment` counts owners, so that the second owner's reminders are not the first one's (I5).

    `paused_at`: since then the clock stands still, and nothing comes due; None: it runs.
    """

    kind: TimerKind
    contact: ContactId
    episode: EpisodeId | None
    name: str
    level: str
    assignment: int
    due_at: datetime
    paused_at: datetime | None = None
