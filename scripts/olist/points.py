"""Our own arithmetic of the engagement score: what the rule files say in figures, worked out without the connector.

Each activity counts its points, halved for every half-life since it happened. Nothing else adds to the score here: the
leads carry no field that the fit rules know.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """The figures of the rule files.

    Attributes:
        threshold: points at which a lead is handed over.
        download: points of the download form; pages: points of a page by its path.
        half_life: time after which an activity counts half.
    """

    threshold: float
    download: float
    pages: dict[str, float]
    half_life: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Something a lead did that counts."""

    at: datetime
    points: float


def total(signals: Iterable[Signal], worth: Worth, now: datetime) -> float:
    """Give the score at an instant; activities after it do not count yet."""
    return sum((_worth_now(signal, worth, now) for signal in signals if signal.at <= now), 0.0)


def _worth_now(signal: Signal, worth: Worth, now: datetime) -> float:
    return signal.points * math.pow(0.5, (now - signal.at) / worth.half_life)
