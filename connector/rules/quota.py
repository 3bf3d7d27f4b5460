"""Quota: how many of the portal's calls of a day are kept for others, what is shed first, and where the day ends (R38).

Shed first is what can wait: a backfill. What changed goes as far as the handover of leads does, for without it there is
nothing to hand over. What is kept back for the more urgent is a share of what is ours; the share for others is nobody's
of ours.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.domain.quota import Purpose, Spent
from connector.rules.local_time import portal_zone

SHARE = 0.2
"""Kept for others where nobody says otherwise."""
KEPT_BACK: Mapping[Purpose, float] = {
    Purpose.BACKFILL: 0.25,
}
"""Of what is ours: so much this purpose leaves to the more urgent ones; those not named leave nothing."""
DAY = timedelta(days=1)


def floor(limit: int, share: float, purpose: Purpose) -> int:
    """Calls left in the portal's day below which this purpose makes no more.

    Args:
        limit: of the portal, a day.
        share: kept for others, 0 to 1.
    """
    return math.ceil(limit * (share + (1 - share) * KEPT_BACK.get(purpose, 0.0)) - 1e-9)


def since(before: Spent, now: Spent) -> Spent:
    """What was spent between two looks."""
    made = Counter(now.by_purpose)
    made.subtract(before.by_purpose)
    return Spent(by_purpose=dict(+made), limit=now.limit, left=now.left)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCalls:
    """The calls of one run that ended. `scheduled`: False for a look at the CRM's hints alone."""

    at: datetime
    by_purpose: Mapping[str, int]
    scheduled: bool = True
    limit: int | None = None
    left: int | None = None

    @property
    def calls(self) -> int:
        return sum(self.by_purpose.values())

    @property
    def steady(self) -> int:
        """Without a backfill, which does not come again with the next run."""
        return self.calls - self.by_purpose.get(Purpose.BACKFILL, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The portal's day as far as Handoff makes it.

    Attributes:
        ends_at: the portal's next midnight, when its calls begin anew.
        so_far: ours today, by purpose.
        a_run: mean calls of a scheduled run in the last 24 hours, backfills left out; None where none ended.
        runs_left: scheduled runs until `ends_at`.
        at_the_end: ours by then, at the present schedule.
        limit, left: of the portal, as last heard today, at `heard_at`; None where not heard.
        others: calls of others today, as far as the last answer tells; None where it does not.
        floors: purpose -> calls left at which it stops, in the order of shedding; empty without a limit.
    """

    ends_at: datetime
    so_far: Mapping[str, int]
    a_run: float | None
    runs_left: int
    at_the_end: int
    limit: int | None = None
    left: int | None = None
    heard_at: datetime | None = None
    others: int | None = None
    floors: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.so_far.values())

    @property
    def stops_first(self) -> str:
        """The first purpose that the forecast makes wait today; empty where none will."""
        if self.left is None:
            return ""
        expected = self.left - (self.at_the_end - self.total)
        return next((name for name, stops in self.floors.items() if expected < stops), "")


def day_of(now: datetime, zone_name: str) -> tuple[datetime, datetime]:
    """The portal's last midnight and its next, in UTC."""
    zone = portal_zone(zone_name)
    local = now.astimezone(zone)
    begins = local.replace(hour=0, minute=0, second=0, microsecond=0)
    ends = (begins + DAY + timedelta(hours=6)).replace(hour=0)  # days have 23 to 25 hours
    return begins.astimezone(now.tzinfo), ends.astimezone(now.tzinfo)


def forecast(
    runs: Sequence[RunCalls], *, now: datetime, zone_name: str, runs_left: int, share: float
) -> Forecast:
    """Calls so far, and what the schedule adds until the portal's midnight.

    Args:
        runs: those that ended since the portal's midnight or within 24 hours, in any order.
        runs_left: scheduled runs from `now` to midnight.
        share: of the portal's calls that is kept for others.
    """
    begins, ends = day_of(now, zone_name)
    today = sorted((run for run in runs if begins <= run.at <= now), key=lambda run: run.at)
    lately = [run for run in runs if now - DAY < run.at <= now]
    scheduled = [run.steady for run in lately if run.scheduled]
    a_run = sum(scheduled) / len(scheduled) if scheduled else None
    by_hints = sum(run.calls for run in lately if not run.scheduled) * ((ends - now) / DAY)
    so_far: Counter[str] = Counter()
    for run in today:
        so_far.update(run.by_purpose)
    heard = next((run for run in reversed(today) if run.limit and run.left is not None), None)
    limit, left = (heard.limit, heard.left) if heard is not None else (None, None)
    ours = sum(run.calls for run in today if heard is not None and run.at <= heard.at)
    return Forecast(
        ends_at=ends,
        so_far={one.value: so_far[one] for one in Purpose if so_far[one]},
        a_run=a_run,
        runs_left=runs_left,
        at_the_end=sum(so_far.values()) + round((a_run or 0) * runs_left + by_hints),
        limit=limit,
        left=left,
        others=max(limit - left - ours, 0) if limit is not None and left is not None else None,
        heard_at=heard.at if heard is not None else None,
        floors=shed_order(limit, share) if limit is not None else {},
    )


def shed_order(limit: int, share: float) -> dict[str, int]:
    """Purpose -> calls left at which it stops, first to stop first; the handover of leads comes last."""
    named = (Purpose.BACKFILL, Purpose.WRITE)
    return {one.value: floor(limit, share, one) for one in named}
