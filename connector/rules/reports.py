"""Reports: the funnel in figures, against targets, and what marketing has promised sales (R17, R26).

Reads mappings/reports.yaml. Works on episodes as they stand; where they come from and how figures are drawn is decided
by the engine's report and the command line. Small figures stay figures: a rate over nothing is None, never 0 %.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connector.domain.episode import UNANSWERED, Episode, EpisodeId, Hop, State
from connector.rules.durations import WallDuration, in_words
from connector.rules.local_time import portal_zone
from connector.rules.misplaced import MisplacedError
from connector.rules.reporting.settings import AlarmRules, Campaign, CohortRules, Duty, FieldName, Meeting
from connector.rules.sla import SlaRules, answer_due, first_due


class Due(Protocol):
    """When something must have happened to a lead that its owner has since `now`; None: no clock runs."""

    def __call__(self, episode: Episode, rules: SlaRules, *, now: datetime) -> datetime | None: ...


class Figure(StrEnum):
    """What can be counted. Rates are shares in percent: of the leads handed over, or of those whose time is over."""

    HANDED = "handed"
    ACCEPTED = "accepted"
    ACCEPTANCE_RATE = "acceptance_rate"
    RECYCLED = "recycled"
    RECYCLING_RATE = "recycling_rate"
    JUNK = "junk"
    UNREACHABLE = "unreachable"
    OPPORTUNITIES = "opportunities"
    OPPORTUNITY_RATE = "opportunity_rate"
    WON = "won"
    CONVERSION = "conversion"
    TOUCHED_RATE = "touched_rate"
    UNTOUCHED = "untouched"
    SPEED_TO_LEAD = "speed_to_lead"


RATES = frozenset(
    {
        Figure.ACCEPTANCE_RATE,
        Figure.RECYCLING_RATE,
        Figure.OPPORTUNITY_RATE,
        Figure.CONVERSION,
        Figure.TOUCHED_RATE,
    }
)


RIPENING = frozenset(
    {
        Figure.ACCEPTED,
        Figure.OPPORTUNITIES,
        Figure.OPPORTUNITY_RATE,
        Figure.WON,
        Figure.CONVERSION,
        Figure.RECYCLING_RATE,
    }
)
"""What a lead comes to with time: until it has had its time, nothing is missed yet."""


class Level(StrEnum):
    """Whom a figure is for: the week's work, the month's running of it, or the money."""

    TACTICAL = "tactical"
    OPERATIONAL = "operational"
    REVENUE = "revenue"


class Kpi(BaseModel):
    """One figure with its target; percent for rates, a duration for speed_to_lead, a count for the others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    figure: Figure
    label: str = Field(min_length=1, max_length=100)
    level: Level
    at_least: float | None = Field(default=None, ge=0)
    at_most: float | None = Field(default=None, ge=0)
    within: WallDuration | None = None

    @property
    def is_rate(self) -> bool:
        return self.figure in RATES

    @model_validator(mode="after")
    def _target_suits(self) -> Kpi:
        numbers = [target for target in (self.at_least, self.at_most) if target is not None]
        if len(numbers) + (self.within is not None) > 1:
            raise ValueError("give one target: at_least, at_most or within")
        if numbers if self.figure is Figure.SPEED_TO_LEAD else self.within:
            raise ValueError("speed_to_lead takes a duration (within: 4h), other figures a number (at_least, at_most)")
        if self.figure in RATES and max(numbers, default=0) > 100:
            raise ValueError("is a rate in percent; write a target from 0 to 100")
        return self


class MarketingPromise(BaseModel):
    """What marketing owes sales each calendar month: so many leads, of which sales accepts so many percent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mqls_a_month: int = Field(ge=1, le=1_000_000)
    accepted_percent: float = Field(default=0, ge=0, le=100)


class ReportRules(BaseModel):
    """mappings/reports.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    marketing_promise: MarketingPromise | None = None
    kpis: tuple[Kpi, ...] = ()
    source: FieldName = "origin"
    """The field that says where a lead came from."""
    categories: tuple[FieldName, ...] = Field(default=("origin", "country", "industry"), max_length=10)
    """Fields whose values are compared: which outperform (R30)."""
    cohorts: CohortRules = CohortRules()
    alarms: AlarmRules = AlarmRules()
    roles: tuple[Duty, ...] = Field(default=(), max_length=20)
    campaigns: tuple[Campaign, ...] = Field(default=(), max_length=200)
    meeting: Meeting = Meeting()

    @model_validator(mode="after")
    def _each_once(self) -> ReportRules:
        seen: set[Figure] = set()
        for place, kpi in enumerate(self.kpis):
            if kpi.figure in seen:
                message = "a figure stands twice among the kpis; keep one of them"
                raise MisplacedError(("kpis", place, "figure"), message)
            seen.add(kpi.figure)
        twice = {name for name in self.categories if self.categories.count(name) > 1}
        for place, name in enumerate(self.categories):
            if name in twice:
                raise MisplacedError(("categories", place), f"`{name}` stands twice; keep it once")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """Leads handed over, and what became of them by `as_of`.

    Attributes:
        handed: all of them; `open` of these are still in work.
        untouched, not_due: open without any reaction: with the time for it over, and with time left.
        answerable: sales has answered, or its time for that is over.
        accepted, opportunities: leads that came so far, as far as their path or their present state shows it.
        recycled: by reason, as in recycling.yaml; every reason's leads, most frequent first.
        speed_to_lead: handover → first touch by a person: median and 90th percentile; None without touches (R19).
        system_delay: signal → handover, the connector's own part, the same way; without leads that are older than
            Handoff, which wait to be adopted for as long as somebody wants.
    """

    as_of: datetime
    handed: int
    open: int
    touched: int
    untouched: int
    not_due: int
    answerable: int
    accepted: int
    opportunities: int
    won: int
    lost: int
    recycled: Mapping[str, int]
    junk: int
    unreachable: int
    speed_to_lead: timedelta | None
    speed_to_lead_p90: timedelta | None
    system_delay: timedelta | None
    system_delay_p90: timedelta | None

    def rate(self, part: int, whole: int | None = None) -> float | None:
        """That many of all handed over, or of `whole`, in percent; None where there is nothing."""
        whole = self.handed if whole is None else whole
        return 100 * part / whole if whole else None

    def value(self, figure: Figure) -> float | timedelta | None:
        """One figure: counts and percent as numbers, speed as a span; None where there is nothing to measure."""
        recycled = sum(self.recycled.values())
        match figure:
            case Figure.ACCEPTANCE_RATE:
                return self.rate(self.accepted, self.answerable)
            case Figure.RECYCLED:
                return recycled
            case Figure.RECYCLING_RATE:
                return self.rate(recycled)
            case Figure.OPPORTUNITY_RATE:
                return self.rate(self.opportunities)
            case Figure.CONVERSION:
                return self.rate(self.won)
            case Figure.TOUCHED_RATE:
                return self.rate(self.touched, self.handed - self.not_due)
            case Figure.SPEED_TO_LEAD:
                return self.speed_to_lead
            case _:
                count: int = getattr(self, figure.value)
                return count


def funnel(
    episodes: Sequence[Episode],
    *,
    now: datetime,
    clocks: SlaRules | None = None,
    since: datetime | None = None,
    reached: Mapping[EpisodeId, Collection[State]] | None = None,
) -> Funnel:
    """Count the episodes that were handed over by `now`; silent ones are not ours to count (R41).

    For a cohort (all leads handed over in one week, R26) give only those: see `handed_between`.

    Args:
        clocks: a lead counts as unanswered only when the time that they give is over; None gives no time.
        since: what began before is older than Handoff; None: nothing is.
        reached: the states that each episode ever was in; one that was accepted and then handed back counts as both.
            None: every lead counts where it stands alone.
    """
    handed = [e for e in episodes if _counts(e) and e.handed_off_at is not None and e.handed_off_at <= now]
    states = Counter(episode.state for episode in handed)
    touched = [episode for episode in handed if _touched(episode)]
    speeds = _spans((episode.handed_off_at, episode.first_touched_at) for episode in handed)
    ours = [e for e in handed if e.lane != INFERRED and (since is None or e.opened_at >= since)]
    delays = _spans((episode.opened_at, episode.handed_off_at) for episode in ours)
    waiting = [episode for episode in handed if episode.is_open and not _touched(episode)]
    not_due = sum(_has_time(episode, clocks, first_due, now) for episode in waiting)
    unanswered = [episode for episode in handed if episode.state in UNANSWERED]
    reasons = Counter(e.exit_reason or "unsaid" for e in handed if e.state is State.RECYCLED)
    return Funnel(
        as_of=now,
        handed=len(handed),
        open=sum(episode.is_open for episode in handed),
        touched=len(touched),
        untouched=len(waiting) - not_due,
        not_due=not_due,
        answerable=len(handed) - sum(_has_time(episode, clocks, answer_due, now) for episode in unanswered),
        accepted=_came_to(handed, _ACCEPTED, reached or {}),
        opportunities=_came_to(handed, _OPPORTUNITIES, reached or {}),
        won=states[State.WON],
        lost=states[State.LOST],
        recycled=dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        junk=states[State.JUNK],
        unreachable=states[State.UNREACHABLE],
        speed_to_lead=_percentile(speeds, 50),
        speed_to_lead_p90=_percentile(speeds, 90),
        system_delay=_percentile(delays, 50),
        system_delay_p90=_percentile(delays, 90),
    )


INFERRED = "inferred"
"""The lane of episodes that were under way when Handoff came (domain/episode.py)."""

_OPPORTUNITIES = (State.OPPORTUNITY, State.WON, State.LOST)
_ACCEPTED = (State.ACCEPTED, State.SALES_QUALIFIED, *_OPPORTUNITIES)


def _came_to(
    episodes: Sequence[Episode], states: Collection[State], reached: Mapping[EpisodeId, Collection[State]]
) -> int:
    """What telequalification says of a lead that it has is not what sales says (R12)."""
    now = (e.state if e.hop is Hop.SALES or e.state.is_end else State.HANDED_OFF for e in episodes)
    came = (reached.get(e.id, frozenset()) for e in episodes)
    return sum(state in states or any(one in states for one in path) for state, path in zip(now, came, strict=True))


def _touched(episode: Episode) -> bool:
    """Somebody reacted: a touch is known, or sales answered without one that was logged (R20)."""
    return episode.first_touched_at is not None or episode.state not in UNANSWERED


def _has_time(episode: Episode, clocks: SlaRules | None, due: Due, now: datetime) -> bool:
    """Whether the time that a clock gives since the handover is still running."""
    assert episode.handed_off_at is not None
    at = due(episode, clocks, now=episode.handed_off_at) if clocks else None
    return at is not None and at > now


def _spans(pairs: Iterable[tuple[datetime | None, datetime | None]]) -> list[timedelta]:
    """A touch from before the handover counts as none needed: no time at all."""
    return sorted(max(end - start, timedelta(0)) for start, end in pairs if start is not None and end is not None)


def _percentile(spans: Sequence[timedelta], percent: int) -> timedelta | None:
    """Nearest rank: always a span that was really measured."""
    return spans[max(0, -(-len(spans) * percent // 100) - 1)] if spans else None


def handed_between(episodes: Iterable[Episode], since: datetime, until: datetime) -> list[Episode]:
    """The cohort handed over from `since` (inclusive) to `until` (exclusive)."""
    return [e for e in episodes if _counts(e) and e.handed_off_at is not None and since <= e.handed_off_at < until]


def mature_ones(episodes: Iterable[Episode], now: datetime, after: timedelta) -> list[Episode]:
    """Those handed over so long ago that they have had their time."""
    return [one for one in episodes if one.handed_off_at is not None and one.handed_off_at + after <= now]


def _counts(episode: Episode) -> bool:
    """Neither what was there before us (R41) nor a handover that a person undid (R36)."""
    return not episode.silent and not episode.was_undone


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
            target = f"{words} {_shown(kpi.figure, wanted)}"
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
        return in_words(value)
    return f"{value:.1f} %" if figure in RATES else f"{value:,.0f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseKept:
    """Marketing's month so far. `due_by_now` is its share of the month's leads; `met` says whether it is on course."""

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
    accepted = 100 * sum(e.state in _ACCEPTED for e in answered) / len(answered) if answered else None
    due = made.mqls_a_month * ((now - begin) / (end - begin))
    return PromiseKept(
        month=f"{first:%B %Y}",
        handed=len(month),
        promised=made.mqls_a_month,
        due_by_now=due,
        accepted_percent=accepted,
        quality_promised=made.accepted_percent,
        met=len(month) >= int(due) and (accepted is None or accepted >= made.accepted_percent),
    )
