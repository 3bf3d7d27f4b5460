"""The past as it was observed, for replay: what each run came to know, in that order (ports/history.py). Reads only.

The two long tables come as streams by their index of `observed_at`; what else is asked for is found by contact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, cast

from sqlalchemy import BindParameter, Row, Select, bindparam, func, or_, select, type_coerce
from sqlalchemy.types import NullType

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import ContactId
from connector.domain.deal import Deal
from connector.domain.episode import UNDONE, Episode
from connector.engine.ports import FieldChange
from connector.engine.ports.history import BlindSpots, Deed, News, Origin, PastStep, Stamp, instant_of, text_of
from connector.store.activities import Activities
from connector.store.episodes import read_episode
from connector.store.part import IDS, PORTAL, chunks
from connector.store.past_runs import PastRuns
from connector.store.tables import activity, contact, deal, episode, episode_step, field_change

AT_ONCE = 2_000
"""Rows of a stream that are in memory together."""

_AFTER: BindParameter[Any] = bindparam("after_")
_UNTIL: BindParameter[Any] = bindparam("until_")
_FIRST_SIGHT = select(func.min(field_change.c.observed_at).label("at")).where(field_change.c.portal == PORTAL)
_DEEDS = (
    select(
        type_coerce(activity.c.observed_at, NullType()),
        activity.c.contact,
        activity.c.kind,
        type_coerce(activity.c.occurred_at, NullType()),
        activity.c.name,
        activity.c.ref,
        activity.c.url,
    )
    .where(
        activity.c.portal == PORTAL,
        activity.c.observed_at > _AFTER,
        activity.c.observed_at <= _UNTIL,
        activity.c.contact.is_not(None),
        ~activity.c.automatic,
    )
    .order_by(activity.c.observed_at)
)
_NEWS = (
    select(
        type_coerce(field_change.c.observed_at, NullType()).label("observed_at"),
        field_change.c.contact,
        field_change.c.field,
        field_change.c.source,
        field_change.c.value,
    )
    .where(field_change.c.portal == PORTAL, field_change.c.observed_at > _AFTER, field_change.c.observed_at <= _UNTIL)
    .order_by(field_change.c.observed_at)
)
_HISTORY = select(
    field_change.c.contact,
    field_change.c.field,
    field_change.c.value,
    type_coerce(field_change.c.occurred_at, NullType()),
    type_coerce(field_change.c.observed_at, NullType()),
    field_change.c.source,
).where(field_change.c.portal == PORTAL, field_change.c.contact.in_(IDS))
"""Sorted and cut off by us: with `observed_at` in it, SQLite goes by that index through the changes of everybody."""
_SEEN = (
    select(
        activity.c.contact,
        activity.c.stream,
        activity.c.activity,
        activity.c.kind,
        type_coerce(activity.c.occurred_at, NullType()),
        activity.c.name,
        activity.c.ref,
        activity.c.url,
        activity.c.email,
        type_coerce(activity.c.observed_at, NullType()),
    )
    .where(
        activity.c.portal == PORTAL,
        activity.c.contact.in_(IDS),
        activity.c.occurred_at >= _AFTER,
        activity.c.occurred_at <= _UNTIL,
        ~activity.c.automatic,
    )
    .order_by(activity.c.contact, activity.c.occurred_at, activity.c.stream, activity.c.activity)
)
_ORIGINS = select(contact.c.contact, contact.c.created_at, contact.c.gone, contact.c.merged_into).where(
    contact.c.portal == PORTAL, contact.c.contact.in_(IDS)
)
_DEALS = (
    select(deal.c.deal)
    .where(
        deal.c.portal == PORTAL,
        or_(*((column > _AFTER) & (column <= _UNTIL) for column in (deal.c.created_at, deal.c.closed_at,
                                                                   deal.c.modified_at))),
    )
    .order_by(deal.c.deal)
)  # fmt: skip
_EPISODES = (
    select(
        episode,
        episode_step.c.at,
        episode_step.c.cause,
        episode_step.c.state.label("step_state"),
        episode_step.c.owner.label("step_owner"),
        episode_step.c.silent.label("step_silent"),
        episode_step.c.assignment.label("step_assignment"),
        episode_step.c.exit_reason.label("step_reason"),
        episode_step.c.track.label("step_track"),
        episode_step.c.wakes_at.label("step_wakes_at"),
    )
    .join(
        episode_step,
        (episode_step.c.portal == episode.c.portal) & (episode_step.c.episode == episode.c.episode),
    )
    .where(episode.c.portal == PORTAL, episode_step.c.at <= _UNTIL)
    .order_by(episode.c.episode, episode_step.c.number)
)
_ADOPTED = (
    select(episode.c.contact, episode.c.adopted_at)
    .where(
        episode.c.portal == PORTAL,
        episode.c.adopted_at.is_not(None),
        episode.c.adopted_at > _AFTER,
        episode.c.adopted_at <= _UNTIL,
    )
    .order_by(episode.c.adopted_at, episode.c.contact)
)
_SEEN_LATE = (
    select(func.count().label("found"))
    .select_from(field_change)
    .join(contact, (contact.c.portal == field_change.c.portal) & (contact.c.contact == field_change.c.contact))
    .where(
        field_change.c.portal == PORTAL,
        field_change.c.observed_at > _AFTER,
        field_change.c.observed_at <= _UNTIL,
        field_change.c.field == "*",
        contact.c.created_at <= _AFTER,
    )
)
_LOST = select(
    func.count().filter(contact.c.merged_into.is_not(None)).label("merged"),
    func.count().filter(contact.c.merged_into.is_(None), contact.c.gone).label("deleted"),
).where(contact.c.portal == PORTAL)
_UNDONE = select(
    func.count().filter(episode.c.contact.like("erased-%")).label("erased"),
    func.count().filter(or_(episode.c.undone.is_not(None), episode.c.exit_reason == UNDONE)).label("undone"),
).where(episode.c.portal == PORTAL, episode.c.handed_off_at > _AFTER, episode.c.handed_off_at <= _UNTIL)


class Past(PastRuns):
    """Fulfils ports.History; within a reading transaction the streams and the other questions see one state."""

    def first_sight(self) -> datetime | None:
        found: datetime | None = self.select(_FIRST_SIGHT)[0].at
        return found

    def deeds(self, after: datetime, until: datetime) -> Iterator[Sequence[Deed]]:
        for rows in self._raw(_DEEDS, after_=after, until_=until):
            yield cast("Sequence[Deed]", rows)  # tuples in this very order; naming millions of them would cost

    def news(self, after: datetime, until: datetime) -> Iterator[Sequence[News]]:
        for rows in self._raw(_NEWS, after_=after, until_=until):
            yield cast("Sequence[News]", rows)

    def _raw(self, statement: Select[Any], **values: Any) -> Iterator[Sequence[tuple[Any, ...]]]:
        """Rows of which no column is turned into anything; on SQLite as its driver gives them, which is quicker."""
        if self.dialect != "sqlite":
            yield from self._stream(statement, **values)
            return
        found = self.connection.execute(statement, {"portal_": self.portal, **values})
        assert found.cursor is not None
        while rows := found.cursor.fetchmany(AT_ONCE):
            yield rows
        found.close()

    def _stamp(self, instant: datetime) -> Stamp:
        """To be compared with what _raw() gives."""
        return text_of(instant) if self.dialect == "sqlite" else instant

    def _raw_by_id(self, statement: Select[Any], ids: Sequence[str], **values: Any) -> Iterator[tuple[Any, ...]]:
        for piece in chunks(ids):
            for rows in self._raw(statement, ids=piece, **values):
                yield from rows

    def _stream(self, statement: Select[Any], **values: Any) -> Iterator[Sequence[Row[Any]]]:
        given = {"portal_": self.portal, **values}
        found = self.connection.execute(statement, given, execution_options={"yield_per": AT_ONCE})
        yield from found.partitions()

    def field_history(self, ids: Sequence[ContactId], until: datetime) -> dict[ContactId, list[FieldChange]]:
        found: dict[ContactId, list[FieldChange]] = {}
        known = self._stamp(until)
        for one, field, value, occurred_at, observed_at, source in self._raw_by_id(_HISTORY, ids):
            if observed_at <= known:
                change = FieldChange(
                    contact=one, field=field, value=value, occurred_at=instant_of(occurred_at),
                    observed_at=instant_of(observed_at), source=source,
                )  # fmt: skip
                found.setdefault(one, []).append(change)
        for rows in found.values():
            rows.sort(key=_in_order)
        return found

    def activities_seen(
        self, ids: Sequence[ContactId], since: datetime, until: datetime
    ) -> dict[ContactId, list[Activity]]:
        found: dict[ContactId, list[Activity]] = {}
        known = self._stamp(until)
        for one, stream, name, kind, at, title, ref, url, email, seen_at in self._raw_by_id(
            _SEEN, ids, after_=since, until_=until
        ):
            if seen_at <= known:
                row = Activity(
                    stream=stream, id=name, contact=one, kind=_KINDS[kind], occurred_at=instant_of(at), name=title,
                    ref=ref, url=url, email=email,
                )  # fmt: skip
                found.setdefault(one, []).append(row)
        return found

    def origins(self, ids: Sequence[ContactId]) -> dict[ContactId, Origin]:
        return {
            row.contact: Origin(created_at=row.created_at, gone=row.gone, merged=row.merged_into is not None)
            for row in self.select_by_id(_ORIGINS, ids)
        }

    def deals_dated(self, after: datetime, until: datetime) -> list[Deal]:
        names = [row.deal for row in self.select(_DEALS, after_=after, until_=until)]
        found = Activities(self.connection, self.portal).deals_named(names)
        return [found[name] for name in names]

    def episodes_opened(self, until: datetime) -> Iterator[tuple[Episode, list[PastStep]]]:
        found = (row for rows in self._stream(_EPISODES, until_=until) for row in rows)
        for _, rows in groupby(found, key=lambda row: row.episode):
            path = list(rows)
            yield read_episode(path[0]), [_step(row) for row in path]

    def adopted(self, after: datetime, until: datetime) -> list[tuple[ContactId, datetime]]:
        return [(row.contact, row.adopted_at) for row in self.select(_ADOPTED, after_=after, until_=until)]

    def blind_spots(self, since: datetime, until: datetime) -> BlindSpots:
        span = {"after_": since, "until_": until}
        late, lost, undone = self.select(_SEEN_LATE, **span)[0], self.select(_LOST)[0], self.select(_UNDONE, **span)[0]
        return BlindSpots(
            seen_late=late.found, merged=lost.merged, deleted=lost.deleted, erased=undone.erased, undone=undone.undone
        )


_KINDS = {kind.value: kind for kind in ActivityKind}
_in_order = attrgetter("observed_at", "occurred_at", "field")


def _step(row: Row[Any]) -> PastStep:
    return PastStep(
        at=row.at,
        cause=row.cause,
        state=row.step_state,
        owner=row.step_owner,
        silent=row.step_silent,
        assignment=row.step_assignment,
        exit_reason=row.step_reason,
        track=row.step_track,
        wakes_at=row.step_wakes_at,
    )
