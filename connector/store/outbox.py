"""The outbox: notices waiting to be sent. Queued within a unit of work, claimed and recorded by delivery on its own.

An entry is sent when its own first try is due and no earlier entry of that contact to that destination still waits; a
worker owns it when its conditional UPDATE changed the row. What becomes of a try is decided by delivery. Each
destination has its own queue: one that is off, rests or has a long backlog hides nobody else's. Digests are made by
digests.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial, reduce
from typing import Any

from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnClause,
    Connection,
    Row,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from connector.domain.contact import ContactId, PortalId
from connector.domain.notice import PACKETS, NoticeKind
from connector.engine.ports import DestinationState, Entry, Learn, Try
from connector.store.database import Database
from connector.store.destinations import DUE, Destinations
from connector.store.part import IDS, PORTAL, Insert, Part, insert_into, key_of, per_dialect
from connector.store.tables import outbox, outbox_attempt

CLAIM_MINUTES = 5


def _given(column: str) -> BindParameter[Any]:
    """A value for a column of the outbox, of its type."""
    return bindparam(f"{column}_", type_=outbox.c[column].type)


# Written out, not bound, wherever a partial index must serve.
_HELD: ColumnClause[Any] = literal_column("'held'")
_DIGESTED: ColumnClause[Any] = literal_column("'digested'")
WAITING = (_HELD, DUE, _DIGESTED)

_KNOWN = select(
    outbox.c.entry, outbox.c.tries, outbox.c.body, (outbox.c.status == "cancelled").label("revivable")
).where(outbox.c.portal == PORTAL, outbox.c.entry.in_(IDS))
_LAST = select(func.max(outbox.c.sequence).label("last")).where(outbox.c.portal == PORTAL)
_WAITING = update(outbox).where(outbox.c.portal == PORTAL, outbox.c.intent.in_(IDS), outbox.c.status == _HELD)
_AT = bindparam("at", type_=outbox.c.due_at.type)
_RELEASE = _WAITING.values(status="due", due_at=case((outbox.c.due_at > _AT, outbox.c.due_at), else_=_AT))
_HURRY = (
    update(outbox)
    .where(
        outbox.c.portal == PORTAL, outbox.c.destination == bindparam("destination_"),
        outbox.c.contact == bindparam("contact_"), outbox.c.status.in_((_HELD, DUE)), outbox.c.tries == 0,
        outbox.c.due_at > _AT,
    )
    .values(due_at=_AT)
)
_DIGESTS_OF = (
    select(outbox.c.digest)
    .where(
        outbox.c.portal == PORTAL, outbox.c.contact.in_(IDS), outbox.c.status.in_(WAITING), outbox.c.digest.is_not(None)
    )
    .distinct()
)
_CANCEL_OF = (
    update(outbox)
    .where(outbox.c.portal == PORTAL, outbox.c.contact.in_(IDS), outbox.c.status.in_(WAITING))
    .values(status="cancelled", last_error=bindparam("why"))
)
_CANCEL_DIGESTS = (
    update(outbox)
    .where(outbox.c.portal == PORTAL, outbox.c.entry.in_(IDS), outbox.c.status.in_(("due", "exhausted")))
    .values(status="cancelled", last_error="one of its leads was taken out; the others are told anew")
)
_CANCEL = _WAITING.values(status="cancelled", last_error=bindparam("why"))
_WITHDRAWN = NoticeKind.LEAD_WITHDRAWN.value
_HELD_WITHDRAWALS = select(outbox.c.entry).where(
    outbox.c.portal == PORTAL, outbox.c.intent.in_(IDS), outbox.c.status == _HELD, outbox.c.kind == _WITHDRAWN
)
# Nothing but quiet hours lets a first try be due later than now.
_gone = outbox.alias("gone")
_UNHEARD = (
    select(outbox.c.entry, outbox.c.kind, _gone.c.entry.label("withdrawal"))
    .where(
        _gone.c.portal == PORTAL, _gone.c.entry.in_(IDS), _gone.c.status == DUE,
        outbox.c.portal == PORTAL, outbox.c.destination == _gone.c.destination, outbox.c.contact == _gone.c.contact,
        outbox.c.owner == _gone.c.owner, outbox.c.sequence < _gone.c.sequence, outbox.c.status == DUE,
        outbox.c.tries == 0, outbox.c.claimed_until.is_(None), outbox.c.due_at > _AT,
    )
    .with_for_update(of=outbox)
)
_CANCEL_UNHEARD = (
    update(outbox)
    .where(outbox.c.portal == PORTAL, outbox.c.entry.in_(IDS), outbox.c.status == DUE)
    .values(status="cancelled", last_error="the lead went to somebody else before the quiet hours were over")
)
_MEMBERS = update(outbox).where(outbox.c.portal == PORTAL, outbox.c.digest.in_(IDS))
_DISSOLVE = _MEMBERS.where(outbox.c.status == _DIGESTED).values(status="due", digest=None)

_earlier = outbox.alias("earlier")
FREE = or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until <= bindparam("now"))
_before = (
    _earlier.c.portal == outbox.c.portal, _earlier.c.destination == outbox.c.destination,
    _earlier.c.sequence < outbox.c.sequence, _earlier.c.status.in_(WAITING),
)
_DIGEST = NoticeKind.LEAD_DIGEST.value
# A contact's notices keep their order, and so do a rep's digests: two of them may tell of one contact.
_IN_TURN = or_(
    outbox.c.tries > 0,
    ~exists().where(*_before, _earlier.c.contact == outbox.c.contact)
    & or_(
        outbox.c.kind != _DIGEST,
        ~exists().where(*_before, _earlier.c.kind == _DIGEST, _earlier.c.owner == outbox.c.owner),
    ),
)
_READY = (
    select(outbox.c.entry)
    .where(
        outbox.c.portal == PORTAL, outbox.c.destination == bindparam("destination_"), outbox.c.status == DUE,
        or_(outbox.c.due_at.is_(None), outbox.c.due_at <= bindparam("now")), FREE, _IN_TURN,
    )
    .order_by(outbox.c.sequence)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=outbox)
)
# A claim that nobody settled holds its entry for as long as it lasts.
_FREE_AT = func.coalesce(case((FREE, outbox.c.due_at), else_=outbox.c.claimed_until), bindparam("now"))
_NEXT = (
    select(outbox.c.destination, func.min(_FREE_AT).label("at"))
    .where(outbox.c.portal == PORTAL, outbox.c.status == DUE)
    .group_by(outbox.c.destination)
)
_CLAIM = (
    update(outbox)
    .where(outbox.c.portal == PORTAL, outbox.c.entry.in_(IDS), outbox.c.status == DUE, FREE)
    .values(claimed_until=bindparam("until"), claimed_by=bindparam("holder"))
    .returning(outbox)
)
# An answer of 2xx stands whatever else happened meanwhile; any other outcome counts only where the entry still waits.
_SENT = bindparam("sent", type_=Boolean())
_STANDS = or_(outbox.c.status == DUE, _SENT & (outbox.c.status != "sent"))
_TRIED = (
    update(outbox)
    .where(outbox.c.portal == PORTAL, outbox.c.entry == bindparam("entry_"))
    .values(
        tries=outbox.c.tries + 1, claimed_until=None, claimed_by=None,
        status=case((_STANDS, _given("status")), else_=outbox.c.status),
        due_at=case((_STANDS, _given("due_at")), else_=outbox.c.due_at),
        last_error=case((_STANDS, _given("last_error")), else_=outbox.c.last_error),
        sent_at=case((_STANDS, func.coalesce(_given("sent_at"), outbox.c.sent_at)), else_=outbox.c.sent_at),
    )
)
# What stands in a digest shares its fate.
_digest = outbox.alias("digest_")
_MEMBERS_TRIED = (
    update(outbox)
    .where(
        outbox.c.portal == PORTAL, outbox.c.digest == bindparam("entry_"), outbox.c.status == _DIGESTED,
        exists().where(
            _digest.c.portal == outbox.c.portal, _digest.c.entry == outbox.c.digest,
            _digest.c.status == _given("status"),
        ),
    )
    .values(
        status=_given("status"), last_error=_given("last_error"), sent_at=case((_SENT, _given("sent_at")), else_=None)
    )
)
_DESTINATIONS = select(outbox.c.entry, outbox.c.destination).where(
    outbox.c.portal == PORTAL, outbox.c.entry.in_(IDS)
)
_UNCLAIM = (
    update(outbox).where(outbox.c.portal == PORTAL, outbox.c.status == DUE).values(claimed_until=None, claimed_by=None)
)
_LET_GO = _UNCLAIM.where(outbox.c.claimed_by != bindparam("keeper"))
_GIVE_BACK = _UNCLAIM.where(outbox.c.claimed_by == bindparam("holder"), outbox.c.entry.in_(IDS))


class Entries(Part):
    """The outbox within a unit of work."""

    def would_queue(self, rows: Sequence[Entry]) -> bool:
        return bool(self._wanted(rows)[0])

    def _wanted(self, rows: Sequence[Entry]) -> tuple[list[str], dict[str, Row[Any]]]:
        """Ids of those that are not there yet, or come to life again; and what is known of all."""
        ids = list(dict.fromkeys(row.id for row in rows))
        known = {row.entry: row for row in self.select_by_id(_KNOWN, ids)}
        return [name for name in ids if name not in known or known[name].revivable], known

    def put_entries(self, rows: Sequence[Entry]) -> int:
        """Revived ones queue up at the end; a body that was once tried stays as it was (P2)."""
        new = {row.id: row for row in reversed(rows)}
        wanted, known = self._wanted(rows)
        if not wanted:
            return 0
        first = (self.select(_LAST)[0].last or 0) + 1
        made = [_row(self.portal, new[name], first + place) for place, name in enumerate(wanted)]
        for row in made:
            if (before := known.get(row["entry"])) is not None and before.tries:
                row |= {"body": before.body, "tries": before.tries, "spent": before.tries}
        self.upsert(outbox, made)
        hurried = [new[name] for name in wanted if new[name].hurries]
        self.change_each(_HURRY, [
            {"destination_": one.destination, "contact_": one.contact, "at": one.due_at} for one in hurried
        ])
        for one in (new[name] for name in wanted):
            if one.kind == _WITHDRAWN and one.status == "due" and one.queued_at is not None:
                self._cancel_unheard([one.id], one.queued_at)
        return len(made)

    def release_entries(self, intents: Sequence[str], due_at: datetime) -> None:
        withdrawals = [row.entry for row in self.select_by_id(_HELD_WITHDRAWALS, intents)]
        self.change_by_id(_RELEASE, intents, at=due_at)
        self._cancel_unheard(withdrawals, due_at)

    def cancel_contact_entries(self, ids: Sequence[ContactId], why: str) -> None:
        """A digest that told of them and did not arrive is taken back; its other leads wait again by themselves."""
        digests = sorted({row.digest for row in self.select_by_id(_DIGESTS_OF, ids)})
        self.change_by_id(_CANCEL_OF, ids, why=why)
        self.change_by_id(_CANCEL_DIGESTS, digests)
        self.change_by_id(_DISSOLVE, digests)

    def cancel_entries(self, intents: Sequence[str], why: str) -> None:
        """Those still held; what is due already is true and is told."""
        self.change_by_id(_CANCEL, intents, why=why)

    def _cancel_unheard(self, withdrawals: Sequence[str], now: datetime) -> None:
        """Who lost a lead hears no more of what quiet hours kept from them, nor of its loss if they never heard of it.

        It would come too late for them, and hold up what its new holder must hear (R15).
        """
        unheard = list(self.select_by_id(_UNHEARD, withdrawals, at=now))
        never_had = {row.withdrawal for row in unheard if row.kind in PACKETS}
        self.change_by_id(_CANCEL_UNHEARD, sorted({row.entry for row in unheard} | never_had))


class SqlOutbox:
    """The outbox as delivery sees it. Fulfils ports.Outbox.

    Args:
        check: raises where another process works on the portal (I8); asked before anything is claimed. What a receiver
            answered is written down also by a process that has lost its lease: it happened (I6).
    """

    def __init__(
        self, database: Database, portal: PortalId, holder: str, check: Callable[[Connection], None]
    ) -> None:
        self._database, self._portal, self._holder, self._check = database, portal, holder, check

    def destinations(self) -> dict[str, DestinationState]:
        with self._database.reading() as connection:
            return Destinations(connection, self._portal).destinations()

    def learn(self, destination: str, how: Learn) -> DestinationState:
        with self._database.writing() as connection:
            return Destinations(connection, self._portal).learn(destination, how)

    def claim(self, now: datetime, limit: int, destination: str | None = None) -> list[Entry]:
        """A claim that its process did not settle is let go when another takes the lease, else after five minutes."""
        until = now + timedelta(minutes=CLAIM_MINUTES)
        with self._database.writing() as connection:
            self._check(connection)
            part = Destinations(connection, self._portal)
            names = [name for name in part.open_destinations(now) if destination in (None, name)]
            ids = [
                row.entry for name in names for row in part.select(_READY, now=now, most=limit, destination_=name)
            ]
            claimed = part.select_by_id(_CLAIM, ids, now=now, until=until, holder=self._holder)
            return sorted((read_entry(row) for row in claimed), key=lambda entry: entry.sequence)

    def next_due(self, now: datetime) -> datetime | None:
        with self._database.reading() as connection:
            part = Destinations(connection, self._portal)
            rows = part.select(_NEXT, now=now)
            states = part.destinations() if rows else {}
        open_at = {row.destination: states.get(row.destination, DestinationState(name=row.destination)) for row in rows}
        found = [
            max(row.at, open_at[row.destination].rests_until or row.at)
            for row in rows
            if open_at[row.destination].off_at is None
        ]
        return min(found, default=None)

    def give_back(self, entries: Sequence[str]) -> None:
        with self._database.writing() as connection:
            Part(connection, self._portal).change_by_id(_GIVE_BACK, entries, holder=self._holder)

    def record(self, tries: Sequence[Try]) -> list[DestinationState]:
        rows = [_tried(one) for one in tries]
        with self._database.writing() as connection:
            part = Destinations(connection, self._portal)
            part.change_each(_TRIED, rows)
            part.change_each(_attempt(part.dialect), rows)
            part.change_each(_MEMBERS_TRIED, [row for row in rows if row["status_"] != "due"])
            learnt: dict[str, list[Learn]] = {}
            where = {row.entry: row.destination for row in part.select_by_id(_DESTINATIONS, [t.entry for t in tries])}
            for one in tries:
                if one.learn is not None and one.entry in where:
                    learnt.setdefault(where[one.entry], []).append(one.learn)
            return [part.learn(name, partial(reduce, _then, how)) for name, how in learnt.items()]


def let_go(connection: Connection, portal: PortalId, *, keeper: str) -> int:
    """Free what others had claimed: whoever takes the lease is the only one that sends, and `keeper` is its name."""
    return Part(connection, portal).change(_LET_GO, keeper=keeper)


def _then(state: DestinationState, how: Learn) -> DestinationState:
    return how(state)


def _tried(one: Try) -> dict[str, Any]:
    sent = one.status == "sent"
    return {
        "entry_": one.entry, "sent": sent, "status_": one.status, "due_at_": one.due_at, "last_error_": one.error,
        "sent_at_": one.at if sent else None, "at_": one.at, "seconds_": one.seconds,
    }


@per_dialect
def _attempt(dialect: str) -> Insert:
    """Number, as the entry counts its tries."""
    made = select(
        outbox.c.portal, outbox.c.entry, outbox.c.tries, bindparam("at_", type_=outbox_attempt.c.at.type),
        _given("status"), _given("last_error"), bindparam("seconds_", type_=outbox_attempt.c.seconds.type),
    ).where(outbox.c.portal == PORTAL, outbox.c.entry == bindparam("entry_"))
    statement = insert_into(outbox_attempt, dialect).from_select(
        ["portal", "entry", "number", "at", "status", "error", "seconds"], made
    )
    return statement.on_conflict_do_nothing(index_elements=key_of(outbox_attempt))


def _row(portal: str, entry: Entry, sequence: int) -> dict[str, Any]:
    return {
        "portal": portal, "entry": entry.id, "sequence": sequence, "destination": entry.destination,
        "kind": entry.kind, "contact": entry.contact, "episode": entry.episode, "body": entry.body,
        "status": entry.status, "intent": entry.intent, "tries": entry.tries, "due_at": entry.due_at,
        "last_error": entry.last_error, "sent_at": entry.sent_at, "claimed_until": None, "claimed_by": None,
        "owner": entry.owner, "digest": entry.digest, "summary": entry.summary, "queued_at": entry.queued_at,
        "alone_until": entry.alone_until, "spent": entry.spent or None,
    }


def read_entry(row: Row[Any]) -> Entry:
    return Entry(
        id=row.entry, destination=row.destination, kind=row.kind, contact=row.contact, episode=row.episode,
        body=row.body, status=row.status, intent=row.intent, sequence=row.sequence, tries=row.tries,
        due_at=row.due_at, last_error=row.last_error, sent_at=row.sent_at, owner=row.owner, digest=row.digest,
        summary=row.summary or "", queued_at=row.queued_at, alone_until=row.alone_until, spent=row.spent or 0,
    )
