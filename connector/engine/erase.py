"""Erase: a privacy deletion, through every table, within the run that hears of it (R37, I11).

It beats everything else (I0): open writes of the person are cancelled, waiting notices too, an open episode ends.
What stays is what figures need, without personal data (docs/decisions/0009); a keyed digest keeps the person from being
taken in again. How a person is noticed: engine/hints.py by webhook, engine/vanished.py by polling, a person by
`handoff erase`. HubSpot itself is not touched.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from connector.domain.activity import Activity
from connector.domain.contact import ContactId
from connector.domain.deal import Deal
from connector.domain.episode import State
from connector.domain.record import Record
from connector.engine.ports import Receipt, Store, UnitOfWork

PRIVACY, VANISHED, BY_HAND = "privacy deletion", "vanished", "by hand"


def erase_contacts(
    uow: UnitOfWork, ids: Collection[ContactId], *, at: datetime, cause: str
) -> tuple[Receipt, ...]:
    """Erase these people, with all ids they ever had, and remember it; one receipt for each person.

    Safe to repeat: what came since goes too. Call `store.scrub()` once the transaction is committed.

    Args:
        at: the CRM's clock; what an address does later is of somebody who came anew.
        cause: PRIVACY, VANISHED or BY_HAND.
    Raises:
        SettingsError: the key that remembers people cannot be had; nothing is erased then.
    """
    receipts, done = [], set[ContactId]()
    for contact in dict.fromkeys(ids):
        if contact in done:
            continue
        family = uow.family(contact)
        done.update(family)
        uow.cancel_contact_entries(family, "the person was erased")
        for episodes in uow.episodes(family).values():
            for episode in episodes:
                if episode.is_open:
                    ended = replace(episode, state=State.UNREACHABLE, ended_at=at, exit_reason="erased")
                    uow.put_episode(replace(ended, marketing_held=False), at=at, cause="erased")
        receipts.append(uow.erase(family, at=at, cause=cause))
    return tuple(receipts)


def erase_now(store: Store, ids: Collection[ContactId], *, at: datetime, cause: str) -> tuple[Receipt, ...]:
    """The same in a transaction of its own; afterwards no page of the file holds what was in it."""
    if not ids:
        return ()
    with store.transaction() as uow:
        receipts = erase_contacts(uow, ids, at=at, cause=cause)
    store.scrub()
    return receipts


# -- not taken in again ------------------------------------------------------------------------------------------


def without_erased(uow: UnitOfWork, records: Sequence[Record]) -> Sequence[Record]:
    """Records of a page that may be stored: one look for the whole page.

    Who was erased only because the CRM had the contact no more, and is there all the same, is taken in anew.
    """
    known = uow.erased({one for record in records for one in (record.id, record.asked_id)})
    if not known:
        return records
    back = {one for one, person in known.items() if person.cause == VANISHED}
    uow.forget_erased(back)
    gone = known.keys() - back
    return [record for record in records if record.id not in gone and record.asked_id not in gone]


def activities_to_keep(uow: UnitOfWork, rows: Sequence[Activity]) -> Sequence[Activity]:
    """The same for activities. One that comes with an address of somebody erased counts only where it is later and
    another contact bears that address: else nobody would ever take it out again."""
    known = uow.erased({row.contact for row in rows if row.contact}, {row.email for row in rows if row.email})
    if not known:
        return rows
    return [
        row
        for row in rows
        if row.contact not in known
        and not (row.email in known and (row.contact is None or row.occurred_at <= known[row.email].at))
    ]


def deals_to_keep(uow: UnitOfWork, rows: Sequence[Deal]) -> Sequence[Deal]:
    """Deals without those of their people who were erased."""
    known = uow.erased({one for row in rows for one in row.contacts})
    if not known:
        return rows
    return [replace(row, contacts=tuple(one for one in row.contacts if one not in known)) for row in rows]


__all__ = [
    "BY_HAND",
    "PRIVACY",
    "VANISHED",
    "activities_to_keep",
    "deals_to_keep",
    "erase_contacts",
    "erase_now",
    "without_erased",
]
