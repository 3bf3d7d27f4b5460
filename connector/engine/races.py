"""Races: whose value stands where people edit what we write (I2). Compares what was read; asks and sends nothing.

HubSpot has no conditional write, so write.py reads before and after its own, and asks here what came in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from connector.domain.change import ChangeKind
from connector.domain.contact import Value
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


class Wanted(NamedTuple):
    """One property as we want it: our name of the field, the value as the CRM spells it, whether a stage goes back."""

    field: str
    text: str
    backward: bool


Wire = Mapping[str, Wanted]
"""The CRM's property → what we want there: all of one intent."""


def wire(row: Intent, book: RuleBook) -> Wire:
    return {
        property_of(one.field, book.fields): Wanted(one.field, wire_text(one.field, one.after, book), one.backward)
        for one in row.changes
        if one.kind is ChangeKind.FIELD and one.field in book.fields.fields  # else the portal lost it since
    }


def wire_text(field: str, value: Value, book: RuleBook) -> str:
    """The value as the CRM spells it."""
    return to_wire(field, value, book.fields, book.stages.values)


def was_applied(ours: Wire, record: Record) -> bool:
    """An earlier try got through without an answer (I7): what differs now was edited after it, and stands."""
    marks = {prop: wanted.text for prop, wanted in ours.items() if wanted.field in MARKS}
    return bool(marks) and all((record.properties.get(prop) or "") == text for prop, text in marks.items())


def is_as_expected(row: Intent, ours: Wire, record: Record) -> bool:
    """Each guarded value is as we read it, or already what we want to write; of one not read nobody knows (P7)."""
    if not record.properties.keys() >= row.expected.keys():
        return False
    for prop, expected in row.expected.items():
        now, wanted = record.properties.get(prop) or "", ours.get(prop)
        if now == (expected or "") or (wanted and (now == wanted.text or (wanted.backward and now == ""))):
            continue
        return False
    return True


def overwritten(row: Intent, ours: Wire, record: Record) -> dict[str, str]:
    """People's values that our write overwrote, by property: edited between our read and our write (I2).

    `record` was read after the write, with history. What the decision rested on is the measure, not our re-read: that
    one may have come after a write of ours whose answer was lost.
    """
    theirs: dict[str, str] = {}
    for prop, (_, wanted, backward) in ours.items():
        expected = row.expected.get(prop) or ""
        edits = _without_clearing(record.history.get(prop, ())) if wanted else record.history.get(prop, ())
        if expected == wanted or not edits or edits[0].by_person or (edits[0].value or "") != wanted:
            continue
        earlier = [edit for edit in edits[1:] if (edit.value or "") != "" or not backward]
        if earlier and earlier[0].by_person and (earlier[0].value or "") not in (expected, wanted):
            theirs[prop] = earlier[0].value or ""
    return theirs


def as_before(row: Intent, ours: Wire, record: Record) -> dict[str, str]:
    """Ours, where it still stands, as it was: the CRM may not show a handover that is taken back (I1, P3)."""
    before: dict[str, str] = {}
    for prop, (_, wanted, _) in ours.items():
        expected = row.expected.get(prop) or ""
        if expected != wanted and (record.properties.get(prop) or "") == wanted:
            before[prop] = expected
    return before


def edited_since(prop: str, wanted: Wanted, fresh: Record, after: Record) -> bool:
    """Whether a person edited it right after our write: theirs stands, and is news.

    `fresh` was read just before the write, `after` right after it, with history.
    """
    edits = after.history.get(prop, ())
    if not edits or not edits[0].by_person:
        return False
    moved = (edits[0].value or "") != (fresh.properties.get(prop) or "")
    return moved or (len(edits) > 1 and (edits[1].value or "") == wanted.text and not edits[1].by_person)


def is_news(ours: Wire, before: StoredContact, record: Record, now: datetime) -> bool:
    """Whether others changed the contact since it was decided on; `record` is it after our write."""
    others = ((prop, value) for prop, value in record.properties.items() if prop not in ours)
    if any((before.raw.get(prop) or "") != (value or "") for prop, value in others):
        return True
    latest = {prop: edits[0] for prop, edits in record.history.items() if edits and edits[0].by_person}
    # By its time, or by its value: a write whose answer was lost may be settled in a later run than the edit.
    return any(edit.at >= now for edit in latest.values()) or any(
        (edit.value or "") != ours[prop].text for prop, edit in latest.items() if prop in ours
    )


def _without_clearing(edits: Sequence[Edit]) -> Sequence[Edit]:
    """Newest first, without the emptying by which we began to put a value back and were cut off."""
    first = next((n for n, edit in enumerate(edits) if edit.by_person or edit.value), len(edits))
    return edits[first:]
