"""Contacts as they stand, what was seen of them before, and the list of those to decide again.

Merging one contact into another reaches into many tables; that is merges.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Text, bindparam, delete, func, literal, or_, select, update

from connector.domain.account import Accounts
from connector.domain.contact import Contact, ContactId, OwnerId
from connector.domain.episode import UNDONE, Hop
from connector.engine.ports import FieldChange, StoredContact
from connector.store.codec import decode, decode_times, decode_values, encode, encode_times, encode_values
from connector.store.part import IDS, PORTAL, Insert, Part, insert_into, key_of, per_dialect
from connector.store.tables import address, contact, dirty, episode, field_change, retry
from connector.store.types import clean

_CONTACTS = select(
    contact.c.contact, contact.c.created_at, contact.c.modified_at, contact.c.fields, contact.c.changed_at,
    contact.c.problems, contact.c.raw, contact.c.on_list, contact.c.gone, contact.c.merged_into,
).where(contact.c.portal == PORTAL, contact.c.contact.in_(IDS))
_BY_EMAIL = (
    select(contact.c.email, contact.c.contact)
    .where(
        contact.c.portal == PORTAL, contact.c.email.in_(IDS), contact.c.gone.is_(False), contact.c.merged_into.is_(None)
    )
    .order_by(contact.c.modified_at, contact.c.contact)
)
_BY_ADDRESS = (
    select(address.c.email, contact.c.contact)
    .join(contact, (contact.c.portal == address.c.portal) & (contact.c.contact == address.c.contact))
    .where(
        address.c.portal == PORTAL, address.c.email.in_(IDS), contact.c.gone.is_(False), contact.c.merged_into.is_(None)
    )
    .order_by(contact.c.modified_at, contact.c.contact)
)
_FIND_ADDRESS = select(contact.c.contact, contact.c.merged_into).join(
    address, (contact.c.portal == address.c.portal) & (contact.c.contact == address.c.contact)
).where(address.c.portal == PORTAL, address.c.email.in_(IDS)).order_by(contact.c.gone, contact.c.modified_at.desc())
_FIND_ID = select(contact.c.contact, contact.c.merged_into).where(
    contact.c.portal == PORTAL, contact.c.contact.in_(IDS)
)
_FIND_EMAIL = (
    select(contact.c.contact, contact.c.merged_into)
    .where(contact.c.portal == PORTAL, contact.c.email.in_(IDS))
    .order_by(contact.c.gone, contact.c.modified_at.desc())
)
_SET_ON_LIST = (
    update(contact).where(contact.c.portal == PORTAL, contact.c.contact.in_(IDS)).values(on_list=bindparam("on"))
)
_MARK_GONE = update(contact).where(contact.c.portal == PORTAL, contact.c.contact.in_(IDS)).values(gone=True)
_CHANGES = (
    select(field_change)
    .where(field_change.c.portal == PORTAL, field_change.c.contact == bindparam("contact_"))
    .order_by(field_change.c.occurred_at, field_change.c.observed_at, field_change.c.field)
)
_SEEN_TO_CHANGE = (
    select(field_change.c.observed_at, field_change.c.contact)
    .where(
        field_change.c.portal == PORTAL, field_change.c.field.in_(IDS),
        field_change.c.observed_at >= bindparam("since"), field_change.c.observed_at <= bindparam("until"),
        or_(field_change.c.observed_at > bindparam("since"), field_change.c.contact > bindparam("after")),
    )
    .order_by(field_change.c.observed_at, field_change.c.contact)
    .limit(bindparam("most"))
)
_colleague = contact.alias("colleague")
# From the domains to their leads to these leads' episodes; as a plain join SQLite begins with all episodes.
_ACCOUNT_OWNERS = (
    select(contact.c.domain, contact.c.contact, episode.c.owner, episode.c.party, episode.c.passed_on_at)
    .join(episode, (episode.c.portal == contact.c.portal) & (episode.c.contact == contact.c.contact))
    .where(
        episode.c.portal == PORTAL, episode.c.silent.is_(False), episode.c.owner.is_not(None),
        episode.c.exit_reason != UNDONE,
        episode.c.contact.in_(
            select(_colleague.c.contact).where(
                _colleague.c.portal == PORTAL, _colleague.c.has_lead, _colleague.c.domain.in_(IDS)
            )
        ),
    )
    .order_by(episode.c.opened_at, episode.c.episode)
)
_DIRTY = select(dirty.c.contact).where(dirty.c.portal == PORTAL).order_by(dirty.c.contact).limit(bindparam("most"))
_DIRTY_AMONG = (
    select(dirty.c.contact).where(dirty.c.portal == PORTAL, dirty.c.contact.in_(IDS)).order_by(dirty.c.contact)
)
_DIRTY_CAUSES = select(dirty.c.contact, dirty.c.cause).where(dirty.c.portal == PORTAL, dirty.c.contact.in_(IDS))
_DIRTY_BECAUSE = (
    select(dirty.c.contact)
    .where(dirty.c.portal == PORTAL, dirty.c.cause.startswith(bindparam("prefix_"), autoescape=False))
    .order_by(dirty.c.contact)
)
_DIRTY_COUNT = select(func.count().label("found")).select_from(dirty).where(dirty.c.portal == PORTAL)
_FORGET_RETRIES = delete(retry).where(retry.c.portal == PORTAL)
_CLEAR_DIRTY = delete(dirty).where(dirty.c.portal == PORTAL, dirty.c.contact.in_(IDS))


@per_dialect
def _put(dialect: str) -> Insert:
    statement = insert_into(contact, dialect)
    new = statement.excluded
    written: dict[str, Any] = {c.name: new[c.name] for c in contact.columns if not c.primary_key}
    del written["has_lead"]  # episodes say so
    # A page that knows nothing of our list must not take the mark away; set_on_list alone does (I1).
    written["on_list"] = or_(contact.c.on_list, new.on_list)
    return statement.on_conflict_do_update(index_elements=key_of(contact), set_=written)


@per_dialect
def _mark_dirty(dialect: str) -> Insert:
    statement = insert_into(dirty, dialect)
    return statement.on_conflict_do_update(index_elements=key_of(dirty), set_={"cause": statement.excluded.cause})


@per_dialect
def _mark_all_dirty(dialect: str) -> Insert:
    everyone = select(contact.c.portal, contact.c.contact, bindparam("why", type_=Text())).where(
        contact.c.portal == PORTAL, contact.c.gone.is_(False), contact.c.merged_into.is_(None)
    )
    statement = insert_into(dirty, dialect).from_select(["portal", "contact", "cause"], everyone)
    return statement.on_conflict_do_nothing(index_elements=key_of(dirty))


@per_dialect
def _retries_dirty(dialect: str) -> Insert:
    waiting = select(retry.c.portal, retry.c.contact, literal("retry", Text())).where(retry.c.portal == PORTAL)
    statement = insert_into(dirty, dialect).from_select(["portal", "contact", "cause"], waiting)
    return statement.on_conflict_do_nothing(index_elements=key_of(dirty))


class Contacts(Part):
    def contacts(self, ids: Sequence[ContactId]) -> dict[ContactId, StoredContact]:
        return {row.contact: _stored(row) for row in self.select_by_id(_CONTACTS, ids)}

    def known(self, ids: Iterable[ContactId]) -> frozenset[ContactId]:
        return frozenset(ContactId(row.contact) for row in self.select_by_id(_FIND_ID, list(ids)))

    def put_contacts(self, rows: Sequence[StoredContact]) -> None:
        """Each contact at most once in `rows`. A list mark already there stays: `set_on_list` alone takes it away."""
        self.write(_put(self.dialect), [_row(self.portal, stored) for stored in rows])

    def contact_ids_by_email(self, emails: Sequence[str]) -> dict[str, ContactId]:
        """Addresses in lower case. Of several contacts with one address the one that shows it first, then the one
        changed last; never a gone one."""
        first = {row.email: row.contact for row in self.select_by_id(_BY_EMAIL, emails)}
        others = [one for one in emails if one not in first]
        return {row.email: row.contact for row in self.select_by_id(_BY_ADDRESS, others)} | first

    def put_addresses(self, emails: Mapping[str, ContactId]) -> None:
        """Addresses in lower case that a contact has, or had, beside the one it shows first."""
        rows = [{"portal": self.portal, "email": one, "contact": contact} for one, contact in emails.items()]
        self.insert_new(address, rows)

    def find_contact(self, text: str) -> ContactId | None:
        typed = clean(text.strip())
        for statement, key in ((_FIND_ID, typed), (_FIND_EMAIL, typed.lower()), (_FIND_ADDRESS, typed.lower())):
            for row in self.select(statement, ids=[key] if key else []):
                return ContactId(row.merged_into or row.contact)
        return None

    def mark_gone(self, ids: Sequence[ContactId]) -> None:
        """Archived or erased in the CRM; what is known of them stays."""
        self.change_by_id(_MARK_GONE, ids)

    def set_on_list(self, ids: Sequence[ContactId], on_list: bool) -> None:
        self.change_by_id(_SET_ON_LIST, ids, on=on_list)

    def accounts(self, domains: Sequence[str]) -> Accounts:
        self.flush()
        found = Accounts()
        for row in self.select_by_id(_ACCOUNT_OWNERS, domains):
            called = row.party is not None and row.passed_on_at is None
            hop = Hop.TELEQUALIFICATION if called else Hop.SALES
            found.give(hop, row.domain, ContactId(row.contact), OwnerId(row.owner))
        return found

    # -- what was seen when

    def put_field_changes(self, rows: Sequence[FieldChange]) -> None:
        """Known by contact, field, instant and source; seen again, the first sight stays.

        The first sight of a contact may be one row: field `*`, all values as JSON text, source `baseline`.
        """
        self.insert_new(field_change, [
            {
                "portal": self.portal, "contact": row.contact, "field": row.field, "value": row.value,
                "occurred_at": row.occurred_at, "observed_at": row.observed_at, "source": row.source,
            }
            for row in rows
        ])

    def field_changes(self, contact: ContactId) -> list[FieldChange]:
        """Oldest first."""
        return [
            FieldChange(
                contact=row.contact, field=row.field, value=row.value, occurred_at=row.occurred_at,
                observed_at=row.observed_at, source=row.source,
            )
            for row in self.select(_CHANGES, contact_=contact)
        ]

    def seen_to_change(
        self, fields: Sequence[str], since: datetime, after: str, until: datetime, limit: int
    ) -> list[tuple[datetime, ContactId]]:
        found = self.select(_SEEN_TO_CHANGE, ids=list(fields), since=since, after=after, until=until, most=limit)
        return [(row.observed_at, row.contact) for row in found]

    # -- the work list

    def mark_dirty(self, ids: Iterable[ContactId], cause: str) -> None:
        """A contact already on the list gets the new cause: a signal of its own counts more than changed rules."""
        rows = [{"portal": self.portal, "contact": one, "cause": cause} for one in ids]
        self.write(_mark_dirty(self.dialect), rows)

    def dirty(self, limit: int) -> list[ContactId]:
        return [row.contact for row in self.select(_DIRTY, most=limit)]

    def dirty_among(self, ids: Sequence[ContactId]) -> list[ContactId]:
        return [row.contact for row in self.select_by_id(_DIRTY_AMONG, ids)]

    def dirty_count(self) -> int:
        return int(self.select(_DIRTY_COUNT)[0].found)

    def dirty_causes(self, ids: Sequence[ContactId]) -> dict[ContactId, str]:
        return {row.contact: row.cause for row in self.select_by_id(_DIRTY_CAUSES, ids)}

    def dirty_because(self, prefix: str) -> list[ContactId]:
        return [ContactId(row.contact) for row in self.select(_DIRTY_BECAUSE, prefix_=prefix)]

    def mark_retry(self, ids: Sequence[ContactId]) -> None:
        self.insert_new(retry, [{"portal": self.portal, "contact": one} for one in ids])

    def mark_retries_dirty(self) -> None:
        self.change(_retries_dirty(self.dialect))
        self.change(_FORGET_RETRIES)

    def clear_dirty(self, ids: Sequence[ContactId]) -> None:
        self.change_by_id(_CLEAR_DIRTY, ids)

    def mark_all_dirty(self, cause: str) -> int:
        """All that are neither gone nor merged; gives how many were not on the list yet."""
        return self.change(_mark_all_dirty(self.dialect), why=cause)


def _row(portal: str, stored: StoredContact) -> dict[str, Any]:
    one = stored.contact
    return {
        "portal": portal, "contact": one.id, "email": one.text("email"), "domain": one.text("domain"),
        "stage": one.text("stage"), "owner": one.text("owner"), "created_at": one.created_at,
        "modified_at": one.modified_at, "gone": stored.gone, "merged_into": stored.merged_into,
        "on_list": stored.on_list, "fields": encode_values(one.fields), "raw": encode_values(stored.raw),
        "changed_at": encode_times(one.changed_at), "problems": encode(one.problems) if one.problems else "[]",
        "has_lead": None,
    }


def _stored(row: Row[Any]) -> StoredContact:
    one = Contact(
        id=row.contact, created_at=row.created_at, modified_at=row.modified_at, fields=decode_values(row.fields),
        changed_at=decode_times(row.changed_at), problems=tuple(decode(row.problems)) if row.problems != "[]" else (),
    )
    return StoredContact(
        contact=one, raw=decode_values(row.raw), on_list=row.on_list, gone=row.gone, merged_into=row.merged_into
    )
