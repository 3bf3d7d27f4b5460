"""A window of activities: a long one is read side by side, in stretches of time, or form by form.

It begins with one cursor, as most windows need no more. What goes on is divided: all of the window once more, in
stretches each with a cursor of its own, for nothing is said of the order in which rows come. They are the longer the
older they are, for people did more lately than long ago; how short the newest is follows from how near the first rows
lie, which come twice. An answer that belongs to another stretch ends this: then one cursor reads all. Threads are
ranges.py's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from connector.crm.hubspot.client import Client
from connector.crm.hubspot.protocol import EPOCH, MILLISECOND, Cursors, to_milliseconds
from connector.crm.hubspot.ranges import Doors, Fetched, Ranges
from connector.crm.hubspot.spans import LIST, Plan, Span, Stretch
from connector.domain.activity import Activity
from connector.engine.ports import ActivityPage, Window
from connector.errors import ContractError

logger = logging.getLogger(__name__)

ONE_CURSOR_PAGES = 5
"""So many pages are read with one cursor before a window is a long one."""
SHORT = timedelta(days=4)
"""What is no longer than that is not divided: a run after another one asks for two days at most (`pull.window`)."""
GROWTH = 1.15
"""By so much is each stretch longer than the next younger one."""
MOST_STRETCHES = 64
LARGEST = 1 / 8
"""The newest is no longer a part of the window than that, also where rows come in no order that tells anything."""
NEAR = timedelta(seconds=2)
"""A door may give what lies so little outside of what it was asked for."""

ANEW = ActivityPage(rows=(), cursor=None, anew=True)

Read = Callable[[Window, str | None], tuple[tuple[Activity, ...], str | None]]
"""A page of a window, from a cursor on: its rows, and the cursor that follows."""
Fetch = Callable[[Span], Fetched[Activity]]


class StrayError(ContractError):
    """Rows that nobody asked for: the answer belongs to another question."""


def pull(client: Client, window: Window, cursor: str | None, read: Read) -> Iterator[ActivityPage]:
    """Pages as they come; the last one has no cursor and may be empty. `read` is called on many threads.

    Raises:
        ContractError: a cursor that comes twice.
    """
    seen, plan = list[datetime](), resumed(cursor)
    if plan is None:
        # What was begun with one cursor is gone on with so: nobody knows any more what came before.
        divides = cursor is None and is_long(window)
        for page in islice(one_by_one(window, cursor, read), ONE_CURSOR_PAGES if divides else None):
            yield page
            if page.cursor is None:
                return
            seen += [row.occurred_at for row in page.rows]
        yield ANEW
        plan = divide(window, seen)
    try:
        yield from side_by_side(client, plan, partial(_fetch, read, window))
    except StrayError as error:
        logger.warning("%s; they are read anew with one cursor", error, extra={"action": "one_cursor"})
        yield ANEW
        yield from one_by_one(window, None, read)


def resumed(cursor: str | None) -> Plan | None:
    """What a cursor of ours says is left; None for HubSpot's own."""
    try:
        return Plan.read(cursor, Stretch) if cursor is not None else None
    except (ValueError, KeyError, TypeError):
        return None


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
        yield ActivityPage(rows=of(window, rows), cursor=cursor)
        if cursor is None:
            return


def of(window: Window, rows: Iterable[Activity]) -> tuple[Activity, ...]:
    """Those that lie within the window."""
    return tuple([row for row in rows if window.since <= row.occurred_at <= window.until])


def divide(window: Window, seen: Collection[datetime]) -> Plan:
    """Stretches that leave nothing of the window out, the newest first; `seen`: when the rows of the first pages were.

    The newest is as long as these took, the others grow from it; all are longer where there would be too many.
    """
    low, end = to_milliseconds(window.since), to_milliseconds(window.until) + 1
    whole = end - low
    took = max(seen) - min(seen) if seen else timedelta(0)
    fewest = whole * (GROWTH - 1) / (GROWTH**MOST_STRETCHES - 1)
    length = min(max(took / MILLISECOND, fewest, 1.0), whole * LARGEST)
    spans, upper = list[Span](), end
    while upper > low:
        # What would be left is no stretch of its own where it is shorter than the next one would be.
        lower = upper - int(length) if upper - length * (1 + GROWTH) > low else low
        spans.append(Stretch(lower, upper))
        upper, length = lower, length * GROWTH
    return Plan(spans)


def _fetch(read: Read, window: Window, span: Span) -> Fetched[Activity]:
    part = within(window, span)
    rows, following = read(part, span.after)
    if any(not part.since - NEAR <= row.occurred_at <= part.until + NEAR for row in rows):
        raise StrayError("HubSpot answered with activities of a time that was not asked for")
    return Fetched(of(part, rows), (), following, following is None)


def within(window: Window, span: Span) -> Window:
    """The window's part of a stretch; where one ends the next begins, whatever fractions the CRM's instants have."""
    assert span.end is not None
    first, last = EPOCH + span.low * MILLISECOND, EPOCH + span.end * MILLISECOND - timedelta.resolution
    return Window(since=max(window.since, first), until=min(window.until, last))
