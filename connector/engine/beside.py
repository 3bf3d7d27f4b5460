"""Beside: the notes and tasks of a batch of writes, for those that stand, each once by its key (R14, I5, I7).

The last step before a batch is settled: a kill leaves its writes open, and the next try finds what was made. What the
CRM refuses takes nothing back (P5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.domain.change import Change, ChangeKind
from connector.domain.contact import ContactId, OwnerId
from connector.domain.record import Record
from connector.engine.context import Context
from connector.engine.ports import Beside, Intent, Note, Task
from connector.rules.fields import property_of


def make_beside(context: Context, written: Sequence[Intent], after: Mapping[ContactId, Record]) -> None:
    """Make the notes and tasks of these intents, then close those that are done.

    Args:
        after: their contacts as they stand now; a task is the owner's of that moment, and nobody's without one.
    """
    found = [change for row in written for change in row.changes]
    notes = [_note(context, one, after) for one in found if one.kind is ChangeKind.NOTE]
    tasks = [task for one in found if one.kind is ChangeKind.TASK and (task := _task(context, one, after)) is not None]
    done = {one.key: one.contact for one in found if one.kind is ChangeKind.TASK_DONE}
    if notes:
        _tell(context, "note", {one.key: one.contact for one in notes}, context.crm.ensure_notes(notes))
    if tasks:
        _tell(context, "task", {one.key: one.contact for one in tasks}, context.crm.ensure_tasks(tasks))
    if done:
        _tell(context, "task done", done, context.crm.finish_tasks(done))


def _note(context: Context, change: Change, after: Mapping[ContactId, Record]) -> Note:
    owner = _owner(context, change.contact, after)
    return Note(
        contact=change.contact, owner=owner, body=str(change.after or ""), at=context.now, key=change.key
    )


def _task(context: Context, change: Change, after: Mapping[ContactId, Record]) -> Task | None:
    owner = _owner(context, change.contact, after)
    if owner is None:
        return None
    return Task(
        contact=change.contact,
        owner=owner,
        subject=change.field,
        body=str(change.after or ""),
        due_at=change.due_at or context.now,
        key=change.key,
    )


def _owner(context: Context, contact: ContactId, after: Mapping[ContactId, Record]) -> OwnerId | None:
    owner = after[contact].properties.get(property_of("owner", context.book.fields))
    return OwnerId(owner) if owner else None


def _tell(context: Context, what: str, contacts: Mapping[str, ContactId], made: Beside) -> None:
    context.troubles += [
        f"contact {contacts[key]}: the CRM refused the {what}: {why}" for key, why in made.refused.items()
    ]
