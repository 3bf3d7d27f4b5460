"""Activities sorted by kind, once per contact, so that no rule goes through rows that it cannot mean.

Scoring, key pages and conditions all look up their kind here. What a rule means by an activity is rules/patterns.py's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import compress
from operator import attrgetter

from connector.domain.activity import Activity, ActivityKind
from connector.rules.patterns import ActivityKey, ActivityPattern

_KEY = attrgetter("name", "url", "ref")
_AT = attrgetter("occurred_at")


class Group(list[Activity]):
    """What a contact did of one kind, oldest first. Dates and keys are taken from the rows when first asked for."""

    __slots__ = ("_dates", "_keys")

    @property
    def dates(self) -> list[datetime]:
        try:
            return self._dates
        except AttributeError:
            self._dates: list[datetime] = list(map(_AT, self))
            return self._dates

    @property
    def keys(self) -> list[ActivityKey]:
        """Name, address and ref of each row."""
        try:
            return self._keys
        except AttributeError:
            self._keys: list[ActivityKey] = list(map(_KEY, self))
            return self._keys


class ActivityIndex(list[Activity]):
    """A contact's activities, oldest first, with what machines did left out of every group (R09)."""

    __slots__ = ("_groups",)

    def __init__(self, rows: Iterable[Activity]) -> None:
        super().__init__(rows)
        self._groups: dict[ActivityKind, Group] | None = None

    @property
    def groups(self) -> dict[ActivityKind, Group]:
        """By kind; a kind of which there is nothing is absent: ask with `get`."""
        groups = self._groups
        if groups is None:
            groups = self._groups = defaultdict(Group)
            for row in self:
                if not row.automatic:
                    groups[row.kind].append(row)
        return groups

    def after(self, instant: datetime | None) -> ActivityIndex:
        """Only what happened after an instant; all of it where there is none."""
        if instant is None or not self or self[0].occurred_at > instant:
            return self
        return ActivityIndex([row for row in self if row.occurred_at > instant])

    def dates_of(self, pattern: ActivityPattern) -> list[datetime]:
        """When the activities were that fit a pattern, oldest first. The list is the index's own: leave it as it is."""
        group = self.groups.get(pattern.kind)
        if group is None:
            return []
        return group.dates if pattern.any_of_kind else list(compress(group.dates, map(pattern.knows, group.keys)))


def index(activities: Sequence[Activity]) -> ActivityIndex:
    """The activities with their index; those that have one already as they are."""
    return activities if activities.__class__ is ActivityIndex else ActivityIndex(activities)
