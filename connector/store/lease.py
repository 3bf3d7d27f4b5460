"""The lease: one process at a time works on a portal (I8).

A heartbeat every 10 s; stale after 30 s; an epoch that rises with each holder and that every writing transaction
checks, so that a process that slept through its lease writes nothing more. A holder that died on
this machine is replaced at once, one elsewhere when its heartbeat is stale.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from connector.domain.contact import PortalId
from connector.errors import AlreadyRunningError, ConnectorError, LeaseLostError
from connector.store.database import Database
from connector.store.outbox import let_go
from connector.store.part import PORTAL, Part
from connector.store.process import describe, is_dead
from connector.store.tables import lease

BEAT_SECONDS = 10.0
STALE_SECONDS = 30.0

_READ = select(lease).where(lease.c.portal == PORTAL)
# PostgreSQL: writers share the row, heartbeats pass by, and a takeover waits until the old holder's commits are done.
_SHARE = _READ.with_for_update(read=True, key_share=True)
_SEIZE = _READ.with_for_update()
_MINE = update(lease).where(lease.c.portal == PORTAL, lease.c.epoch == bindparam("epoch_"))
_BEAT = _MINE.values(heartbeat_at=bindparam("now"))
_RELEASE = _MINE.values(holder=None, since=None, heartbeat_at=None)
_TAKE = (
    update(lease)
    .where(lease.c.portal == PORTAL)
    .values(epoch=bindparam("new"), holder=bindparam("who"), since=bindparam("now"), heartbeat_at=bindparam("now"))
)

log = logging.getLogger(__name__)


class Lease:
    """One process's hold on one portal; taken once, given back once.

    Attributes:
        epoch: None until it is taken and after it was given back.
    """

    def __init__(
        self, database: Database, portal: PortalId, holder: str, *,
        beat: float = BEAT_SECONDS, stale: float = STALE_SECONDS,
    ) -> None:
        self._database, self._portal, self._holder = database, portal, holder
        self._beat_seconds, self._stale = beat, timedelta(seconds=stale)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._last_beat = 0.0
        self.epoch: int | None = None

    def take(self) -> int:
        """Gives the epoch. Raises AlreadyRunningError within a second: looking takes no lock."""
        with self._database.reading() as connection:
            self._refuse_if_held(connection, self._read(connection))
        with self._database.writing() as connection:
            part = Part(connection, self._portal)
            part.insert_new(lease, [
                {"portal": self._portal, "epoch": 0, "holder": None, "since": None, "heartbeat_at": None}
            ])
            row = part.select(_SEIZE)[0]
            now = self._refuse_if_held(connection, row)
            epoch: int = row.epoch + 1
            part.change(_TAKE, new=epoch, who=self._holder, now=now)
            let_go(connection, self._portal, keeper=self._holder)
        self.epoch, self._last_beat = epoch, _clock()
        if not self._database.in_memory:        # nobody else can see that one
            self._thread = threading.Thread(target=self._keep, name="handoff-lease", daemon=True)
            self._thread.start()
        return epoch

    def give_back(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        epoch, self.epoch = self.epoch, None
        try:
            with self._database.writing() as connection:
                Part(connection, self._portal).change(_RELEASE, epoch_=epoch)
        except ConnectorError:
            log.warning("The lease could not be given back; it runs out by itself", extra={"action": "lease"})

    def check(self, connection: Connection) -> None:
        """Within each writing transaction. Without a lease of our own it asks only that no other process works here:
        a thread that delivers goes on while another of ours takes the lease."""
        row, epoch = self._read(connection, share=True), self.epoch
        if epoch is None:
            if row is None or row.holder != self._holder:
                self._refuse_if_held(connection, row)
        elif row is None or row.epoch != epoch:
            raise _lost()

    def hold(self, seconds: float) -> None:
        """See that the lease is ours for so long: before a write outside, which no epoch can stop (I8).

        Looks into the database only where the last heartbeat does not answer for it: a worker that was frozen finds
        out here, before it writes. One that we gave back ourselves meanwhile is not lost. Raises LeaseLostError.
        """
        if self.seconds_left() > seconds or (self._beat() and self.seconds_left() > seconds):
            return
        if not self._stop.is_set():
            raise _lost()

    def seconds_left(self) -> float:
        """How long the lease is ours for certain, without looking; 0 where it is not (I8)."""
        if self.epoch is None:
            return 0.0
        if self._database.in_memory:
            return self._stale.total_seconds()
        return max(0.0, self._last_beat + self._stale.total_seconds() - _clock())

    def _read(self, connection: Connection, *, share: bool = False) -> Row[Any] | None:
        rows = Part(connection, self._portal).select(_SHARE if share else _READ)
        return rows[0] if rows else None

    def _refuse_if_held(self, connection: Connection, row: Row[Any] | None) -> datetime:
        """Gives the clock's now where the portal is free."""
        now = self._database.now(connection)
        if row is None or row.holder is None or now - row.heartbeat_at > self._stale or is_dead(row.holder):
            return now
        raise AlreadyRunningError(
            f"Handoff already works on this portal: {describe(row.holder)}, since {row.since:%Y-%m-%d %H:%M:%S} UTC",
            advice="Wait until it is done, or end that process; a lease that nobody renews runs out after "
            f"{self._stale.total_seconds():.0f} seconds.",
        )

    def _keep(self) -> None:
        while not self._stop.wait(self._beat_seconds):
            try:
                if not self._beat():
                    return
            except ConnectorError:
                continue        # the next one may get through; if none does, the epoch tells

    def _beat(self) -> bool:
        """False where the portal is another's by now."""
        begun = _clock()
        with self._database.writing() as connection:
            now = self._database.now(connection)
            mine = Part(connection, self._portal).change(_BEAT, epoch_=self.epoch, now=now)
        if mine:
            self._last_beat = begun
        return bool(mine)


def _clock() -> float:
    """Seconds of a clock that nobody sets; where the system has such a one, it goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _lost() -> LeaseLostError:
    return LeaseLostError(
        "Another process has taken this portal over; this one writes nothing more",
        advice="Nothing is lost: the other goes on from the last commit. See that only one is scheduled.",
    )
