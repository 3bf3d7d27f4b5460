"""Receivers, the outbox they are served from, and the person who watches a long run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from connector.engine.ports.rows import DestinationState, Entry

Learn = Callable[[DestinationState], DestinationState]
"""What an answer teaches about its destination; pure, since it may be asked again."""


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

    def destinations(self) -> dict[str, DestinationState]:
        """What is known of each by its name; one that is missing is on and was never tried."""
        ...

    def learn(self, destination: str, how: Learn) -> DestinationState:
        """The destination's next state, made by `how` of the one it is in now."""
        ...

    def claim(self, now: datetime, limit: int, destination: str | None = None) -> list[Entry]:
        """Due entries in sending order, marked as ours for five minutes by a conditional update.

        A contact's later first sends to a destination wait behind its earlier ones that are not sent yet. Destinations
        that are off or rest have none.

        Args:
            limit: at most so many of each destination.
            destination: of this one only; None: of all.
        """
        ...

    def give_back(self, entries: Sequence[str]) -> None:
        """Claimed, but not tried after all: others may claim them at once."""
        ...

    def record(
        self, entry: str, *, at: datetime, status: str, due_at: datetime | None, error: str, seconds: float,
        learn: Learn | None = None,
    ) -> DestinationState | None:
        """One try: `status` is sent, due (again at `due_at`) or exhausted; `error` holds no body and no secret.

        What stands in a digest shares its fate. `learn` is applied to the destination's state in the same transaction;
        gives the new state, None where there was nothing to learn.
        """
        ...
