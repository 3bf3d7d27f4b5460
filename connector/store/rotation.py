"""Owners, whose turn it is in each pool, and how much each has on the desk."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, bindparam, delete, func, select, update

from connector.domain.contact import OwnerId, PortalId
from connector.domain.owner import Owner
from connector.store.part import PORTAL, Insert, Part, Rows, insert_into, key_of, per_dialect
from connector.store.tables import episode, owner, rotation

_OWNERS = select(owner).where(owner.c.portal == PORTAL).order_by(owner.c.owner)
_ROTATION = select(rotation).where(rotation.c.portal == PORTAL).order_by(rotation.c.pool, rotation.c.owner)
_OPEN_LEADS = (
    select(episode.c.owner, func.count().label("leads"))
    .where(episode.c.portal == PORTAL, episode.c.is_open, ~episode.c.silent, episode.c.owner.is_not(None))
    .group_by(episode.c.owner)
)
_MOVED = and_(
    rotation.c.portal == PORTAL, rotation.c.pool == bindparam("pool_"), rotation.c.owner == bindparam("owner_"),
    rotation.c.pointer == bindparam("pointer_"),
)
_NEW_AGAIN = delete(rotation).where(_MOVED, rotation.c.before.is_(None))
# Where it stood before that is not known any more: `before` then says "here", and handing back again moves nothing.
_BACK = update(rotation).where(_MOVED, rotation.c.before.is_not(None)).values(pointer=rotation.c.before)


@per_dialect
def _move(dialect: str) -> Insert:
    statement = insert_into(rotation, dialect)
    pointer = statement.excluded.pointer
    return statement.on_conflict_do_update(
        index_elements=key_of(rotation), set_={"pointer": pointer, "before": rotation.c.pointer},
        where=rotation.c.pointer != pointer,
    )


class Rotation(Part):
    """Moves are stored when the unit of work ends or somebody asks."""

    def __init__(self, connection: Connection, portal: PortalId) -> None:
        super().__init__(connection, portal)
        self._turns_moved: Rows = []

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

    def move_rotation(self, pool: str, owner: OwnerId, pointer: int) -> None:
        row = {"portal": self.portal, "pool": pool, "owner": owner, "pointer": pointer, "before": None}
        self._turns_moved.append(row)

    def _write_turns(self) -> None:
        moves, self._turns_moved = self._turns_moved, []
        self.write(_move(self.dialect), moves)      # one after the other: each keeps where it stood before

    def hand_back_turn(self, pool: str, owner: OwnerId, pointer: int) -> None:
        """`pointer` is where the assignment moved it to; where it stands elsewhere by now, it stays there."""
        self._write_turns()
        for back in (_NEW_AGAIN, _BACK):
            self.change(back, pool_=pool, owner_=owner, pointer_=pointer)

    def open_leads(self) -> dict[OwnerId, int]:
        self.flush()
        return {row.owner: row.leads for row in self.select(_OPEN_LEADS)}
