"""The outbox: notices waiting to be sent. Queued within a unit of work, claimed and recorded by delivery on its own.

An entry is sent when its own first try is due and no earlier entry of that contact to that destination still waits; a
worker owns it when its conditional UPDATE changed the row. What becomes of a try is decided by delivery.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnClause,
    Connection,
    Row,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from connector.domain.contact import ContactId, PortalId
from connector.engine.ports import Entry
from connector.store.database import Database
from connector.store.part import IDS, PORTAL, Part
from connector.store.tables import outbox, outbox_attempt

CLAIM_MINUTES = 5

# Written out, not bound, wherever a partial index must serve.
_HELD: ColumnClause[Any] = literal_column("'held'")
_DUE: ColumnClause[Any] = literal_column("'due'")

_KNOWN = select(
    outbox.c.entry, outbox.c.tries, outbox.c.body, (outbox.c.status == "cancelled").label("revivable")
).where(outbox.c.portal == PORTAL, outbox.c.entry.in_(IDS))
_LAST = select(func.max(outbox.c.sequence).label("last")).where(outbox.c.portal == PORTAL)
_WAITING = update(outbox).where(outbox.c.portal == PORTAL, outbox.c.intent.in_(IDS), outbox.c.status == _HELD)
_RELEASE = _WAITING.values(status="due", due_at=bindparam("at"))
_CANCEL_OF = (
    update(outbox)
    .where(outbox.c.portal == PORTAL, outbox.c.contact.in_(IDS), outbox.c.status.in_((_HELD, _DUE)))
    .values(status="cancelled", last_error=bindparam("why"))
)
_CANCEL = _WAITING.values(status="cancelled", last_error=bindparam("why"))

_earlier = outbox.alias("earlier")
_FREE = or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until <= bindparam("now"))
_IN_TURN = or_(
    outbox.c.tries > 0,
    ~exists().where(
        _earlier.c.portal == outbox.c.portal, _earlier.c.destination == outbox.c.destination,
        _earlier.c.contact == outbox.c.contact, _earlier.c.sequence < outbox.c.sequence,
        _earlier.c.status.in_((_HELD, _DUE)),
    ),
)
_READY = (
    select(outbox.c.entry)
    .where(
        outbox.c.portal == PORTAL, outbox.c.status == _DUE,
        or_(outbox.c.due_at.is_(None), outbox.c.due_at <= bindparam("now")), _FREE, _IN_TURN,
    )
    .order_by(outbox.c.sequence)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=outbox)
)
_CLAIM = (
    update(outbox)
    .where(outbox.c.portal == PORTAL, outbox.c.entry.in_(IDS), outbox.c.status == _DUE, _FREE)
    .values(claimed_until=bindparam("until"), claimed_by=bindparam("holder"))
    .returning(outbox)
)
_TRIED = (
    update(outbox)
    .where(outbox.c.portal == PORTAL, outbox.c.entry == bindparam("entry_"))
    .values(tries=outbox.c.tries + 1, claimed_until=None, claimed_by=None)
    .returning(outbox.c.tries)
)
# An answer of 2xx stands whatever else happened meanwhile; any other outcome counts only where the entry still waits.
_SETTLE = (
    update(outbox)
    .where(
        outbox.c.portal == PORTAL, outbox.c.entry == bindparam("entry_"),
        or_(outbox.c.status == _DUE, bindparam("sent", type_=Boolean()) & (outbox.c.status != "sent")),
    )
    .values(
        status=bindparam("status_"), due_at=bindparam("due_at_"), last_error=bindparam("error_"),
        sent_at=bindparam("sent_at_"),
    )
)
_LET_GO = (
    update(outbox)
    .where(outbox.c.portal == PORTAL, outbox.c.status == _DUE, outbox.c.claimed_by == bindparam("holder"))
    .values(claimed_until=None, claimed_by=None)
)


class Entries(Part):
    """The outbox within a unit of work."""

    def put_entries(self, rows: Sequence[Entry]) -> int:
        """Revived ones queue up at the end; a body that was once tried stays as it was (P2)."""
        new = {row.id: row for row in reversed(rows)}
        known = {row.entry: row for row in self.select_by_id(_KNOWN, list(new))}
        wanted = [name for name in dict.fromkeys(row.id for row in rows) if name not in known or known[name].revivable]
        if not wanted:
            return 0
        first = (self.select(_LAST)[0].last or 0) + 1
        made = [_row(self.portal, new[name], first + place) for place, name in enumerate(wanted)]
        for row in made:
            if (before := known.get(row["entry"])) is not None and before.tries:
                row |= {"body": before.body, "tries": before.tries}
        self.upsert(outbox, made)
        return len(made)

    def release_entries(self, intents: Sequence[str], due_at: datetime) -> None:
        self.change_by_id(_RELEASE, intents, at=due_at)

    def cancel_contact_entries(self, ids: Sequence[ContactId], why: str) -> None:
        self.change_by_id(_CANCEL_OF, ids, why=why)

    def cancel_entries(self, intents: Sequence[str], why: str) -> None:
        """Those still held; what is due already is true and is told."""
        self.change_by_id(_CANCEL, intents, why=why)


class SqlOutbox:
    """The outbox as delivery sees it. Fulfils ports.Outbox."""

    def __init__(self, database: Database, portal: PortalId, holder: str) -> None:
        self._database, self._portal, self._holder = database, portal, holder

    def claim(self, now: datetime, limit: int) -> list[Entry]:
        """A claim of a process that died is let go when the next one takes its lease, else after five minutes."""
        until = now + timedelta(minutes=CLAIM_MINUTES)
        with self._database.writing() as connection:
            part = Part(connection, self._portal)
            ids = [row.entry for row in part.select(_READY, now=now, most=limit)]
            claimed = part.select_by_id(_CLAIM, ids, now=now, until=until, holder=self._holder)
            return sorted((read_entry(row) for row in claimed), key=lambda entry: entry.sequence)

    def record(
        self, entry: str, *, at: datetime, status: str, due_at: datetime | None, error: str, seconds: float
    ) -> None:
        with self._database.writing() as connection:
            part = Part(connection, self._portal)
            for row in part.select(_TRIED, entry_=entry):
                part.insert_new(outbox_attempt, [{
                    "portal": self._portal, "entry": entry, "number": row.tries, "at": at, "status": status,
                    "error": error, "seconds": seconds,
                }])
            sent = status == "sent"
            part.change(
                _SETTLE, entry_=entry, status_=status, due_at_=due_at, error_=error, sent=sent,
                sent_at_=at if sent else None,
            )


def let_go(connection: Connection, portal: PortalId, holder: str) -> int:
    """Free the entries that a dead process had claimed."""
    return Part(connection, portal).change(_LET_GO, holder=holder)


def _row(portal: str, entry: Entry, sequence: int) -> dict[str, Any]:
    return {
        "portal": portal, "entry": entry.id, "sequence": sequence, "destination": entry.destination,
        "kind": entry.kind, "contact": entry.contact, "episode": entry.episode, "body": entry.body,
        "status": entry.status, "intent": entry.intent, "tries": entry.tries, "due_at": entry.due_at,
        "last_error": entry.last_error, "sent_at": entry.sent_at, "claimed_until": None, "claimed_by": None,
        "owner": entry.owner, "digest": entry.digest,
    }


def read_entry(row: Row[Any]) -> Entry:
    return Entry(
        id=row.entry, destination=row.destination, kind=row.kind, contact=row.contact, episode=row.episode,
        body=row.body, status=row.status, intent=row.intent, sequence=row.sequence, tries=row.tries,
        due_at=row.due_at, last_error=row.last_error, sent_at=row.sent_at, owner=row.owner, digest=row.digest,
    )
