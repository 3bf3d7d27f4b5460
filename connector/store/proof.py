"""What the nightly proof reads and leaves: leads in hand, their clocks and packets, and those that are stranded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from connector.domain.contact import ContactId, PortalId
from connector.domain.episode import Episode, EpisodeId
from connector.domain.notice import PACKETS
from connector.domain.timer import TimerKind
from connector.engine.ports.proof import ClockSeen, PacketSeen, Stranded
from connector.store.again import send_again
from connector.store.episodes import read_episode
from connector.store.looking import looking
from connector.store.part import IDS, PORTAL, Part
from connector.store.tables import episode, outbox, stranded, timer
from connector.store.timers import read_timer

_IN_HAND = (
    select(episode)
    .where(episode.c.portal == PORTAL, episode.c.is_open, ~episode.c.silent, episode.c.contact > bindparam("after"))
    .order_by(episode.c.contact, episode.c.ordinal)
    .limit(bindparam("most"))
)
_CLOCKS = (
    select(timer)
    .where(timer.c.portal == PORTAL, timer.c.contact.in_(IDS), timer.c.kind == TimerKind.SLA.value)
    .order_by(timer.c.due_at, timer.c.contact, timer.c.episode, timer.c.name, timer.c.level, timer.c.assignment)
)
_PACKETS = (
    select(outbox)
    .where(
        outbox.c.portal == PORTAL, outbox.c.episode.in_(IDS), outbox.c.kind.in_([kind.value for kind in PACKETS]),
        outbox.c.status != "cancelled",
    )
    .order_by(outbox.c.sequence)
)
_STRANDED = select(stranded).where(stranded.c.portal == PORTAL).order_by(stranded.c.contact)
_FORGET = delete(stranded).where(stranded.c.portal == PORTAL)


def count_stranded(url: str, portal: PortalId, *, wall_clock: Callable[[], datetime]) -> int:
    """How many leads the newest proof could not mend; 0 where there is no database, or one of a former version."""
    with looking(url, wall_clock=wall_clock) as connection:
        return len(Proof(connection, portal).stranded()) if connection is not None else 0


class Proof(Part):
    """Fulfils ports.proof.ProofRows."""

    def in_hand(self, limit: int, after: str) -> list[Episode]:
        self.flush()
        return [read_episode(row) for row in self.select(_IN_HAND, after=after, most=limit)]

    def clocks_of(self, ids: Sequence[ContactId]) -> dict[EpisodeId, list[ClockSeen]]:
        self.flush()
        found: dict[EpisodeId, list[ClockSeen]] = {}
        for row in self.select_by_id(_CLOCKS, ids):
            seen = ClockSeen(timer=read_timer(row), fired=row.fired_at is not None)
            found.setdefault(row.episode, []).append(seen)
        return found

    def packets_of(self, ids: Sequence[EpisodeId]) -> list[PacketSeen]:
        self.flush()
        newest = {(row.episode, row.owner, row.destination): row for row in self.select_by_id(_PACKETS, ids)}
        return [
            PacketSeen(
                episode=row.episode, owner=row.owner, destination=row.destination, status=row.status,
                entry=(row.digest or row.entry) if row.body else "", queued_at=row.queued_at,
            )
            for row in newest.values()
        ]  # fmt: skip

    def send_again(self, entries: Sequence[str], now: datetime) -> int:
        return send_again(self, entries, now)

    def stranded(self) -> list[Stranded]:
        return [
            Stranded(
                contact=row.contact, episode=row.episode, cause=row.cause, words=row.words, found_at=row.found_at
            )
            for row in self.select(_STRANDED)
        ]

    def put_stranded(self, rows: Sequence[Stranded]) -> None:
        self.change(_FORGET)
        self.insert_new(stranded, [
            {
                "portal": self.portal, "contact": one.contact, "episode": one.episode, "cause": one.cause,
                "words": one.words, "found_at": one.found_at,
            }
            for one in rows
        ])  # fmt: skip
