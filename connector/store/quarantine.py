"""Contacts that could not be processed: set aside with a reason, shown, tried again once a run (P5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from connector.domain.contact import ContactId
from connector.store.part import IDS, PORTAL, Insert, Part, insert_into, key_of, per_dialect
from connector.store.tables import quarantine

_ALL = select(quarantine).where(quarantine.c.portal == PORTAL).order_by(quarantine.c.contact)
_UNREAD = select(quarantine.c.contact, quarantine.c.tries).where(
    quarantine.c.portal == PORTAL, quarantine.c.unread.is_(True)
)
_TRIES = select(quarantine.c.tries).where(
    quarantine.c.portal == PORTAL, quarantine.c.contact == bindparam("contact_")
)
_CLEAR = delete(quarantine).where(quarantine.c.portal == PORTAL, quarantine.c.contact.in_(IDS))


@per_dialect
def _put(dialect: str) -> Insert:
    statement = insert_into(quarantine, dialect)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=key_of(quarantine),
        set_={
            "reason": new.reason, "last_at": new.last_at, "tries": quarantine.c.tries + 1, "unread": new.unread
        },
    )


class Quarantine(Part):
    def put_quarantine(self, contact: ContactId, reason: str, at: datetime, *, unread: bool = False) -> int:
        row = {
            "portal": self.portal, "contact": contact, "reason": reason, "tries": 1, "first_at": at, "last_at": at,
            "unread": unread,
        }
        self.write(_put(self.dialect), [row])
        return int(self.select(_TRIES, contact_=contact)[0].tries)

    def unread(self) -> dict[ContactId, int]:
        return {ContactId(row.contact): row.tries for row in self.select(_UNREAD)}

    def clear_quarantine(self, ids: Sequence[ContactId]) -> None:
        self.change_by_id(_CLEAR, ids)

    def quarantined(self) -> list[Mapping[str, object]]:
        """In id order: contact, reason, tries, first_at, last_at."""
        return [
            {
                "contact": row.contact, "reason": row.reason, "tries": row.tries, "first_at": row.first_at,
                "last_at": row.last_at,
            }
            for row in self.select(_ALL)
        ]
