"""Routing: to which owner a lead goes, and why not to the others (R12, R13).

Reads mappings/routing.yaml. First stickiness, in the admin's order; then the pools of all territories that fit; then
the default pool; last the fallback. Archived owners get nothing. Whether a lead is handed over at all is decide()'s.

Turns within a pool go by stride scheduling: each owner has a pointer, the lowest is next, ties go to the lower id, and
taking a lead moves the pointer on by STRIDE / weight, a whole number. So at any moment two owners who were there all
along differ by at most one lead per unit of weight. Who is new, or back after an absence, starts where the others are:
a turn that was missed is not made up for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from connector.domain.contact import Contact, OwnerId
from connector.domain.decision import Candidate, Route
from connector.domain.owner import Owner
from connector.rules.condition import Condition, Facts
from connector.rules.misplaced import KeyPath, MisplacedError
from connector.rules.suggestions import nearest
from connector.rules.words import sentence

STRIDE = 2_520
"""Divisible by every weight from 1 to 10, so that pointers stay whole and no owner drifts ahead by rounding."""



def _as_text(value: object) -> object:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


OwnerName = Annotated[str, BeforeValidator(_as_text), Field(min_length=1, max_length=254)]
"""An owner as admins name one: e-mail, or the CRM's owner id."""


class Stick(StrEnum):
    FORMER_OWNER = "former_owner"        # who had the contact's last episode (R24)
    EXISTING_OWNER = "existing_owner"    # whom the CRM shows as the contact's owner
    ACCOUNT_OWNER = "account_owner"      # who has the latest lead of the same company


class Member(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    owner: OwnerName
    weight: int = Field(default=1, ge=1, le=10)
    max_open_leads: int | None = Field(default=None, ge=1)


class PoolRules(BaseModel):
    """Owners who take turns. With `everyone` all active owners are in it, and `members` only sets weights and caps.

    `max_open_leads`: nobody in the pool gets another lead while holding that many; a member's own cap goes before it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(default="", max_length=100)
    everyone: bool = False
    teams: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    exclude: tuple[OwnerName, ...] = ()
    max_open_leads: int | None = Field(default=None, ge=1)

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

    when: Condition
    pool: str

    @field_validator("when")
    @classmethod
    def _fields_only(cls, when: Condition) -> Condition:
        if not when.fields_only:
            raise ValueError("a territory goes by fields; activities belong in qualification.yaml or scoring.yaml")
        return when


class Fallback(BaseModel):
    """Who takes what nobody else can. Empty: the first active owner by id, and the reason says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    owner: Annotated[str, BeforeValidator(_as_text), Field(max_length=254)] = ""


class RoutingRules(BaseModel):
    """mappings/routing.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stickiness: tuple[Stick, ...] = ()
    territories: tuple[Territory, ...] = ()
    pools: Mapping[str, PoolRules] = Field(min_length=1)
    default_pool: str
    fallback: Fallback = Fallback()

    @model_validator(mode="after")
    def _pools_exist(self) -> RoutingRules:
        named: list[tuple[KeyPath, str]] = [
            (("territories", place, "pool"), territory.pool) for place, territory in enumerate(self.territories)
        ]
        for path, pool in (*named, (("default_pool",), self.default_pool)):
            if pool not in self.pools:
                advice = nearest(pool, self.pools) or f"use one of {', '.join(self.pools)}, or add it under `pools`"
                raise MisplacedError(path, f"there is no pool {pool}; {advice}")
        if len(set(self.stickiness)) < len(self.stickiness):
            raise MisplacedError(("stickiness",), "stickiness names something twice; keep one of them")
        return self

    def label(self, pool: str) -> str:
        return self.pools[pool].label or pool.replace("_", " ")

    def owners_named(self) -> tuple[str, ...]:
        """Every owner that the file names, for a check against the portal."""
        rows = [name for pool in self.pools.values() for name in (*(m.owner for m in pool.members), *pool.exclude)]
        return tuple(dict.fromkeys([*rows, *([self.fallback.owner] if self.fallback.owner else [])]))


def route(
    contact: Contact,
    *,
    owners: Sequence[Owner],
    rotation: Mapping[str, Mapping[OwnerId, int]],
    open_leads: Mapping[OwnerId, int],
    former: OwnerId | None,
    account: OwnerId | None,
    rules: RoutingRules,
    now: datetime,
    taken_from: OwnerId | None = None,
) -> Route | None:
    """Find the lead's owner.

    Args:
        owners: all of the portal, archived ones included.
        rotation: pool → owner → pointer; `Route.rotation` of each lead moves it on before the next one is routed.
        open_leads: open leads per owner, for the caps; an absent owner has none.
        former: owner of the contact's last episode; None where it had none.
        account: owner of the latest lead of the same company; None where the company is unknown.
        taken_from: the owner from whom a person took this lead; gets it back only where nobody else is there.
    Returns:
        A route to an active owner, always, with every owner that was considered and why not; `rotation` holds the new
        pointer of the one whose turn it was. None only where the portal has no active owner at all.
    """
    desk = _Desk(owners, open_leads, taken_from)
    if not desk.active:
        return None
    stuck = _stuck(contact, desk, rules, {Stick.FORMER_OWNER: former, Stick.ACCOUNT_OWNER: account})
    if stuck is not None:
        return stuck
    for pool, why in _pools(contact, rules, now):
        found = _turn(pool, why, desk, rotation.get(pool, {}), rules)
        if found is not None:
            return found
    return _fall_back(desk, rules)


# -- who is there ----------------------------------------------------------------------------------------------


TAKEN_AWAY = "a person took this lead from them"


def _order(owner: OwnerId) -> tuple[int, str]:
    """Ids are numbers written as text: by length first, so that 9 comes before 10."""
    return len(owner), owner


class _Desk:
    """Owners by id and e-mail, and what has been noted about them while looking for one lead's owner."""

    def __init__(
        self, owners: Sequence[Owner], open_leads: Mapping[OwnerId, int], taken_from: OwnerId | None
    ) -> None:
        self.taken_from = taken_from
        self.by_id = {owner.id: owner for owner in owners}
        self.active = sorted((owner.id for owner in owners if not owner.archived), key=_order)
        self.open_leads = open_leads
        self.remarks: list[str] = []
        self._why_not: dict[OwnerId, str] = {}
        # An address may belong to somebody who left and came back: the active one counts.
        self._by_email = {o.email.lower(): o.id for o in sorted(owners, key=lambda o: not o.archived) if o.email}

    def find(self, name: str) -> OwnerId | None:
        """The owner that an admin calls by e-mail or id; None for nobody."""
        return self._by_email.get(name.lower()) or (OwnerId(name) if OwnerId(name) in self.by_id else None)

    def is_active(self, owner: OwnerId) -> bool:
        return owner in self.by_id and not self.by_id[owner].archived

    def name(self, owner: OwnerId) -> str:
        known = self.by_id.get(owner)
        return (known.name or known.email) if known and (known.name or known.email) else "an owner without a name"

    def pass_over(self, owner: OwnerId, why_not: str) -> None:
        """Note why not; the first reason stands."""
        self._why_not.setdefault(owner, why_not)

    def choose(
        self, owner: OwnerId, rule: str, why: str, *, pool: str = "", rotation: Mapping[OwnerId, int] | None = None
    ) -> Route:
        self._why_not.pop(owner, None)
        passed = [Candidate(owner=other, why_not=why_not) for other, why_not in self._why_not.items()]
        return Route(
            owner=owner,
            rule=f"routing.{rule}",
            sentence=" ".join([*self.remarks, sentence((why,))]),
            candidates=(Candidate(owner=owner), *passed),
            pool=pool,
            rotation=rotation,
        )


# -- stickiness ------------------------------------------------------------------------------------------------

_STICKS: Mapping[Stick, tuple[str, str]] = {
    Stick.FORMER_OWNER: ("worked this lead before", "The former owner"),
    Stick.EXISTING_OWNER: ("already owns this contact", "The present owner"),
    Stick.ACCOUNT_OWNER: ("already looks after this company", "The owner of this company's latest lead"),
}


def _stuck(
    contact: Contact, desk: _Desk, rules: RoutingRules, known: Mapping[Stick, OwnerId | None]
) -> Route | None:
    wanted = {**known, Stick.EXISTING_OWNER: contact.owner}
    for stick in rules.stickiness:
        owner = wanted[stick]
        if owner is None:
            continue
        why, who = _STICKS[stick]
        if owner == desk.taken_from:
            desk.pass_over(owner, TAKEN_AWAY)
            continue
        if desk.is_active(owner):
            return desk.choose(owner, stick.value, f"{desk.name(owner)} {why}")
        desk.pass_over(owner, f"{why}, but is no longer active in the CRM")
        named = f", {desk.name(owner)}," if owner in desk.by_id else ""
        desk.remarks.append(f"{who}{named} is no longer active in the CRM.")
    return None


# -- pools -----------------------------------------------------------------------------------------------------


def _pools(contact: Contact, rules: RoutingRules, now: datetime) -> Iterator[tuple[str, str]]:
    """Pools to ask, in order and each once, with what speaks for each."""
    facts = Facts(contact=contact, now=now)
    asked: set[str] = set()
    for territory in rules.territories:
        if territory.pool in asked:
            continue
        finding = territory.when.find(facts)
        if finding.holds:
            asked.add(territory.pool)
            yield territory.pool, " and ".join(finding.reasons)
    if rules.default_pool not in asked:
        yield rules.default_pool, ""


class _Seat(NamedTuple):
    weight: int
    max_open_leads: int | None


def _seats(pool: PoolRules, desk: _Desk) -> dict[OwnerId, _Seat]:
    """Who sits in the pool, archived members too (they are told apart when turns are taken)."""
    common = _Seat(1, pool.max_open_leads)
    seats = {
        owner: common for owner in desk.active if pool.everyone or set(pool.teams).intersection(desk.by_id[owner].teams)
    }
    for member in pool.members:
        found = desk.find(member.owner)
        if found is None:
            desk.remarks.append("A member of the pool is unknown to the CRM.")
        elif not pool.everyone or found in seats:
            seats[found] = _Seat(member.weight, member.max_open_leads or pool.max_open_leads)
    for name in pool.exclude:
        seats.pop(desk.find(name) or OwnerId(""), None)
    return seats


def _turn(
    name: str, why: str, desk: _Desk, pointers: Mapping[OwnerId, int], rules: RoutingRules
) -> Route | None:
    """The owner whose turn it is in one pool; None, with the reasons noted, where nobody in it is free."""
    seats = _seats(rules.pools[name], desk)
    free = [owner for owner in sorted(seats, key=_order) if _is_free(owner, seats[owner], desk)]
    if not free:
        desk.remarks.append(f"Nobody in the pool “{rules.label(name)}” is free.")
        return None
    start = _present_round(seats, pointers)
    at = {owner: max(pointers.get(owner, start), start) for owner in free}
    chosen = min(free, key=lambda owner: at[owner])  # the first of equals, and `free` is in order of ids
    for owner in free:
        if owner != chosen:
            desk.pass_over(owner, "had a turn more recently" if at[owner] > at[chosen] else "has a turn after this one")
    because = f", because {why}" if why else ""
    return desk.choose(
        chosen,
        "pool",
        f"it was {desk.name(chosen)}'s turn in the pool “{rules.label(name)}”{because}",
        pool=name,
        rotation={chosen: at[chosen] + STRIDE // seats[chosen].weight},
    )


def _is_free(owner: OwnerId, seat: _Seat, desk: _Desk) -> bool:
    if not desk.is_active(owner):
        desk.pass_over(owner, "is no longer active in the CRM")
        return False
    if owner == desk.taken_from:
        desk.pass_over(owner, TAKEN_AWAY)
        return False
    held = desk.open_leads.get(owner, 0)
    if seat.max_open_leads is not None and held >= seat.max_open_leads:
        desk.pass_over(owner, f"already has {held} open leads; {seat.max_open_leads} is the most")
        return False
    return True


def _present_round(seats: Mapping[OwnerId, _Seat], pointers: Mapping[OwnerId, int]) -> int:
    """Where the pool stands: the pointer that the latest winner had before taking the lead.

    Nobody who was there all along is behind it, so lifting everybody to it touches only those who are new or back. The
    lowest stored pointer would not do: in a new pool only the first winner has one, and would win for ever.
    """
    return max((pointer - STRIDE // _weight(owner, seats) for owner, pointer in pointers.items()), default=0)


def _weight(owner: OwnerId, seats: Mapping[OwnerId, _Seat]) -> int:
    """Of those who left the pool the weight is unknown; 1 never puts the others too far ahead."""
    return seats[owner].weight if owner in seats else 1


# -- fallback --------------------------------------------------------------------------------------------------


def _fall_back(desk: _Desk, rules: RoutingRules) -> Route:
    """Always ends in somebody; a cap does not count here, for a lead without an owner is worse than one too many."""
    named = desk.find(rules.fallback.owner) if rules.fallback.owner else None
    if named is not None and desk.is_active(named):
        return desk.choose(named, "fallback", f"{desk.name(named)} takes what nobody else can")
    if rules.fallback.owner:
        desk.remarks.append("The fallback owner is not active in the CRM.")
        if named is not None:
            desk.pass_over(named, "is no longer active in the CRM")
    first = next((owner for owner in desk.active if owner != desk.taken_from), desk.active[0])
    return desk.choose(first, "fallback", f"{desk.name(first)} is the first active owner; no other fallback is there")
