"""Notices that wait to be sent, as a transaction sees them; sending them is the outbox's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from connector.domain.contact import ContactId, OwnerId
from connector.engine.ports.rows import DestinationState, Entry


class NoticeRows(Protocol):
    """Part of UnitOfWork."""

    def would_queue(self, rows: Sequence[Entry]) -> bool:
        """Whether put_entries() would insert or revive any of them."""
        ...

    def put_entries(self, rows: Sequence[Entry]) -> int:
        """Inserts those whose id is new, and revives those that were cancelled unsent (P3); gives how many."""
        ...

    def release_entries(self, intents: Sequence[str], due_at: datetime) -> None:
        """held -> due"""
        ...

    def cancel_contact_entries(self, ids: Sequence[ContactId], why: str) -> None:
        """Everything about these contacts that is not sent yet."""
        ...

    def cancel_entries(self, intents: Sequence[str], why: str) -> None: ...

    # destinations and digests
    def destinations(self) -> dict[str, DestinationState]:
        """What is known of each by its name; one that is missing is on and was never tried."""
        ...

    def backlog(self, names: Sequence[str]) -> dict[str, int]:
        """How many entries each of these has that are due; a digest counts once."""
        ...

    def crowds(self, now: datetime, most: int) -> list[tuple[str, OwnerId]]:
        """(destination, rep) with more than `most` notices that may stand in a digest; only where they can be sent."""
        ...

    def crowd(self, destination: str, owner: OwnerId, now: datetime) -> list[Entry]:
        """Those notices in order of queueing; without those whose contact has an earlier one that waits elsewhere."""
        ...

    def put_digest(self, digest: Entry, members: Sequence[str]) -> None:
        """Queues it; its members are `digested` and share its fate."""
        ...
