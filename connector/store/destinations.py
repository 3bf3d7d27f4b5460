"""Destinations as the database knows them: off or on, resting, failing since when.

What follows from an answer is decided by delivery (delivery/health.py) and written with the try itself (outbox.py);
switching by people is resending.py's. A destination without a row is on and was never tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnClause, Row, bindparam, exists, func, literal_column, select

from connector.domain.contact import PortalId
from connector.engine.ports import DestinationState, Learn
from connector.store.looking import looking
from connector.store.part import PORTAL, Part
from connector.store.tables import destination, outbox

DUE: ColumnClause[Any] = literal_column("'due'")
"""Written out, not bound, so that a partial index may serve."""

_ALL = select(destination).where(destination.c.portal == PORTAL).order_by(destination.c.destination)
_MINE = (
    select(destination)
    .where(destination.c.portal == PORTAL, destination.c.destination == bindparam("name"))
    .with_for_update()
)
_closed = exists().where(
    destination.c.portal == outbox.c.portal, destination.c.destination == outbox.c.destination,
    destination.c.off_at.is_not(None) | (destination.c.rests_until > bindparam("now")),
)
_DUE_AND_OPEN = (
    select(outbox.c.destination)
    .where(outbox.c.portal == PORTAL, outbox.c.status == DUE, ~_closed)
    .group_by(outbox.c.destination)
    .order_by(outbox.c.destination)
)
_BACKLOG = (
    select(outbox.c.destination, func.count().label("found"))
    .where(
        outbox.c.portal == PORTAL, outbox.c.status == DUE,
        outbox.c.destination.in_(bindparam("names", expanding=True)),
    )
    .group_by(outbox.c.destination)
)


class Destinations(Part):
    """Within a unit of work, or a transaction of delivery's own."""

    def destinations(self) -> dict[str, DestinationState]:
        """Those that were ever tried or switched."""
        return {row.destination: read_state(row) for row in self.select(_ALL)}

    def backlog(self, names: Sequence[str]) -> dict[str, int]:
        """How many entries each of these has that are due; a digest counts once."""
        found = {row.destination: row.found for row in self.select(_BACKLOG, names=list(names))}
        return {name: found.get(name, 0) for name in names}

    def open_destinations(self, now: datetime) -> list[str]:
        """Names with entries that are due, without those that are off or rest."""
        return [row.destination for row in self.select(_DUE_AND_OPEN, now=now)]

    def learn(self, name: str, how: Learn) -> DestinationState:
        """Its next state, made of the one that stands in the row now."""
        rows = self.select(_MINE, name=name)
        if not rows:
            self.insert_new(destination, [_row(self.portal, DestinationState(name=name))])
            rows = self.select(_MINE, name=name)    # locked from here on, also on PostgreSQL
        before = read_state(rows[0])
        after = how(before)
        if after != before:
            self.upsert(destination, [_row(self.portal, after)])
        return after


def look_at_destinations(
    url: str, portal: PortalId | None, *, wall_clock: Callable[[], datetime]
) -> tuple[dict[str, DestinationState], dict[str, int]]:
    """States and backlogs as they lie there. `portal` None takes the one that the database belongs to."""
    with looking(url, wall_clock=wall_clock) as connection:
        if connection is None:
            return {}, {}
        whose = portal or connection.execute(select(destination.c.portal).limit(1)).scalar()
        part = Destinations(connection, PortalId(whose or ""))
        states = part.destinations()
        return states, part.backlog(list(states))


def read_state(row: Row[Any]) -> DestinationState:
    return DestinationState(
        name=row.destination, off_at=row.off_at, off_by=row.off_by, rests_until=row.rests_until,
        failing_since=row.failing_since, failures=row.failures, unanswered=row.unanswered, times_off=row.times_off,
        secrets=row.secrets, secrets_since=row.secrets_since,
    )


def _row(portal: str, state: DestinationState) -> dict[str, Any]:
    values = asdict(state)
    return {"portal": portal, "destination": values.pop("name"), **values}
