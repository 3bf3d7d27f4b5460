"""Digests: many notices that wait for one rep at one destination, told in one (reliability.md, section 3).

Finds whose notices may be put together and stores the one that tells of them; what it says is engine/digest.py's. A
notice in a digest shares the digest's fate (outbox.py), and until that is known it holds back its contact's later ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, or_, select, update

from connector.domain.contact import OwnerId
from connector.domain.notice import NoticeKind
from connector.engine.ports import Entry
from connector.store.destinations import DUE, Destinations
from connector.store.outbox import FREE, WAITING, Entries, read_entry
from connector.store.part import IDS, PORTAL
from connector.store.tables import outbox

MOST_LOOKED_AT = 2_000

_MAY_JOIN: tuple[ColumnElement[bool], ...] = (
    outbox.c.portal == PORTAL,
    outbox.c.destination == bindparam("destination_"),
    outbox.c.status == DUE,
    outbox.c.tries == 0,
    or_(outbox.c.due_at.is_(None), outbox.c.due_at <= bindparam("now")),
    outbox.c.kind != NoticeKind.LEAD_DIGEST.value,
    or_(outbox.c.alone_until.is_(None), outbox.c.alone_until <= bindparam("now")),
    FREE,
)
_CROWDS = (
    select(outbox.c.owner)
    .where(*_MAY_JOIN, outbox.c.owner.is_not(None))
    .group_by(outbox.c.owner)
    .having(func.count() > bindparam("most"))
    .order_by(outbox.c.owner)
)
_CROWD = (
    select(outbox)
    .where(*_MAY_JOIN, outbox.c.owner == bindparam("owner_"))
    .order_by(outbox.c.sequence)
    .limit(MOST_LOOKED_AT)
    .with_for_update(skip_locked=True, of=outbox)   # a thread that sends meanwhile claims none of them
)
_QUEUE_OF = (
    select(outbox.c.entry, outbox.c.contact, outbox.c.owner, outbox.c.digest)
    .where(
        outbox.c.portal == PORTAL, outbox.c.destination == bindparam("destination_"), outbox.c.contact.in_(IDS),
        outbox.c.status.in_(WAITING),
    )
    .order_by(outbox.c.sequence)
)
_JOIN = (
    update(outbox)
    .where(outbox.c.portal == PORTAL, outbox.c.entry.in_(IDS), outbox.c.status == DUE)
    .values(status="digested", digest=bindparam("digest_"))
)


class Digests(Destinations, Entries):
    def crowds(self, now: datetime, most: int) -> list[tuple[str, OwnerId]]:
        """(destination, rep) with more than `most` notices that may stand in a digest; only where they can be sent."""
        return [
            (name, row.owner)
            for name in self.open_destinations(now)
            for row in self.select(_CROWDS, destination_=name, now=now, most=most)
        ]

    def crowd(self, destination: str, owner: OwnerId, now: datetime) -> list[Entry]:
        """In order of queueing, never tried; without those whose contact has an earlier one that waits elsewhere."""
        rows = [read_entry(row) for row in self.select(_CROWD, destination_=destination, owner_=owner, now=now)]
        contacts = sorted({row.contact for row in rows if row.contact})
        ours, behind = {row.id for row in rows}, set[str]()
        stopped = set[str]()
        for row in self._queue(destination, contacts):
            if row.entry not in ours:
                # A digest of this rep is no obstacle: the next one is sent after it (outbox.py).
                if row.digest is None or row.owner != owner:
                    stopped.add(row.contact)
            elif row.contact in stopped:
                behind.add(row.entry)
        return [row for row in rows if row.id not in behind]

    def put_digest(self, digest: Entry, members: Sequence[str]) -> None:
        self.put_entries([digest])
        self.change_by_id(_JOIN, members, digest_=digest.id)

    def _queue(self, destination: str, contacts: Sequence[str]) -> Iterable[Any]:
        return self.select_by_id(_QUEUE_OF, contacts, destination_=destination)
