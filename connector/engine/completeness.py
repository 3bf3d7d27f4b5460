"""What each stream's pull covered and saw, counted page by page and kept with the run's progress (I4).

Kept in the transaction of the rows it counts: a run that is gone on with after a kill counts each row once. What the
figures mean and how they are told is rules/completeness.py's; they end up in the run's counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from connector.domain.contact import ContactId
from connector.domain.record import Record
from connector.domain.run import Seen
from connector.engine.context import Context
from connector.engine.ports import StoredContact, Window
from connector.rules.completeness import add_contacts, add_rows, restored

SEEN = "what was seen"
"""Name of the figures among the marks of a run's progress."""


def go_on(context: Context, marks: Mapping[str, str]) -> None:
    """Take up what an earlier process counted of this run."""
    context.counts.completeness.update(restored(json.loads(marks.get(SEEN, "{}"))))


def begin(context: Context, stream: str, window: Window | None) -> None:
    """A stream's pull begins, or goes on; `window` None: all there is."""
    seen = Seen(since=window.since if window else None, trailing=stream in context.trailed)
    context.counts.completeness.setdefault(stream, seen)


def begin_anew(context: Context, stream: str) -> None:
    """What was counted of it so far comes once more."""
    seen = context.counts.completeness[stream]
    context.counts.completeness[stream] = Seen(since=seen.since, trailing=seen.trailing)


def count(context: Context, stream: str, rows: int, left: int | None = None, door: str = "") -> None:
    seen = context.counts.completeness[stream]
    context.counts.completeness[stream] = add_rows(seen, rows, left, door)


class Compared:
    """Counts what of a page of contacts was known (`store_records` calls it)."""

    def __init__(self, context: Context, stream: str, rows: int) -> None:
        self._context, self._stream, self._rows = context, stream, rows

    def __call__(self, records: Sequence[Record], known: Mapping[ContactId, StoredContact]) -> None:
        """`records`: the page without people who were erased."""
        figures = self._context.counts.completeness
        seen = figures[self._stream]
        stamps = ((one.modified_at, known[one.id].contact.modified_at if one.id in known else None) for one in records)
        after = add_contacts(seen, stamps, covered=self._context.covered, until=self._context.now)
        figures[self._stream] = replace(after, erased=seen.erased + self._rows - len(records))


def keep(context: Context, marks: dict[str, str]) -> None:
    """Put the figures among the marks that are about to be stored."""
    figures = {
        stream: asdict(seen) | {"since": seen.since.isoformat() if seen.since else None}
        for stream, seen in context.counts.completeness.items()
    }
    marks[SEEN] = json.dumps(figures, separators=(",", ":"))
