"""Undoing: what of a run's writes is still ours and goes back, and what stays, with the reason (R36, I2).

Works on one contact: what the run wrote, in order, and what stands in the CRM now. Reading, writing and telling are
engine/undo.py's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connector.domain.change import BESIDE, Change, ChangeKind
from connector.domain.contact import ContactId, OwnerId, Value
from connector.domain.record import Record
from connector.domain.stage import Stage
from connector.rules.fields import FieldRules, property_of, to_wire
from connector.rules.marking import FIELD as MARK
from connector.rules.plan import ANSWERS

MARKS = ("episode", "state")
"""Fields that nobody else writes: they tell whether the run's word on the lead is still the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One value of one contact. `why` is empty where it goes back; `back_to` where it stays.

    `field` is a field's name, `list`, `task` or `note`; empty where the whole contact is left alone.
    """

    contact: ContactId
    field: str
    now: str = ""
    back_to: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a run wrote into one field: from the value it found, by the wire, to the one it left."""

    before: Value
    after: Value
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """Of one contact: the changes that put things back, and a line for each value."""

    changes: tuple[Change, ...]
    lines: tuple[Line, ...]

    @property
    def goes_back(self) -> bool:
        return bool(self.changes)


def undo(
    written: Mapping[str, Written],
    lists: Sequence[Change],
    record: Record,
    rules: FieldRules,
    stages: Mapping[str, str],
    *,
    begun: bool,
    on_list: bool,
    active: frozenset[OwnerId],
) -> Undoing:
    """What goes back of one contact.

    Args:
        written: field -> what the run wrote into it.
        lists: the run's list changes, tasks and notes.
        record: as the CRM shows it now, with the history of each property written.
        begun: the run handed the lead over; a rep who has answered since keeps it.
        on_list: whether the suppression list holds the contact, as far as we know; the CRM keeps no history of that.
        active: owners to whom a lead may be given.
    """
    contact = record.asked_id
    if begun and _is_answered(record, rules):
        return Undoing(changes=(), lines=(Line(contact=contact, field="", why="sales has answered it since"),))
    lines, changes = list[Line](), list[Change]()
    for name in rules.fields:
        if name in written:
            line, change = _field(name, written[name], record, rules, stages, active)
            lines.append(line)
            changes += [change] if change else []
    if set(written) != {MARK} and not any(change.field in MARKS for change in changes):
        whole = Line(contact=contact, field="", why="it does not show what the run wrote any more")
        return Undoing(changes=(), lines=(whole, *(line for line in lines if line.why)))
    for line, one in _lists(contact, lists, on_list):
        lines.append(line)
        changes += [one] if one else []
    return Undoing(changes=tuple(changes), lines=tuple(lines))


def _is_answered(record: Record, rules: FieldRules) -> bool:
    """The handover emptied every answer; one that stands there now is the rep's, seen by a run or not (I2)."""
    return any(record.properties.get(property_of(name, rules)) for name in ANSWERS if name in rules.fields)


def _field(
    name: str,
    one: Written,
    record: Record,
    rules: FieldRules,
    stages: Mapping[str, str],
    active: frozenset[OwnerId],
) -> tuple[Line, Change | None]:
    prop = property_of(name, rules)
    now, ours = record.properties.get(prop) or "", to_wire(name, one.after, rules, stages)
    edits = record.history.get(prop, ())
    line = Line(contact=record.asked_id, field=name, now=now, back_to=one.found)
    if now == one.found:
        return _stays(line, "it is as it was before"), None
    if edits and edits[0].by_person:
        return _stays(line, "a person changed it since"), None
    if now != ours:
        return _stays(line, "a later run, or another tool, changed it since"), None
    if name in ANSWERS:
        return _stays(line, "an answer is the rep's own word; Handoff only ever empties it"), None
    if name == "owner" and one.found and one.found not in active:
        return _stays(line, "its owner of then is not there any more"), None
    if to_wire(name, one.before, rules, stages) != one.found and name == "stage":
        return _stays(line, "stages.yaml has no word for the value that it had"), None
    backward = name == "stage" and _goes_back(one.after, one.before)
    contact, kind = record.asked_id, ChangeKind.FIELD
    return line, Change(
        contact=contact, kind=kind, field=name, before=one.after, after=one.before, backward=backward
    )


def _stays(line: Line, why: str) -> Line:
    return Line(contact=line.contact, field=line.field, now=line.now, why=why)


def _goes_back(now: Value, then: Value) -> bool:
    return isinstance(now, str) and isinstance(then, str) and bool(then) and Stage(then).rank < Stage(now).rank


def _lists(contact: ContactId, lists: Sequence[Change], on_list: bool) -> Iterator[tuple[Line, Change | None]]:
    """The last list change of the run turned round, where it still stands; its tasks are closed, its notes stay."""
    # One with something before it follows a hold onto another list; the hold itself is not of that run.
    last = next((one for one in reversed(lists) if one.kind not in BESIDE and one.before is None), None)
    for one in lists:
        if one.kind is ChangeKind.TASK:
            closed = Change(
                contact=contact, kind=ChangeKind.TASK_DONE, field=one.field, before=None, after=None, key=one.key
            )
            yield Line(contact=contact, field="task", now="open", back_to="closed"), closed
        elif one.kind is ChangeKind.TASK_DONE:
            yield Line(contact=contact, field="task", now="closed", why="a task that was closed stays so"), None
        elif one.kind is ChangeKind.NOTE:
            why = "a note tells what was handed over then; delete it by hand"
            yield Line(contact=contact, field="note", now=one.field, why=why), None
    if last is None:
        return
    added = last.kind is ChangeKind.LIST_ADD
    if added != on_list:
        yield Line(contact=contact, field="list", now=last.field, why="it was put on or taken off the list since"), None
        return
    kind = ChangeKind.LIST_REMOVE if added else ChangeKind.LIST_ADD
    words = ("on", "off") if added else ("off", "on")
    turned = Change(contact=contact, kind=kind, field=last.field, before=None, after=None)
    yield Line(contact=contact, field="list", now=words[0], back_to=words[1]), turned
