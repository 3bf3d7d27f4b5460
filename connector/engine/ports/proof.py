"""What the nightly proof asks of the database, and what it leaves there (engine/proof.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connector.domain.contact import ContactId, OwnerId
from connector.domain.episode import Episode, EpisodeId
from connector.domain.timer import Timer

PROVED = "proof"
"""Among the watermarks: the newest proof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSeen:
    """One level of a clock; `fired`: its time has come."""

    timer: Timer
    fired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketSeen:
    """The newest notice that brought a lead to its holder, for one destination.

    Attributes:
        entry: to be sent again: its own id, or that of the digest that tells of it; empty where its body is gone.
    """

    episode: EpisodeId
    owner: OwnerId | None
    destination: str
    status: str
    entry: str
    queued_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranded:
    """A lead in sales' hands that nothing keeps going, and that could not be mended. `words`: no personal data."""

    contact: ContactId
    episode: EpisodeId
    cause: str
    words: str
    found_at: datetime


class ProofRows(Protocol):
    """Part of a unit of work."""

    def in_hand(self, limit: int, after: str) -> list[Episode]:
        """Open, not silent episodes by contact, those after the contact `after`."""
        ...

    def clocks_of(self, ids: Sequence[ContactId]) -> dict[EpisodeId, list[ClockSeen]]: ...
    def packets_of(self, ids: Sequence[EpisodeId]) -> list[PacketSeen]: ...
    def send_again(self, entries: Sequence[str], now: datetime) -> int:
        """Due at once, with ten tries anew; gives how many."""
        ...

    def stranded(self) -> list[Stranded]:
        """As the last proof left them, by contact."""
        ...

    def put_stranded(self, rows: Sequence[Stranded]) -> None:
        """In place of all that stood there."""
        ...
