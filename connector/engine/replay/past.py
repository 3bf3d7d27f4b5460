"""The past as a row of moments: the runs that were, and who had news in each.

Where no run is kept, because the connector did not look yet or its runs are too old to be kept, a day is a moment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Generic, TypeVar

from connector.domain.contact import ContactId
from connector.domain.run import is_of_hints, is_undo
from connector.engine.ports import UnitOfWork
from connector.engine.ports.history import Deed, News, stamp_like
from connector.engine.replay.people import OURS, closing

T = TypeVar("T", bound=tuple[Any, ...])
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
        Moment(as_of=run.as_of, hints=is_of_hints(run.run))
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


@dataclass(frozen=True, slots=True)
class Heard:
    """Who is to be decided in one moment.

    Attributes:
        news: contacts that did something or whose fields changed; deals: whose deals changed; adopted: let in by a
            person (R41).
    """

    news: Collection[ContactId]
    deals: Collection[ContactId] = ()
    adopted: Collection[ContactId] = ()


Hear = Callable[[Sequence[Deed], Sequence[News], datetime], object]
"""Gets what is read, and the moment that came to know it."""


class Reader:
    """Goes through the past once, from moment to moment.

    Args:
        is_ours: whether a change of a field is an effect of a decision, and no cause of one.
        hear: gets what is read, piece by piece, before a moment's contacts are given.
    """

    def __init__(
        self, uow: UnitOfWork, since: datetime, until: datetime, is_ours: Callable[[News], bool], hear: Hear
    ) -> None:
        self._deeds = _Ahead(uow.deeds(since, until))
        self._news = _Ahead(uow.news(since, until))
        self._deals = _Ahead(iter([_deal_days(uow, since, until)]))
        self._adopted = _Ahead(iter([[(at, one) for one, at in uow.adopted(since, until)]]))
        self._is_ours, self._hear = is_ours, hear
        self.activities = 0

    def until(self, now: datetime) -> Heard:
        """Who has news since the last moment."""
        found: set[ContactId] = set()
        for deeds in self._deeds.take(now):
            self.activities += len(deeds)
            self._hear(deeds, (), now)
            found.update([deed[1] for deed in deeds])
        for rows in self._news.take(now):
            causes = [row for row in rows if row[3] != OURS or not self._is_ours(News._make(row))]
            self._hear((), causes, now)
            found.update([row[1] for row in causes])
        asked: set[ContactId] = set()
        for dated in self._deals.take(now):
            asked.update(contact for _, contacts in dated for contact in contacts)
        adopted = {contact for rows in self._adopted.take(now) for _, contact in rows}
        return Heard(found, asked, adopted)


class _Ahead(Generic[T]):
    """A long row of things in pieces, each thing with its instant first, taken up to one instant after the other."""

    def __init__(self, pieces: Iterator[Sequence[T]]) -> None:
        self._pieces = pieces
        self._piece: Sequence[T] = ()
        self._at = 0

    def take(self, now: datetime) -> Iterator[Sequence[T]]:
        """What comes until `now`."""
        while True:
            if self._at >= len(self._piece):
                self._piece, self._at = next(self._pieces, ()), 0
            if not self._piece:
                return
            end = bisect_right(self._piece, stamp_like(self._piece[0][0], now), lo=self._at, key=itemgetter(0))
            if end == self._at:
                return
            yield self._piece[self._at : end]
            self._at = end


def _deal_days(uow: UnitOfWork, since: datetime, until: datetime) -> list[tuple[datetime, tuple[ContactId, ...]]]:
    """When runs could first see something new of each deal."""
    found = []
    for deal in uow.deals_dated(since, until):
        days = {deal.created_at, closing(deal), deal.modified_at}
        found += [(day, deal.contacts) for day in days if since < day <= until]
    return sorted(found, key=lambda row: row[0])
