"""Owners, whose turn it is in each pool, and how much each has on the desk."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from connector.domain.contact import OwnerId
from connector.domain.owner import Owner
from connector.store.part import PORTAL, Part
from connector.store.tables import episode, owner, rotation

_OWNERS = select(owner).where(owner.c.portal == PORTAL).order_by(owner.c.owner)
_ROTATION = select(rotation).where(rotation.c.portal == PORTAL).order_by(rotation.c.pool, rotation.c.owner)
_OPEN_LEADS = (
    select(episode.c.owner, func.count().label("leads"))
    .where(episode.c.portal == PORTAL, episode.c.is_open, ~episode.c.silent, episode.c.owner.is_not(None))
    .group_by(episode.c.owner)
)


class Rotation(Part):
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
        pools: dict[str, dict[OwnerId, int]] = {}
        for row in self.select(_ROTATION):
            pools.setdefault(row.pool, {})[row.owner] = row.pointer
        return pools

    def move_rotation(self, pool: str, owner: OwnerId, pointer: int) -> None:
        self.upsert(rotation, [{"portal": self.portal, "pool": pool, "owner": owner, "pointer": pointer}])

    def open_leads(self) -> dict[OwnerId, int]:
        self.flush()
        return {row.owner: row.leads for row in self.select(_OPEN_LEADS)}
