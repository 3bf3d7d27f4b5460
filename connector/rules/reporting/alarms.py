"""Alarms: rates that changed drastically, tested on enough leads, with the likeliest cause (R27).

Each lead is judged once, at the same age (`after` the handover), so that a young lead is not taken for a lost one. We
look once a week, on Monday: asking more often gives the same answer and no further chance to be wrong. The chance of
any false alarm within a quarter is shared out over its weeks, the rates watched and the spans compared.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import accumulate

from connector.domain.episode import State
from connector.rules.reporting.causes import Cause, Judged, causes
from connector.rules.reporting.numbers import Share, chance_of
from connector.rules.reporting.passed import Passed
from connector.rules.reporting.settings import AlarmRules, Watched

DAY = timedelta(days=1)
SPANS = (7 * DAY, 12 * DAY, 28 * DAY)
"""The newest leads judged, over so long, against those before: a sudden change shows in the short, a small number of
leads only in the long one."""
SPANS_APART = 3
"""The spans overlap: three of them are about as many chances to be wrong as two that do not."""
BEFORE = 84 * DAY
LOOKS = 13
"""Weeks of a quarter."""
FEWEST_NOW, FEWEST_BEFORE = 20, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One rate that changed: `now` of the leads handed over from `since` to `until`, `before` in the weeks ahead.

    Attributes:
        chance: how likely chance alone does this, of one comparison.
        causes: the likeliest first, each with its weight; the weights of all sum to 1.
    """

    rate: Watched
    since: datetime
    until: datetime
    before: Share
    now: Share
    chance: float
    causes: tuple[Cause, ...]

    @property
    def fell(self) -> bool:
        return (self.now.percent or 0) < (self.before.percent or 0)


def last_look(now: datetime, zone: tzinfo) -> datetime:
    """The newest Monday midnight of the portal's calendar that is not after `now`."""
    local = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = local - timedelta(days=local.weekday())
    return monday.astimezone(now.tzinfo)


class Series:
    """Leads judged for one rate, in the order of their handover; shares over any span at the price of a look-up."""

    def __init__(self, judged: Sequence[Judged]) -> None:
        self._judged = judged
        self._at = [one.at for one in judged]
        self._good = [0, *accumulate(one.good for one in judged)]

    def share(self, since: datetime, until: datetime) -> Share:
        first, end = self._places(since, until)
        return Share(self._good[end] - self._good[first], end - first)

    def between(self, since: datetime, until: datetime) -> Sequence[Judged]:
        first, end = self._places(since, until)
        return self._judged[first:end]

    def _places(self, since: datetime, until: datetime) -> tuple[int, int]:
        return bisect_left(self._at, since), bisect_left(self._at, until)


def alarms(
    leads: Sequence[Passed], rules: AlarmRules, *, look_at: datetime, categories: Sequence[str]
) -> tuple[Alarm, ...]:
    """Every rate watched whose newest leads differ drastically from those before.

    Args:
        leads: at least those of the last 16 weeks; older ones do not matter.
        look_at: see `last_look`.
        categories: kinds of a lead that may be the cause, such as origin, owner and form; versions of the rules too.
    """
    found = (
        look(Series(judge(rate, after, leads)), rate, rules, look_at=look_at, categories=categories)
        for rate, after in rules.rates.items()
    )
    return tuple(one for one in found if one is not None)


def look(
    series: Series, rate: Watched, rules: AlarmRules, *, look_at: datetime, categories: Sequence[str]
) -> Alarm | None:
    """The alarm of one rate, from the span that shows the change best; None where nothing changed drastically."""
    until = look_at - rules.rates[rate]
    limit = rules.false_alarms / 100 / (LOOKS * len(rules.rates) * SPANS_APART)
    best: tuple[float, datetime] | None = None
    for length in SPANS:
        since = until - length
        now, before = series.share(since, until), series.share(since - BEFORE, since)
        if now.whole < FEWEST_NOW or before.whole < FEWEST_BEFORE:
            continue
        if abs(now.part / now.whole - before.part / before.whole) * 100 < rules.least_points:
            continue
        chance = chance_of(now.part, now.whole, before.part, before.whole)
        if chance <= limit and (best is None or chance < best[0]):
            best = chance, since
    if best is None:
        return None
    chance, since = best
    return Alarm(
        rate=rate,
        since=since,
        until=until,
        before=series.share(since - BEFORE, since),
        now=series.share(since, until),
        chance=chance,
        causes=causes(series.between(since - BEFORE, since), series.between(since, until), categories),
    )


def judge(rate: Watched, after: timedelta, leads: Sequence[Passed]) -> list[Judged]:
    """Each lead as it stood at that age; oldest first."""
    came_to = _CAME_TO[rate]
    judged = []
    for one in leads:
        at = came_to(one)
        judged.append(Judged(at=one.handed_at, good=at is not None and at <= one.handed_at + after, kinds=one.kinds))
    return sorted(judged, key=lambda one: one.at)


def _ended_as(*states: State) -> Callable[[Passed], datetime | None]:
    return lambda one: one.ended_at if one.state in states else None


def _first_sign(one: Passed) -> datetime | None:
    """A touch, or an answer without one that was logged (R20)."""
    return min((at for at in (one.touched_at, one.answered_at) if at is not None), default=None)


_CAME_TO: Mapping[Watched, Callable[[Passed], datetime | None]] = {
    Watched.TOUCHED_RATE: _first_sign,
    Watched.ACCEPTANCE_RATE: lambda one: one.accepted_at,
    Watched.RECYCLING_RATE: _ended_as(State.RECYCLED),
    Watched.JUNK_RATE: _ended_as(State.JUNK),
    Watched.OPPORTUNITY_RATE: lambda one: one.opportunity_at,
    Watched.CONVERSION: lambda one: one.won_at,
}
