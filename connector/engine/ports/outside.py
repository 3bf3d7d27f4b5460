"""Receivers, the outbox they are served from, and the person who watches a long run."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from connector.engine.ports.rows import Entry


class Delivery(Protocol):
    """Sends what is due and records each try; never raises for a receiver's fault."""

    def deliver(self, now: datetime) -> int:
        """Gives how many entries were answered 2xx."""
        ...


class Progress(Protocol):
    """What a person at a terminal sees of a long run; the silent one is `NoProgress`."""

    def step(self, name: str, done: int, total: int | None = None) -> None: ...


class NoProgress:
    def step(self, name: str, done: int, total: int | None = None) -> None:
        return None


class Outbox(Protocol):
    """The waiting notices, as delivery sees them; each call is a transaction of its own."""

    def claim(self, now: datetime, limit: int) -> list[Entry]:
        """Due entries in sending order, marked as ours for five minutes by a conditional update.

        A contact's later first sends to a destination wait behind its earlier ones that are still due or held.
        """
        ...

    def record(
        self, entry: str, *, at: datetime, status: str, due_at: datetime | None, error: str, seconds: float
    ) -> None:
        """One try: `status` is sent, due (again at `due_at`) or exhausted; `error` holds no body and no secret."""
        ...
