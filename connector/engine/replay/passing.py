"""Passing over: whom a replayed world need not decide, told from running sums of what it hears (rules/reach.py).

Most activities change nothing, so what is done with each of them is as little as can be: its mark is looked up, and its
points are added as of the moment in which it is heard.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from connector.domain.contact import ContactId
from connector.domain.decision import Action, Decision
from connector.domain.json_text import loads
from connector.engine.ports.history import Deed, News, Stamp, instant_of, stamp_like
from connector.engine.replay.people import BASELINE
from connector.rules.reach import IDLE, Mark, MarkKey, Reach, Tally

SWEPT_EVERY = timedelta(days=30)
MOST_KNOWN = 50_000
"""Kinds of activity that are remembered; a portal with more distinct addresses is worked out anew."""
ANSWERING = (Action.HAND_OVER, Action.ADOPT, Action.INTEREST, Action.END)
"""Interest up to these has had its answer."""
HOUR = len("2026-11-22T09")


class Marks(dict[MarkKey, Mark]):
    """What each kind of activity is to the rules; worked out once."""

    def __init__(self, reach: Reach) -> None:
        super().__init__()
        self._reach = reach

    def __missing__(self, key: MarkKey) -> Mark:
        if len(self) >= MOST_KNOWN:
            self.clear()
        mark = self[key] = self._reach.mark(key)
        return mark


class Hours(dict[Stamp, tuple[float, ...]]):
    """What a point of each slot, earned in an hour of the past, is worth now.

    Points of one hour count alike, as if they were of its end: never too few. Stamps that are no text stand for
    themselves.
    """

    def __init__(self, reach: Reach, now: float) -> None:
        super().__init__()
        self._reach, self.now = reach, now

    def __missing__(self, hour: Stamp) -> tuple[float, ...]:
        if len(self) >= MOST_KNOWN:
            self.clear()
        if isinstance(hour, str):
            end = min(instant_of(f"{hour}:00:00+00:00").timestamp() + 3_600, self.now)
        else:
            end = hour.timestamp()
        worth = self[hour] = self._reach.worth(self.now - end)
        return worth


class Passing:
    """The running sums of one world.

    Args:
        in_work: whether sales has a contact.
    """

    def __init__(self, reach: Reach, since: datetime, in_work: Callable[[ContactId], bool]) -> None:
        self.reach = reach
        self._in_work = in_work
        self._tallies: dict[ContactId, Tally] = {}
        self._marks = Marks(reach)
        self._hours = Hours(reach, since.timestamp())
        self._swept = since

    # -- hearing -----------------------------------------------------------------------------------------------

    def hear_deeds(self, deeds: Sequence[Deed], now: datetime) -> None:
        """What was heard of in the moment `now`."""
        if not deeds:
            return
        reach, tallies, marks, seconds = self.reach, self._tallies, self._marks, now.timestamp()
        if self._hours.now != seconds:
            self._hours = Hours(reach, seconds)
        hours = self._hours
        latest: Any = stamp_like(deeds[0][0], now)  # like all of them
        for _, contact, kind, at, name, ref, url in deeds:
            mark = marks[kind, name, ref, url]
            if mark is IDLE:
                continue
            tally = tallies.get(contact)
            if tally is None:
                tally = tallies[contact] = Tally(reach)
            if tally.at != seconds:
                reach.bring(tally, seconds)
            points, slot, rare = mark
            if at > latest:
                ahead = instant_of(at).timestamp()
                tally.ahead = max(tally.ahead, ahead)
                worth = reach.worth(seconds - ahead)
            else:
                worth = hours[at[:HOUR] if isinstance(at, str) else at]
            if points:
                tally.sums[slot] += points * worth[slot]
                tally.scored += 1
            if rare is not None:
                reach.add_rare(tally, rare, instant_of(at).timestamp())

    def hear_news(self, rows: Sequence[News], now: datetime) -> None:
        """What the moment `now` found changed."""
        reach, tallies, heard, seconds = self.reach, self._tallies, self.reach.heard, now.timestamp()
        for _, contact, field, _, value in rows:
            first = field == BASELINE
            if not first and field not in heard:
                continue
            tally = tallies.get(contact)
            if tally is None:
                tally = tallies[contact] = Tally(reach)
            if tally.at != seconds:
                reach.bring(tally, seconds)
            if first:
                reach.first_sight(tally, loads(value or "{}"))
            else:
                reach.changed(tally, field, value, in_work=field in reach.answering and self._in_work(contact))

    # -- asking ------------------------------------------------------------------------------------------------

    def those_who_may_move(
        self, queue: Iterable[ContactId], certain: Collection[ContactId], now: datetime
    ) -> list[ContactId]:
        """Of the queue, in its order, who must be decided in full; `certain` ones are."""
        seconds, tallies, perhaps, in_work = now.timestamp(), self._tallies, self.reach.perhaps, self._in_work
        return [
            one
            for one in queue
            if one in certain
            or ((tally := tallies.get(one)) is not None and perhaps(tally, seconds, in_work=in_work(one)))
        ]

    def was_decided(self, decision: Decision, now: datetime, *, has_deals: bool) -> None:
        tally = self._tallies.get(decision.contact)
        if tally is None:
            return
        self.reach.was_decided(tally, decision, now.timestamp(), has_deals=has_deals)
        if decision.action in ANSWERING and tally.ahead <= now.timestamp():
            tally.forget(self.reach)

    def forget_spent(self, now: datetime) -> None:
        """Now and then: whose interest is long past is as if never seen."""
        if now < self._swept + SWEPT_EVERY:
            return
        self._swept, seconds = now, now.timestamp()
        spent = [contact for contact, tally in self._tallies.items() if self.reach.is_spent(tally, seconds)]
        for contact in spent:
            del self._tallies[contact]
