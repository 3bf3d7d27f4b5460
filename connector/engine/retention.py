"""Once a day, at a run's end, what is too old to keep goes: a few small transactions, the rest with the next run (S14).

What goes after which time is said in store/retention.py; docs/database.md tells it to people.
"""

from __future__ import annotations

from datetime import timedelta

from connector.engine.context import Context

EVERY = timedelta(days=1)
ROWS = 500
"""Of each kind in one transaction: nobody else waits longer than for a page of contacts."""

MOST_TRANSACTIONS = 20
CLEANED = "retention"
"""Among the watermarks: all that was too old at that instant is gone."""


def forget_old(context: Context) -> None:
    """Nothing where the last time was less than a day ago."""
    with context.store.reading() as uow:
        last = uow.watermark(CLEANED)
    if last is not None and context.now - last < EVERY:
        return
    for _ in range(MOST_TRANSACTIONS):
        with context.store.transaction() as uow:
            if not uow.forget_old(context.now, ROWS):
                uow.put_watermark(CLEANED, context.now)
                return
