"""Pacing: no more calls than the portal allows, also when threads, processes and other programs share one token.

Two windows: all calls but searches by ten seconds, searches by the second (hubspot-facts, section 2). Kept in memory,
or where processes share them: a SQLite file, or the database server. What answers say of the portal's own count is
believed: calls of others are counted like ours. A 429 stops every thread for a moment and lowers the rate for a while
(fault table). Reads the bucket's own clock (wall or monotonic), never the run's. Retrying is left to transport.py.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pyrate_limiter import AbstractBucket, InMemoryBucket, Rate, RateItem, SQLiteBucket

from connector.crm.hubspot.naps import nap
from connector.errors import FatalError, SettingsError

logger = logging.getLogger(__name__)

# A little longer than HubSpot's windows: it counts arrivals, we count departures.
TEN_SECONDS_MS = 10_150
ONE_SECOND_MS = 1_050
CALM_SECONDS = 300.0
LOWEST_SHARE = 0.5
WIDER_MS = 100
"""What is added to a window that the portal counted and that was too short all the same: calls travel unevenly."""
WIDEST_MS = 500
LEARNT_SHARE = 0.97
"""Of the portal's own limit, where the settings leave the rate to us."""
PAUSE_SECONDS = 1.0
"""How long nobody calls after a 429 that does not say."""
LONGEST_PAUSE = 10.0
LATE_MS = 1_500
"""A call may be on its way so long: HubSpot still counts it when it has left our window."""
LOOK_SECONDS = 0.5

Sleep = Callable[[float], None]
Buckets = Callable[[str, list[Rate]], AbstractBucket]
"""(name of the window, its rates) → a count that processes share."""


class Pacer:
    """One window. `acquire` returns when one more call fits in it.

    Args:
        learns: the rate is ours to choose: it follows what the portal says it takes, also upwards.
    """

    def __init__(
        self,
        bucket: AbstractBucket,
        *,
        learns: bool = False,
        sleep: Sleep = nap,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bucket, self._learns, self._sleep, self._clock = bucket, learns, sleep, clock
        self._full = bucket.rates[0]
        self._lock = threading.Lock()
        self._puts = self._held_up = self._refusals = 0
        self._slowed_at: float | None = None
        self._paused_until = self._looked_at = self._seen_at = float("-inf")

    @property
    def limit(self) -> int:
        """Calls in one window at present."""
        return self._bucket.rates[0].limit

    @property
    def held_up(self) -> int:
        """Calls that had to wait until now."""
        return self._held_up

    @property
    def refusals(self) -> int:
        """Calls that the portal answered with a 429 until now."""
        return self._refusals

    def acquire(self) -> None:
        wait = self._try()
        if wait > 0:
            self._held_up += 1
        while wait > 0:
            self._sleep(wait)
            wait = self._try()

    def refused(self, seconds: float | None) -> None:
        """A 429: nobody calls for so long (None: it did not say), then slower. One is enough for all in flight."""
        with self._lock:
            self._refusals += 1
            now = self._clock()
            is_first = now >= self._paused_until
            pause = PAUSE_SECONDS if seconds is None else min(seconds, LONGEST_PAUSE)
            self._paused_until = max(self._paused_until, now + pause)
            counts = now - self._seen_at < CALM_SECONDS
        if is_first and counts:
            self._widen()
        elif is_first:
            self.slow_down()

    def see(self, remaining: int) -> None:
        """The portal says how many calls are left in its window. What others took of it is held back from ours."""
        with self._lock:
            now = self._seen_at = self._clock()
            if remaining >= self.limit or now - self._looked_at < LOOK_SECONDS:
                return
            self._looked_at = now
            self._bucket.leak(self._now() - LATE_MS)
            counted = self._bucket.count()
            assert isinstance(counted, int)
            taken = self.limit - counted - remaining
            if taken > 0:
                self._put(RateItem("others", self._now(), weight=taken))

    def slow_down(self) -> None:
        """Take a tenth off the rate, never below half of it; it comes back after five calm minutes."""
        with self._lock:
            self._set(max(int(self._full.limit * LOWEST_SHARE), int(self.limit * 0.9), 1))
            self._slowed_at = self._clock()
        logger.warning("calls are paced slower", extra={"action": "slow_down", "limit": self.limit})

    def fit(self, limit: int) -> None:
        """The portal told how many calls it takes: never more than that, however many the settings allow."""
        with self._lock:
            if self._learns and limit > 0:
                self._learn(max(1, int(limit * LEARNT_SHARE)))
            elif 0 < limit < self._full.limit:
                facts = {"action": "fit", "limit": limit}
                logger.warning("the portal takes fewer calls than the settings allow", extra=facts)
                self._full = Rate(limit, self._full.interval)
                self._set(min(limit, self.limit))

    def close(self) -> None:
        self._bucket.close()

    def _widen(self) -> None:
        """Where the portal tells its own count there is no doubt about the rate, only about when a call arrives."""
        with self._lock:
            wider = min(self._full.interval + WIDEST_MS, self._bucket.rates[0].interval + WIDER_MS)
            self._set(self.limit, wider)
            self._slowed_at = self._clock()
        logger.warning("calls are paced a little wider", extra={"action": "widen", "milliseconds": wider})

    def _learn(self, limit: int) -> None:
        if limit == self._full.limit:
            return
        logger.debug("calls are paced as the portal says", extra={"action": "learn", "limit": limit})
        self._full = Rate(limit, self._full.interval)
        if self._slowed_at is None or limit < self.limit:
            self._set(limit)

    def _try(self) -> float:
        """Seconds to wait before the next try; 0 when the call may go."""
        with self._lock:
            now = self._clock()
            if now < self._paused_until:
                return self._paused_until - now
            if self._slowed_at is not None and now - self._slowed_at > CALM_SECONDS:
                self._set(self._full.limit, self._full.interval)
                self._slowed_at = None
            item = RateItem("call", self._now())
            if not self._put(item):
                waiting = self._bucket.waiting(item)
                assert isinstance(waiting, int)
                # The wall clock was set back: stamps of the future would block us.
                if waiting > self._bucket.rates[0].interval + ONE_SECOND_MS:
                    self._bucket.flush()
                    return 1.0
                return max(waiting, 1) / 1000
            self._puts += 1
            if self._puts % 500 == 0:  # what has left the window leaves the bucket too: memory stays flat
                self._bucket.leak(self._now() - LATE_MS)
            return 0.0

    def _put(self, item: RateItem) -> bool:
        try:
            return bool(self._bucket.put(item))
        except sqlite3.Error as error:
            raise FatalError(
                f"the pacing file cannot be written ({type(error).__name__}: {error})",
                advice="See that its disk has room and works; the file lies beside the database. Then run again.",
            ) from error

    def _now(self) -> int:
        now: Callable[[], int] = self._bucket.now  # pyrate-limiter leaves it without types
        return now()

    def _set(self, limit: int, interval: int | None = None) -> None:
        self._bucket.rates = [Rate(limit, interval or self._bucket.rates[0].interval)]


class Pacing:
    """Both windows of one portal. A rate of 0 means that the window is not kept."""

    def __init__(
        self,
        *,
        per_10_seconds: int,
        searches_per_second: int,
        learns: bool = False,
        file: Path | None = None,
        buckets: Buckets | None = None,
        sleep: Sleep = nap,
    ) -> None:
        """Args:
            learns: of the ten seconds; searches tell nothing in their answers.
            file: of SQLite, through which processes share the count.
            buckets: makes windows that they share in another way. Without either they are kept in memory.
        """
        make = buckets or (_in_memory if file is None else partial(_in_file, file))
        self.calls = _pacer("calls", per_10_seconds, TEN_SECONDS_MS, make, sleep, learns=learns)
        self.searches = _pacer("searches", searches_per_second, ONE_SECOND_MS, make, sleep)

    def acquire(self, *, search: bool) -> None:
        if pacer := self._of(search):
            pacer.acquire()

    def refused(self, *, search: bool, seconds: float | None) -> None:
        """A 429; `seconds` as it asks to wait, None where it does not."""
        if pacer := self._of(search):
            pacer.refused(seconds)

    def see(self, remaining: int) -> None:
        if self.calls is not None:
            self.calls.see(remaining)

    def held_up(self, *, search: bool) -> int:
        """Calls that had to wait until now."""
        return pacer.held_up if (pacer := self._of(search)) else 0

    def refusals(self, *, search: bool) -> int:
        """Calls answered 429 until now; 0 where no window is kept."""
        return pacer.refusals if (pacer := self._of(search)) else 0

    def _of(self, search: bool) -> Pacer | None:
        return self.searches if search else self.calls

    def fit(self, per_10_seconds: int) -> None:
        if self.calls is not None:
            self.calls.fit(per_10_seconds)

    def close(self) -> None:
        for pacer in (self.calls, self.searches):
            if pacer is not None:
                pacer.close()


def _pacer(
    name: str, limit: int, interval_ms: int, make: Buckets, sleep: Sleep, *, learns: bool = False
) -> Pacer | None:
    if limit <= 0:
        return None
    return Pacer(make(name, [Rate(limit, interval_ms)]), learns=learns, sleep=sleep)


def _in_memory(_: str, rates: list[Rate]) -> AbstractBucket:
    return InMemoryBucket(rates)


def _in_file(file: Path, name: str, rates: list[Rate]) -> AbstractBucket:
    try:
        _make_private(file)  # its lock would wait for ever where we may not write
        bucket = SQLiteBucket.init_from_file(rates, table=name, db_path=str(file), use_file_lock=True)
        bucket.conn.execute("PRAGMA synchronous = OFF")  # a count that a power cut takes is no loss
    except (OSError, sqlite3.Error) as error:
        raise SettingsError(
            f"the pacing file {file} cannot be written ({type(error).__name__})",
            advice="Let this user write in its folder; the file lies beside the database of HANDOFF_DATABASE_URL.",
        ) from error
    return bucket


def _make_private(file: Path) -> None:
    """File and lock for us alone (S14). No folder is made: where there is none, the address is wrong."""
    for path in (file, file.with_name(file.name + ".lock")):
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
