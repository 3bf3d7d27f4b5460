"""Results: the funnel, the sources, the owners and the clocks of one span, worked out (R17, R26, R30)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.domain.contact import OwnerId
from connector.domain.episode import State
from connector.rules.definition import review
from connector.rules.funnel import Funnel, funnel
from connector.rules.reporting.alarms import Alarm, alarms, last_look
from connector.rules.reporting.cohorts import Cohort, cohorts
from connector.rules.reporting.facts import FORM, GRADE, LANE, OWNER, Basis, Facts, Period
from connector.rules.reporting.groups import Group, Outperformer, by_category, groups, outperformers
from connector.rules.reporting.handed_back import ReasonShare, counted, reasons
from connector.rules.reporting.late import Board, Missed, boards, missed
from connector.rules.reporting.leaked import LeakCount, by_mailing
from connector.rules.reporting.money import Money, money
from connector.rules.reporting.numbers import Share
from connector.rules.reporting.passed import INFERRED, UNKNOWN, Passed, span
from connector.rules.reporting.spells import FollowUp, Leg, follow_up, leg, legs
from connector.rules.routing import Turns
from connector.rules.targets import KpiResult, PromiseKept, measure, promise

RECENT, EARLIER = timedelta(days=28), timedelta(days=84)
"""Reasons of the last four weeks are held against the twelve before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelReport:
    """Attributes:
    arrived: leads that came in within the span; None where the span is one of handovers alone, from some day on.
    groups: category -> its groups; outperform: those of them that fare better or worse than all others.
    reasons: of the chosen leads' hand-backs; shifts: of all hand-backs of the last weeks against those before.
    """

    as_of: datetime
    period: Period
    arrived: int
    counted: Funnel
    kpis: tuple[KpiResult, ...]
    promise: PromiseKept | None
    follow_up: FollowUp
    legs: tuple[Leg, ...]
    cohorts: tuple[Cohort, ...]
    groups: Mapping[str, tuple[Group, ...]]
    outperform: tuple[Outperformer, ...]
    reasons: tuple[tuple[str, Share], ...]
    shifts: tuple[ReasonShare, ...]
    money: Money
    alarms: tuple[Alarm, ...]
    review: str


def count(facts: Facts, leads: list[Passed]) -> Funnel:
    """These leads, counted as `handoff report` counts them."""
    return funnel(
        facts.episodes_of(leads),
        now=facts.as_of,
        clocks=facts.book.sla,
        since=facts.since,
        reached=facts.reached,
    )


def targets(facts: Facts, leads: list[Passed], counted: Funnel) -> tuple[KpiResult, ...]:
    """The figures of these leads against the targets; what needs time is judged by those that have had it."""
    after = facts.book.reports.cohorts.mature_after
    mature = [one for one in leads if one.handed_at + after <= facts.as_of]
    return measure(counted, facts.book.reports, count(facts, mature))


def funnel_report(facts: Facts, period: Period) -> FunnelReport:
    leads, rules = facts.chosen(period), facts.book.reports
    counted_now = count(facts, leads)
    of_kind = {name: by_kind(facts, leads, name) for name in (*rules.categories, LANE, GRADE)}
    days = leg("", leads, lambda one: one.handed_at, lambda one: one.won_at, facts.zone).median_days
    return FunnelReport(
        as_of=facts.as_of,
        period=period,
        arrived=sum(facts.arrived.values()),
        counted=counted_now,
        kpis=targets(facts, leads, counted_now),
        promise=_promise(facts, facts.as_of),
        follow_up=follow_up(leads, since=facts.since),
        legs=legs(leads, facts.zone),
        cohorts=cohorts(
            leads, rules.cohorts, now=facts.as_of, zone=facts.zone, by_arrival=period.basis is Basis.ARRIVED
        ),
        groups=of_kind,
        outperform=outperformers(of_kind),
        reasons=counted(leads),
        shifts=shifts(facts),
        money=money(facts.deals, facts.leads, since=period.since, until=period.until, days_to_won=days),
        alarms=newest_alarms(facts),
        review=review(facts.book.qualification.definition, facts.today),
    )


def shifts(facts: Facts) -> tuple[ReasonShare, ...]:
    return reasons(facts.leads, now=facts.as_of, recent=RECENT, before=EARLIER)


def newest_alarms(facts: Facts) -> tuple[Alarm, ...]:
    """As of the last Monday. Leads that were under way when Handoff came are not like those of now."""
    look_at = last_look(facts.as_of, facts.zone)
    leads = [one for one in facts.leads if one.lane != INFERRED]
    return alarms(leads, facts.book.reports.alarms, look_at=look_at, categories=facts.causes)


def by_kind(facts: Facts, leads: list[Passed], category: str) -> tuple[Group, ...]:
    return groups(
        leads,
        by_category(category),
        now=facts.as_of,
        zone=facts.zone,
        mature_after=facts.book.reports.cohorts.mature_after,
    )


def _promise(facts: Facts, now: datetime) -> PromiseKept | None:
    return promise(facts.episodes, facts.book.reports, now=now, portal_time_zone=facts.zone.key, since=facts.since)


# -- sources -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcesReport:
    """Attributes:
    field: the field that says where a lead came from.
    total: of all sources together. forms: leads handed over by the form that was sent last before the handover.
    """

    as_of: datetime
    period: Period
    field: str
    total: Group
    sources: tuple[Group, ...]
    forms: tuple[Group, ...]


def sources_report(facts: Facts, period: Period) -> SourcesReport:
    leads, rules = facts.chosen(period), facts.book.reports
    after = rules.cohorts.mature_after
    named = groups(
        leads, by_category(rules.source), now=facts.as_of, zone=facts.zone, mature_after=after, arrived=facts.arrived
    )
    everybody = {"all": sum(facts.arrived.values())}
    (total,) = groups(
        leads, lambda _: "all", now=facts.as_of, zone=facts.zone, mature_after=after, arrived=everybody
    )  # fmt: skip
    return SourcesReport(
        as_of=facts.as_of,
        period=period,
        field=rules.source,
        total=total,
        sources=named,
        forms=by_kind(facts, leads, FORM),
    )


# -- owners --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerLine:
    """One owner: what became of the leads that are theirs, or were in the end, and the clocks they kept.

    `name` is `nobody` for leads without an owner; `gone`: archived in the CRM.
    """

    owner: OwnerId | None
    name: str
    gone: bool
    leads: Group
    clocks: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnersReport:
    as_of: datetime
    period: Period
    owners: tuple[OwnerLine, ...]
    turns: tuple[Turns, ...] = ()
    starving: tuple[str, ...] = ()


def owners_report(facts: Facts, period: Period) -> OwnersReport:
    leads = facts.chosen(period)
    kept: dict[str, tuple[int, int]] = {}
    for board in _boards(facts, leads)[0]:
        for owner, share in board.owners:
            part, whole = kept.get(owner or "", (0, 0))
            kept[owner or ""] = part + share.part, whole + share.whole
    found = groups(
        leads,
        lambda one: one.owner or "",
        now=facts.as_of,
        zone=facts.zone,
        mature_after=facts.book.reports.cohorts.mature_after,
        follow_up=lambda one: span(one.passed_on_at or one.handed_at, one.own_touched_at),
    )
    lines = [
        OwnerLine(
            owner=OwnerId(one.value) if one.value else None,
            name=facts.owner_name(OwnerId(one.value) if one.value else None),
            gone=one.value in facts.gone,
            leads=one,
            clocks=Share(*kept.get(one.value, (0, 0))),
        )
        for one in found
    ]
    return OwnersReport(
        as_of=facts.as_of, period=period, owners=tuple(lines), turns=tuple(facts.turns), starving=tuple(facts.starving)
    )


# -- clocks --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaReport:
    """Both sides on one board: the clocks of sales, and month by month what marketing has promised (R17)."""

    as_of: datetime
    period: Period
    follow_up: FollowUp
    boards: tuple[Board, ...]
    missed: tuple[Missed, ...]
    promises: tuple[PromiseKept, ...]
    leaks: tuple[LeakCount, ...]
    names: Mapping[OwnerId, str]


def sla_report(facts: Facts, period: Period) -> SlaReport:
    leads = facts.chosen(period)
    found, misses = _boards(facts, leads)
    return SlaReport(
        as_of=facts.as_of,
        period=period,
        follow_up=follow_up(leads, since=facts.since),
        boards=found,
        missed=misses,
        promises=_promises(facts, period),
        leaks=by_mailing(facts.leaks),
        names=facts.owners,
    )


def _boards(facts: Facts, leads: list[Passed]) -> tuple[tuple[Board, ...], tuple[Missed, ...]]:
    misses = missed(leads, facts.limits, facts.book.sla, told_at=facts.told_at, gone=facts.gone)
    return boards(leads, facts.limits, misses, facts.book.sla), misses


MOST_MONTHS = 12


def _promises(facts: Facts, period: Period) -> tuple[PromiseKept, ...]:
    """The months of the span, the newest first; the present one so far."""
    first = period.since or (facts.leads[0].handed_at if facts.leads else facts.as_of)
    at = min(facts.as_of, period.until - timedelta(microseconds=1))
    found: list[PromiseKept] = []
    while len(found) < MOST_MONTHS and at >= first:
        kept = _promise(facts, at)
        if kept is None:
            break
        found.append(kept)
        begin = at.astimezone(facts.zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        at = begin.astimezone(facts.as_of.tzinfo) - timedelta(microseconds=1)
    return tuple(found)


# -- leads, as they are told of ------------------------------------------------------------------------------------

ENDED_BADLY = (State.LOST, State.JUNK, State.RECYCLED, State.UNREACHABLE)
KINDS: Mapping[str, str] = {OWNER: "owner", FORM: "form", LANE: "way in", GRADE: "grade", UNKNOWN: "not known"}
"""Kinds of a lead that are no fields, in words."""
