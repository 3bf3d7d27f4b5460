"""Report: what one run did, as the object that `handoff sync --json` prints (design.md, section 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.domain.run import RunCounts, RunStatus, SyncRun
from connector.engine.context import PlannedLead

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
    """

    run: SyncRun
    status: RunStatus
    seconds: float
    counts: RunCounts
    watermark: datetime | None
    planned: Sequence[PlannedLead] = ()
    troubles: Sequence[str] = ()

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.status]

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
            "changes_written": counts.changes_written,
            "changes_rejected": counts.changes_rejected,
            "notices_queued": counts.notices_queued,
            "notices_sent": counts.notices_sent,
            "quarantined": counts.quarantined,
            "held": counts.held,
            "api_calls": dict(counts.api_calls),
            "throttled": counts.throttled,
            "watermark": self.watermark.isoformat() if self.watermark else None,
            "troubles": list(self.troubles),
        }
