"""Targets: how the funnel's figures stand beside what reports.yaml asks for, and what marketing promised (R17, R26)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connector.domain.episode import UNANSWERED, Episode
from connector.rules.durations import in_short, in_words
from connector.rules.funnel import ACCEPTED, Funnel, handed_between
from connector.rules.local_time import portal_zone
from connector.rules.reports import RATES, RIPENING, Figure, Kpi, ReportRules


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiResult:
    """`met` None: no target, nothing to measure, or too early to say. `shown` and `target` are in words."""

    kpi: Kpi
    value: float | timedelta | None
    shown: str
    target: str
    met: bool | None
    too_early: bool = False


def measure(counted: Funnel, rules: ReportRules, mature: Funnel | None = None) -> tuple[KpiResult, ...]:
    """Each chosen figure against its target, in the file's order.

    Args:
        mature: the same leads without those that have not had their time (`cohorts.mature_after`); None: all had it.
            What more time can still change is judged by these alone; without any it is too early (R26).
    """
    return tuple(_measure(kpi, counted, mature or counted, rules) for kpi in rules.kpis)


def _measure(kpi: Kpi, counted: Funnel, mature: Funnel, rules: ReportRules) -> KpiResult:
    value, target = counted.value(kpi.figure), ""
    met, shown, too_early = _met(kpi, value), _shown(kpi.figure, value), False
    if met is not None and _may_change(kpi, met, counted, mature):
        ripe = mature.value(kpi.figure) if kpi.is_rate else None
        met, too_early = _met(kpi, ripe), ripe is None
        if ripe is not None:
            shown += f"; {_shown(kpi.figure, ripe)} of those older than {in_words(rules.cohorts.mature_after)}"
    for words, wanted in (("at least", kpi.at_least), ("at most", kpi.at_most), ("within", kpi.within)):
        if wanted is not None:
            asked = in_words(wanted) if isinstance(wanted, timedelta) else _shown(kpi.figure, wanted)
            target = f"{words} {asked}"
    return KpiResult(kpi=kpi, value=value, shown=shown, target=target, met=met, too_early=too_early)


def _met(kpi: Kpi, value: float | timedelta | None) -> bool | None:
    if isinstance(value, timedelta):
        return value <= kpi.within if kpi.within is not None else None
    if value is None or (kpi.at_least is None and kpi.at_most is None):
        return None
    return value >= kpi.at_least if kpi.at_least is not None else value <= (kpi.at_most or 0)


def _may_change(kpi: Kpi, met: bool, counted: Funnel, mature: Funnel) -> bool:
    """Whether leads that have not had their time may still turn it: these figures rise, and never fall, with time."""
    if kpi.figure not in RIPENING or met is (kpi.at_least is not None):
        return False
    done = counted.answerable if kpi.figure is Figure.ACCEPTED else mature.handed
    return done < counted.handed and (kpi.is_rate or not met)


def verdict(met: bool | None, too_early: bool = False) -> str:
    """How a target stands, in words; empty where there is none, or nothing to measure."""
    if too_early:
        return "too early"
    return "" if met is None else "ok" if met else "missed"


def _shown(figure: Figure, value: float | timedelta | None) -> str:
    if value is None:
        return "nothing to measure yet"
    if isinstance(value, timedelta):
        return in_short(value)
    return f"{value:.1f} %" if figure in RATES else f"{value:,.0f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseKept:
    """Marketing's month so far, of which what lies before Handoff began asks for nothing: nobody could keep it then.

    `due_by_now` is the share of the month's leads; `met` says whether marketing is on course.
    """

    month: str
    handed: int
    promised: int
    due_by_now: float
    accepted_percent: float | None
    quality_promised: float
    met: bool


def promise(
    episodes: Sequence[Episode],
    rules: ReportRules,
    *,
    now: datetime,
    portal_time_zone: str,
    since: datetime | None = None,
) -> PromiseKept | None:
    """How marketing keeps its promise in the calendar month of `now`, in the portal's zone; None where none was made.

    Leads in which sales is still to say anything do not count against quality; those that qualified before `since`,
    and were adopted when Handoff came, are no work of this month (R41).
    """
    made = rules.marketing_promise
    if made is None:
        return None
    local = now.astimezone(portal_zone(portal_time_zone))
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    begin, end = first.astimezone(UTC), (first + timedelta(days=32)).replace(day=1).astimezone(UTC)
    passed = handed_between(episodes, begin, end)
    month = [episode for episode in passed if since is None or episode.opened_at >= since]
    answered = [episode for episode in month if episode.state not in UNANSWERED]
    accepted = 100 * sum(e.state in ACCEPTED for e in answered) / len(answered) if answered else None
    due = made.mqls_a_month * (max(now - max(begin, since or begin), timedelta()) / (end - begin))
    return PromiseKept(
        month=f"{first:%B %Y}",
        handed=len(month),
        promised=made.mqls_a_month,
        due_by_now=due,
        accepted_percent=accepted,
        quality_promised=made.accepted_percent,
        met=len(month) >= int(due) and (accepted is None or accepted >= made.accepted_percent),
    )
