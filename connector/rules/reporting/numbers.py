"""Numbers that reports rest on: quantiles, shares with an honest interval, and an exact test of two shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import exp, lgamma, sqrt

Z95 = 1.959964
"""Standard normal quantile of a two-sided 95 % interval."""


def quantile(values: Iterable[float], share: float) -> float | None:
    """The value below which that share (0 to 1) lies, linear between neighbours; None where there are none."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def nearest_rank(ordered: Sequence[timedelta], percent: int) -> timedelta | None:
    """Always a span that was really measured; None where there is none. `ordered` rises."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole`, both counts; all that is derived is in percent and None where `whole` is 0."""

    part: int
    whole: int

    @property
    def percent(self) -> float | None:
        return 100 * self.part / self.whole if self.whole else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval: it stays within 0 and 100, and is wide where leads are few."""
        if not self.whole:
            return None
        n, p = self.whole, self.part / self.whole
        centre = p + Z95**2 / (2 * n)
        half = Z95 * sqrt(p * (1 - p) / n + Z95**2 / (4 * n**2))
        low, high = ((centre - half) / (1 + Z95**2 / n), (centre + half) / (1 + Z95**2 / n))
        return 100 * max(low, 0.0), 100 * min(high, 1.0)

    def as_dict(self) -> dict[str, object]:
        """For JSON: counts, percent, and the interval as [low, high]."""
        bounds = self.interval
        return {
            "part": self.part,
            "whole": self.whole,
            "percent": self.percent,
            "interval": list(bounds) if bounds else None,
        }


def chance_of(a: int, n: int, b: int, m: int) -> float:
    """How likely two shares a/n and b/m lie at least so far apart where nothing differs: Fisher's exact test.

    Two-sided, from 0 to 1; 1 where either whole is 0. Exact at any size, so that few leads raise no false alarm.
    """
    if not n or not m:
        return 1.0
    hits, everyone = a + b, n + m
    rest = _log_choose(everyone, hits)

    def log_chance(of_first: int) -> float:
        return _log_choose(n, of_first) + _log_choose(m, hits - of_first) - rest

    found = log_chance(a) + 1e-9
    possible: Sequence[float] = [log_chance(x) for x in range(max(0, hits - m), min(n, hits) + 1)]
    return min(1.0, sum(exp(one) for one in possible if one <= found))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
