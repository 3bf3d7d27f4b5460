"""The writer: one thread through which all requests store their hints, several in one short transaction.

A request is answered once its hints are durable, or told to come again: the database has two seconds, and what waits
in memory is bounded. The first one is written at once, those that follow closely a moment later together: whoever waits
for an answer sends more events with the next request, and a request costs more than its events. Never takes the run's
lease, for hints are only put in.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from connector.domain.hint import Hint
from connector.errors import ConnectorError

MOST_WAITING = 100_000
"""Hints that wait in the database; beyond it HubSpot is told to come again later."""
MOST_IN_MEMORY = 20_000
"""Hints of requests that wait for the writer."""
PER_TRANSACTION = 5_000
COUNT_AGAIN_SECONDS = 1.0
APART_SECONDS = 0.05
"""So long after the last transaction began, unless many wait."""
MANY_REQUESTS = 10
"""HubSpot has no more under way for one account (sources.py)."""

log = logging.getLogger(__name__)


class Inbox(Protocol):
    """Where hints are put; used from the writer's thread alone."""

    def put(self, hints: Sequence[Hint]) -> None: ...
    def waiting(self) -> int: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class _Parcel:
    """One request's hints, and whom to tell."""

    hints: Sequence[Hint]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[bool]


class Writer:
    """Args:
    arrived: called after each transaction; it must be quick.
    most_waiting: bound of the queue in the database; for tests.
    """

    def __init__(
        self, inbox: Inbox, *, arrived: Callable[[], object], most_waiting: int = MOST_WAITING
    ) -> None:
        self._inbox, self._arrived, self._most = inbox, arrived, most_waiting
        self._parcels: deque[_Parcel] = deque()
        self._in_memory = 0
        self._waiting, self._counted_at = 0, float("-inf")
        self._began_at = float("-inf")
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="handoff-inbox", daemon=True)
        self._thread.start()

    def put(self, hints: Sequence[Hint]) -> asyncio.Future[bool]:
        """In the event loop's thread. True once they are durable; False where they cannot be taken now."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bool] = loop.create_future()
        with self._changed:
            if self._ended or self._in_memory + len(hints) > MOST_IN_MEMORY:
                answer.set_result(False)
                return answer
            self._in_memory += len(hints)
            self._parcels.append(_Parcel(hints, loop, answer))
            self._changed.notify()
        return answer

    def close(self) -> None:
        """What has come in is still written; then the inbox is closed."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()
        self._inbox.close()

    # -- in the thread -----------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while parcels := self._next():
            taken = self._store([hint for parcel in parcels for hint in parcel.hints])
            for parcel in parcels:
                _tell(parcel, taken)
            if taken:
                self._arrived()

    def _next(self) -> list[_Parcel]:
        """All that came meanwhile, within one transaction's bound; empty once it is over."""
        with self._changed:
            while not self._parcels and not self._ended:
                self._changed.wait()
            until = self._began_at + APART_SECONDS
            while not self._ended and len(self._parcels) < MANY_REQUESTS and time.monotonic() < until:
                self._changed.wait(until - time.monotonic())
            self._began_at = time.monotonic()
            parcels: list[_Parcel] = []
            count = 0
            while self._parcels and (not parcels or count + len(self._parcels[0].hints) <= PER_TRANSACTION):
                parcels.append(self._parcels.popleft())
                count += len(parcels[-1].hints)
            self._in_memory -= count
            return parcels

    def _store(self, hints: Sequence[Hint]) -> bool:
        try:
            if time.monotonic() - self._counted_at > COUNT_AGAIN_SECONDS:
                self._waiting, self._counted_at = self._inbox.waiting(), time.monotonic()
            if self._waiting + len(hints) > self._most:
                log.warning("Too many hints wait: none are taken", extra={"action": "shed", "waiting": self._waiting})
                return False
            self._inbox.put(hints)
        except ConnectorError as error:
            log.warning("Hints cannot be stored now: %s", error, extra={"action": "shed"})
            return False
        except Exception as error:  # around one transaction: the receiver stays up and says 503
            log.exception("Storing hints met something unforeseen: %s", type(error).__name__, extra={"action": "shed"})
            return False
        self._waiting += len(hints)
        return True


def _tell(parcel: _Parcel, taken: bool) -> None:
    def tell() -> None:
        if not parcel.answer.done():  # the request may have given up
            parcel.answer.set_result(taken)

    try:
        parcel.loop.call_soon_threadsafe(tell)
    except RuntimeError:  # the loop is closed; nobody waits any more
        return
