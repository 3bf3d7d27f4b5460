"""Episodes and the path that each has gone.

Stored when the unit of work ends or when somebody asks: a batch of a hundred then costs a few statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select, update

from connector.domain.contact import ContactId, OwnerId, PortalId
from connector.domain.episode import Episode, EpisodeId, State
from connector.store.part import IDS, PORTAL, Part
from connector.store.tables import contact, episode, episode_step

_OF_CONTACTS = (
    select(episode)
    .where(episode.c.portal == PORTAL, episode.c.contact.in_(IDS))
    .order_by(episode.c.contact, episode.c.ordinal)
)
_ALL = select(episode).where(episode.c.portal == PORTAL).order_by(episode.c.opened_at, episode.c.episode)
_STANDING = select(
    episode.c.episode, episode.c.state, episode.c.owner, episode.c.silent, episode.c.exit_reason, episode.c.track,
    episode.c.wakes_at, episode.c.adopted_at,
).where(episode.c.portal == PORTAL, episode.c.episode.in_(IDS))
_STEPS = (
    select(episode_step.c.episode, func.max(episode_step.c.number).label("number"))
    .where(episode_step.c.portal == PORTAL, episode_step.c.episode.in_(IDS))
    .group_by(episode_step.c.episode)
)
_IS_LEAD = (
    update(contact)
    .where(contact.c.portal == PORTAL, contact.c.contact.in_(IDS), contact.c.has_lead.is_not(True))
    .values(has_lead=True)
)
_DELETE = delete(episode).where(episode.c.portal == PORTAL, episode.c.episode == bindparam("episode_"))
_SILENT = (
    select(episode)
    .where(
        episode.c.portal == PORTAL, episode.c.is_open, episode.c.silent,
        episode.c.state.in_(bindparam("states", expanding=True)), episode.c.episode > bindparam("after"),
    )
    .order_by(episode.c.episode)
    .limit(bindparam("most"))
)
_IN_HAND = select(episode.c.contact).where(
    episode.c.portal == PORTAL, episode.c.is_open, ~episode.c.silent, episode.c.owner.in_(IDS)
)
_ADOPTED = (
    select(episode.c.owner, func.count().label("leads"))
    .where(episode.c.portal == PORTAL, episode.c.adopted_at >= bindparam("since"), episode.c.owner.is_not(None))
    .group_by(episode.c.owner)
)


@dataclass(slots=True)
class _Standing:
    """What decides whether a new version is a step of the path."""

    is_at: tuple[object, ...]
    silent: bool
    adopted_at: datetime | None
    steps: int


class Episodes(Part):
    def __init__(self, connection: Connection, portal: PortalId) -> None:
        super().__init__(connection, portal)
        self._put: list[tuple[Episode, datetime, str]] = []

    def put_episode(self, episode: Episode, *, at: datetime, cause: str) -> None:
        self._put.append((episode, at, cause))

    def flush(self) -> None:
        super().flush()
        put, self._put = self._put, []
        if not put:
            return
        standing = self._standing([one.id for one, _, _ in put])
        rows: dict[str, dict[str, Any]] = {}
        steps: list[dict[str, Any]] = []
        for one, at, cause in put:
            now = _step(one, at, standing.get(one.id), cause)
            if standing.get(one.id) is None or now.steps > standing[one.id].steps:
                steps.append(_step_row(self.portal, one, now.steps, at, cause))
            standing[one.id] = now
            rows[one.id] = {**_row(self.portal, one), "adopted_at": now.adopted_at}
        self.upsert(_TABLE, list(rows.values()))
        self.insert_new(episode_step, steps)
        self.change_by_id(_IS_LEAD, sorted({one.contact for one, _, _ in put if one.owner and not one.silent}))

    def _standing(self, ids: Sequence[str]) -> dict[str, _Standing]:
        wanted = list(dict.fromkeys(ids))
        steps = {row.episode: row.number for row in self.select_by_id(_STEPS, wanted)}
        return {
            row.episode: _Standing(_is_at(row), row.silent, row.adopted_at, steps.get(row.episode, 0))
            for row in self.select_by_id(_STANDING, wanted)
        }

    def episodes(self, ids: Sequence[ContactId]) -> dict[ContactId, list[Episode]]:
        """Every id asked for has its list, be it empty."""
        self.flush()
        found: dict[ContactId, list[Episode]] = {one: [] for one in ids}
        for row in self.select_by_id(_OF_CONTACTS, ids):
            found[row.contact].append(read_episode(row))
        return found

    def all_episodes(self) -> list[Episode]:
        """Of the whole portal, in the order they opened; for reports."""
        self.flush()
        return [read_episode(row) for row in self.select(_ALL)]

    def delete_episode(self, episode: EpisodeId) -> None:
        """With its path. Its decisions stay: that it was once decided so remains true."""
        self.flush()
        self.change(_DELETE, episode_=episode)

    def silent_episodes(self, states: Sequence[str], limit: int, after: str) -> list[Episode]:
        """Open ones in id order, those after the id `after`."""
        self.flush()
        return [read_episode(row) for row in self.select(_SILENT, states=list(states), after=after, most=limit)]

    def contacts_in_hand(self, owners: Sequence[OwnerId]) -> list[ContactId]:
        self.flush()
        return [row.contact for row in self.select_by_id(_IN_HAND, owners)]

    def adopted_on(self, since: datetime) -> dict[OwnerId, int]:
        self.flush()
        return {row.owner: row.leads for row in self.select(_ADOPTED, since=since)}


_TABLE = episode        # `episode` is a good name for an argument, too


ADOPTED = "adopt"
"""Cause of an episode that `handoff adopt` let in, be it new or silent until now."""


def _step(one: Episode, at: datetime, before: _Standing | None, cause: str) -> _Standing:
    if before is None:
        adopted = at if cause == ADOPTED and not one.silent else None
        return _Standing(_is_at(one), one.silent, adopted, 1)
    moved = before.is_at != _is_at(one)
    adopted = at if before.silent and not one.silent else None if one.silent else before.adopted_at
    return _Standing(_is_at(one), one.silent, adopted, before.steps + moved)


def _is_at(one: Episode | Row[Any]) -> tuple[object, ...]:
    return one.state, one.owner, one.silent, one.exit_reason, one.track, one.wakes_at


def _step_row(portal: str, one: Episode, number: int, at: datetime, cause: str) -> dict[str, Any]:
    return {
        "portal": portal, "episode": one.id, "number": number, "at": at, "cause": cause, "state": one.state,
        "owner": one.owner, "silent": one.silent, "assignment": one.assignment, "exit_reason": one.exit_reason,
        "track": one.track, "wakes_at": one.wakes_at,
    }


def _row(portal: str, one: Episode) -> dict[str, Any]:
    return {
        "portal": portal, "episode": one.id, "contact": one.contact, "ordinal": one.ordinal, "state": one.state,
        "lane": one.lane, "opened_at": one.opened_at, "owner": one.owner, "reason": one.reason, "silent": one.silent,
        "assignment": one.assignment, "handed_off_at": one.handed_off_at, "touched_at": one.touched_at,
        "ended_at": one.ended_at, "exit_reason": one.exit_reason, "track": one.track, "wakes_at": one.wakes_at,
        "signal_at": one.signal_at, "interest_told_at": one.interest_told_at,
        "waiting_since": one.waiting_since,
        "calls": one.calls or None, "mails": one.mails or None, "meetings": one.meetings or None,
        "marketing_held": one.marketing_held, "is_open": one.is_open, "undone": one.undone or None,
        "party": one.party or None, "passed_on_at": one.passed_on_at, "caller": one.caller,
        "caller_touched_at": one.caller_touched_at, "former_owners": list(one.former_owners) or None,
        "inherited": one.inherited or None,
    }


def read_episode(row: Row[Any]) -> Episode:
    return Episode(
        id=row.episode, contact=row.contact, ordinal=row.ordinal, state=State(row.state), lane=row.lane,
        opened_at=row.opened_at, owner=row.owner, reason=row.reason, silent=row.silent, assignment=row.assignment,
        handed_off_at=row.handed_off_at, touched_at=row.touched_at, ended_at=row.ended_at,
        exit_reason=row.exit_reason, track=row.track, wakes_at=row.wakes_at, signal_at=row.signal_at,
        interest_told_at=row.interest_told_at, waiting_since=row.waiting_since,
        calls=row.calls or 0, mails=row.mails or 0, meetings=row.meetings or 0,
        marketing_held=row.marketing_held, undone=row.undone or 0,
        party=row.party or "", passed_on_at=row.passed_on_at, caller=row.caller,
        caller_touched_at=row.caller_touched_at, former_owners=tuple(row.former_owners or ()),
        inherited=bool(row.inherited),
    )
