"""Causes: what most likely made a rate change: another mix of leads, one owner, form or source, or new rules (R27).

Each explanation says how likely each new lead was to turn out well; the one under which what happened is least
surprising comes first, those with more freedom to fit being marked down for it. All stand on one model of the time
before: an even rate, higher or lower by the lead's categories, additive in log-odds, small groups held near the whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import exp, log

from connector.rules.reporting.passed import UNKNOWN

RULES = "rules"
"""The kind of a lead that holds the version of the rules which passed it."""
OTHERS = "(others)"
FRESH = timedelta(days=7)
"""A version first used so long before the leads in question may still be their cause."""
RIDGE = 2.0
"""How strongly a group is held near the whole, in units of its own information."""
HOLD = 0.1
"""The same for a shift that is fitted to the new leads: hardly at all."""
SWEEPS, STEPS, ENOUGH = 8, 12, 1e-3
MOST_VALUES = 12
"""Values of one category that are told apart; the rarer ones are one group."""
UNEXPLAINED = 0.2
"""How likely a change of all leads alike without any new rules is, next to each other explanation."""


class CauseKind(StrEnum):
    MIX = "mix"  # other leads than before; each sort fares as it did
    GROUP = "group"  # one value of one category fares otherwise
    RULES = "rules"  # leads passed by a new version of the rules do
    ALL = "all"  # all leads do, whatever they are


@dataclass(frozen=True, slots=True)
class Judged:
    """One lead, judged: whether it came to what the rate counts, and of which kinds it is."""

    at: datetime
    good: bool
    kinds: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One explanation.

    Attributes:
        category, value: such as owner and an owner's id; a mix names the value whose share grew or shrank most.
        weight: 0 to 1, how likely next to the others.
        before, now: for a mix, the value's share of all leads in percent; else the rate of its leads in percent; None
            where there were none.
        leads: of the new ones, how many are meant.
    """

    kind: CauseKind
    category: str = ""
    value: str = ""
    weight: float
    before: float | None
    now: float | None
    leads: int


@dataclass(slots=True)
class _Cell:
    """Leads that are alike in every category."""

    kinds: tuple[str, ...]
    rules: str
    good: int = 0
    all: int = 0
    odds: float = 0.0


def causes(old: Sequence[Judged], new: Sequence[Judged], categories: Sequence[str]) -> tuple[Cause, ...]:
    """Every explanation that may be, the likeliest first; `new` must not be empty."""
    known = _values(old, new, categories)
    before, now = _cells(old, categories, known), _cells(new, categories, known)
    model = _fit(before, len(categories))
    for cell in now:
        cell.odds = model(cell.kinds)
    penalty = log(max(len(new), 2)) / 2
    scored: list[tuple[float, Cause]] = [(_surprise(now, lambda _: False), _mix(before, now, categories, model))]
    for place, category in enumerate(categories):
        values = sorted({cell.kinds[place] for cell in now})
        for value in values:
            fits = _surprise(now, lambda cell, p=place, v=value: cell.kinds[p] == v)  # type: ignore[misc]
            cause = _group(old, new, category, value)
            scored.append((fits - penalty - log(len(values) * len(categories)), cause))
    fresh = _fresh_rules(old, new)
    for version in fresh:
        fits = _surprise(now, lambda cell, v=version: cell.rules == v)  # type: ignore[misc]
        scored.append((fits - penalty - log(len(fresh)), _group(old, new, RULES, version, CauseKind.RULES)))
    everybody = _surprise(now, lambda _: True) - penalty + log(UNEXPLAINED)
    scored.append((everybody, _all(old, new)))
    return _weighed(scored)


def _weighed(scored: Sequence[tuple[float, Cause]]) -> tuple[Cause, ...]:
    top = max(score for score, _ in scored)
    total = sum(exp(score - top) for score, _ in scored)
    ordered = sorted(scored, key=lambda pair: (-pair[0], pair[1].category, pair[1].value))
    return tuple(
        Cause(
            kind=one.kind, category=one.category, value=one.value, weight=exp(score - top) / total,
            before=one.before, now=one.now, leads=one.leads,
        )
        for score, one in ordered
    )  # fmt: skip


# -- the model of the time before ----------------------------------------------------------------------------------


def _values(old: Sequence[Judged], new: Sequence[Judged], categories: Sequence[str]) -> list[frozenset[str]]:
    """Per category its most frequent values; all others are told apart from them, not from each other."""
    known = []
    for category in categories:
        counted = Counter(one.kinds.get(category, UNKNOWN) for one in (*old, *new))
        known.append(frozenset(value for value, _ in counted.most_common(MOST_VALUES)))
    return known


def _cells(judged: Sequence[Judged], categories: Sequence[str], known: Sequence[frozenset[str]]) -> list[_Cell]:
    cells: dict[tuple[tuple[str, ...], str], _Cell] = {}
    for one in judged:
        kinds = tuple(
            value if (value := one.kinds.get(category, UNKNOWN)) in values else OTHERS
            for category, values in zip(categories, known, strict=True)
        )
        version = one.kinds.get(RULES, "")
        cell = cells.setdefault((kinds, version), _Cell(kinds, version))
        cell.good += one.good
        cell.all += 1
    return list(cells.values())


def _fit(cells: Sequence[_Cell], categories: int) -> Callable[[tuple[str, ...]], float]:
    """Log-odds of a lead by its kinds: coordinate-wise Newton steps, each group held by a ridge."""
    good, everyone = sum(cell.good for cell in cells), sum(cell.all for cell in cells)
    base = _odds((good + 0.5) / (everyone + 1))
    effects: list[dict[str, float]] = [{} for _ in range(categories)]
    for cell in cells:
        cell.odds = base
    for _ in range(SWEEPS):
        for place, effect in enumerate(effects):
            members: dict[str, list[_Cell]] = {}
            for cell in cells:
                members.setdefault(cell.kinds[place], []).append(cell)
            for value, some in members.items():
                step = _newton(some, 0.0, held=RIDGE * effect.get(value, 0.0), ridge=RIDGE)
                effect[value] = effect.get(value, 0.0) + step
                for cell in some:
                    cell.odds += step
    return lambda kinds: base + sum(effect.get(value, 0.0) for effect, value in zip(effects, kinds, strict=True))


def _newton(cells: Sequence[_Cell], shift: float, *, held: float, ridge: float) -> float:
    """One step towards the shift of these cells' odds that fits them best; never a wild one."""
    slope, bend = -held, ridge
    for cell in cells:
        rate = _rate(cell.odds + shift)
        slope += cell.good - cell.all * rate
        bend += cell.all * rate * (1 - rate)
    return max(-2.0, min(2.0, slope / bend))


def _surprise(cells: Sequence[_Cell], changed: Callable[[_Cell], bool]) -> float:
    """The log-likelihood of the new leads where those that `changed` share one shift of their odds, fitted to them."""
    moved = [cell for cell in cells if changed(cell)]
    shift = 0.0
    for _ in range(STEPS if moved else 0):
        step = _newton(moved, shift, held=HOLD * shift, ridge=HOLD)
        shift += step
        if abs(step) < ENOUGH:
            break
    told = 0.0
    for cell in cells:
        rate = _rate(cell.odds + (shift if changed(cell) else 0.0))
        told += cell.good * log(rate) + (cell.all - cell.good) * log(1 - rate)
    return told


def _rate(odds: float) -> float:
    return 1 / (1 + exp(-max(-12.0, min(12.0, odds))))


def _odds(rate: float) -> float:
    return log(rate / (1 - rate))


# -- what is said of each explanation ------------------------------------------------------------------------------


def _mix(
    before: Sequence[_Cell],
    now: Sequence[_Cell],
    categories: Sequence[str],
    model: Callable[[tuple[str, ...]], float],
) -> Cause:
    """Names the value whose change of share moves the expected rate most, in the direction in which it moved."""
    was, are = sum(cell.all for cell in before), sum(cell.all for cell in now)
    rate_before = sum(cell.good for cell in before) / max(was, 1)
    down = sum(cell.good for cell in now) / max(are, 1) < rate_before
    best: tuple[float, str, str, float, float, int] = (-1.0, "", "", 0.0, 0.0, 0)
    for place, category in enumerate(categories):
        for value in sorted({cell.kinds[place] for cell in (*before, *now)}):
            old = [cell for cell in before if cell.kinds[place] == value]
            new = [cell for cell in now if cell.kinds[place] == value]
            share_then, share_now = sum(c.all for c in old) / max(was, 1), sum(c.all for c in new) / max(are, 1)
            some = old or new
            fares = sum(c.all * _rate(model(c.kinds)) for c in some) / sum(c.all for c in some)
            moved = (share_now - share_then) * (fares - rate_before) * (-1 if down else 1)
            if moved > best[0]:
                best = (moved, category, value, share_then, share_now, sum(c.all for c in new))
    _, category, value, share_then, share_now, leads = best
    return Cause(
        kind=CauseKind.MIX, category=category, value=value, weight=0, before=100 * share_then, now=100 * share_now,
        leads=leads,
    )  # fmt: skip


def _group(
    old: Sequence[Judged], new: Sequence[Judged], category: str, value: str, kind: CauseKind = CauseKind.GROUP
) -> Cause:
    def meant(some: Sequence[Judged]) -> list[Judged]:
        return [one for one in some if one.kinds.get(category, UNKNOWN) == value]

    now = meant(new)
    return Cause(
        kind=kind, category=category, value=value, weight=0,
        before=_percent(old if kind is CauseKind.RULES else meant(old)), now=_percent(now), leads=len(now),
    )  # fmt: skip


def _all(old: Sequence[Judged], new: Sequence[Judged]) -> Cause:
    return Cause(kind=CauseKind.ALL, weight=0, before=_percent(old), now=_percent(new), leads=len(new))


def _percent(judged: Sequence[Judged]) -> float | None:
    return 100 * sum(one.good for one in judged) / len(judged) if judged else None


def _fresh_rules(old: Sequence[Judged], new: Sequence[Judged]) -> list[str]:
    """Versions that passed some of the new leads and were not in use before, but for the last days."""
    begin = min(one.at for one in new) - FRESH
    settled = {one.kinds.get(RULES, "") for one in old if one.at < begin}
    return sorted({one.kinds[RULES] for one in new if RULES in one.kinds} - settled)
