"""The meeting: what marketing and sales should talk about, prepared and ready to be mailed (R28).

Leads are named by their record id, never by name or address, so that the report can be sent around.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeVar

from connector.domain.contact import ContactId
from connector.domain.episode import State
from connector.rules.definition import review
from connector.rules.funnel import Funnel
from connector.rules.reporting.alarms import Alarm
from connector.rules.reporting.facts import Facts, Period
from connector.rules.reporting.handed_back import ReasonShare
from connector.rules.reporting.late import WHY, Board, Missed, Why, boards, missed
from connector.rules.reporting.leaked import LeakCount, by_mailing
from connector.rules.reporting.money import Money, money
from connector.rules.reporting.passed import Passed, whole_days
from connector.rules.reporting.results import count, newest_alarms, shifts, targets
from connector.rules.reporting.settings import RATES, Campaign
from connector.rules.targets import KpiResult, PromiseKept, promise
from connector.rules.words import day, many

Word = TypeVar("Word", bound=str)
MOST_LEADS = 15
"""Leads told of one by one in each list."""
AHEAD = timedelta(days=42)
"""Campaigns that begin within it are to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One figure of this span next to the one before; `before` None where there is nothing to compare."""

    now: KpiResult
    before: KpiResult | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One lead as the meeting hears of it; `days`: from its arrival to the customer, where it became one."""

    contact: ContactId
    owner: str
    source: str
    why: str
    outcome: str
    revenue: float | None
    days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingReport:
    """Attributes:
    period: the time since the last meeting; `who` takes part.
    wins, losses, disputed: at most MOST_LEADS of each, `counts` says how many there are.
    late: missed clocks of this span by cause, most frequent first.
    campaigns: running now or to come. agenda: what to talk about, the most pressing first.
    """

    as_of: datetime
    period: Period
    who: tuple[str, ...]
    targets: tuple[Target, ...]
    promise: PromiseKept | None
    counted: Funnel
    counted_before: Funnel | None
    money: Money
    wins: tuple[Told, ...]
    losses: tuple[Told, ...]
    disputed: tuple[Told, ...]
    counts: Mapping[str, int]
    boards: tuple[Board, ...]
    late: tuple[tuple[Why, int], ...]
    late_owners: tuple[tuple[str, int], ...]
    alarms: tuple[Alarm, ...]
    shifts: tuple[ReasonShare, ...]
    campaigns: tuple[Campaign, ...]
    leaks: tuple[LeakCount, ...]
    review: str
    agenda: tuple[str, ...]


def meeting_report(facts: Facts, period: Period) -> MeetingReport:
    rules = facts.book.reports
    leads = facts.chosen(period)
    earlier = period.before
    leads_before = facts.chosen(earlier) if earlier else []
    before = count(facts, leads_before) if earlier else None
    now = count(facts, leads)
    compared = _targets(targets(facts, leads, now), targets(facts, leads_before, before) if before else ())
    ended = [one for one in facts.leads if period.holds(one.ended_at)]
    wins = [one for one in facts.leads if period.holds(one.won_at)]
    losses = [one for one in ended if one.state in (State.LOST, State.UNREACHABLE)]
    disputed = [one for one in ended if one.is_disputed]
    misses = [one for one in _missed(facts) if period.holds(one.due_at)]
    kept = promise(facts.episodes, rules, now=facts.as_of, portal_time_zone=facts.zone.key, since=facts.since)
    found = MeetingReport(
        as_of=facts.as_of,
        period=period,
        who=rules.meeting.who,
        targets=compared,
        promise=kept,
        counted=now,
        counted_before=before,
        money=money(facts.deals, facts.leads, since=period.since, until=period.until),
        wins=_told(facts, wins),
        losses=_told(facts, losses),
        disputed=_told(facts, disputed),
        counts={"wins": len(wins), "losses": len(losses), "disputed": len(disputed), "late": len(misses)},
        boards=boards(leads, facts.limits, [one for one in misses if one.lead in leads], facts.book.sla),
        late=_most_first(Counter(one.why for one in misses)),
        late_owners=_most_first(Counter(facts.owner_name(one.owner) for one in misses)),
        alarms=newest_alarms(facts),
        shifts=tuple(one for one in shifts(facts) if one.shifted),
        campaigns=_campaigns(rules.campaigns, facts.today),
        leaks=by_mailing(facts.leaks),
        review=review(facts.book.qualification.definition, facts.today),
        agenda=(),
    )
    return replace(found, agenda=(*_agenda(found), *rules.meeting.agenda))


def _missed(facts: Facts) -> Sequence[Missed]:
    return missed(facts.leads, facts.limits, facts.book.sla, told_at=facts.told_at, gone=facts.gone)


def _most_first(counted: Counter[Word]) -> tuple[tuple[Word, int], ...]:
    return tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _targets(now: Sequence[KpiResult], before: Sequence[KpiResult]) -> tuple[Target, ...]:
    earlier = {one.kpi.figure: one for one in before}
    return tuple(Target(now=one, before=earlier.get(one.kpi.figure)) for one in now)


def _told(facts: Facts, leads: Sequence[Passed]) -> tuple[Told, ...]:
    """The newest first; of wins those worth most."""
    ordered = sorted(leads, key=lambda one: (one.revenue or 0, one.ended_at or one.handed_at), reverse=True)
    return tuple(
        Told(
            contact=one.contact,
            owner=facts.owner_name(one.owner),
            source=one.kind(facts.book.reports.source),
            why=one.why,
            outcome=_outcome(facts, one),
            revenue=one.revenue,
            days=whole_days(one.arrived_at, one.won_at, facts.zone),
        )
        for one in ordered[:MOST_LEADS]
    )


def _outcome(facts: Facts, one: Passed) -> str:
    reason = facts.book.recycling.reasons.get(one.exit_reason)
    words = one.state.value.replace("_", " ")
    return f"{words}: {reason.label}" if reason and one.state is not State.WON else words


def _campaigns(planned: Sequence[Campaign], today: date) -> tuple[Campaign, ...]:
    """Those that run, or begin soon, in the order of their beginning."""
    near = [one for one in planned if one.starts_on <= today + AHEAD and (one.ends_on or one.starts_on) >= today]
    return tuple(sorted(near, key=lambda one: (one.starts_on, one.name)))


# -- the agenda ----------------------------------------------------------------------------------------------------


def _agenda(found: MeetingReport) -> Iterator[str]:
    for alarm in found.alarms:
        yield f"{_capital(RATES[alarm.rate])} {_moved(alarm)}: what happened, and what do we do?"
    missed_targets = [one.now for one in found.targets if one.now.met is False]
    for result in missed_targets:
        yield f"Target missed: {result.kpi.label} ({result.shown}; {result.target})"
    if found.promise is not None and not found.promise.met:
        yield f"Marketing's promise for {found.promise.month}: {_behind(found.promise)}"
    if found.counts["late"]:
        (why, number), owners = found.late[0], ", ".join(name for name, _ in found.late_owners[:3])
        part = "all" if number == found.counts["late"] else f"{number} of them"
        yield f"{many(found.counts['late'], 'clock')} missed, {part} because {WHY[why]}; most at {owners}"
    if found.counts["disputed"]:
        told = many(found.counts["disputed"], "disputed lead")
        yield f"{told}: should they have come? What does the definition say?"
    if found.leaks:
        first = found.leaks[0]
        more = f", and {many(len(found.leaks) - 1, 'other mailing')}" if len(found.leaks) > 1 else ""
        yield f"“{first.mailing}”{more} went to leads that sales holds: which workflow leaves the list out?"
    for shift in found.shifts:
        share, before = shift.recent.percent or 0, shift.before.percent or 0
        name = shift.reason.replace("_", " ")
        yield f"Handed back as “{name}” {'more' if share > before else 'less'} often: {before:.0f} % to {share:.0f} %"
    if found.counts["wins"]:
        yield f"{many(found.counts['wins'], 'win')}: what made them, and where do more of them come from?"
    coming = [one for one in found.campaigns if one.starts_on >= found.as_of.date()]
    if coming:
        yield f"Campaigns to come: {', '.join(f'{one.name} ({day(one.starts_on)})' for one in coming)}"
    if found.review:
        yield found.review


def _behind(kept: PromiseKept) -> str:
    """In number, in quality or in both."""
    few = kept.handed < int(kept.due_by_now)
    number = f"{many(kept.handed, 'lead')} handed over, {kept.due_by_now:.0f} due by now" if few else ""
    accepted = kept.accepted_percent
    poor = accepted is not None and accepted < kept.quality_promised
    quality = f"{accepted:.0f} % accepted, {kept.quality_promised:.0f} % promised" if poor else ""
    return "; ".join(part for part in (number, quality) if part)


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _moved(alarm: Alarm) -> str:
    verb = "fell" if alarm.fell else "rose"
    return f"{verb} from {alarm.before.percent or 0:.0f} % to {alarm.now.percent or 0:.0f} %"
