"""Whose turn it is to be looked for in the CRM: see engine/vanished.py."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, select

from connector.domain.contact import ContactId
from connector.store.part import PORTAL, Part
from connector.store.tables import contact, presence

_STANDS = select(presence).where(presence.c.portal == PORTAL)
_NEXT = (
    select(contact.c.contact)
    .where(contact.c.portal == PORTAL, contact.c.contact > bindparam("after"), contact.c.merged_into.is_(None))
    .order_by(contact.c.contact)
    .limit(bindparam("most"))
)


class Presence(Part):
    def presence(self) -> tuple[datetime, datetime, str | None] | None:
        """When the round began, when it last went on, after which contact; None for the last where it is complete."""
        for row in self.select(_STANDS):
            return row.began_at, row.looked_at, row.after
        return None

    def put_presence(self, *, began_at: datetime, looked_at: datetime, after: str | None) -> None:
        row = {"portal": self.portal, "began_at": began_at, "looked_at": looked_at, "after": after}
        self.upsert(presence, [row])

    def contact_ids_after(self, after: str, limit: int) -> list[ContactId]:
        """Gone ones too; not those that live on in another contact."""
        return [ContactId(row.contact) for row in self.select(_NEXT, after=after, most=limit)]
