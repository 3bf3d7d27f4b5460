"""The portal's past: what the CRM tells of the time before Handoff, and the notes that an export makes of it.

Only `handoff export training --portal-history` asks for it; no run does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connector.domain.activity import Activity
from connector.domain.contact import ContactId
from connector.domain.deal import Deal
from connector.domain.record import Record
from connector.engine.ports.crm import ActivityPage, ContactPage, Schema, StreamOff, Window
from connector.rules.reporting.examples import Row


class PortalPast(Protocol):
    """Reads the CRM; nothing here writes. The first three are its own, the others those of MarketingSource and Crm."""

    @property
    def versions_kept(self) -> int:
        """Of a property's history the CRM keeps at least so many; one as long as that may have been cut off."""
        ...

    def pull_dated_contacts(self, history: Sequence[str], *, cursor: str | None) -> Iterator[ContactPage]:
        """Every contact that is there, with the history of these properties, and merged ids."""
        ...

    def deals_of(self, ids: Sequence[ContactId]) -> Mapping[ContactId, tuple[Deal, ...]]:
        """Of at most 1,000 contacts; those without any are absent. A deal's `contacts` are those asked for."""
        ...

    def read_contacts(
        self, ids: Sequence[ContactId], properties: Sequence[str], *, history: Sequence[str] = ()
    ) -> Mapping[ContactId, Record]: ...

    def streams(self) -> tuple[str, ...]: ...

    def pull_activities(
        self, stream: str, window: Window, *, cursor: str | None
    ) -> Iterator[ActivityPage | StreamOff]: ...

    def schema(self, *, companies: bool = False) -> Schema: ...

    def api_calls(self) -> Mapping[str, int]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A contact that became ready for sales in the portal.

    Attributes:
        at: when; `sure` false: its history was cut off, and it may have been earlier.
        addresses: e-mail addresses that it had by then, in small letters.
        deals: all of the contact.
        credited: ids of the deals whose money is this contact's, and no other's; known once all are noted.
    """

    contact: ContactId
    at: datetime
    sure: bool
    addresses: Sequence[str]
    deals: Sequence[Deal]
    credited: frozenset[str] = frozenset()


class Notebook(Protocol):
    """Notes of one export, so that its memory stays flat; they go when it ends, however it ends."""

    def note_ready(self, rows: Sequence[Ready]) -> None: ...

    def span(self) -> tuple[datetime, datetime] | None:
        """The first and the last instant of those who became ready; None where nobody did."""
        ...

    def note_activities(self, rows: Sequence[Activity], look_back_seconds: float) -> int:
        """Keeps what those who became ready did within so long until then; gives how many that were."""
        ...

    def ready(self, size: int) -> Iterator[Sequence[Ready]]:
        """All of them by instant, in pieces."""
        ...

    def activities(self, contact: ContactId) -> list[Activity]:
        """Oldest first."""
        ...

    def note_row(self, row: Row) -> None: ...

    def rows(self) -> Iterator[Row]:
        """In the order in which they were noted."""
        ...
