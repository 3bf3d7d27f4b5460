"""The past as it was observed: what replay reads, in the order in which runs came to know it.

All of it is read-only. What is large comes as a stream, so that no more of it is in memory than is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from connector.domain.activity import Activity
from connector.domain.contact import ContactId, OwnerId
from connector.domain.deal import Deal
from connector.domain.episode import Episode
from connector.engine.ports.rows import FieldChange

Stamp = datetime | str
"""An instant as the database keeps it; what is read by the million is turned into one only where it is looked at.

As text it is in UTC and of one width, `2026-11-22T09:00:00.000000+00:00`, so that text order is time order.
"""


def instant_of(stamp: Stamp) -> datetime:
    return stamp if isinstance(stamp, datetime) else datetime.fromisoformat(stamp)


def stamp_like(stamp: Stamp, instant: datetime) -> Stamp:
    """The instant as a stamp that can be compared with this one."""
    return instant if isinstance(stamp, datetime) else text_of(instant)


def text_of(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


class Deed(NamedTuple):
    """One activity that no machine did, with when a run first saw it."""

    observed_at: Stamp
    contact: ContactId
    kind: str
    occurred_at: Stamp
    name: str
    ref: str
    url: str | None


class News(NamedTuple):
    """One field of one contact that a run found changed; `*` is the first sight, all values as JSON text."""

    observed_at: Stamp
    contact: ContactId
    field: str
    source: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One run as it is kept; `run` tells scheduled ones, hints and undos apart."""

    run: str
    as_of: datetime
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Since when a contact is there, and whether it is still."""

    created_at: datetime
    gone: bool
    merged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PastStep:
    """One step of an episode's path. `track` is None where neither it nor `wakes_at` was kept."""

    at: datetime
    cause: str
    state: str
    owner: OwnerId | None
    silent: bool
    assignment: int
    exit_reason: str
    track: str | None = None
    wakes_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindSpots:
    """Counts of what cannot be told of a span.

    Attributes:
        seen_late: contacts that were there before it and were first seen within.
        undone: handovers that a person undid within it.
    """

    seen_late: int
    merged: int
    deleted: int
    erased: int
    undone: int


class History(Protocol):
    """Part of a unit of work. "Seen until" an instant means: by runs whose `as_of` is not after it."""

    def past_runs(self, since: datetime, until: datetime) -> list[PastRun]:
        """In the order of their `as_of`; both ends included."""
        ...

    def run_before(self, until: datetime) -> PastRun | None:
        """The last one at or before that instant that came to its end, of those that are kept."""
        ...

    def first_sight(self) -> datetime | None:
        """When a run first saw any contact; None where there was none yet."""
        ...

    def deeds(self, after: datetime, until: datetime) -> Iterator[Sequence[Deed]]:
        """Seen after the one and until the other instant, in that order and in pieces; tuples without the names."""
        ...

    def news(self, after: datetime, until: datetime) -> Iterator[Sequence[News]]:
        """Seen after the one and until the other instant, in that order and in pieces; tuples without the names."""
        ...

    def field_history(self, ids: Sequence[ContactId], until: datetime) -> dict[ContactId, list[FieldChange]]:
        """What was seen until then, oldest first; contacts not seen by then are missing."""
        ...

    def activities_seen(
        self, ids: Sequence[ContactId], since: datetime, until: datetime
    ) -> dict[ContactId, list[Activity]]:
        """Done from `since` until then and seen by then, those of machines left out; oldest first."""
        ...

    def origins(self, ids: Sequence[ContactId]) -> dict[ContactId, Origin]: ...
    def deals_dated(self, after: datetime, until: datetime) -> list[Deal]:
        """As they are now, those that were made, closed or changed within the span."""
        ...

    def episodes_opened(self, until: datetime) -> Iterator[tuple[Episode, list[PastStep]]]:
        """Every episode that was there by then, as it is now, each with its path."""
        ...

    def adopted(self, after: datetime, until: datetime) -> list[tuple[ContactId, datetime]]:
        """Whom `handoff adopt` brought to life, and in which run (R41)."""
        ...

    def blind_spots(self, since: datetime, until: datetime) -> BlindSpots: ...
