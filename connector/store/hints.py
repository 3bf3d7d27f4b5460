"""Hints: what the CRM said of its contacts, waiting to be looked at. No value of a contact's is in them.

The receiver puts them in without the lease, for an insert can hurt nobody (`SqlInbox`); who holds the lease takes them
out within a unit of work (`Hints`). An event that comes again is the same row, waiting or done. Those done are
deleted after 30 days by retention.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, func, select, update

from connector.domain.contact import ContactId, PortalId
from connector.domain.hint import Hint, HintKind
from connector.store.database import Database
from connector.store.part import IDS, PORTAL, Part
from connector.store.place import parse_url
from connector.store.tables import hint

PATIENCE_SECONDS = 2.0
"""How long an insert waits for another's transaction: HubSpot must have its answer within four seconds."""

_WAITING = (
    select(hint.c.hint, hint.c.contact, hint.c.kind, hint.c.occurred_at)
    .where(hint.c.portal == PORTAL, hint.c.done_at.is_(None))
    .order_by(hint.c.occurred_at, hint.c.hint)
    .limit(bindparam("most"))
)
_COUNT = select(func.count().label("waiting")).where(hint.c.portal == PORTAL, hint.c.done_at.is_(None))
_MINE = (hint.c.portal == PORTAL, hint.c.hint.in_(IDS))
_DONE = update(hint).where(*_MINE).values(done_at=bindparam("at"))
_DROP = delete(hint).where(*_MINE)


class Hints(Part):
    """The hints within a unit of work."""

    def waiting_hints(self, limit: int) -> list[Hint]:
        """In the order in which things happened."""
        return [
            Hint(id=row.hint, contact=ContactId(row.contact), kind=HintKind(row.kind), occurred_at=row.occurred_at)
            for row in self.select(_WAITING, most=limit)
        ]

    def finish_hints(self, ids: Sequence[str], at: datetime) -> None:
        self.change_by_id(_DONE, ids, at=at)

    def drop_hints(self, ids: Sequence[str]) -> None:
        """Of people who were erased: not even their id stays."""
        self.change_by_id(_DROP, ids)


def open_inbox(url: str, portal: PortalId, *, wall_clock: Callable[[], datetime]) -> SqlInbox:
    """The receiver's own way into a database that `open_store` has made ready."""
    return SqlInbox(Database(parse_url(url), wall_clock=wall_clock, patience_seconds=PATIENCE_SECONDS), portal)


class SqlInbox:
    """Where the receiver puts hints; use it from one thread.

    Args:
        database: one of its own, which does not wait for long and is closed with the inbox.
    """

    def __init__(self, database: Database, portal: PortalId) -> None:
        self._database, self._portal = database, portal

    def put(self, hints: Sequence[Hint]) -> None:
        """All of them in one transaction, durable when it returns. Raises ConnectorError where it cannot be."""
        rows = {one.id: one for one in hints}
        with self._database.writing() as connection:
            now = self._database.now(connection)
            Part(connection, self._portal).insert_new(hint, [
                {
                    "portal": self._portal, "hint": one.id, "contact": one.contact, "kind": one.kind.value,
                    "occurred_at": one.occurred_at, "received_at": now, "done_at": None,
                }
                for one in rows.values()
            ])

    def waiting(self) -> int:
        with self._database.reading() as connection:
            return int(Part(connection, self._portal).select(_COUNT)[0].waiting)

    def close(self) -> None:
        self._database.close()
