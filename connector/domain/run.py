"""A run: one pass of the connector over one portal, and what it counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from connector.domain.quota import Spent

RunId = NewType("RunId", str)


UNDO = "undo_"
"""How the id of a run that undoes another one begins."""


HINTS = "hints_"
"""How the id of a run begins that looked at a batch of the CRM's hints, between or within scheduled runs."""


def is_undo(run: str) -> bool:
    return run.startswith(UNDO)


def is_of_hints(run: str) -> bool:
    return run.startswith(HINTS)


class RunStatus(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    FAILED = "failed"
    HELD = "held"


CAME_TO_ITS_END = (RunStatus.COMPLETED, RunStatus.COMPLETED_WITH_ERRORS, RunStatus.HELD)
"""All streams were asked for and everybody was decided, whatever was held or refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """Attributes: as_of is the CRM's clock when the run began and never goes back, also after a restart (I9);
    seed feeds jitter; epoch is the lease's fencing number (I8)."""

    id: RunId
    started_at: datetime
    as_of: datetime
    fingerprint: str
    seed: int
    epoch: int
    status: RunStatus = RunStatus.RUNNING
    resumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one run saw of one stream (rules/completeness.py); its window ends with the run's `as_of`.

    Attributes:
        since: where the window begins; None: all there is was asked for.
        trailing: the window reached back further than it does each time, for what the CRM shows late.
        rows: all that came. The figures below are of contacts alone, and 0 elsewhere:
        new, changed, known: of them, by the instant of their last change: not stored yet, stored as of an earlier one,
            stored as of this one.
        erased: of them, people who were erased here and stay out (I11).
        overlap: of the known ones, what an earlier run's window covered: read again on purpose (I4).
        late: of the new and changed ones, what an earlier run's window covered: the CRM had not shown it then.
        latest: the most seconds that one of these was hidden, up to that run's `as_of`.
        outside: of all, those whose instant is not in the window; they are stored like the others.
        counted: how many rows the CRM said there were, when it began; None where it does not say.
        doors: rows by the way they came, where the CRM has several.
    """

    since: datetime | None
    trailing: bool = False
    rows: int = 0
    new: int = 0
    changed: int = 0
    known: int = 0
    erased: int = 0
    overlap: int = 0
    late: int = 0
    latest: int = 0
    outside: int = 0
    counted: int | None = None
    doors: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class RunCounts:
    """The figures of `handoff sync --json` (design.md, section 6)."""

    contacts_pulled: int = 0
    activities_pulled: int = 0
    decided: int = 0
    handed_off: int = 0
    taken_in: int = 0  # silently, from before Handoff began (R41)
    recycled: int = 0
    holds_changed: int = 0  # marketing holds that followed a changed policy (R11)
    mails_leaked: int = 0  # marketing's e-mails to leads that sales holds (R11)
    forms_marked: int = 0  # contacts marked for a form that they opened and did not send (R08)
    rescued: int = 0  # leads in hand that the nightly proof mended (R17)
    stranded: int = 0  # … and those that it could not mend
    changes_written: int = 0
    changes_rejected: int = 0
    notices_queued: int = 0
    notices_sent: int = 0
    quarantined: int = 0
    held: int = 0
    throttled: int = 0
    api_calls: Mapping[str, int] = field(default_factory=dict)
    quota: Spent = field(default_factory=Spent)
    unseen: list[str] = field(default_factory=list)  # streams of signals that could not be read to their end
    completeness: dict[str, Seen] = field(default_factory=dict)  # by stream
