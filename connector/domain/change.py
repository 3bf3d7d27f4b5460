"""What is to be written: changes, the plan they form, and the outcome each one comes to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.domain.contact import ContactId, Value
from connector.domain.episode import EpisodeId


class ChangeKind(StrEnum):
    FIELD = "field"
    LIST_ADD = "list_add"
    LIST_REMOVE = "list_remove"
    TASK = "task"
    TASK_DONE = "task_done"
    NOTE = "note"


BESIDE = frozenset({ChangeKind.TASK, ChangeKind.TASK_DONE, ChangeKind.NOTE})
"""What is made beside the contact; none of its own values."""


class OutcomeKind(StrEnum):
    """What became of a change."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"  # it already was so
    OVERTAKEN = "overtaken"  # a person edited it since we read it; theirs stands (I2)
    REJECTED = "rejected"  # the CRM refused it, with a reason
    GONE = "gone"  # the contact is archived or erased
    MERGED = "merged"  # the contact lives on under another id
    LATER = "later"  # not settled yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One value to write for one contact.

    Attributes:
        field: Handoff's field name; for list changes the list's name, for tasks and notes the subject.
        before: as we last read it; after: what must stand there, of a task or note its text. For list changes and for
            closing a task both are empty.
        backward: a stage that goes back: clear, then set, in two requests (hubspot-facts, section 4).
        key: by which the task or note is found again; due_at: of a task.
    """

    contact: ContactId
    kind: ChangeKind
    field: str
    before: Value
    after: Value
    backward: bool = False
    key: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All changes that one decision asks for; none when everything already is so (our own echo ends here)."""

    contact: ContactId
    episode: EpisodeId | None
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one change. `detail`: the reason, free of personal data; `now_id`: the survivor of a merge."""

    change: Change
    kind: OutcomeKind
    detail: str = ""
    now_id: ContactId | None = None
