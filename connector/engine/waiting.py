"""Waiting: which writes go now, and which wait for others to fill their calls; the first decided is the first written.

A call costs as much for one lead as for a hundred (P8), but nobody waits long for company: not behind more than a
thousand decisions. Contacts of whom nothing comes are passed over in a tenth of the time and count as that.
"""

from __future__ import annotations

from connector.engine.consider import IDLE_FOR_ONE
from connector.engine.context import BATCH, Context

BATCHES_AT_ONCE = 5
"""Batches whose leads go onto the suppression list in one call: it takes five times as many contacts as the others."""

WAIT_AT_MOST = 1_000
"""Decisions that are made after one before it is written, however few would go with it."""


class Waiting:
    """The open intents of a run, in the order in which they were decided; those without a clear answer left out (I7).

    They stand in the database; here are only their ids, at most some hundreds.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._since: dict[str, int] = {}

    def take(self) -> list[str]:
        """Ids of the intents to write now, at most five hundred: full batches, or all where the oldest waited enough.

        Call it after each batch of decisions. What is not taken is looked at again the next time.
        """
        self._look()
        ids = list(self._since)
        most = BATCHES_AT_ONCE * BATCH
        if len(ids) >= most:
            return ids[:most]
        if ids and self._done() - self._since[ids[0]] >= WAIT_AT_MOST:
            return ids[: len(ids) // BATCH * BATCH or len(ids)]
        return []

    def _look(self) -> None:
        """Who came and who went; a batch of decisions adds a hundred at most."""
        unclear, done = self._context.unclear, self._done()
        most = 2 * BATCHES_AT_ONCE * BATCH + len(unclear)
        with self._context.store.reading() as uow:
            found = uow.open_intents(most)
        going = {intent for intent, contact in found.items() if contact not in unclear}
        self._since = {one: since for one, since in self._since.items() if one in going}
        for one in sorted(going - self._since.keys()):
            self._since[one] = done

    def _done(self) -> int:
        """What this run has decided so far, weighed by its time."""
        return self._context.effort // IDLE_FOR_ONE
