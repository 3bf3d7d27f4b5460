"""Kept: what is stored of a property that was made again stays in force until the contact shows a value (I0, P7).

A property made again in the portal is empty for everybody, also for those who had said no by it. That it is empty says
nothing of them: what was stored goes on counting, contact by contact, until the portal shows a value there, a "no" or
"false" too. It stands apart from the wire values, so that these are what the portal shows.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime

from connector.domain.record import Record
from connector.engine.ports import StoredContact, UnitOfWork
from connector.rules.rulebook import RuleBook
from connector.rules.words import many

KEPT = "kept values"
"""Among a contact's wire values, as JSON: property → value; no property's name has a space."""
COUNTED = "drift.kept"
"""Among the watermarks; beside it stands of how many contacts, by property."""


def kept_of(raw: Mapping[str, str | None]) -> dict[str, str]:
    """Property → the value that stays in force though the portal shows none."""
    found: dict[str, str] = json.loads(raw.get(KEPT) or "{}")
    return found


def in_force(raw: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """Wire values as the rules go by them."""
    return {**raw, **kept_of(raw)} if KEPT in raw else raw


def still_kept(record: Record, before: StoredContact | None, back: Collection[str]) -> dict[str, str]:
    """What stays in force beside what the record shows.

    Args:
        back: properties that the portal has again, in the run that reads every contact for it.
    """
    if before is None or not (back or KEPT in before.raw):
        return {}
    was = {prop: value for prop in back if (value := before.raw.get(prop))}
    return {prop: value for prop, value in (was | kept_of(before.raw)).items() if not record.properties.get(prop)}


# -- how many, for people --------------------------------------------------------------------------------------------


def note_moved(change: Counter[str], before: StoredContact | None, after: StoredContact) -> None:
    """By property, one more whose value is kept from now on, or one less."""
    if KEPT in after.raw and not after.gone:
        change.update(kept_of(after.raw).keys())
    if before is not None and KEPT in before.raw and not before.gone:
        change.subtract(kept_of(before.raw).keys())


def count(uow: UnitOfWork, change: Counter[str], now: datetime) -> None:
    """Add it up; costs nothing where nothing moved."""
    if not any(change.values()):
        return
    counted = Counter(_read(uow.place(COUNTED)))
    counted.update(change)
    uow.put_watermark(COUNTED, now)
    uow.put_place(COUNTED, json.dumps(dict(+counted)))


def told(uow: UnitOfWork, book: RuleBook) -> list[str]:
    """A line for each field of which something is kept: of how many contacts, and how each is released."""
    return in_words(uow.place(COUNTED), book)


def in_words(place: str | None, book: RuleBook) -> list[str]:
    """The same from what stands beside the watermark COUNTED."""
    counted = _read(place)
    names = {rule.property: name for name, rule in book.fields.fields.items()}
    return [
        f"fields.yaml: field `{names[prop]}`: the portal's property `{prop}` was gone, is back, and is empty for "
        f"{many(contacts, 'contact')} of whom a value is stored; what is stored stays in force for each until HubSpot "
        "shows a value. Restore the values in HubSpot, or set the property for these contacts (No counts too)"
        for prop, contacts in counted.items()
        if prop in names
    ]


def told_of(stored: StoredContact, book: RuleBook) -> tuple[str, ...]:
    """A line for each value of one contact that stays in force though the CRM shows none."""
    names = {rule.property: name for name, rule in book.fields.fields.items()}
    return tuple(
        f"{names[prop]}: HubSpot shows nothing since its property was made again; “{value}”, as it was, stays in force"
        for prop, value in kept_of(stored.raw).items()
        if prop in names and not stored.gone
    )


def _read(place: str | None) -> dict[str, int]:
    found: dict[str, int] = json.loads(place or "{}")
    return found
