"""Lists ("segments") of one portal and who is in them; no HTTP (that is lists.py).

A list remembers its members in two orders, by record id and by time of joining, so that a page costs the page and not
the list. Members follow their record: a merge moves them to the survivor, archiving and erasing take them out.
All instants are epoch milliseconds. Source: hubspot-facts 6.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .portal import Portal, listen

FIRST_ID = 1
LEGACY_OFFSET = 5000  # a list's old id differs from its new one, so that mixing them up shows


@dataclass(frozen=True, slots=True)
class Member:
    """One record in a list; `place` grows with each joining."""

    place: int
    first_added: int
    last_added: int


@dataclass(slots=True)
class ObjectList:
    """One list; `kind` is MANUAL, SNAPSHOT or DYNAMIC; `deleted` None while it lives."""

    id: str
    name: str
    object_type: str
    kind: str
    created: int
    updated: int
    filters_updated: int
    filter_branch: dict[str, Any] | None = None
    custom: dict[str, str] = field(default_factory=dict)
    created_by: str = "0"
    version: int = 1
    deleted: int | None = None
    members: dict[int, Member] = field(default_factory=dict)
    by_id: list[int] = field(default_factory=list)
    by_place: list[tuple[int, int]] = field(default_factory=list)
    first_added: dict[int, int] = field(default_factory=dict)
    last_added_at: int | None = None
    last_removed_at: int | None = None

    @property
    def legacy_id(self) -> str:
        """Give the id that the first version of the API knew."""
        return str(int(self.id) + LEGACY_OFFSET)

    def join(self, key: int, at: int) -> bool:
        """Add a record; True if it was not in."""
        if key in self.members:
            return False
        place = self.by_place[-1][0] + 1 if self.by_place else 1
        self.members[key] = Member(place, self.first_added.setdefault(key, at), at)
        insort(self.by_id, key)
        self.by_place.append((place, key))
        self.last_added_at = at
        return True

    def leave(self, key: int, at: int) -> bool:
        """Take a record out; True if it was in."""
        member = self.members.pop(key, None)
        if member is None:
            return False
        del self.by_id[bisect_left(self.by_id, key)]
        del self.by_place[bisect_left(self.by_place, (member.place, key))]
        self.last_removed_at = at
        return True


@dataclass(slots=True)
class Lists:
    """All lists of a portal by id, deleted ones too."""

    by_id: dict[str, ObjectList] = field(default_factory=dict)

    def live(self) -> list[ObjectList]:
        """Give the lists that are not deleted, oldest first."""
        return [each for each in self.by_id.values() if each.deleted is None]

    def named(self, name: str, object_type: str) -> ObjectList | None:
        """Give the live list of this name, None without one."""
        return next((each for each in self.live() if each.name == name and each.object_type == object_type), None)


def lists_of(portal: Portal) -> Lists:
    """Give the portal's lists."""
    return portal.state("lists", Lists)


def create(
    portal: Portal,
    name: str,
    object_type: str = "contacts",
    kind: str = "MANUAL",
    *,
    filter_branch: dict[str, Any] | None = None,
    custom: dict[str, str] | None = None,
) -> ObjectList:
    """Add an empty list; whether the name is free has been checked."""
    now = portal.clock.ms()
    list_id = str(portal.count_up("list", FIRST_ID))
    made = ObjectList(list_id, name, object_type, kind, now, now, now, filter_branch, custom or {})
    lists_of(portal).by_id[list_id] = made
    return made


def add(portal: Portal, target: ObjectList, ids: Iterable[str], *, at: int | None = None) -> list[str]:
    """Put live records into a list; give those that were not in, in the order given. Unknown ids are passed over."""
    now, store = portal.clock.ms() if at is None else at, portal.objects[target.object_type]
    joined = [each for each in ids if store.get(each) is not None and target.join(int(each), now)]
    for record_id in joined:
        portal.log("list_add", list_id=target.id, record_id=record_id)
    return joined


def remove(portal: Portal, target: ObjectList, ids: Iterable[str], *, at: int | None = None) -> list[str]:
    """Take records out of a list; give those that were in."""
    now = portal.clock.ms() if at is None else at
    left = [each for each in ids if each.isdigit() and target.leave(int(each), now)]
    for record_id in left:
        portal.log("list_remove", list_id=target.id, record_id=record_id)
    return left


@listen("merged")
def _follow_merge(portal: Portal, entry: dict[str, Any]) -> None:
    """Membership of a merged record passes to the survivor."""
    gone = {entry["primary"], entry["merged"]} - {entry["survivor"]}
    for each in _lists_for(portal, entry):
        if remove(portal, each, gone):
            add(portal, each, [entry["survivor"]])


@listen("archived")
@listen("erased")
def _follow_removal(portal: Portal, entry: dict[str, Any]) -> None:
    """A record that is gone is in no list."""
    for each in _lists_for(portal, entry):
        remove(portal, each, [entry["id"]])


def _lists_for(portal: Portal, entry: dict[str, Any]) -> list[ObjectList]:
    return [each for each in lists_of(portal).by_id.values() if each.object_type == entry["object"]]
