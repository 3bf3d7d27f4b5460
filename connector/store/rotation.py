"""Owners, whose turn it is in each pool, and how much each has on the desk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, delete, exists, func, select

from connector.domain.contact import OwnerId, PortalId
from connector.domain.episode import ENDS
from connector.domain.owner import Owner
from connector.rules.routing import RoutedLead
from connector.store.part import PORTAL, Insert, Part, insert_into, key_of, per_dialect
from connector.store.tables import decision, episode, episode_step, owner, rotation

_OWNERS = select(owner).where(owner.c.portal == PORTAL).order_by(owner.c.owner)
_ROTATION = select(rotation).where(rotation.c.portal == PORTAL).order_by(rotation.c.pool, rotation.c.owner)
_OPEN_LEADS = (
    select(episode.c.owner, func.count().label("leads"))
    .where(episode.c.portal == PORTAL, episode.c.is_open, ~episode.c.silent, episode.c.owner.is_not(None))
    .group_by(episode.c.owner)
)
_LEVEL = delete(rotation).where(rotation.c.portal == PORTAL, rotation.c.pointer == 0)
"""Who stands at nought has no row, so that a turn that is handed back leaves nothing behind."""
_ROUTED = (
    select(decision.c.owner, decision.c.body)
    .where(
        decision.c.portal == PORTAL, decision.c.owner.is_not(None), decision.c.as_of >= bindparam("since"),
        decision.c.as_of < bindparam("until"),
    )
    .order_by(decision.c.as_of, decision.c.contact, decision.c.number)
)
_earlier = episode_step.alias("earlier")
_GIVEN = (
    select(episode_step.c.owner, func.count().label("leads"))
    .where(
        episode_step.c.portal == PORTAL, episode_step.c.at >= bindparam("since"), episode_step.c.owner.is_not(None),
        ~episode_step.c.silent, episode_step.c.state.not_in(list(ENDS)),
        ~exists().where(
            _earlier.c.portal == episode_step.c.portal, _earlier.c.episode == episode_step.c.episode,
            _earlier.c.assignment == episode_step.c.assignment, _earlier.c.number < episode_step.c.number,
            ~_earlier.c.silent,
        ),
    )
    .group_by(episode_step.c.owner)
)


@per_dialect
def _move(dialect: str) -> Insert:
    statement = insert_into(rotation, dialect)
    moved = rotation.c.pointer + statement.excluded.pointer
    return statement.on_conflict_do_update(index_elements=key_of(rotation), set_={"pointer": moved})


class Rotation(Part):
    """Moves are stored when the unit of work ends or somebody asks."""

    def __init__(self, connection: Connection, portal: PortalId) -> None:
        super().__init__(connection, portal)
        self._turns_moved: Counter[tuple[str, OwnerId]] = Counter()

    def flush(self) -> None:
        super().flush()
        self._write_turns()

    def put_owners(self, owners: Sequence[Owner]) -> None:
        self.upsert(owner, [
            {
                "portal": self.portal, "owner": one.id, "name": one.name, "email": one.email,
                "archived": one.archived, "teams": one.teams,
            }
            for one in owners
        ])

    def owners(self) -> list[Owner]:
        """In id order, archived ones included."""
        return [
            Owner(id=row.owner, name=row.name, email=row.email, archived=row.archived, teams=tuple(row.teams))
            for row in self.select(_OWNERS)
        ]

    def rotation(self) -> dict[str, dict[OwnerId, int]]:
        self._write_turns()
        pools: dict[str, dict[OwnerId, int]] = {}
        for row in self.select(_ROTATION):
            pools.setdefault(row.pool, {})[row.owner] = row.pointer
        return pools

    def move_rotation(self, pool: str, moves: Mapping[OwnerId, int]) -> None:
        for one, move in moves.items():
            self._turns_moved[pool, one] += move

    def hand_back_turn(self, pool: str, moves: Mapping[OwnerId, int]) -> None:
        self.move_rotation(pool, {one: -move for one, move in moves.items()})

    def _write_turns(self) -> None:
        moves, self._turns_moved = self._turns_moved, Counter()
        rows = [
            {"portal": self.portal, "pool": pool, "owner": one, "pointer": move}
            for (pool, one), move in sorted(moves.items())
            if move
        ]
        self.write(_move(self.dialect), rows)
        if rows:
            self.change(_LEVEL)

    def given_since(self, since: datetime) -> dict[OwnerId, int]:
        self.flush()
        return {row.owner: row.leads for row in self.select(_GIVEN, since=since)}

    def routed(self, since: datetime | None, until: datetime) -> Iterator[RoutedLead]:
        self.flush()
        for row in self.select(_ROUTED, since=since or datetime.min.replace(tzinfo=UTC), until=until):
            route = row.body.get("route") or {}
            if route.get("pool"):
                others = {OwnerId(owner): why_not for owner, why_not in route["candidates"] if owner != row.owner}
                yield RoutedLead(pool=route["pool"], owner=OwnerId(row.owner), passed_over=others)

    def open_leads(self) -> dict[OwnerId, int]:
        self.flush()
        return {row.owner: row.leads for row in self.select(_OPEN_LEADS)}
