"""Cohorts: leads handed over in the same week, month or quarter, and what became of them, however late it comes (R26).

A cohort is mature when its youngest lead has had its time. Only mature ones are compared, and at equal age: a lead won
after its time counts among the won, not in the comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from connector.rules.reporting.numbers import Share
from connector.rules.reporting.passed import Passed, accepted, local_day
from connector.rules.reporting.settings import CohortRules, Each


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Attributes:
    begins_on, ends_on: first and last day. matures_on: from when on it is compared.
    settled: leads that have come to an end, whatever it was. accepted: of those that sales answered, or should have.
    in_time: won within the time that a lead has, for comparison; None while the cohort is young.
    """

    name: str
    begins_on: date
    ends_on: date
    matures_on: date
    mature: bool
    leads: int
    settled: Share
    accepted: Share
    opportunities: Share
    won: Share
    in_time: Share | None
    revenue: float | None


def cohorts(
    leads: Sequence[Passed], rules: CohortRules, *, now: datetime, zone: tzinfo, by_arrival: bool = False
) -> tuple[Cohort, ...]:
    """Oldest first; spans in which nothing was passed are left out.

    Args:
        by_arrival: by the day on which the lead came in, and not by that of its handover.
    """
    groups: dict[date, list[Passed]] = {}
    for one in leads:
        at = one.arrived_at if by_arrival else one.handed_at
        if at is not None:
            groups.setdefault(_first_day(local_day(at, zone), rules.each), []).append(one)
    return tuple(_cohort(day, groups[day], rules, now, zone) for day in sorted(groups))


def _cohort(begins_on: date, leads: Sequence[Passed], rules: CohortRules, now: datetime, zone: tzinfo) -> Cohort:
    ends_on = _next(begins_on, rules.each) - timedelta(days=1)
    matures_on = ends_on + rules.mature_after + timedelta(days=1)
    mature, count = local_day(now, zone) >= matures_on, len(leads)
    in_time = sum(one.won_at is not None and one.won_at <= one.handed_at + rules.mature_after for one in leads)
    amounts = [one.revenue for one in leads if one.revenue is not None]
    return Cohort(
        name=_name(begins_on, rules.each),
        begins_on=begins_on,
        ends_on=ends_on,
        matures_on=matures_on,
        mature=mature,
        leads=count,
        settled=Share(sum(not one.is_open for one in leads), count),
        accepted=accepted(leads, now),
        opportunities=Share(sum(one.opportunity_at is not None for one in leads), count),
        won=Share(sum(one.won_at is not None for one in leads), count),
        in_time=Share(in_time, count) if mature else None,
        revenue=sum(amounts) if amounts else None,
    )


def _first_day(day: date, each: Each) -> date:
    if each is Each.WEEK:
        return day - timedelta(days=day.weekday())
    month = day.month if each is Each.MONTH else day.month - (day.month - 1) % 3
    return day.replace(month=month, day=1)


def _next(first: date, each: Each) -> date:
    if each is Each.WEEK:
        return first + timedelta(days=7)
    return (first + timedelta(days=32 if each is Each.MONTH else 95)).replace(day=1)


def _name(first: date, each: Each) -> str:
    if each is Each.WEEK:
        return f"{first:%G}-W{first:%V}"
    return f"{first:%b %Y}" if each is Each.MONTH else f"Q{(first.month + 2) // 3} {first.year}"
