"""What undoing a run asks of the database: what that run wrote, what came after it, and what was told of it (R36)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update

from connector.domain.contact import ContactId
from connector.domain.run import RunId
from connector.engine.ports import Entry, Intent
from connector.store.intents import read_intent
from connector.store.outbox import read_entry
from connector.store.part import IDS, PORTAL, Part
from connector.store.tables import intent, outbox, run

_RUN = select(run).where(run.c.portal == PORTAL, run.c.run == bindparam("run_"))
_STARTS = select(run.c.run, run.c.as_of, run.c.started_at).where(run.c.portal == PORTAL, run.c.run.in_(IDS))
_CONTACTS = (
    select(intent.c.contact)
    .where(
        intent.c.portal == PORTAL, intent.c.run == bindparam("run_"), intent.c.status == "written",
        intent.c.contact > bindparam("after"),
    )
    .distinct()
    .order_by(intent.c.contact)
    .limit(bindparam("most"))
)
_WRITTEN = (
    select(intent)
    .where(intent.c.portal == PORTAL, intent.c.contact.in_(IDS), intent.c.status == "written")
    .order_by(intent.c.intent)
)
_OPEN = (
    select(intent)
    .where(intent.c.portal == PORTAL, intent.c.run == bindparam("run_"), intent.c.status == "open")
    .order_by(intent.c.intent)
    .limit(bindparam("most"))
)
_TOLD = select(outbox).where(outbox.c.portal == PORTAL, outbox.c.intent.in_(IDS)).order_by(outbox.c.sequence)
_CANCEL = (
    update(outbox)
    .where(outbox.c.portal == PORTAL, outbox.c.entry.in_(IDS), outbox.c.status.in_(("held", "due")))
    .values(status="cancelled", last_error=bindparam("why"))
)


class Undoings(Part):
    def run_row(self, wanted: RunId) -> Mapping[str, object] | None:
        """Keys as `runs` names them, and `progress`; None where there is no such run."""
        for row in self.select(_RUN, run_=wanted):
            return {
                "run": row.run, "status": row.status, "started_at": row.started_at, "as_of": row.as_of,
                "finished_at": row.finished_at, "progress": row.progress, "error": row.error,
            }
        return None

    def run_starts(self, runs: Sequence[RunId]) -> dict[RunId, tuple[datetime, datetime]]:
        """By its clock and when it began: later runs have later ones."""
        return {row.run: (row.as_of, row.started_at) for row in self.select_by_id(_STARTS, runs)}

    def contacts_written(self, by: RunId, limit: int, after: str) -> list[ContactId]:
        """In id order, those after the id `after`."""
        return [ContactId(row.contact) for row in self.select(_CONTACTS, run_=by, most=limit, after=after)]

    def written_intents(self, ids: Sequence[ContactId]) -> dict[ContactId, list[Intent]]:
        """Of any run; every id asked for has its list, be it empty."""
        found: dict[ContactId, list[Intent]] = {one: [] for one in ids}
        for row in self.select_by_id(_WRITTEN, ids):
            found[row.contact].append(read_intent(row))
        return found

    def open_intents_of(self, by: RunId, limit: int) -> list[Intent]:
        return [read_intent(row) for row in self.select(_OPEN, run_=by, most=limit)]

    def entries_of(self, intents: Sequence[str]) -> list[Entry]:
        """Every notice that waited for these writes, whatever became of it; in order of queueing."""
        return sorted((read_entry(row) for row in self.select_by_id(_TOLD, intents)), key=lambda one: one.sequence)

    def cancel_named_entries(self, entries: Sequence[str], why: str) -> None:
        """Those that are not sent yet."""
        self.change_by_id(_CANCEL, entries, why=why)
