"""Databases in memory for worlds: made once in a process and emptied for the next, a tenth of a new one's cost."""

from __future__ import annotations

import weakref
from contextlib import closing
from typing import Any

from factories import PORTAL
from fakes import FakeClock

from connector.store import open_store, this_process
from connector.store.store import SqlStore


def empty_store(clock: FakeClock) -> SqlStore:
    """Nobody else's as long as it is held."""
    return (_FREE.pop() if _FREE else _Memory(clock)).lend(clock)


class _Memory:
    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._store = open_store("sqlite://", PORTAL, holder=this_process(), wall_clock=lambda: self._clock.now())
        self._empty: bytes = self._driver().serialize()

    def lend(self, clock: FakeClock) -> SqlStore:
        """It is free again when the store that is given is held no more."""
        self._clock = clock
        self._driver().deserialize(self._empty)
        lent = SqlStore(self._store.database, PORTAL, holder=this_process(), key=self._store.key)
        weakref.finalize(lent, _FREE.append, self)
        return lent

    def _driver(self) -> Any:
        with closing(self._store.database.engine.raw_connection()) as connection:
            return connection.driver_connection


_FREE: list[_Memory] = []
