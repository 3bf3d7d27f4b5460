"""Vanished: contacts that the CRM has no more, neither live nor in its recycle bin, are erased here too (I11, P4).

A privacy deletion leaves no trace that polling could pull: the contact is in no search, no list and no bin. So who was
missing when a run looked for them is asked about at its end, and everybody else in turn: a round through all stored
contacts begins once a day, a hundred with each call, as many calls a run as minutes have passed. Contacts that wait in
the bin stay dropped; once the bin is emptied they go as well. The webhook `privacyDeletion` is faster (hints.py).

The round brings their values with it, at the same calls: a property that the CRM works out itself changes without
moving the contact's date, so no pull of what changed would ever show it (I4). The next run decides those contacts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connector.domain.contact import ContactId
from connector.domain.record import COMPANY, Record
from connector.engine.context import BATCH, Context
from connector.engine.erase import VANISHED, erase_now
from connector.engine.intake import store_records
from connector.rules.fields import properties_to_read

ROUND = timedelta(days=1)
PACE = timedelta(minutes=1)
MOST_CALLS = 20
RECHECK = "recheck"
"""Where a change of value came from that moved no date."""
SUSPICIOUS, SHARE = 50, 0.25
"""More of those looked at, and a greater share, is rather a mistake of somebody's than so many deletions (P7)."""


def erase_vanished(context: Context) -> int:
    """Ask about those missing in this run and about the next ones in turn; gives how many were erased.

    How far the round got is stored last: a run that is cut off asks again.
    """
    turn = _in_turn(context)
    erased = _erase(context, [*_missing(context), *turn.pieces], frozenset(one for ids in turn.pieces for one in ids))
    if turn.moved:
        with context.store.transaction() as uow:
            uow.put_presence(began_at=turn.began, looked_at=context.now, after=turn.after)
    return erased


def _erase(context: Context, pieces: Sequence[Sequence[ContactId]], turn: frozenset[ContactId]) -> int:
    """`turn`: whose values are looked at too."""
    own = [name for name in properties_to_read(context.book.fields) if not name.startswith(COMPANY)]
    looked, gone = 0, list[ContactId]()
    for ids in pieces:
        looked += len(ids)
        if turn.isdisjoint(ids):
            gone += sorted(context.crm.gone_for_good(ids))
            continue
        found = context.crm.look_at(ids, own)
        gone += sorted(found.gone)
        _take_in(context, found.records)
    if not gone:
        return 0
    with context.store.reading() as uow:
        living = [one for one, row in uow.contacts(gone).items() if not row.gone]
    if len(living) > SUSPICIOUS and len(living) > SHARE * looked:
        context.troubles.append(
            f"{len(living)} contacts are in the CRM no more, too many at once to be true: nobody was erased; if it is, "
            "erase each with `handoff erase`"
        )
        return 0
    erase_now(context.store, gone, at=context.now, cause=VANISHED)
    return len(gone)


def _take_in(context: Context, records: Sequence[Record]) -> None:
    """Keep values that differ though the contact's date did not move, for the next run to decide.

    Whatever moved it comes with the next window; who waits to be decided already is left alone.
    """
    ids = [record.id for record in records]
    with context.store.reading() as uow:
        known, waiting = uow.contacts(ids), frozenset(uow.dirty_among(ids))
    silent = []
    for record in records:
        row = known.get(record.id)
        if row is None or row.gone or row.merged_into is not None or record.id in waiting or record.merged_ids:
            continue
        shown = {name: value or "" for name, value in record.properties.items()}
        differs = any(value != (row.raw.get(name) or "") for name, value in shown.items())
        if differs and record.modified_at == row.contact.modified_at:
            silent.append(replace(record, properties={**row.raw, **record.properties}))
    if not silent:
        return
    changed = [record.id for record in silent]
    with context.store.transaction() as uow:
        store_records(context, uow, silent, source=RECHECK)
        uow.clear_dirty(changed)  # this run's decisions are made; its window must not stay open for these
        uow.mark_retry(changed)


def _missing(context: Context) -> list[Sequence[ContactId]]:
    ids = sorted(context.missing)
    context.missing.clear()
    return [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]


@dataclass(frozen=True, slots=True)
class _Turn:
    """Whom to ask about now, and where the round stands afterwards; `moved`: whether that is to be stored."""

    began: datetime
    after: str | None
    pieces: Sequence[Sequence[ContactId]] = ()
    moved: bool = True


def _in_turn(context: Context) -> _Turn:
    """The next ones of the round, as far as this run's share of calls goes."""
    now = context.now
    with context.store.reading() as uow:
        turn = uow.presence()
        if turn is None:
            return _Turn(now, None)  # all were read just now
        began, looked, after = turn
        if looked >= now:
            return _Turn(began, after, moved=False)  # a run that goes on after a kill had its turn
        if after is None:
            if now - began < ROUND:
                return _Turn(began, None, moved=False)
            began, looked, after = now, now - PACE, ""
        pieces: list[Sequence[ContactId]] = []
        for _ in range(min(MOST_CALLS, (now - looked) // PACE)):
            ids = uow.contact_ids_after(after, BATCH)
            pieces += [ids] if ids else []
            if len(ids) < BATCH:
                return _Turn(began, None, pieces)
            after = ids[-1]
    return _Turn(began, after, pieces, moved=bool(pieces))
