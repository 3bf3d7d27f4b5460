"""The past as a row of moments: the runs that were, and who had news in each.

Where no run is kept, because the connector did not look yet or its runs are too old to be kept, a day is a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from connector.domain.contact import ContactId
from connector.domain.run import is_undo
from connector.engine.hints import PREFIX
from connector.engine.ports import UnitOfWork
from connector.engine.ports.history import News
from connector.engine.replay.people import closing

T = TypeVar("T")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """`hints`: a run between scheduled ones, for those alone of whom the CRM said something."""

    as_of: datetime
    hints: bool = False
    kept: bool = True


def moments(uow: UnitOfWork, since: datetime, until: datetime) -> list[Moment]:
    """Each run after `since` until `until`, and days before the first of them."""
    runs = [
        Moment(as_of=run.as_of, hints=run.run.startswith(PREFIX))
        for run in uow.past_runs(since, until)
        if not is_undo(run.run) and run.as_of > since
    ]
    first = next((run.as_of for run in runs if not run.hints), until)
    days: list[Moment] = []
    at = since + DAY
    while at < first:
        days.append(Moment(as_of=at, kept=False))
        at += DAY
    if not runs:
        days.append(Moment(as_of=until, kept=False))
    return sorted([*days, *runs], key=lambda one: one.as_of)


class Reader:
    """Goes through the past once, from moment to moment.

    Args:
        counts: whether a change of a field may be the cause of a decision (People.is_ours says no).
    """

    def __init__(self, uow: UnitOfWork, since: datetime, until: datetime, counts: Callable[[News], bool]) -> None:
        self._deeds = _Ahead(uow.deeds(since, until), lambda row: row.observed_at)
        self._news = _Ahead(uow.news(since, until), lambda row: row.observed_at)
        self._deals = _Ahead(iter(_deal_days(uow, since, until)), lambda row: row[0])
        self._adopted = _Ahead(((at, one) for one, at in uow.adopted(since, until)), lambda row: row[0])
        self._counts = counts
        self.activities = 0

    def until(self, now: datetime) -> tuple[set[ContactId], set[ContactId]]:
        """Contacts with news since the last moment, and those whom a person adopted."""
        found: set[ContactId] = set()
        for deed in self._deeds.take(now):
            self.activities += 1
            found.add(deed.contact)
        for row in self._news.take(now):
            if self._counts(row):
                found.add(row.contact)
        for _, contacts in self._deals.take(now):
            found.update(contacts)
        return found, {contact for _, contact in self._adopted.take(now)}


class _Ahead(Generic[T]):
    """An iterator that knows its next item."""

    def __init__(self, rows: Iterator[T], when: Callable[[T], datetime]) -> None:
        self._rows, self._when = rows, when
        self._next: T | None = next(rows, None)

    def take(self, now: datetime) -> Iterator[T]:
        """What comes until `now`."""
        while self._next is not None and self._when(self._next) <= now:
            row, self._next = self._next, next(self._rows, None)
            yield row


def _deal_days(uow: UnitOfWork, since: datetime, until: datetime) -> list[tuple[datetime, tuple[ContactId, ...]]]:
    """When runs could first see something new of each deal."""
    found = []
    for deal in uow.deals_dated(since, until):
        days = {deal.created_at, closing(deal), deal.modified_at}
        found += [(day, deal.contacts) for day in days if since < day <= until]
    return sorted(found, key=lambda row: row[0])
