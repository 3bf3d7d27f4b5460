"""The notes of `handoff export training --portal-history`: a SQLite file without a name, for as long as it is open.

SQLite unlinks such a file as soon as it is made, so that nothing of it is left even where the process is killed, and
keeps in memory what is little. Times are whole microseconds since 1970.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import ContactId
from connector.domain.deal import Deal, DealState
from connector.engine.ports.past import Ready
from connector.rules.reporting.examples import Row

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_MICROSECOND = timedelta(microseconds=1)

TABLES = """
CREATE TABLE ready (contact TEXT PRIMARY KEY, at INTEGER NOT NULL, sure INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX ready_at ON ready (at, contact);
CREATE TABLE address (email TEXT, contact TEXT, PRIMARY KEY (email, contact)) WITHOUT ROWID;
CREATE TABLE deal (
    id TEXT, contact TEXT, state TEXT, created INTEGER, modified INTEGER, closed INTEGER, amount REAL,
    PRIMARY KEY (contact, id)
) WITHOUT ROWID;
CREATE INDEX deal_id ON deal (id);
CREATE TABLE activity (
    contact TEXT, at INTEGER, stream TEXT, id TEXT, kind TEXT, name TEXT, ref TEXT, url TEXT, automatic INTEGER,
    PRIMARY KEY (contact, at, stream, id)
) WITHOUT ROWID;
CREATE TABLE example (number INTEGER PRIMARY KEY, body TEXT NOT NULL);
"""

_OWN = "SELECT contact, at FROM ready WHERE contact = ?"
_BY_ADDRESS = "SELECT contact, at FROM address JOIN ready USING (contact) WHERE email = ?"
_NEXT = "SELECT contact, at, sure FROM ready WHERE (at, contact) > (?, ?) ORDER BY at, contact LIMIT ?"
_DEALS = """
SELECT own.*, NOT EXISTS (
    SELECT 1 FROM deal AS their JOIN ready AS other ON other.contact = their.contact
    WHERE their.id = own.id AND (coalesce(other.at <= their.closed, 1), other.at, other.contact)
        > (coalesce(me.at <= own.closed, 1), me.at, me.contact)
) AS credited
FROM deal AS own JOIN ready AS me ON me.contact = own.contact WHERE own.contact = ? ORDER BY own.created, own.id
"""
"""A deal's money is put down to the last that became ready before it was closed, as rules/reporting/credit.py does."""


class SqlNotebook:
    """Fulfils engine.ports.past.Notebook."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection
        self._sql.row_factory = sqlite3.Row
        self._sql.executescript(TABLES)

    def note_ready(self, rows: Sequence[Ready]) -> None:
        for row in rows:
            self._sql.execute("INSERT OR IGNORE INTO ready VALUES (?, ?, ?)", (row.contact, _number(row.at), row.sure))
            self._sql.executemany(
                "INSERT OR IGNORE INTO address VALUES (?, ?)", [(email, row.contact) for email in row.addresses]
            )
            self._sql.executemany(
                "INSERT OR IGNORE INTO deal VALUES (?, ?, ?, ?, ?, ?, ?)",
                [_deal_row(deal, row.contact) for deal in row.deals],
            )

    def span(self) -> tuple[datetime, datetime] | None:
        first, last = self._sql.execute("SELECT min(at), max(at) FROM ready").fetchone()
        return None if first is None else (_instant(first), _instant(last))

    def note_activities(self, rows: Sequence[Activity], look_back_seconds: float) -> int:
        look_back, kept = int(look_back_seconds * 1_000_000), 0
        for row in rows:
            question, key = (_OWN, row.contact) if row.contact is not None else (_BY_ADDRESS, row.email)
            at = _number(row.occurred_at)
            for contact, ready_at in self._sql.execute(question, (key,)).fetchall():
                if ready_at - look_back < at <= ready_at:
                    kept += self._put(row, contact, at)
        return kept

    def _put(self, row: Activity, contact: str, at: int) -> int:
        values = (
            contact, at, row.stream, row.id, row.kind.value, row.name, row.ref, row.url, row.automatic,
        )  # fmt: skip
        return self._sql.execute("INSERT OR IGNORE INTO activity VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values).rowcount

    def ready(self, size: int) -> Iterator[Sequence[Ready]]:
        place: tuple[int, str] = (-(2**62), "")
        while rows := self._sql.execute(_NEXT, (*place, size)).fetchall():
            place = rows[-1]["at"], rows[-1]["contact"]
            yield [self._ready(row) for row in rows]

    def _ready(self, row: sqlite3.Row) -> Ready:
        deals = self._sql.execute(_DEALS, (row["contact"],)).fetchall()
        return Ready(
            contact=ContactId(row["contact"]),
            at=_instant(row["at"]),
            sure=bool(row["sure"]),
            addresses=(),
            deals=[_deal(one) for one in deals],
            credited=frozenset(one["id"] for one in deals if one["credited"]),
        )

    def activities(self, contact: ContactId) -> list[Activity]:
        found = self._sql.execute("SELECT * FROM activity WHERE contact = ? ORDER BY at, stream, id", (contact,))
        return [
            Activity(
                stream=row["stream"], id=row["id"], contact=contact, kind=ActivityKind(row["kind"]),
                occurred_at=_instant(row["at"]), name=row["name"], ref=row["ref"], url=row["url"],
                automatic=bool(row["automatic"]),
            )
            for row in found
        ]  # fmt: skip

    def note_row(self, row: Row) -> None:
        self._sql.execute("INSERT INTO example (body) VALUES (?)", (json.dumps(row),))

    def rows(self) -> Iterator[Row]:
        for (body,) in self._sql.execute("SELECT body FROM example ORDER BY number"):
            yield json.loads(body)


@contextmanager
def open_notebook() -> Iterator[SqlNotebook]:
    """A notebook of one's own."""
    with closing(sqlite3.connect("", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")  # nothing is to be kept, so nothing has to be taken back
        connection.execute("PRAGMA synchronous = OFF")
        yield SqlNotebook(connection)


def _deal_row(deal: Deal, contact: ContactId) -> tuple[object, ...]:
    closed = _number(deal.closed_at) if deal.closed_at is not None else None
    return deal.id, contact, deal.state.value, _number(deal.created_at), _number(deal.modified_at), closed, deal.amount


def _deal(row: Any) -> Deal:
    return Deal(
        id=row["id"],
        contacts=(ContactId(row["contact"]),),
        state=DealState(row["state"]),
        created_at=_instant(row["created"]),
        modified_at=_instant(row["modified"]),
        closed_at=_instant(row["closed"]) if row["closed"] is not None else None,
        amount=row["amount"],
    )


def _number(at: datetime) -> int:
    return (at - EPOCH) // A_MICROSECOND


def _instant(number: int) -> datetime:
    return EPOCH + number * A_MICROSECOND
