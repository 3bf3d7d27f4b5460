"""Groups: leads by where they came from, who has them, or any category; and which groups outperform (R26, R30).

A group outperforms where its leads, once mature, became customers more often than all others did: its whole 95 %
interval lies above their rate, and chance alone would hardly do that among so many groups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from connector.domain.episode import State
from connector.rules.reporting.numbers import Share, chance_of, nearest_rank
from connector.rules.reporting.passed import UNKNOWN, Passed, accepted, span
from connector.rules.reporting.spells import to_won

FEWEST = 30
"""Leads that a group must have before anything is said of it."""
MOST_CHANCE = 0.05


class Performs(StrEnum):
    ABOVE = "above"
    BELOW = "below"
    ALIKE = "alike"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Attributes:
    arrived: leads that came in, handed over or not; None where that is not told of this category.
    accepted: of the leads that sales answered, or should have; recycled, junk, opportunities, won: of all handed over.
    won_of_arrived: None where `arrived` is. mature: won in time, of the leads that have had their time.
    performs: of the mature ones, next to those of all other groups.
    """

    value: str
    arrived: int | None
    handed: int
    accepted: Share
    recycled: Share
    junk: Share
    opportunities: Share
    won: Share
    won_of_arrived: Share | None
    mature: Share
    performs: Performs
    follow_up_median: timedelta | None
    follow_up_p90: timedelta | None
    days_to_won_median: float | None
    days_to_won_p90: float | None
    revenue: float | None
    open: int


def groups(
    leads: Sequence[Passed],
    of: Callable[[Passed], str],
    *,
    now: datetime,
    zone: tzinfo,
    mature_after: timedelta,
    arrived: Mapping[str, int] | None = None,
    follow_up: Callable[[Passed], timedelta | None] = lambda one: span(one.handed_at, one.touched_at),
) -> tuple[Group, ...]:
    """Those with most leads first.

    Args:
        of: the group of a lead. arrived: group -> leads that came in, handed over or not.
        follow_up: how long a lead waited for its first touch; None where that is not measured.
    """
    parts: dict[str, list[Passed]] = {value: [] for value in arrived or ()}
    for one in leads:
        parts.setdefault(of(one), []).append(one)
    mature = {value: _mature(some, now, mature_after) for value, some in parts.items()}
    won, all_mature = sum(share.part for share in mature.values()), sum(share.whole for share in mature.values())
    compared = sum(share.whole >= FEWEST for share in mature.values())
    found = []
    for value, some in parts.items():
        others = Share(won - mature[value].part, all_mature - mature[value].whole)
        came = None if arrived is None else max(arrived.get(value, 0), len(some))
        performs = _performs(mature[value], others, compared)
        found.append(_group(value, some, came, mature[value], performs, now, zone, follow_up))
    return tuple(sorted(found, key=lambda one: (-(one.arrived or one.handed), -one.handed, one.value)))


def by_category(category: str) -> Callable[[Passed], str]:
    return lambda one: one.kind(category)


def _mature(leads: Sequence[Passed], now: datetime, mature_after: timedelta) -> Share:
    old = [one for one in leads if one.handed_at + mature_after <= now]
    return Share(sum(one.won_at is not None and one.won_at <= one.handed_at + mature_after for one in old), len(old))


def _performs(own: Share, others: Share, compared: int) -> Performs:
    interval, usual = own.interval, others.percent
    if own.whole < FEWEST or interval is None or usual is None or others.whole < FEWEST:
        return Performs.TOO_FEW
    if chance_of(own.part, own.whole, others.part, others.whole) > MOST_CHANCE / max(compared, 1):
        return Performs.ALIKE
    if interval[0] > usual:
        return Performs.ABOVE
    return Performs.BELOW if interval[1] < usual else Performs.ALIKE


def _group(
    value: str,
    leads: Sequence[Passed],
    arrived: int | None,
    mature: Share,
    performs: Performs,
    now: datetime,
    zone: tzinfo,
    follow_up: Callable[[Passed], timedelta | None],
) -> Group:
    count = len(leads)
    spans = sorted(found for one in leads if (found := follow_up(one)) is not None)
    days = to_won(leads, zone)
    won = sum(one.won_at is not None for one in leads)
    amounts = [one.revenue for one in leads if one.revenue is not None]
    return Group(
        value=value,
        arrived=arrived,
        handed=count,
        accepted=accepted(leads, now),
        recycled=Share(sum(one.state is State.RECYCLED for one in leads), count),
        junk=Share(sum(one.state is State.JUNK for one in leads), count),
        opportunities=Share(sum(one.opportunity_at is not None for one in leads), count),
        won=Share(won, count),
        won_of_arrived=None if arrived is None else Share(won, arrived),
        mature=mature,
        performs=performs,
        follow_up_median=nearest_rank(spans, 50),
        follow_up_p90=nearest_rank(spans, 90),
        days_to_won_median=days.median_days,
        days_to_won_p90=days.p90_days,
        revenue=sum(amounts) if amounts else None,
        open=sum(one.is_open for one in leads),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outperformer:
    """One value of one category whose mature leads fare better, or worse, than all others."""

    category: str
    value: str
    performs: Performs
    mature: Share
    others_percent: float | None


def outperformers(found: Mapping[str, Sequence[Group]]) -> tuple[Outperformer, ...]:
    """Of all categories, the best first; leads of which nobody knows the value say nothing.

    Args:
        found: category -> its groups.
    """
    rows = []
    for category, some in found.items():
        won, everyone = sum(one.mature.part for one in some), sum(one.mature.whole for one in some)
        rows += [
            Outperformer(
                category=category, value=one.value, performs=one.performs, mature=one.mature,
                others_percent=Share(won - one.mature.part, everyone - one.mature.whole).percent,
            )
            for one in some
            if one.performs in (Performs.ABOVE, Performs.BELOW) and one.value != UNKNOWN
        ]  # fmt: skip
    return tuple(sorted(rows, key=lambda one: (one.performs is Performs.BELOW, -(one.mature.percent or 0), one.value)))
