"""The pacing windows in PostgreSQL: processes on any machine with one database share one budget of calls.

Fulfils pyrate-limiter's bucket; what a window is for is crm/hubspot/pacing.py's. The first call comes before the tables
are made, so this one table is made here and is no part of their versions: it holds instants of the last seconds, is
not logged, and may be dropped at any time. Where the server does not answer, this process paces alone, and says so: the
store tells what is wrong with the database.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import cached_property

from pyrate_limiter import AbstractBucket, InMemoryBucket, Rate, RateItem
from pyrate_limiter.abstracts.algorithm import ADMITTED, Decision
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from connector.errors import SettingsError
from connector.store.database import server_engine
from connector.store.place import parse_url

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0
"""So long a call waits for another process to count its own; longer than that, that process stands still."""
ALONE_SECONDS = 30.0
KEPT_MS = 2_000
"""So much longer than a window an instant is kept: who compares with the portal's count looks further back."""
LOCK = 0x48414E45  # any number that other programs on the server are unlikely to lock by

_MAKE = """CREATE UNLOGGED TABLE IF NOT EXISTS handoff_pacing (
    name varchar(40) PRIMARY KEY, calls bigint[] NOT NULL)"""
_ADD = "INSERT INTO handoff_pacing (name, calls) VALUES (:name, '{}') ON CONFLICT DO NOTHING"
_LOCK_ROW = "SELECT calls FROM handoff_pacing WHERE name = :name FOR UPDATE"
_KEEP = "UPDATE handoff_pacing SET calls = CAST(:calls AS bigint[]) WHERE name = :name"
_CLOCK = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"


class SharedWindow(AbstractBucket):
    """One window. Instants are the server's, in milliseconds; safe for several threads one after the other."""

    is_async = False

    def __init__(self, url: str, name: str, rates: Sequence[Rate]) -> None:
        """Nothing is asked of the server before the first call."""
        self.rates = list(rates)
        self._name = name
        self._url = url
        self._alone = InMemoryBucket(list(rates))
        self._ahead_ms = 0
        self._since = 0
        self._is_made = False
        self._alone_until = float("-inf")

    @cached_property
    def _engine(self) -> Engine:
        return server_engine(parse_url(self._url), PATIENCE_SECONDS)

    def now(self) -> int:
        return time.time_ns() // 1_000_000 + self._ahead_ms

    def put(self, item: RateItem) -> bool:
        self._alone.rates = self.rates
        decision = self._decide(item)
        if decision is None:
            taken = self._alone.put(item)
            waiting = 0 if taken else self._alone.waiting(item)
            assert isinstance(waiting, int)
            return self._record(item, ADMITTED if taken else Decision(self.rates[0], max(0, waiting)))
        if decision.allowed:  # counted here too: whoever must go on alone begins with what it did
            self._alone.leak(item.timestamp)
            self._alone.put(item)
        return self._record(item, decision)

    def count(self) -> int:
        try:
            with self._engine.begin() as connection:
                return sum(one >= self._since for one in self._locked(connection))
        except (SQLAlchemyError, SettingsError):
            return self._alone.count()

    def leak(self, current_timestamp: int | None = None) -> int:
        """What is older is no longer counted; the next call takes it out."""
        if current_timestamp is not None:
            self._since = current_timestamp - self.rates[-1].interval
        return 0

    def flush(self) -> None:
        self._alone.flush()
        self.failing_rate = None
        try:
            with self._engine.begin() as connection:
                connection.execute(text(_KEEP), {"name": self._name, "calls": []})
        except (SQLAlchemyError, SettingsError) as error:
            self._go_alone(error)

    def peek(self, index: int) -> RateItem | None:
        with self._engine.begin() as connection:
            calls = self._locked(connection)
        return RateItem("call", calls[-1 - index]) if index < len(calls) else None

    def close(self) -> None:
        if "_engine" in self.__dict__:
            self._engine.dispose()

    def _decide(self, item: RateItem) -> Decision | None:
        """None where the server does not answer."""
        if time.monotonic() < self._alone_until:
            return None
        try:
            with self._engine.begin() as connection:
                self._make(connection)
                calls = self._locked(connection)
                now = int(connection.execute(text(_CLOCK)).scalar_one())
                self._ahead_ms += now - self.now()
                decision = admit(calls, self.rates[0], now, item.weight)
                if decision.allowed:
                    kept = [one for one in calls if one >= now - self.rates[0].interval - KEPT_MS]
                    values = {"name": self._name, "calls": kept + [now] * item.weight}
                    connection.execute(text(_KEEP), values)
                return decision
        except (SQLAlchemyError, SettingsError) as error:
            self._go_alone(error)
            return None

    def _make(self, connection: Connection) -> None:
        connection.execute(text("SET LOCAL synchronous_commit = off"))
        if not self._is_made:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            connection.execute(text(_MAKE))
            connection.execute(text(_ADD), {"name": self._name})
            self._is_made = True

    def _locked(self, connection: Connection) -> list[int]:
        return list(connection.execute(text(_LOCK_ROW), {"name": self._name}).scalar_one())

    def _go_alone(self, error: Exception) -> None:
        self._alone_until, self._is_made = time.monotonic() + ALONE_SECONDS, False
        facts = {"action": "pace_alone", "error": type(error).__name__}
        logger.warning("the database does not count calls; this process paces its own alone for a while", extra=facts)


def admit(calls: Sequence[int], rate: Rate, now: int, weight: int) -> Decision:
    """Whether so many more calls fit into the window that ends now; if not, when."""
    within = sorted(one for one in calls if one >= now - rate.interval)
    surplus = len(within) + weight - rate.limit
    if surplus <= 0:
        return ADMITTED
    if weight > rate.limit:
        return Decision(rate)
    return Decision(rate, within[surplus - 1] + rate.interval + 1 - now)
