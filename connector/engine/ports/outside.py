"""Receivers, the outbox they are served from, and the person who watches a long run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connector.engine.ports.rows import DestinationState, Entry

Learn = Callable[[DestinationState], DestinationState]
"""What an answer teaches about its destination; pure, since it may be asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """What became of one post.

    Attributes:
        entry: its id.
        status: `sent`, `due` (again at `due_at`) or `exhausted`.
        error: why it was not taken; no body and no secret. Empty where it was sent.
        learn: what it teaches about its destination; None for nothing.
    """

    entry: str
    at: datetime
    status: str
    due_at: datetime | None = None
    error: str = ""
    seconds: float = 0.0
    learn: Learn | None = None


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

    def next_due(self, now: datetime) -> datetime | None:
        """When the first of the waiting entries is due, without those of destinations that are off; None: none waits.

        One that waits behind another of its contact counts as if it did not.
        """
        ...

    def give_back(self, entries: Sequence[str]) -> None:
        """Claimed, but not tried after all: others may claim them at once."""
        ...

    def record(self, tries: Sequence[Try]) -> list[DestinationState]:
        """What became of these posts, in one transaction; what was posted and is not recorded is posted again (I6).

        What stands in a digest shares its fate. Gives the new states of the destinations that they teach about.
        """
        ...
