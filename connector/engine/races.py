"""Races: whose value stands where people edit what we write (I2). Compares what was read; asks and sends nothing.

HubSpot has no conditional write, so write.py reads before and after its own, and asks here what came in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connector.domain.change import Change, ChangeKind
from connector.domain.record import Edit, Record
from connector.engine.ports import Intent, StoredContact
from connector.rules.fields import property_of, to_wire
from connector.rules.plan import ANSWERS
from connector.rules.rulebook import RuleBook

SHARED = ("stage", "status", "owner")
"""Fields that people edit too; the history of these tells whose value stands (I2)."""

SAID = (*SHARED, *ANSWERS)
"""Whatever of ours a person may have written over, or we over theirs."""

MARKS = ("episode", "state")
"""Fields that nobody else writes: where they stand as wanted, the whole request was taken."""


def wire(row: Intent, book: RuleBook) -> dict[str, Change]:
    """The CRM's property → the change that is to be made of it."""
    return {property_of(one.field, book.fields): one for one in row.changes if one.kind is ChangeKind.FIELD}


def wire_text(change: Change, book: RuleBook) -> str:
    """The value as the CRM spells it."""
    return to_wire(change.field, change.after, book.fields, book.stages.values)


def was_applied(row: Intent, record: Record, book: RuleBook) -> bool:
    """An earlier try got through without an answer (I7): what differs now was edited after it, and stands."""
    marks = {prop: change for prop, change in wire(row, book).items() if change.field in MARKS}
    now = record.properties
    return bool(marks) and all((now.get(prop) or "") == wire_text(change, book) for prop, change in marks.items())


def is_as_expected(row: Intent, record: Record, book: RuleBook) -> bool:
    """Each guarded value is as we read it, or already what we want to write."""
    wanted = wire(row, book)
    cleared = {prop for prop, change in wanted.items() if change.backward}
    for prop, expected in row.expected.items():
        now = record.properties.get(prop) or ""
        ours = wire_text(wanted[prop], book) if prop in wanted else None
        if now == (expected or "") or now == ours or (prop in cleared and now == ""):
            continue
        return False
    return True


def overwritten(row: Intent, record: Record, book: RuleBook) -> dict[str, str]:
    """People's values that our write overwrote, by property: edited between our read and our write (I2).

    `record` was read after the write, with history. What the decision rested on is the measure, not our re-read: that
    one may have come after a write of ours whose answer was lost.
    """
    theirs: dict[str, str] = {}
    for prop, change in wire(row, book).items():
        expected, wanted = row.expected.get(prop) or "", wire_text(change, book)
        edits = _without_clearing(record.history.get(prop, ())) if wanted else record.history.get(prop, ())
        if expected == wanted or not edits or edits[0].by_person or (edits[0].value or "") != wanted:
            continue
        earlier = [edit for edit in edits[1:] if (edit.value or "") != "" or not change.backward]
        if earlier and earlier[0].by_person and (earlier[0].value or "") not in (expected, wanted):
            theirs[prop] = earlier[0].value or ""
    return theirs


def as_before(row: Intent, record: Record, book: RuleBook) -> dict[str, str]:
    """Ours, where it still stands, as it was: the CRM may not show a handover that is taken back (I1, P3)."""
    before: dict[str, str] = {}
    for prop, change in wire(row, book).items():
        expected, wanted = row.expected.get(prop) or "", wire_text(change, book)
        if expected != wanted and (record.properties.get(prop) or "") == wanted:
            before[prop] = expected
    return before


def edited_since(row: Intent, field: str, fresh: Record, after: Record, book: RuleBook) -> bool:
    """Whether a person edited it right after our write: theirs stands, and is news.

    `fresh` was read just before the write, `after` right after it, with history.
    """
    prop, changes = property_of(field, book.fields), wire(row, book)
    edits = after.history.get(prop, ())
    if not edits or not edits[0].by_person:
        return False
    moved = (edits[0].value or "") != (fresh.properties.get(prop) or "")
    ours = wire_text(changes[prop], book) if prop in changes else None
    return moved or (len(edits) > 1 and (edits[1].value or "") == ours and not edits[1].by_person)


def is_news(row: Intent, before: StoredContact, record: Record, book: RuleBook, now: datetime) -> bool:
    """Whether others changed the contact since it was decided on; `record` is it after our write."""
    ours = wire(row, book)
    others = ((prop, value) for prop, value in record.properties.items() if prop not in ours)
    if any((before.raw.get(prop) or "") != (value or "") for prop, value in others):
        return True
    latest = {prop: edits[0] for prop, edits in record.history.items() if edits and edits[0].by_person}
    # By its time, or by its value: a write whose answer was lost may be settled in a later run than the edit.
    return any(edit.at >= now for edit in latest.values()) or any(
        (edit.value or "") != wire_text(ours[prop], book) for prop, edit in latest.items() if prop in ours
    )


def _without_clearing(edits: Sequence[Edit]) -> Sequence[Edit]:
    """Newest first, without the emptying by which we began to put a value back and were cut off."""
    first = next((n for n, edit in enumerate(edits) if edit.by_person or edit.value), len(edits))
    return edits[first:]
