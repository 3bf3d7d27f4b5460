"""A window of activities: a long one is read side by side, in stretches of time, or form by form.

It begins with one cursor, as most windows need no more. What goes on is divided: all of the window once more, in
stretches of equal time, each with a cursor of its own, for nothing is said of the order in which rows come. How many
there are follows from how near the first rows lie; they are asked for twice and given once. Threads are ranges.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice, pairwise

from connector.crm.hubspot.client import Client
from connector.crm.hubspot.protocol import EPOCH, MILLISECOND, Cursors, to_milliseconds
from connector.crm.hubspot.ranges import Doors, Fetched, Ranges
from connector.crm.hubspot.spans import LIST, Plan, Span, Stretch
from connector.domain.activity import Activity
from connector.engine.ports import ActivityPage, Window

ONE_CURSOR_PAGES = 5
"""So many pages are read with one cursor before a window is a long one."""
SHORT = timedelta(days=2)
"""What is no longer than that is not divided: a run after another one asks for a day at most."""
MOST_STRETCHES = 64
PAGES_OF_ONE = 4
"""So many pages a stretch has, as far as one can tell beforehand; each costs one call at least."""

Read = Callable[[Window, str | None], tuple[tuple[Activity, ...], str | None]]
"""A page of a window, from a cursor on: its rows within the window, and the cursor that follows."""
Fetch = Callable[[Span], Fetched[Activity]]


def pull(client: Client, window: Window, cursor: str | None, read: Read) -> Iterator[ActivityPage]:
    """Pages as they come; the last one has no cursor and may be empty. `read` is called on many threads.

    Raises:
        ContractError: a cursor that comes twice.
    """
    seen = dict[str, datetime]()
    if cursor is None or not cursor.startswith("{"):
        for page in islice(one_by_one(window, cursor, read), ONE_CURSOR_PAGES if is_long(window) else None):
            yield page
            if page.cursor is None:
                return
            seen.update((row.id, row.occurred_at) for row in page.rows)
        plan = divide(window, seen.values())
    else:
        plan = Plan.read(cursor, Stretch)
    yield from side_by_side(client, plan, partial(_fetch, read, window, seen))


def follow(client: Client, window: Window, plan: Plan, fetch: Fetch) -> Iterator[ActivityPage]:
    """Pages of a plan whose spans are known from the beginning: of a long window the first ones are read one after the
    other, as few need more; the others side by side. The last page has no cursor and may be empty."""
    calls = 0
    while (calls < ONE_CURSOR_PAGES or not is_long(window)) and (span := plan.claim(LIST)) is not None:
        page = fetch(span)
        calls += 1
        rows = page.rows[span.take_in(page.ids, page.following, ended=page.ended)]
        if rows:
            yield ActivityPage(rows=rows, cursor=plan.write(span))
        plan.stored(span)
    yield from side_by_side(client, plan, fetch)


def side_by_side(client: Client, plan: Plan, fetch: Fetch) -> Iterator[ActivityPage]:
    """Pages of a plan as they come; `fetch` is called on many threads."""
    doors = Doors(
        fetch={LIST: fetch},
        survey=lambda: None,
        held_up=lambda _: client.transport.held_up(search=False),
        refusals=lambda: 0,
    )
    for given in () if plan.is_done else Ranges(plan, doors).pages():
        yield ActivityPage(rows=given.rows, cursor=given.cursor)
    yield ActivityPage(rows=(), cursor=None)


def is_long(window: Window) -> bool:
    return window.until - window.since > SHORT


def one_by_one(window: Window, cursor: str | None, read: Read) -> Iterator[ActivityPage]:
    """Page after page, each asked for when it is wanted. Raises ContractError: a cursor that comes twice."""
    cursors = Cursors(cursor)
    while True:
        rows, after = read(window, cursor)
        cursor = cursors.next(after)
        yield ActivityPage(rows=rows, cursor=cursor)
        if cursor is None:
            return


def divide(window: Window, seen: Collection[datetime]) -> Plan:
    """Stretches of equal length that leave nothing of the window out; `seen`: when the rows of the first pages were.

    The newest first: people did more lately than long ago, and the longest must not be left to the end.
    """
    low, end = to_milliseconds(window.since), to_milliseconds(window.until) + 1
    took = max(seen) - min(seen) if seen else timedelta(0)
    pages = (window.until - window.since) / took * ONE_CURSOR_PAGES if took else float("inf")
    number = round(min(MOST_STRETCHES, max(2.0, pages / PAGES_OF_ONE)))
    marks = [low + (end - low) * place // number for place in range(number + 1)]
    return Plan([Stretch(*ends) for ends in reversed(list(pairwise(marks)))])


def _fetch(read: Read, window: Window, seen: Container[str], span: Span) -> Fetched[Activity]:
    rows, following = read(within(window, span), span.after)
    return Fetched(tuple([row for row in rows if row.id not in seen]), (), following, following is None)


def within(window: Window, span: Span) -> Window:
    """The window's part of a stretch; where one ends the next begins, whatever fractions the CRM's instants have."""
    assert span.end is not None
    first, last = EPOCH + span.low * MILLISECOND, EPOCH + span.end * MILLISECOND - timedelta.resolution
    return Window(since=max(window.since, first), until=min(window.until, last))
