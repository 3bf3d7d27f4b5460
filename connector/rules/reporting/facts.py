"""Facts: everything that the reports of one portal are worked out from, as values; and the span they are about."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from connector.domain.contact import OwnerId
from connector.domain.deal import Deal
from connector.domain.episode import Episode, EpisodeId, State
from connector.rules.reporting.late import Limit
from connector.rules.reporting.leaked import Leaked
from connector.rules.reporting.passed import Passed, local_day
from connector.rules.routing import Turns
from connector.rules.rulebook import RuleBook

OWNER, FORM, LANE, GRADE = "owner", "form", "lane", "grade"
"""Kinds of a lead that every portal has, beside the fields that reports.yaml names."""


class Basis(StrEnum):
    """By which day a lead belongs to a span."""

    HANDED = "handed"
    ARRIVED = "arrived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From `since` (included; None: from the beginning) to `until` (not included). `words` says so for people."""

    since: datetime | None
    until: datetime
    words: str
    basis: Basis = Basis.HANDED

    def holds(self, at: datetime | None) -> bool:
        return at is not None and (self.since is None or at >= self.since) and at < self.until

    @property
    def before(self) -> Period | None:
        """As long, just ahead; None where this one has no beginning."""
        if self.since is None:
            return None
        begin = self.since - (self.until - self.since)
        return Period(since=begin, until=self.since, words=f"the {_days(begin, self.since)} before", basis=self.basis)


def _days(begin: datetime, end: datetime) -> str:
    days = round((end - begin) / timedelta(days=1))
    return f"{days} days" if days != 1 else "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One portal at one instant.

    Attributes:
        as_of: of the last run; nothing after it is known. since: when Handoff began here (R41).
        leads: every lead ever passed, oldest handover first; episodes: the same and those that were not, as stored.
        reached: episode -> the states that it ever was in.
        arrived: source -> leads that came in within the span asked for; all as not known where sources do not matter.
        owners: id -> name; gone: those that are archived.
        versions: the rules' fingerprint -> the day of their first use.
        turns: how the leads of the span asked for were spread in each pool; starving: who got none, and why (R12).
        leaks: marketing e-mails to leads that sales held, told of within the span asked for (R11).
    """

    as_of: datetime
    zone: ZoneInfo
    since: datetime | None
    book: RuleBook
    leads: Sequence[Passed]
    episodes: Sequence[Episode]
    reached: Mapping[EpisodeId, frozenset[State]]
    arrived: Mapping[str, int]
    owners: Mapping[OwnerId, str]
    gone: Collection[OwnerId]
    limits: Sequence[Limit]
    told_at: Mapping[EpisodeId, datetime | None]
    deals: Sequence[Deal]
    versions: Mapping[str, date]
    turns: Sequence[Turns] = ()
    starving: Sequence[str] = ()
    leaks: Sequence[Leaked] = ()

    @property
    def today(self) -> date:
        return local_day(self.as_of, self.zone)

    def chosen(self, period: Period) -> list[Passed]:
        """The leads of a span, by the day of their handover or of their arrival."""
        by_arrival = period.basis is Basis.ARRIVED
        return [one for one in self.leads if period.holds(one.arrived_at if by_arrival else one.handed_at)]

    def episodes_of(self, leads: Sequence[Passed]) -> list[Episode]:
        ids = {one.id for one in leads}
        return [episode for episode in self.episodes if episode.id in ids]

    def owner_name(self, owner: OwnerId | None) -> str:
        return self.owners.get(owner, owner) if owner else "nobody"

    @property
    def causes(self) -> tuple[str, ...]:
        """Kinds of a lead that may have made a rate change."""
        return (self.book.reports.source, OWNER, FORM)
