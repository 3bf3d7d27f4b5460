"""The portal as a whole: its state, its runs, its watermarks and the rule books it was run with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, literal_column, select, update

from connector.domain.contact import PortalId
from connector.domain.run import HINTS, RunCounts, RunId, RunStatus, SyncRun
from connector.engine.ports import PortalState, RuleVersion
from connector.store.looking import looking
from connector.store.part import PORTAL, Insert, Part, insert_into, key_of, per_dialect
from connector.store.process import this_user
from connector.store.tables import portal, rulebook, run, watermark

_PORTAL = select(portal).where(portal.c.portal == PORTAL)
_UNFINISHED = (
    select(run)
    .where(run.c.portal == PORTAL, run.c.status == literal_column("'running'"))     # as the index of these says
    .order_by(run.c.started_at.desc(), run.c.run.desc())
    .limit(1)
)
_RUNS = (
    select(run)
    .where(run.c.portal == PORTAL)
    .order_by(run.c.started_at.desc(), run.c.run.desc())
    .limit(bindparam("most"))
)
_RUNS_BY_THE_CLOCK = _RUNS.where(run.c.run.not_like(f"{HINTS}%"))
_PROGRESS = update(run).where(run.c.portal == PORTAL, run.c.run == bindparam("run_")).values(progress=bindparam("new"))
_FINISH = (
    update(run)
    .where(run.c.portal == PORTAL, run.c.run == bindparam("run_"))
    .values(
        status=bindparam("status_"), counts=bindparam("counts_"),
        finished_at=bindparam("finished_at_"), error=bindparam("error_"),
    )
)
_RULEBOOK = select(rulebook.c.body).where(
    rulebook.c.portal == PORTAL, rulebook.c.fingerprint == bindparam("fingerprint_")
)
_EFFECT = (
    update(rulebook)
    .where(rulebook.c.portal == PORTAL, rulebook.c.fingerprint == bindparam("fingerprint_"))
    .values(effect=bindparam("effect_"))
)
_VERSIONS = (
    select(
        rulebook.c.fingerprint, rulebook.c.first_seen_at, rulebook.c.first_used_by, rulebook.c.effect,
        func.count(run.c.run).label("runs"), func.max(run.c.as_of).label("last_run_at"),
    )
    .outerjoin(run, and_(run.c.portal == rulebook.c.portal, run.c.fingerprint == rulebook.c.fingerprint))
    .where(rulebook.c.portal == PORTAL)
    .group_by(rulebook.c.fingerprint, rulebook.c.first_seen_at, rulebook.c.first_used_by, rulebook.c.effect)
    .order_by(rulebook.c.first_seen_at.desc(), rulebook.c.fingerprint)
)
_WATERMARK = select(watermark.c.at, watermark.c.place).where(
    watermark.c.portal == PORTAL, watermark.c.stream == bindparam("stream_")
)
_PLACE = (
    update(watermark)
    .where(watermark.c.portal == PORTAL, watermark.c.stream == bindparam("stream_"))
    .values(place=bindparam("place_"))
)


@per_dialect
def _raise_watermark(dialect: str) -> Insert:
    statement = insert_into(watermark, dialect)
    newer = statement.excluded.at
    return statement.on_conflict_do_update(
        index_elements=key_of(watermark), set_={"at": newer}, where=watermark.c.at < newer
    )


def look_at_place(url: str, portal: PortalId, name: str, *, wall_clock: Callable[[], datetime]) -> str | None:
    """What is kept beside a watermark; None where nothing is."""
    with looking(url, wall_clock=wall_clock) as connection:
        return Portals(connection, portal).place(name) if connection is not None else None


class Portals(Part):
    def portal_state(self) -> PortalState | None:
        for row in self.select(_PORTAL):
            return PortalState(
                id=PortalId(row.portal), time_zone=row.time_zone, ui_domain=row.ui_domain,
                handoff_since=row.handoff_since, fingerprint=row.fingerprint, as_of=row.as_of, ready_at=row.ready_at,
                shadow=row.shadow, adopting=row.adopting,
            )
        return None

    def put_portal_state(self, state: PortalState) -> None:
        if state.id != self.portal:
            raise ValueError("a portal's state can be stored under its own id only")
        self.upsert(portal, [{
            "portal": state.id, "time_zone": state.time_zone, "ui_domain": state.ui_domain,
            "handoff_since": state.handoff_since, "fingerprint": state.fingerprint, "as_of": state.as_of,
            "ready_at": state.ready_at, "shadow": state.shadow, "adopting": dict(state.adopting),
        }])

    def unfinished_run(self) -> tuple[SyncRun, Mapping[str, str]] | None:
        """The newest of them, should there be several."""
        for row in self.select(_UNFINISHED):
            begun = SyncRun(
                id=RunId(row.run), started_at=row.started_at, as_of=row.as_of, fingerprint=row.fingerprint,
                seed=row.seed, epoch=row.epoch, status=RunStatus(row.status), resumed=row.resumed,
            )
            return begun, row.progress
        return None

    def put_run(self, sync: SyncRun) -> None:
        """What it counted and how far it got stay as they are."""
        self.upsert(run, [{
            "portal": self.portal, "run": sync.id, "started_at": sync.started_at, "as_of": sync.as_of,
            "fingerprint": sync.fingerprint, "seed": sync.seed, "epoch": sync.epoch, "status": sync.status,
            "resumed": sync.resumed, "finished_at": None, "error": "", "counts": {}, "progress": {},
        }], keep=("finished_at", "error", "counts", "progress"))

    def put_progress(self, sync: RunId, progress: Mapping[str, str]) -> None:
        self.change(_PROGRESS, run_=sync, new=dict(progress))

    def finish_run(
        self, sync: RunId, status: RunStatus, counts: RunCounts, finished_at: datetime, error: str
    ) -> None:
        self.change(
            _FINISH, run_=sync, status_=status, counts_=asdict(counts), finished_at_=finished_at, error_=error
        )

    def runs(self, limit: int, *, hints: bool = True) -> list[Mapping[str, object]]:
        """Newest first: what is known of the run itself, and `counts` as RunCounts names them ({} while it runs).

        hints: looks at the CRM's hints too; there may be many of them between two scheduled runs.
        """
        return [shown_run(row) for row in self.select(_RUNS if hints else _RUNS_BY_THE_CLOCK, most=limit)]

    def watermark(self, stream: str) -> datetime | None:
        for row in self.select(_WATERMARK, stream_=stream):
            at: datetime = row.at
            return at
        return None

    def put_watermark(self, stream: str, at: datetime) -> None:
        row = {"portal": self.portal, "stream": stream, "at": at, "place": None}
        self.write(_raise_watermark(self.dialect), [row])

    def place(self, stream: str) -> str | None:
        for row in self.select(_WATERMARK, stream_=stream):
            found: str | None = row.place
            return found
        return None

    def put_place(self, stream: str, place: str) -> None:
        self.change(_PLACE, stream_=stream, place_=place)

    def rulebook(self, fingerprint: str) -> Mapping[str, object] | None:
        """The rules as they were; None where no run had them."""
        for row in self.select(_RULEBOOK, fingerprint_=fingerprint):
            body: Mapping[str, object] = row.body
            return body
        return None

    def put_rulebook(self, fingerprint: str, body: Mapping[str, object], at: datetime) -> None:
        """Once for each fingerprint, with the instant it was first run with."""
        self.insert_new(rulebook, [{
            "portal": self.portal, "fingerprint": fingerprint, "body": dict(body), "first_seen_at": at,
            "first_used_by": this_user(), "effect": None,
        }])

    def put_rule_change(self, fingerprint: str, effect: Mapping[str, object]) -> None:
        """What this version did to the leads when it came into use, the last time that it did."""
        self.change(_EFFECT, fingerprint_=fingerprint, effect_=dict(effect))

    def rulebooks(self) -> list[RuleVersion]:
        """Every version that a run ever had, newest first; `runs` counts those that are still kept."""
        return [
            RuleVersion(
                fingerprint=row.fingerprint, first_seen_at=row.first_seen_at, first_used_by=row.first_used_by or "",
                runs=row.runs, last_run_at=row.last_run_at, effect=row.effect,
            )
            for row in self.select(_VERSIONS)
        ]


def shown_run(row: Row[Any]) -> dict[str, object]:
    """A run as people ask for it, without what is for going on with it."""
    return {
        "run": row.run, "status": row.status, "started_at": row.started_at, "finished_at": row.finished_at,
        "as_of": row.as_of, "fingerprint": row.fingerprint, "resumed": row.resumed, "error": row.error,
        "counts": row.counts,
    }
