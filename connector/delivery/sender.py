"""The sender: posts what is due, learns from each answer when to try again, and never fails because a receiver does.

One post at a time to each destination and all destinations at once, so that a slow one delays itself alone. The outbox
is touched from the calling thread only. What is sent was written long before: bodies are payload.py's.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta

from connector.delivery.backoff import next_try, parse_retry_after
from connector.delivery.destinations import Destination
from connector.delivery.door import Answer, Outlet
from connector.delivery.signature import sign
from connector.engine.ports import Entry, Outbox

BATCH = 50
MOST_WAITING = 2_000
"""Entries held in memory at once; a body is below 20 kB."""
BRISK_A_SECOND = 10
LONGEST_SECONDS = 240.0
"""Of a pass in which so many notices a second are taken; below the claim's five minutes."""
SLOWING = frozenset({429, 502, 504})
GONE = 410
SLOWED = timedelta(minutes=1)
FAILURES_IN_A_ROW = 3
"""After that many posts without any answer, a destination rests: every further one would cost the full timeout."""

RECORDED = {
    "sent": (logging.INFO, "Notice sent"),
    "due": (logging.WARNING, "Notice not taken, will be tried again"),
    "exhausted": (logging.ERROR, "Notice given up after its last try"),
}

log = logging.getLogger(__name__)


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class Sender:
    """Fulfils ports.Delivery.

    Args:
        doors: one for each destination (doors.open_doors).
        wall_clock: for signatures alone; receivers compare them with their own clock, whatever time a run lives in.
        pass_seconds: no new post begins later than this in one `deliver`, unless receivers are brisk (`_is_over`); must
            stay below the claim's five minutes.
    """

    def __init__(
        self,
        outbox: Outbox,
        destinations: Mapping[str, Destination],
        doors: Mapping[str, Outlet],
        *,
        wall_clock: Callable[[], datetime] = _wall_clock,
        pass_seconds: float = 60.0,
    ) -> None:
        self._outbox, self._destinations, self._doors = outbox, dict(destinations), doors
        self._wall_clock, self.pass_seconds = wall_clock, pass_seconds
        self._rests: dict[str, datetime] = {}
        self._gone: set[str] = set()

    def deliver(self, now: datetime) -> int:
        """Send what is due and what becomes due meanwhile; gives how many entries were answered 2xx."""
        first = self._outbox.claim(now, BATCH)
        if not first:
            return 0
        with ThreadPoolExecutor(max_workers=len(self._destinations) + 1, thread_name_prefix="deliver") as threads:
            return _Pass(self, threads, now).run(first)

    def close(self) -> None:
        for door in self._doors.values():
            door.close()

    # -- what a pass asks -------------------------------------------------------------------------------------------

    def claim(self, now: datetime) -> list[Entry]:
        return self._outbox.claim(now, BATCH)

    def may_send(self, destination: str, now: datetime) -> bool:
        """False while it rests or since it said that it is gone; its entries stay due."""
        return destination not in self._gone and now >= self._rests.get(destination, now)

    def rest(self, destination: str, until: datetime) -> None:
        self._rests[destination] = max(until, self._rests.get(destination, until))

    def post(self, entry: Entry) -> Answer:
        """In the destination's thread."""
        destination = self._destinations.get(entry.destination)
        if destination is None:
            return Answer(status=None, problem="not sent: no such destination, or its variables are unset")
        headers = {"Content-Type": "application/json"}
        if destination.secrets:
            headers |= sign(destination.secrets, entry.id, self._wall_clock(), entry.body)
        return self._doors[entry.destination].post(destination.url, entry.body.encode(), headers)

    def settle(self, entry: Entry, answer: Answer, at: datetime) -> bool:
        """Record one try; true where it was answered 2xx (I6)."""
        tries = entry.tries + 1
        status = answer.status
        if status is not None and 200 <= status < 300:
            self._record(entry, answer, at, "sent", None, "")
            return True
        asked = parse_retry_after(answer.retry_after, at)
        again = next_try(entry.id, tries, at, asked)
        if status in SLOWING:
            self.rest(entry.destination, at + max(asked or SLOWED, SLOWED))
        if status == GONE:
            self._gone.add(entry.destination)
        self._record(entry, answer, at, "due" if again else "exhausted", again, _in_words(answer))
        return False

    def _record(
        self, entry: Entry, answer: Answer, at: datetime, status: str, again: datetime | None, error: str
    ) -> None:
        self._outbox.record(entry.id, at=at, status=status, due_at=again, error=error, seconds=answer.seconds)
        level, message = RECORDED[status]
        facts = {"entry": entry.id, "destination": entry.destination, "try": entry.tries + 1, "why": error}
        log.log(level, message, extra={"action": "deliver", "http_status": answer.status, **facts})


class _Pass:
    """One `deliver`: who waits, who is on the way, and what time it is."""

    def __init__(self, sender: Sender, threads: ThreadPoolExecutor, now: datetime) -> None:
        self._sender, self._threads = sender, threads
        self._began_at, self._began = now, time.monotonic()
        self._waiting: dict[str, deque[Entry]] = {}
        self._running: dict[Future[Answer], Entry] = {}
        self._ours: set[str] = set()
        self._unanswered: Counter[str] = Counter()
        self._sent = 0

    def run(self, first: list[Entry]) -> int:
        self._take(first)
        while True:
            self._start()
            if not self._running:
                return self._sent
            done, _ = wait(self._running, return_when=FIRST_COMPLETED)
            idle = [self._settle(future) for future in done]
            if any(not self._waiting.get(name) for name in idle) and not self._is_over():
                # What waited behind the entry just sent, for the same contact, can be claimed now.
                self._take(self._sender.claim(self._now()))

    def _take(self, entries: list[Entry]) -> None:
        """These and, after a full batch, the next: many entries of a slow destination must not hide another's."""
        while entries:
            for entry in entries:
                if entry.id not in self._ours and self._sender.may_send(entry.destination, self._now()):
                    self._ours.add(entry.id)
                    self._waiting.setdefault(entry.destination, deque()).append(entry)
            if len(entries) < BATCH or len(self._ours) >= MOST_WAITING:
                return
            entries = self._sender.claim(self._now())

    def _start(self) -> None:
        busy = {entry.destination for entry in self._running.values()}
        for name, queue in self._waiting.items():
            if not self._sender.may_send(name, self._now()) or self._is_over():
                self._ours.difference_update(entry.id for entry in queue)
                queue.clear()       # their claim runs out by itself, and they are still due
            elif queue and name not in busy:
                entry = queue.popleft()
                self._running[self._threads.submit(self._sender.post, entry)] = entry

    def _settle(self, future: Future[Answer]) -> str:
        entry = self._running.pop(future)
        self._ours.discard(entry.id)
        answer = future.result()
        self._sent += self._sender.settle(entry, answer, self._now())
        name = entry.destination
        self._unanswered[name] = self._unanswered[name] + 1 if answer.status is None else 0
        if self._unanswered[name] >= FAILURES_IN_A_ROW:
            self._sender.rest(name, self._now() + SLOWED)
        return name

    def _now(self) -> datetime:
        return self._began_at + timedelta(seconds=time.monotonic() - self._began)

    def _is_over(self) -> bool:
        """A receiver that takes notices briskly may have all of a busy day in one pass."""
        seconds = time.monotonic() - self._began
        brisk = self._sent > BRISK_A_SECOND * seconds
        return seconds > (max(LONGEST_SECONDS, self._sender.pass_seconds) if brisk else self._sender.pass_seconds)


def _in_words(answer: Answer) -> str:
    status = answer.status
    if status is None:
        return answer.problem
    if status == GONE:
        return "410: the receiver is gone for good; nothing more is sent to it until Handoff starts anew"
    if 300 <= status < 400:
        return f"{status}: it wants to send us elsewhere; redirects are not followed, correct its address"
    return f"{status}"
