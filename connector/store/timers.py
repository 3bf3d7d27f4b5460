"""Timers: found by index when they come due, never by a scan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Connection, Row, bindparam, delete, or_, select, update

from connector.domain.contact import ContactId, PortalId
from connector.domain.timer import Timer, TimerKind
from connector.store.part import IDS, PORTAL, Insert, Part, Rows, insert_into, key_of, per_dialect
from connector.store.tables import episode, timer

_ORDER = (timer.c.due_at, *(column for column in timer.primary_key.columns if column is not timer.c.portal))
_DUE = (
    select(timer)
    .where(timer.c.portal == PORTAL, timer.c.fired_at.is_(None), timer.c.due_at <= bindparam("as_of"),
           timer.c.paused_at.is_(None))
    .order_by(*_ORDER)
    .limit(bindparam("most"))
)
_OF_CONTACT = (
    select(timer)
    .where(timer.c.portal == PORTAL, timer.c.contact == bindparam("contact_"), timer.c.fired_at.is_(None))
    .order_by(*_ORDER)
)
_FIRED = (
    select(timer)
    .join(episode, (episode.c.portal == timer.c.portal) & (episode.c.episode == timer.c.episode))
    .where(
        timer.c.portal == PORTAL, timer.c.contact.in_(IDS), timer.c.fired_at.is_not(None),
        timer.c.level == bindparam("level_"), episode.c.is_open,
    )
    .order_by(*_ORDER)
)
_CANCEL = delete(timer).where(
    timer.c.portal == PORTAL, timer.c.contact == bindparam("contact_"), timer.c.fired_at.is_(None),
    timer.c.kind.in_(bindparam("kinds", expanding=True)),
    or_(bindparam("any_name", type_=Boolean()), timer.c.name == bindparam("name_")),
)
_FIRE = (
    update(timer)
    .where(
        timer.c.portal == bindparam("b_portal"), timer.c.contact == bindparam("b_contact"),
        timer.c.kind == bindparam("b_kind"), timer.c.episode == bindparam("b_episode"),
        timer.c.name == bindparam("b_name"), timer.c.level == bindparam("b_level"),
        timer.c.assignment == bindparam("b_assignment"), timer.c.due_at == bindparam("b_due_at"),
    )
    .values(fired_at=bindparam("at"))
)


@per_dialect
def _put(dialect: str) -> Insert:
    statement = insert_into(timer, dialect)
    due_at, paused_at = statement.excluded.due_at, statement.excluded.paused_at
    return statement.on_conflict_do_update(
        index_elements=key_of(timer),
        set_={"due_at": due_at, "fired_at": None, "paused_at": paused_at},
        where=or_(timer.c.due_at != due_at, timer.c.paused_at.is_distinct_from(paused_at)),
    )


class Timers(Part):
    """New ones are stored when the unit of work ends or somebody asks."""

    def __init__(self, connection: Connection, portal: PortalId) -> None:
        super().__init__(connection, portal)
        self._new_timers: Rows = []

    def flush(self) -> None:
        super().flush()
        self._write_timers()

    def put_timers(self, timers: Sequence[Timer]) -> None:
        """One that has fired stays fired unless it is set to another instant."""
        self._new_timers += [_row(self.portal, one) for one in timers]

    def _write_timers(self) -> None:
        new, self._new_timers = self._new_timers, []
        self.write(_put(self.dialect), new)

    def cancel_timers(self, contact: ContactId, kinds: Sequence[str], name: str | None = None) -> None:
        """Those still to fire; no kinds means every kind, no name every name."""
        self._write_timers()
        self.change(
            _CANCEL, contact_=contact, kinds=list(kinds or TimerKind), any_name=name is None, name_=name or ""
        )

    def due_timers(self, as_of: datetime, limit: int) -> list[Timer]:
        """Earliest first; one that has been fired is not due any more."""
        self._write_timers()
        return [read_timer(row) for row in self.select(_DUE, as_of=as_of, most=limit)]

    def fire_timers(self, timers: Sequence[Timer], at: datetime) -> None:
        """One that was set to another instant meanwhile stays to fire."""
        self._write_timers()
        if timers:
            rows = [{f"b_{name}": value for name, value in _row(self.portal, one).items()} for one in timers]
            self.connection.execute(_FIRE, [{**row, "at": at} for row in rows])

    def fired_timers(self, ids: Sequence[ContactId], level: str) -> dict[ContactId, list[Timer]]:
        self.flush()
        found: dict[ContactId, list[Timer]] = {}
        for row in self.select_by_id(_FIRED, ids, level_=level):
            found.setdefault(row.contact, []).append(read_timer(row))
        return found

    def timers(self, contact: ContactId) -> list[Timer]:
        self._write_timers()
        return [read_timer(row) for row in self.select(_OF_CONTACT, contact_=contact)]


def _row(portal: str, one: Timer) -> dict[str, Any]:
    return {
        "portal": portal, "contact": one.contact, "kind": one.kind, "episode": one.episode or "", "name": one.name,
        "level": one.level, "assignment": one.assignment, "due_at": one.due_at, "fired_at": None,
        "paused_at": one.paused_at,
    }


def read_timer(row: Row[Any]) -> Timer:
    return Timer(
        kind=TimerKind(row.kind), contact=row.contact, episode=row.episode or None, name=row.name, level=row.level,
        assignment=row.assignment, due_at=row.due_at, paused_at=row.paused_at,
    )
