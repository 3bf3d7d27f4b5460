"""The desk: where the server that takes answers by link reads and writes, without the lease of whoever runs.

It only ever inserts an answer and a hint (answers.py), and what an answer rests on is looked at again when it is taken
up. Several threads may use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from connector.domain.contact import PortalId
from connector.store.database import Database
from connector.store.place import parse_url
from connector.store.unit_of_work import SqlUnitOfWork

PATIENCE_SECONDS = 2.0
"""How long an answer waits for another's transaction: a person looks at the page."""


def open_desk(url: str, portal: PortalId, *, wall_clock: Callable[[], datetime]) -> SqlDesk:
    """A way of its own into a database that `open_store` has made ready."""
    return SqlDesk(Database(parse_url(url), wall_clock=wall_clock, patience_seconds=PATIENCE_SECONDS), portal)


class SqlDesk:
    """Fulfils ports.Desk.

    Args:
        database: one of its own, which does not wait for long and is closed with the desk.
    """

    def __init__(self, database: Database, portal: PortalId) -> None:
        self._database, self.portal = database, portal

    @contextmanager
    def reading(self) -> Iterator[SqlUnitOfWork]:
        with self._database.reading() as connection:
            yield self._unit(connection)

    @contextmanager
    def writing(self) -> Iterator[SqlUnitOfWork]:
        with self._database.writing() as connection:
            unit = self._unit(connection)
            yield unit
            unit.flush()

    def close(self) -> None:
        self._database.close()

    def _unit(self, connection: Connection) -> SqlUnitOfWork:
        unit = SqlUnitOfWork(connection, self.portal)
        unit.clock = partial(self._database.now, connection)
        return unit
