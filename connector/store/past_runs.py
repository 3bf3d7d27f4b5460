"""Runs of the past, those that retention has removed included: what stays for good says when they were.

Whatever a run came to know bears its `as_of` as `observed_at`, and each decision names its run. Of a removed run that
neither heard nor decided anything, nothing is left.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, func, select

from connector.domain.run import CAME_TO_ITS_END
from connector.engine.ports.history import PastRun
from connector.store.part import PORTAL, Part
from connector.store.retention import TECHNICAL
from connector.store.tables import activity, decision, field_change, run

_AFTER: BindParameter[Any] = bindparam("after_")
_UNTIL: BindParameter[Any] = bindparam("until_")
_KEPT = (
    select(run.c.run, run.c.as_of, run.c.fingerprint)
    .where(run.c.portal == PORTAL, run.c.as_of >= _AFTER, run.c.as_of <= _UNTIL)
    .order_by(run.c.as_of, run.c.started_at, run.c.run)
)
_BEFORE = (
    select(run.c.run, run.c.as_of, run.c.fingerprint)
    .where(run.c.portal == PORTAL, run.c.as_of <= _UNTIL, run.c.status.in_(CAME_TO_ITS_END))
    .order_by(run.c.as_of.desc(), run.c.started_at.desc(), run.c.run.desc())
    .limit(1)
)
_LATEST = select(func.max(run.c.as_of).label("at")).where(run.c.portal == PORTAL)
_DECIDED = (
    select(decision.c.as_of, func.min(decision.c.run).label("run"), func.min(decision.c.fingerprint).label("book"))
    .where(decision.c.portal == PORTAL, decision.c.as_of >= _AFTER, decision.c.as_of <= _UNTIL)
    .group_by(decision.c.as_of)
)
_HEARD = (
    select(field_change.c.observed_at)
    .where(
        field_change.c.portal == PORTAL, field_change.c.observed_at >= _AFTER, field_change.c.observed_at <= _UNTIL
    )
    .union(
        select(activity.c.observed_at).where(
            activity.c.portal == PORTAL, activity.c.observed_at >= _AFTER, activity.c.observed_at <= _UNTIL
        )
    )
)  # fmt: skip


class PastRuns(Part):
    def run_before(self, until: datetime) -> PastRun | None:
        rows = self.select(_BEFORE, until_=until)
        return next((PastRun(run=row.run, as_of=row.as_of, fingerprint=row.fingerprint) for row in rows), None)

    def past_runs(self, since: datetime, until: datetime) -> list[PastRun]:
        rows = self.select(_KEPT, after_=since, until_=until)
        kept = [PastRun(run=row.run, as_of=row.as_of, fingerprint=row.fingerprint) for row in rows]
        latest = self.select(_LATEST)[0].at
        if latest is None or since > latest - TECHNICAL:
            return kept
        known = {row.as_of for row in kept}
        removed = [row for row in self._removed(since, min(until, latest - TECHNICAL)) if row.as_of not in known]
        return sorted([*removed, *kept], key=lambda row: row.as_of)

    def _removed(self, since: datetime, until: datetime) -> list[PastRun]:
        """By the decisions and by what was heard; a run without decisions had the rules of the one before."""
        span = {"after_": since, "until_": until}
        decided = {row.as_of: row for row in self.select(_DECIDED, **span)}
        heard = {row.observed_at for row in self.select(_HEARD, **span)}
        found, book = [], ""
        for at in sorted({*decided, *heard}):
            row = decided.get(at)
            book = row.book if row is not None else book
            name = row.run if row is not None else f"run_{at:%Y%m%dT%H%M%S}"
            found.append(PastRun(run=name, as_of=at, fingerprint=book))
        return found
