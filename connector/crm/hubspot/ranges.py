"""Reading spans side by side: threads that fetch, while whoever takes the pages stores them.

Only fetching is done beside: pages are given out on the caller's thread, one by one, each with a cursor. It begins with
one thread, and there is one more only while the taker waits for pages though neither the portal's limits nor this
machine's processor hold them up: where both are near, one thread is not slower than four. Spans are spans.py's, what a
page is full_pull.py's and stretches.py's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextvars import copy_context
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from connector.crm.hubspot.naps import EndedError, end_with
from connector.crm.hubspot.spans import LIST, SEARCH, Plan, Span
from connector.errors import ContractError, RateLimitedError, ScopeError

logger = logging.getLogger(__name__)

Row = TypeVar("Row")

MOST = {LIST: 10, SEARCH: 3}
"""Threads of each door; 100 contacts take HubSpot up to half a second, and 19 calls a second are allowed."""
MOST_BUSY = 0.7
"""Of one processor; above it this process holds itself up, and another thread would only take turns."""
MOST_REFUSALS = 3
"""So many searches answered 429 while we pace our own: others of the portal search, and it is left to them (P8)."""
GOODBYE_SECONDS = 2.0


class Fetched(NamedTuple, Generic[Row]):
    """`ids`: of the rows, by which a span of ids takes its own. `following`: the door's own cursor for what comes next;
    None where it gave none. `ended`: nothing is left."""

    rows: tuple[Row, ...]
    ids: Sequence[int]
    following: str | None
    ended: bool


class Given(NamedTuple, Generic[Row]):
    """A page for the taker. `cursor` is None when nothing is left."""

    rows: tuple[Row, ...]
    cursor: str | None
    door: str


class Doors(NamedTuple, Generic[Row]):
    """How the threads come by pages.

    Attributes:
        fetch: a page of a span by each door; called on many threads. Without SEARCH only the list is read.
        survey: called once, before a second thread reads: the id from which on contacts count as new; None where spans
            may not be divided.
        held_up: how often calls of a door waited for a limit until now.
        refusals: how many searches were answered 429 until now.
    """

    fetch: Mapping[str, Callable[[Span], Fetched[Row]]]
    survey: Callable[[], int | None]
    held_up: Callable[[str], int]
    refusals: Callable[[], int]


class Growth:
    """Whether one more thread would help. Asked once a page; judges anew after as many pages as there are threads."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, processor: Callable[[], float] = time.process_time
    ) -> None:
        self._clock, self._processor = clock, processor
        self._pages = self._starved = 0
        self._held = Counter[str]()
        self._begin()

    def judge(self, *, starved: bool, threads: Mapping[str, int], held_up: Callable[[str], int]) -> str | None:
        """The door to open once more; None for none. `starved`: the taker had to wait for this page."""
        self._pages += 1
        self._starved += starved
        if self._pages < max(2, sum(threads.values())):
            return None
        is_short = self._starved * 2 >= self._pages and not self._is_busy()
        held = {door: held_up(door) for door in threads}
        free = [door for door in threads if held[door] <= self._held[door] and threads[door] < MOST[door]]
        # The second limit is for what the first cannot give.
        wanted = next((door for door in free if door == LIST or held[LIST] > self._held[LIST]), None)
        self._held.update({door: held[door] - self._held[door] for door in held})
        self._begin()
        return wanted if is_short else None

    def _begin(self) -> None:
        self._pages = self._starved = 0
        self._since = self._clock(), self._processor()

    def _is_busy(self) -> bool:
        passed, used = self._clock() - self._since[0], self._processor() - self._since[1]
        return used > passed * MOST_BUSY


class Ranges(Generic[Row]):
    """One pull under way; `pages` is used once, by one thread."""

    def __init__(self, plan: Plan, doors: Doors[Row], growth: Growth | None = None) -> None:
        self._plan, self._doors, self._growth = plan, doors, growth or Growth()
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._ready: deque[tuple[Span, str, tuple[Row, ...]]] = deque()
        self._failed: BaseException | None = None
        self._threads: list[threading.Thread] = []
        self._working = Counter(dict.fromkeys(doors.fetch, 0))
        self._surveyed = False
        self._refusals = doors.refusals()

    def pages(self) -> Generator[Given[Row], None, None]:
        """Pages as they come. Coming back for the next one says that the last is stored.

        Raises:
            whatever a fetch raised, once the pages that came before it are given out.
        """
        try:
            self._open(LIST)
            while (taken := self._take()) is not None:
                span, given = taken
                yield given
                with self._changed:
                    self._plan.stored(span)
                    self._changed.notify_all()
        finally:
            self._close()

    # -- the taker's thread --------------------------------------------------------------------------------------

    def _take(self) -> tuple[Span, Given[Row]] | None:
        with self._changed:
            starved = not self._ready
            while not self._ready:
                if self._failed is not None:
                    raise self._failed
                if self._plan.is_done:
                    return None
                self._changed.wait()
            span, door, rows = self._ready.popleft()
            given = Given(rows, self._plan.write(span), door)
            wanted = self._growth.judge(starved=starved, threads=self._working, held_up=self._doors.held_up)
        if wanted is not None:
            self._open(wanted)
        return span, given

    def _open(self, door: str) -> None:
        with self._changed:
            self._working[door] += 1
            self._plan.most = sum(self._working.values())
        work = partial(copy_context().run, self._work, door)  # its calls are for what the taker's are for
        thread = threading.Thread(target=work, name=f"handoff-{door}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _close(self) -> None:
        """The threads end soon: those asleep at once, those in a call when it is answered."""
        self._ended.set()
        with self._changed:
            self._changed.notify_all()
        until = time.monotonic() + GOODBYE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    # -- the other threads ---------------------------------------------------------------------------------------

    def _work(self, door: str) -> None:
        end_with(self._ended)
        try:
            if len(self._threads) > 1:
                self._survey()
            while (span := self._claim(door)) is not None:
                self._fetch(door, span)
        except EndedError:
            pass
        except BaseException as error:  # handed to the taker, on whose behalf this thread runs
            with self._changed:
                self._failed = self._failed or error
            self._ended.set()
        finally:
            with self._changed:
                if door in self._working:
                    self._working[door] -= 1
                self._plan.most = max(1, sum(self._working.values()))
                self._changed.notify_all()

    def _survey(self) -> None:
        with self._changed:
            mine, self._surveyed = not self._surveyed, True
        if mine and (newest := self._doors.survey()) is not None:
            with self._changed:
                self._plan.open(newest)
                self._changed.notify_all()

    def _claim(self, door: str) -> Span | None:
        with self._changed:
            while not self._ended.is_set() and not self._plan.is_done and door in self._working:
                if (span := self._plan.claim(door)) is not None:
                    return span
                self._changed.wait()
        return None

    def _fetch(self, door: str, span: Span) -> None:
        try:
            self._keep(span, door, self._doors.fetch[door](span))
        except (ContractError, ScopeError, RateLimitedError) as error:
            if door == LIST:
                raise
            self._leave(door, span, str(error))
        if door == SEARCH and self._doors.refusals() - self._refusals >= MOST_REFUSALS:
            self._leave(door, None, "others use the portal's searches up")

    def _keep(self, span: Span, door: str, page: Fetched[Row]) -> None:
        with self._changed:
            kept = page.rows[span.take_in(page.ids, page.following, ended=page.ended)]
            if kept:
                self._ready.append((span, door, kept))
            else:
                self._plan.stored(span)
            self._changed.notify_all()

    def _leave(self, door: str, span: Span | None, why: str) -> None:
        """A door is used no more; what it had in hand is read through the other."""
        with self._changed:
            if self._working.pop(door, None) is not None:
                facts = {"action": "leave_door", "door": door}
                logger.warning("the full pull goes on without the door %s: %s", door, why, extra=facts)
            if span is not None:
                self._plan.put_back(span)
            self._changed.notify_all()
