"""The funnel: leads handed over, and what became of them (R26).

Works on episodes as they stand; where they come from and how figures are drawn is decided by the engine's report and
the command line. Small figures stay figures: a rate over nothing is None, never 0 %.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from connector.domain.episode import UNANSWERED, Episode, EpisodeId, Hop, State
from connector.rules.reports import Figure
from connector.rules.sla import SlaRules, answer_due, first_due


class Due(Protocol):
    """When something must have happened to a lead that its owner has since `now`; None: no clock runs."""

    def __call__(self, episode: Episode, rules: SlaRules, *, now: datetime) -> datetime | None: ...


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
        accepted=_came_to(handed, ACCEPTED, reached or {}),
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
ACCEPTED = (State.ACCEPTED, State.SALES_QUALIFIED, *_OPPORTUNITIES)


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
