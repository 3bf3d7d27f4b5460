"""What reports read: handovers, limits, deliveries and arrivals of the whole portal, as streams. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connector.domain.contact import ContactId, Value
from connector.domain.deal import Deal
from connector.domain.episode import EpisodeId
from connector.rules.reporting.leaked import Leaked


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedBy:
    """The decision that handed an episode over: by which rules, and the grade that it gave."""

    episode: EpisodeId
    fingerprint: str
    grade: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A contact that came in; `fields` as they stand now."""

    contact: ContactId
    created_at: datetime
    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSeen:
    """The limit of one clock on one episode, for one owner; `fired_at` None: its time is not up."""

    episode: EpisodeId
    clock: str
    assignment: int
    due_at: datetime
    fired_at: datetime | None


class Reporting(Protocol):
    """Part of a unit of work."""

    def handed_by(self) -> Iterator[HandedBy]:
        """Of every episode the first such decision."""
        ...

    def scores_of(self, ids: Sequence[EpisodeId]) -> dict[EpisodeId, tuple[float | None, dict[str, float]]]:
        """Of each episode the score that handed it over, in points, and its lines by their label; None: not scored."""
        ...

    def arrivals(self, since: datetime | None, until: datetime) -> Iterator[Sequence[Arrival]]:
        """Contacts that came in within the span, in pieces; those merged away left out."""
        ...

    def count_arrivals(self, since: datetime | None, until: datetime) -> int:
        """How many that are."""
        ...

    def arrivals_of(self, ids: Sequence[ContactId]) -> dict[ContactId, Arrival]: ...

    def forms_sent(self, ids: Sequence[ContactId]) -> dict[ContactId, list[tuple[datetime, str]]]:
        """When these contacts sent which form, oldest first."""
        ...

    def touches(self, ids: Sequence[ContactId]) -> dict[ContactId, list[tuple[datetime, str]]]:
        """When sales reached out to these contacts, and by which channel, oldest first."""
        ...

    def limits(self) -> Iterator[LimitSeen]:
        """Every limit of a clock that is up or still runs; of one that was stopped in time nothing is left."""
        ...

    def told(self) -> dict[EpisodeId, datetime | None]:
        """When the first notice of each handover was delivered, None: not yet; missing: nobody is to be told."""
        ...

    def leaks(self, since: datetime | None, until: datetime) -> list[Leaked]:
        """Marketing e-mails to held leads that were told of within the span, oldest first."""
        ...

    def all_deals(self) -> list[Deal]:
        """Of the whole portal, in id order."""
        ...
