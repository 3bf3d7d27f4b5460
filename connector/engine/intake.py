"""Intake: what the CRM showed of contacts and activities is kept, and what is new puts its contact on the work list.

Whoever reads records hands them in here, within a transaction: pull, hints, what was read back after a write.
Nothing is decided here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connector.domain.activity import Activity
from connector.domain.contact import Contact, ContactId
from connector.domain.episode import Episode, State
from connector.domain.json_text import dumps
from connector.domain.record import Record
from connector.engine import kept
from connector.engine.context import Context
from connector.engine.erase import activities_to_keep, without_erased
from connector.engine.idle import nothing_comes_at_first_sight, pass_over
from connector.engine.merging import merge, show_anew
from connector.engine.ports import FieldChange, StoredContact, UnitOfWork
from connector.engine.stand_ins import LAST_PAGES, stand_ins
from connector.engine.unread import set_read, set_unread
from connector.rules.email_domains import clean_email
from connector.rules.fields import normalise
from connector.rules.meetings import FIELD

BOOKED = "meetings.booked"
"""When a contact last said that it booked a meeting; kept as a watermark, and no stream."""
OUT_OF_STEP = timedelta(minutes=1)
"""The CRM's machines agree that far about the time."""


def store_records(
    context: Context,
    uow: UnitOfWork,
    records: Sequence[Record],
    *,
    source: str = "crm",
    dirty: bool = True,
    compare: Callable[[Sequence[Record], Mapping[ContactId, StoredContact]], object] = lambda records, known: None,
) -> dict[ContactId, StoredContact]:
    """Normalise records, keep what changed with its time, and mark those contacts for deciding.

    A record that is as it was is left alone: reading a page twice changes nothing. Who was erased stays out (I11).
    `compare` is called once with the records that are taken in, and what was known of them.
    """
    records = without_erased(uow, records)
    known = uow.contacts([record.id for record in records])
    compare(records, known)
    rows: dict[ContactId, StoredContact] = {}
    changes: list[FieldChange] = []
    moved: list[ContactId] = []
    came: dict[ContactId, Episode] = {}
    keeps: Counter[str] = Counter()
    for record in records:
        if (episode := _follow_merges(context, uow, record, known)) is not None:
            came[record.id] = episode
        before = known.get(record.id)
        if before is not None and record.modified_at < before.contact.modified_at and not context.renormalise:
            if not _clock_went_back(context, before):
                continue  # it shows less than is known, for the CRM's index lags
            record = replace(record, modified_at=before.contact.modified_at)
        try:
            after = refresh(context, record, before)
            differs = before is None or _shows_other(before, after) or before.gone or context.renormalise
            changed = _field_changes(context, before, after, record, source) if differs else []
        except Exception as error:  # around one record: the others go on (P5)
            set_unread(context, uow, record.id, error)
            continue
        if record.id in context.unread:
            moved.append(record.id)  # what was not decided while it could not be read
        set_read(context, uow, record.id)
        if differs:
            moved.append(record.id)
            changes += changed
            rows[record.id] = after
            kept.note_moved(keeps, before, after)
        elif before is not None and before.contact.modified_at != after.contact.modified_at:
            rows[record.id] = after
    views = stand_ins(uow, known, rows.values())
    if any(row.contact.instant(FIELD) != _booked_before(known.get(one)) for one, row in rows.items()):
        uow.put_watermark(BOOKED, context.now)
    uow.put_contacts(list(rows.values()))
    uow.put_field_changes(changes)
    kept.count(uow, keeps, context.now)
    addresses = {email: row.contact.id for row in rows.values() if (email := row.contact.text("email"))}
    addresses |= _other_addresses(uow, records, known, rows)
    waiting = uow.claim_activities(addresses) if addresses else frozenset()
    if dirty:
        new = [row for one, row in rows.items() if one not in known and one not in waiting and not row.gone]
        idle = nothing_comes_at_first_sight(context, uow, new) - came.keys() if new else frozenset()
        pass_over(context, idle)
        listed = {*moved, *waiting} - idle
        uow.mark_dirty(listed, source)
        context.listed += len(listed)
    if views:
        store_activities(context, uow, views, LAST_PAGES)
        uow.mark_retry([row.contact for row in views if row.contact is not None and row.occurred_at > context.now])
    for contact, episode in came.items():
        if contact not in context.unread:
            show_anew(context, uow, episode, rows.get(contact) or known[contact])
    return {**known, **rows}


def _other_addresses(
    uow: UnitOfWork,
    records: Sequence[Record],
    known: Mapping[ContactId, StoredContact],
    rows: Mapping[ContactId, StoredContact],
) -> dict[str, ContactId]:
    """Keep the addresses under which these contacts are known beside the first one, or were: forms come under any.

    Gives those that nobody else shows first.
    """
    found = {email: record.id for record in records for one in record.addresses if (email := clean_email(one))}
    for contact, row in rows.items():
        before = known[contact].contact.text("email") if contact in known else ""
        if before and before != row.contact.text("email"):
            found[before] = contact
    if not found:
        return {}
    uow.put_addresses(found)
    whose = uow.contact_ids_by_email(list(found))
    return {email: contact for email, contact in found.items() if whose.get(email) == contact}


def _booked_before(known: StoredContact | None) -> datetime | None:
    return known.contact.instant(FIELD) if known is not None else None


def _clock_went_back(context: Context, before: StoredContact) -> bool:
    """What is dated after the CRM's own clock says nothing about what came first: that clock has stepped back since."""
    return before.contact.modified_at > context.clock.latest() + OUT_OF_STEP


def refresh(context: Context, record: Record, before: StoredContact | None) -> StoredContact:
    """The stored form of a record; values that did not change keep their meaning and their date."""
    if context.gone and before is not None:
        record = replace(record, properties={**_kept(context, before), **record.properties})
    stays, shown = kept.still_kept(record, before, context.returned), record.properties
    if before is not None and kept.KEPT in before.raw:
        before = replace(before, raw=kept.in_force(before.raw))
    if stays:
        record = replace(record, properties={**shown, **stays})
    known = None if context.renormalise else before
    contact = normalise(record, context.whole.fields, context.book.stages.values, previous=known)
    dates = _dates(context, contact, record, before)
    if dates is not contact.changed_at:
        contact = replace(contact, changed_at=dates)
    raw = {name: value for name, value in shown.items() if value and name != kept.KEPT}
    if stays:
        raw[kept.KEPT] = dumps(stays, in_order=True)
    on_list = before is not None and before.on_list
    return StoredContact(contact=contact, raw=raw, on_list=on_list, gone=record.archived)


def _shows_other(before: StoredContact, after: StoredContact) -> bool:
    """Whether the CRM shows other values than it did; those stored by earlier versions have empty ones among them."""
    return before.raw != after.raw and {name: value for name, value in before.raw.items() if value} != after.raw


def _kept(context: Context, before: StoredContact) -> dict[str, str | None]:
    """What is stored of properties that are not asked for: that they are gone says nothing of the contact (P7)."""
    fields = context.whole.fields.fields
    names = [prop for name in context.gone if (prop := fields[name].property) is not None]
    return {prop: before.raw[prop] for prop in names if prop in before.raw}


def _dates(context: Context, contact: Contact, record: Record, before: StoredContact | None) -> Mapping[str, datetime]:
    """When each field took its value: known for what we saw change, and for all of a contact made since we began."""
    if before is None:
        if context.past is not None and contact.created_at < context.past:
            return {} if contact.changed_at else contact.changed_at
        return dict.fromkeys(contact.fields, contact.created_at)
    if not context.renormalise:
        return contact.changed_at
    return {**contact.changed_at, **before.contact.changed_at}


def _field_changes(
    context: Context, before: StoredContact | None, after: StoredContact, record: Record, source: str
) -> list[FieldChange]:
    """Each mapped field that changed; the first sight of a contact is one row with all of its values."""
    if before is None:
        return [_change(context, after, "*", dumps(after.raw, in_order=True), record.modified_at, "baseline")]
    changed = []
    was, now = kept.in_force(before.raw), kept.in_force(after.raw)
    for name in context.book.fields.fields:
        prop = context.book.fields.fields[name].property
        if prop is None:
            continue
        old, new = was.get(prop), now.get(prop)
        if (old or "") != (new or ""):
            changed.append(_change(context, after, name, new, record.changed_at(prop), source))
    return changed


def _change(
    context: Context, row: StoredContact, field: str, value: str | None, at: datetime, source: str
) -> FieldChange:
    return FieldChange(
        contact=row.contact.id, field=field, value=value, occurred_at=at, observed_at=context.now, source=source
    )


def _follow_merges(
    context: Context, uow: UnitOfWork, record: Record, known: dict[ContactId, StoredContact]
) -> Episode | None:
    """I12: what we keep of a merged-away contact goes on under the survivor; the open episode that came so, if any."""
    gone = [merged for merged in (*record.merged_ids, record.asked_id) if merged != record.id]
    if not gone:
        return None
    came: Episode | None = None
    for merged, row in uow.contacts(gone).items():
        if row.merged_into != record.id:
            came = merge(context, uow, merged, record.id) or came
    known.update(uow.contacts([record.id]))
    return came


def drop_contacts(context: Context, uow: UnitOfWork, ids: Sequence[ContactId]) -> None:
    """Forget what was meant for contacts that are gone: timers, waiting notices and the open episode end."""
    known = {key: row for key, row in uow.contacts(ids).items() if not row.gone and row.merged_into is None}
    for contact in ids:
        set_read(context, uow, contact)
    context.missing.update(known)
    left = [replace(row, gone=True) for row in known.values()]
    uow.put_contacts(left)
    keeps: Counter[str] = Counter()
    for row in left:
        kept.note_moved(keeps, known[row.contact.id], row)
    kept.count(uow, keeps, context.now)
    uow.set_on_list(list(known), False)  # the CRM takes them off, and a restored contact is not put on again
    for contact, episodes in uow.episodes(list(known)).items():
        uow.cancel_timers(contact, ())
        for episode in episodes:
            if episode.is_open:
                ended = replace(episode, state=State.UNREACHABLE, ended_at=context.now, exit_reason="contact_deleted")
                uow.put_episode(replace(ended, marketing_held=False), at=context.now, cause="contact deleted")
    uow.cancel_contact_entries(list(known), "the contact was deleted in the CRM")
    uow.clear_dirty(list(known))


# -- activities ----------------------------------------------------------------------------------------------------


def store_activities(context: Context, uow: UnitOfWork, rows: Sequence[Activity], cause: str) -> None:
    """Keep those not seen before, and mark their contacts for deciding."""
    mark_heard_of(uow, uow.put_activities(activities_to_keep(uow, _with_contacts(uow, rows)), context.now), cause)


def mark_heard_of(uow: UnitOfWork, contacts: Iterable[ContactId], cause: str) -> None:
    """Put them on the work list; who is not known yet comes on it with its record (idle.py)."""
    uow.mark_dirty(uow.known(contacts), cause)


def _with_contacts(uow: UnitOfWork, rows: Sequence[Activity]) -> list[Activity]:
    """Rows that came with an address get their contact, where it is known; the others wait for it."""
    spelt = [_as_contacts_spell_it(row) for row in rows]
    addresses = {row.email for row in spelt if row.contact is None and row.email}
    known = uow.contact_ids_by_email(list(addresses)) if addresses else {}
    return [
        replace(row, contact=known[row.email]) if row.contact is None and row.email in known else row for row in spelt
    ]


def _as_contacts_spell_it(row: Activity) -> Activity:
    """One address may be written in two ways (xn--bcher-kva.example is bücher.example): contacts have the clean one."""
    email = clean_email(row.email) if row.email else None
    return row if email is None or email == row.email else replace(row, email=email)
