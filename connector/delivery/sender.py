"""The sender: posts what is due, learns from each answer when to try again, and never fails because a receiver does.

One post at a time to each destination and all destinations at once, each with a queue of its own, so that a slow one
delays itself alone. A receiver that takes what it is given gets a few posts in a row before they are recorded together;
killed in between, those are sent again with the same ids (I6). The outbox is touched from the calling thread only.
What is sent was written long before: bodies are payload.py's. What an answer says about its destination is health.py.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from connector.delivery import health
from connector.delivery.backoff import next_try, parse_retry_after
from connector.delivery.changeover import notice_secrets, secrets_to_sign_with
from connector.delivery.destinations import Destination
from connector.delivery.door import Answer, Outlet
from connector.delivery.signature import sign
from connector.engine.ports import DestinationState, Entry, Outbox, Try
from connector.errors import ConnectorError

BATCH = 50
"""Entries of one destination claimed and held in memory at once; a body is below 20 kB."""
MOST_IN_A_ROW, ROW_SECONDS = 16, 0.25
"""Posts to one destination that are recorded together: one, then twice as many with each row that was taken whole, but
none is begun later than this. They are what a kill may have sent twice. A pass goes on as the last one ended."""
POST_SECONDS = 15.0
"""How long a post may take; so long the lease must be ours (I8)."""
BRISK_A_SECOND = 10
LONGEST_SECONDS = 240.0
"""Of a pass in which so many notices a second are taken; below the claim's five minutes."""

RECORDED = {
    "sent": (logging.INFO, "Notice sent"),
    "due": (logging.WARNING, "Notice not taken, will be tried again"),
    "exhausted": (logging.ERROR, "Notice given up after its last try"),
}

log = logging.getLogger(__name__)


def _wall_clock() -> datetime:
    return datetime.now(UTC)


def _whoever(_seconds: float) -> None:
    """Without a lease nobody needs to be asked."""


class Sender:
    """Fulfils ports.Delivery.

    Args:
        doors: one for each destination (doors.open_doors).
        wall_clock: for signatures alone; receivers compare them with their own clock, whatever time a run lives in.
        pass_seconds: no new post begins later than this in one `deliver`, unless receivers are brisk (`_is_over`); must
            stay below the claim's five minutes.
        hold: called before each post with the seconds that it may take; raises where the portal is another's (I8).
    """

    def __init__(
        self,
        outbox: Outbox,
        destinations: Mapping[str, Destination],
        doors: Mapping[str, Outlet],
        *,
        wall_clock: Callable[[], datetime] = _wall_clock,
        pass_seconds: float = 60.0,
        hold: Callable[[float], None] = _whoever,
    ) -> None:
        self.hold = hold
        self._outbox, self._destinations, self._doors = outbox, dict(destinations), doors
        self._wall_clock, self.pass_seconds = wall_clock, pass_seconds
        self._states: dict[str, DestinationState] = {}
        self._secrets: dict[str, tuple[str, ...]] = {}
        self.in_a_row: dict[str, int] = {}

    def deliver(self, now: datetime) -> int:
        """Send what is due and what becomes due meanwhile; gives how many entries were answered 2xx."""
        self._states = self._outbox.destinations()
        self._look_at_secrets(now)
        first = self._outbox.claim(now, BATCH)
        if not first:
            return 0
        with ThreadPoolExecutor(max_workers=len(self._destinations) + 1, thread_name_prefix="deliver") as threads:
            one = _Pass(self, threads, now)
            try:
                return one.run(first)
            finally:
                self._give_back(one.left)

    def next_due(self, now: datetime) -> datetime | None:
        """When it is worth while to deliver again; None where nothing waits for a destination that is on."""
        return self._outbox.next_due(now)

    def close(self) -> None:
        for door in self._doors.values():
            door.close()

    def _give_back(self, entries: list[Entry]) -> None:
        """Where that fails, too, their claims run out by themselves."""
        if entries:
            with suppress(ConnectorError):
                self._outbox.give_back([entry.id for entry in entries])

    def _look_at_secrets(self, now: datetime) -> None:
        for name, destination in self._destinations.items():
            state = self._states.get(name, DestinationState(name=name))
            if notice_secrets(state, destination.secrets, now) != state:
                how = partial(notice_secrets, secrets=destination.secrets, now=now)
                state = self._states[name] = self._outbox.learn(name, how)
            self._secrets[name] = secrets_to_sign_with(state, destination.secrets, now)

    # -- what a pass asks -------------------------------------------------------------------------------------------

    def claim(self, now: datetime, destination: str) -> list[Entry]:
        return self._outbox.claim(now, BATCH, destination)

    def may_send(self, destination: str, now: datetime) -> bool:
        """False while it is off or rests; its entries stay due."""
        state = self._states.get(destination)
        return state is None or state.may_send(now)

    def post(self, entry: Entry) -> Answer:
        """In the destination's thread."""
        destination = self._destinations.get(entry.destination)
        if destination is None:
            return Answer(status=None, problem="not sent: no such destination, or its variables are unset")
        headers = {"Content-Type": "application/json"}
        if secrets := self._secrets[entry.destination]:
            headers |= sign(secrets, entry.id, self._wall_clock(), entry.body)
        return self._doors[entry.destination].post(destination.url, entry.body.encode(), headers)

    def settle(self, answers: Sequence[tuple[Entry, Answer, datetime]]) -> int:
        """Record these tries; gives how many were answered 2xx (I6)."""
        tries = [self._try(entry, answer, at) for entry, answer, at in answers]
        states = self._outbox.record(tries)
        for (entry, answer, _), one in zip(answers, tries, strict=True):
            level, message = RECORDED[one.status]
            facts = {"entry": entry.id, "destination": entry.destination, "try": entry.tries + 1, "why": one.error}
            log.log(level, message, extra={"action": "deliver", "http_status": answer.status, **facts})
        for state in states:
            self._learnt(state)
        return sum(one.status == "sent" for one in tries)

    def _try(self, entry: Entry, answer: Answer, at: datetime) -> Try:
        asked = parse_retry_after(answer.retry_after, at)
        known = entry.destination in self._destinations
        learn = partial(health.learn, status=answer.status, at=at, asked=asked) if known else None
        if was_taken(answer):
            return Try(entry=entry.id, at=at, status="sent", seconds=answer.seconds, learn=learn)
        again = next_try(entry.id, entry.tries + 1 - entry.spent, at, asked)
        if answer.status == health.GONE:
            again = again or at     # not given up: it waits until a person switches its destination on again
        return Try(
            entry=entry.id, at=at, status="due" if again else "exhausted", due_at=again, error=_in_words(answer),
            seconds=answer.seconds, learn=learn,
        )

    def _learnt(self, state: DestinationState) -> None:
        before = self._states.get(state.name)
        self._states[state.name] = state
        if state.off_at is not None and (before is None or before.off_at is None):
            facts = {"action": "switch_off", "destination": state.name, "why": state.off_by}
            log.error("Destination switched off; its notices wait", extra=facts)


class _Row:
    """Posts to one destination, one after the other, until one is not taken or the time is over."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.answers: list[tuple[Entry, Answer, datetime]] = []

    @property
    def left(self) -> list[Entry]:
        return self.entries[len(self.answers) :]

    @property
    def was_taken(self) -> bool:
        return not self.left and all(was_taken(answer) for _, answer, _ in self.answers)

    def post(self, post: Callable[[Entry], Answer], now: Callable[[], datetime]) -> None:
        """In the destination's thread."""
        until = time.monotonic() + ROW_SECONDS
        for entry in self.entries:
            answer = post(entry)
            self.answers.append((entry, answer, now()))
            if not was_taken(answer) or time.monotonic() >= until:
                return


class _Pass:
    """One `deliver`: who waits, who is on the way, and what time it is."""

    def __init__(self, sender: Sender, threads: ThreadPoolExecutor, now: datetime) -> None:
        self._sender, self._threads = sender, threads
        self._began_at, self._began = now, time.monotonic()
        self._waiting: dict[str, deque[Entry]] = {}
        self._set_aside: list[Entry] = []
        self._running: dict[Future[None], tuple[str, _Row]] = {}
        self._sent = 0

    @property
    def left(self) -> list[Entry]:
        """Claimed and not settled; they are still due."""
        return [*self._set_aside, *(entry for queue in self._waiting.values() for entry in queue)]

    def run(self, first: list[Entry]) -> int:
        self._take(first)
        try:
            while self._start():
                done, _ = wait(self._running, return_when=FIRST_COMPLETED)
                for name in self._settle(done):
                    if not self._waiting[name] and self._sender.may_send(name, self._now()) and not self._is_over():
                        # What waited behind the entries just sent, for the same contacts, can be claimed now.
                        self._take(self._sender.claim(self._now(), name))
        except ConnectorError:
            self._write_down_the_rest()
            raise
        return self._sent

    def _take(self, entries: list[Entry]) -> None:
        for entry in entries:
            self._waiting.setdefault(entry.destination, deque()).append(entry)

    def _start(self) -> bool:
        """Whether anything is on the way."""
        busy = {name for name, _ in self._running.values()}
        for name, queue in self._waiting.items():
            if not self._sender.may_send(name, self._now()) or self._is_over():
                self._set_aside += queue
                queue.clear()
            elif queue and name not in busy:
                self._sender.hold(POST_SECONDS + ROW_SECONDS)
                row = _Row([queue.popleft() for _ in range(min(self._sender.in_a_row.get(name, 1), len(queue)))])
                self._running[self._threads.submit(row.post, self._sender.post, self._now)] = name, row
        return bool(self._running)

    def _settle(self, done: Iterable[Future[None]]) -> list[str]:
        """Record what was answered; gives the destinations that are free again."""
        rows = {future: self._running.pop(future) for future in done}
        for name, row in rows.values():
            self._waiting[name].extendleft(reversed(row.left))
            self._sender.in_a_row[name] = min(2 * len(row.entries), MOST_IN_A_ROW) if row.was_taken else 1
        answers = [answer for _, row in rows.values() for answer in row.answers]
        try:
            self._sent += self._sender.settle(answers)
        except ConnectorError:
            self._set_aside += [entry for entry, _, _ in answers]  # not written down: sent again, under their ids
            raise
        for future in rows:
            future.result()
        return [name for name, _ in rows.values()]

    def _write_down_the_rest(self) -> None:
        """The pass ends early, but what is on the way will be answered; what cannot be written down is sent again."""
        with suppress(ConnectorError):
            while self._running:
                wait(self._running)
                self._settle(list(self._running))

    def _now(self) -> datetime:
        return self._began_at + timedelta(seconds=time.monotonic() - self._began)

    def _is_over(self) -> bool:
        """A receiver that takes notices briskly may have all of a busy day in one pass."""
        seconds = time.monotonic() - self._began
        brisk = self._sent > BRISK_A_SECOND * seconds
        return seconds > (max(LONGEST_SECONDS, self._sender.pass_seconds) if brisk else self._sender.pass_seconds)


def was_taken(answer: Answer) -> bool:
    return answer.status is not None and 200 <= answer.status < 300


def _in_words(answer: Answer) -> str:
    status = answer.status
    if status is None:
        return answer.problem
    if status == health.GONE:
        return "410: the receiver is gone for good; nothing more is sent to it until a person switches it on again"
    if 300 <= status < 400:
        return f"{status}: it wants to send us elsewhere; redirects are not followed, correct its address"
    return f"{status}"
