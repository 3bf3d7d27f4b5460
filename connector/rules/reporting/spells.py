"""Spells: how long each part of the way takes, from the lead's arrival to the customer (funnel velocity, R26)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from connector.rules.reporting.numbers import nearest_rank, quantile
from connector.rules.reporting.passed import INFERRED, Passed, span, whole_days


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One part of the way, in whole days of the portal's calendar; `leads`: how many have gone it to its end."""

    name: str
    leads: int
    median_days: float | None
    p90_days: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """Human: handover to first touch. System: signal to handover, our own part. Spans that were really measured."""

    human_leads: int
    human_median: timedelta | None
    human_p90: timedelta | None
    system_leads: int
    system_median: timedelta | None
    system_p90: timedelta | None


Instant = Callable[[Passed], datetime | None]
LEGS: tuple[tuple[str, Instant, Instant], ...] = (
    ("lead to handover", lambda one: one.arrived_at, lambda one: one.handed_at),
    ("handover to first touch", lambda one: one.handed_at, lambda one: one.touched_at),
    ("handover to passed on by telequalification", lambda one: one.handed_at, lambda one: one.passed_on_at),
    ("handover to accepted", lambda one: one.handed_at, lambda one: one.accepted_at),
    ("handover to opportunity", lambda one: one.handed_at, lambda one: one.opportunity_at),
    ("handover to won", lambda one: one.handed_at, lambda one: one.won_at),
    ("lead to won", lambda one: one.arrived_at, lambda one: one.won_at),
)
LEAD_TO_WON = "lead to won"


def legs(leads: Sequence[Passed], zone: tzinfo) -> tuple[Leg, ...]:
    """Median and 90th percentile of each part, linear between neighbours."""
    return tuple(leg(name, leads, begin, end, zone) for name, begin, end in LEGS)


def leg(name: str, leads: Sequence[Passed], begin: Instant, end: Instant, zone: tzinfo) -> Leg:
    days = [found for one in leads if (found := whole_days(begin(one), end(one), zone)) is not None]
    return Leg(name=name, leads=len(days), median_days=quantile(days, 0.5), p90_days=quantile(days, 0.9))


def to_won(leads: Sequence[Passed], zone: tzinfo) -> Leg:
    """From the lead's arrival to the customer."""
    return leg(LEAD_TO_WON, leads, lambda one: one.arrived_at, lambda one: one.won_at, zone)


def follow_up(leads: Sequence[Passed], *, since: datetime | None = None) -> FollowUp:
    """Human and system time apart (R19). What opened before `since` is older than Handoff: no delay of its own."""
    human = _measured(span(one.handed_at, one.touched_at) for one in leads)
    ours = [one for one in leads if one.lane != INFERRED and (since is None or one.opened_at >= since)]
    system = _measured(span(one.opened_at, one.handed_at) for one in ours)
    return FollowUp(
        human_leads=len(human),
        human_median=nearest_rank(human, 50),
        human_p90=nearest_rank(human, 90),
        system_leads=len(system),
        system_median=nearest_rank(system, 50),
        system_p90=nearest_rank(system, 90),
    )


def _measured(spans: Iterable[timedelta | None]) -> list[timedelta]:
    return sorted(one for one in spans if one is not None)
