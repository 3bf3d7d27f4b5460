"""The YAML model of mappings/routing.yaml; what it means is the modules' beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from connector.rules.condition import Condition
from connector.rules.durations import WallDuration
from connector.rules.misplaced import KeyPath, MisplacedError
from connector.rules.suggestions import nearest


def _as_text(value: object) -> object:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


OwnerName = Annotated[str, BeforeValidator(_as_text), Field(min_length=1, max_length=254)]
"""An owner as admins name one: e-mail, or the CRM's owner id."""


class Stick(StrEnum):
    MEETING_HOST = "meeting_host"        # with whom the lead booked a meeting
    DEAL_OWNER = "deal_owner"            # who has the contact's newest open deal
    FORMER_OWNER = "former_owner"        # who had the contact's last episode in sales (R24)
    EXISTING_OWNER = "existing_owner"    # whom the CRM shows as the contact's owner
    COMPANY_OWNER = "company_owner"      # whom the field of this name holds: the owner of the contact's company
    ACCOUNT_OWNER = "account_owner"      # who has the latest lead of the same company


def _fields_only(when: Condition | None) -> Condition | None:
    if when is not None and not when.fields_only:
        raise ValueError("who gets a lead goes by fields; activities belong in qualification.yaml or scoring.yaml")
    return when


FieldCondition = Annotated[Condition, AfterValidator(_fields_only)]
"""Routing looks at fields only; what somebody did is weighed before."""


class Member(BaseModel):
    """Somebody in a pool. `takes`: only leads for which it holds, a skill or a segment; left out: all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    owner: OwnerName
    weight: int = Field(default=1, ge=1, le=10)
    max_open_leads: int | None = Field(default=None, ge=1)
    max_per_day: int | None = Field(default=None, ge=1)
    takes: FieldCondition | None = None


class PoolRules(BaseModel):
    """Owners who take turns. With `everyone` all active owners are in it, and `members` only sets weights and caps.

    `max_open_leads`: nobody in the pool gets another lead while holding that many; `max_per_day`: nor who got so many
    since midnight, whichever pool they came from. A member's own cap goes before the pool's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(default="", max_length=100)
    everyone: bool = False
    teams: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    exclude: tuple[OwnerName, ...] = ()
    max_open_leads: int | None = Field(default=None, ge=1)
    max_per_day: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _has_members(self) -> PoolRules:
        if not (self.everyone or self.teams or self.members):
            raise ValueError("a pool needs `members`, `teams`, or `everyone: true`")
        named = [member.owner.lower() for member in self.members]
        if len(set(named)) < len(named):
            raise ValueError("an owner stands twice in a pool; give a `weight` instead")
        return self


class Territory(BaseModel):
    """Contacts for which `when` holds go to `pool`. Conditions look at fields only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: FieldCondition
    pool: str


class Party(BaseModel):
    """A telequalification: it gets the leads of `lanes` for which `when` holds, before a rep does.

    `pool`: owners of the CRM who take turns; or `agency`: the destination in notifications.yaml of one outside.
    `straight_to`: a lead that one of these has already goes to them at once. `meeting`: a booked one passes it on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern="^[a-z][a-z0-9_]{0,39}$")
    label: str = Field(default="", max_length=100)
    lanes: tuple[str, ...] = Field(default=("score", "return"), min_length=1)
    when: FieldCondition | None = None
    pool: str = ""
    agency: str = ""
    straight_to: tuple[Stick, ...] = (Stick.FORMER_OWNER,)
    meeting: bool = True

    @model_validator(mode="after")
    def _somebody(self) -> Party:
        if bool(self.pool) == bool(self.agency):
            raise ValueError("needs either `pool`, for people in the CRM, or `agency`, a destination to tell")
        return self

    @property
    def words(self) -> str:
        """Its name for people."""
        return self.label or self.name.replace("_", " ")


class Absence(BaseModel):
    """Whole days, the first and the last one included, in the zone of the person's calendar."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    first: date = Field(alias="from")
    until: date

    @model_validator(mode="after")
    def _in_order(self) -> Absence:
        if self.until < self.first:
            raise ValueError("ends before it begins; write the first day at `from` and the last one at `until`")
        return self


class Person(BaseModel):
    """What holds for one owner in every pool. `calendar`: one of sla.yaml's, with its hours, holidays and zone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    owner: OwnerName
    calendar: str = ""
    away: tuple[Absence, ...] = ()
    joined_on: date | None = None


class Fallback(BaseModel):
    """Who takes what nobody else can. Empty: the first active owner by id, and the reason says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    owner: Annotated[str, BeforeValidator(_as_text), Field(max_length=254)] = ""


class RoutingRules(BaseModel):
    """mappings/routing.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stickiness: tuple[Stick, ...] = ()
    telequalification: tuple[Party, ...] = Field(default=(), max_length=20)
    territories: tuple[Territory, ...] = ()
    pools: Mapping[str, PoolRules] = Field(min_length=1)
    default_pool: str
    people: tuple[Person, ...] = Field(default=(), max_length=2_000)
    ramp_up: WallDuration | None = None
    fallback: Fallback = Fallback()

    @model_validator(mode="after")
    def _names_fit(self) -> RoutingRules:
        named: list[tuple[KeyPath, str]] = [
            (("territories", place, "pool"), territory.pool) for place, territory in enumerate(self.territories)
        ]
        named += [
            (("telequalification", place, "pool"), party.pool)
            for place, party in enumerate(self.telequalification)
            if party.pool
        ]
        for path, pool in (*named, (("default_pool",), self.default_pool)):
            if pool not in self.pools:
                advice = nearest(pool, self.pools) or f"use one of {', '.join(self.pools)}, or add it under `pools`"
                raise MisplacedError(path, f"there is no pool {pool}; {advice}")
        if len(set(self.stickiness)) < len(self.stickiness):
            raise MisplacedError(("stickiness",), "stickiness names something twice; keep one of them")
        names = [party.name for party in self.telequalification]
        for place, name in enumerate(names):
            if name in names[:place]:
                raise MisplacedError(("telequalification", place, "name"), f"two parties are called {name}; rename one")
        owners = [person.owner.lower() for person in self.people]
        for place, owner in enumerate(owners):
            if owner in owners[:place]:
                raise MisplacedError(("people", place, "owner"), f"{owner} stands here twice; put it into one")
        return self

    @property
    def counts_days(self) -> bool:
        """Whether anybody gets only so many leads a day."""
        return any(pool.max_per_day or any(one.max_per_day for one in pool.members) for pool in self.pools.values())

    @property
    def asks_for_hosts(self) -> bool:
        """Whether anything goes by the host of a meeting."""
        sticks = (*self.stickiness, *(stick for party in self.telequalification for stick in party.straight_to))
        return Stick.MEETING_HOST in sticks

    def label(self, pool: str) -> str:
        return self.pools[pool].label or pool.replace("_", " ")

    def owners_named(self) -> tuple[str, ...]:
        """Every owner that the file names, for a check against the portal."""
        rows = [name for pool in self.pools.values() for name in (*(m.owner for m in pool.members), *pool.exclude)]
        rows += [person.owner for person in self.people]
        return tuple(dict.fromkeys([*rows, *([self.fallback.owner] if self.fallback.owner else [])]))
