"""Report: what one run or one undo did, as the objects that `handoff sync --json` and `handoff undo --json` print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from connector.domain.run import RunCounts, RunId, RunStatus, SyncRun
from connector.engine.context import PlannedLead
from connector.engine.rule_change import RuleChange
from connector.rules.completeness import as_plain, in_a_sentence
from connector.rules.undoing import Line

EXIT_CODES: Mapping[RunStatus, int] = {
    RunStatus.COMPLETED: 0,
    RunStatus.COMPLETED_WITH_ERRORS: 1,
    RunStatus.FAILED: 1,
    RunStatus.HELD: 7,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """One finished run.

    Attributes:
        seconds: by the wall clock.
        watermark: everything the CRM showed up to this instant is done; None where something is still open.
        planned: what a dry or shadow run would have changed.
        troubles: one line each, free of personal data.
        held_because: why what the guard holds would move, where changed rules are why; else empty.
        rule_change: what changed rules do to the leads; None but in the first run with them.
        remarks: what is to be done by people, such as a review that is due (R10); no fault of the run.
    """

    run: SyncRun
    status: RunStatus
    seconds: float
    counts: RunCounts
    watermark: datetime | None
    planned: Sequence[PlannedLead] = ()
    troubles: Sequence[str] = ()
    held_because: str = ""
    rule_change: RuleChange | None = None
    remarks: Sequence[str] = ()

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.status]

    @property
    def completeness(self) -> str:
        """What the run saw of contacts, in one sentence; empty where it pulled none."""
        return in_a_sentence(self.counts.completeness, self.run.as_of, is_open=self.watermark is None)

    def as_dict(self) -> dict[str, object]:
        counts = self.counts
        return {
            "run_id": self.run.id,
            "status": self.status.value,
            "started_at": self.run.started_at.isoformat(),
            "as_of": self.run.as_of.isoformat(),
            "resumed": self.run.resumed,
            "seconds": round(self.seconds, 3),
            "contacts_pulled": counts.contacts_pulled,
            "activities_pulled": counts.activities_pulled,
            "decided": counts.decided,
            "handed_off": counts.handed_off,
            "taken_in": counts.taken_in,
            "recycled": counts.recycled,
            "holds_changed": counts.holds_changed,
            "mails_leaked": counts.mails_leaked,
            "forms_marked": counts.forms_marked,
            "rescued": counts.rescued,
            "stranded": counts.stranded,
            "changes_written": counts.changes_written,
            "changes_rejected": counts.changes_rejected,
            "notices_queued": counts.notices_queued,
            "notices_sent": counts.notices_sent,
            "quarantined": counts.quarantined,
            "held": counts.held,
            "api_calls": dict(counts.api_calls),
            "quota": asdict(counts.quota),
            "throttled": counts.throttled,
            "completeness": as_plain(counts.completeness, self.run.as_of),
            "watermark": self.watermark.isoformat() if self.watermark else None,
            "troubles": list(self.troubles),
            "held_because": self.held_because,
            "rule_change": self.rule_change.stored() if self.rule_change else None,
            "remarks": list(self.remarks),
        }


@dataclass(slots=True, kw_only=True)
class UndoReport:
    """What went back and what did not.

    Attributes:
        contacts: of which something goes back, or went back; already: those that an earlier undo took care of.
        withdrawn, cancelled: notices.
        failed: contacts whose write came to no good end; another undo tries them again.
    """

    run: RunId
    undoes: RunId
    dry_run: bool
    contacts: int = 0
    already: int = 0
    withdrawn: int = 0
    cancelled: int = 0
    failed: int = 0
    lines: list[Line] = field(default_factory=list)
    troubles: Sequence[str] = ()

    @property
    def exit_code(self) -> int:
        return 1 if self.failed else 0

    def as_dict(self) -> dict[str, object]:
        back = [line for line in self.lines if not line.why]
        return {
            "run_id": self.run,
            "undoes": self.undoes,
            "dry_run": self.dry_run,
            "contacts": self.contacts,
            "already_undone": self.already,
            "put_back": [_plain(line) for line in back],
            "left_alone": [_plain(line) for line in self.lines if line.why],
            "notices_withdrawn": self.withdrawn,
            "notices_cancelled": self.cancelled,
            "failed": self.failed,
            "troubles": list(self.troubles),
        }


def _plain(line: Line) -> dict[str, str]:
    return {"contact": line.contact, "field": line.field, "now": line.now, "back_to": line.back_to, "why": line.why}
