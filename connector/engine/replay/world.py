"""A world: the runs of the past lived through by one rule book, with the very rules that a live run uses.

What engine/consider.py and sweep.py do with a database is done here in memory, in the same order: contacts with news by
id, a hundred at a time, each handover moving its pool's turn on for the next. Nothing is written and nobody is told.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import islice, takewhile
from operator import ge
from typing import Protocol
from zoneinfo import ZoneInfo

from connector.domain.account import Accounts
from connector.domain.change import Change, ChangeKind
from connector.domain.contact import ContactId, OwnerId, PortalId
from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode
from connector.domain.owner import Owner
from connector.domain.timer import BREACH, Timer, TimerKind
from connector.engine.consider import STORED, comes_again, looks_again
from connector.engine.context import BATCH, OVERLAP
from connector.engine.gathering import in_account
from connector.engine.guard import Guard, allowance
from connector.engine.ports import UnitOfWork
from connector.engine.ports.history import Deed, News
from connector.engine.replay.desk import Clocks, DeskState, Given
from connector.engine.replay.passing import Passing
from connector.engine.replay.past import Heard
from connector.engine.replay.people import People, Person, Written
from connector.engine.timers import set_timers
from connector.rules import sla
from connector.rules.decide import asks_still, decide
from connector.rules.plan import plan
from connector.rules.reach import Reach
from connector.rules.routing import take_turn
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Desk, Situation
from connector.rules.touches import last_touch

AHEAD = 300
"""Contacts that are read from the database together."""


class Watcher(Protocol):
    """Hears of everything that happens in one world."""

    def decided(self, decision: Decision) -> None: ...
    def broke(self, owner: OwnerId | None, timer: Timer) -> None:
        """A clock ran out on an owner's lead."""
        ...

    def failed(self, contact: ContactId, error: Exception) -> None:
        """The rules could not decide one contact; the others go on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all worlds of one replay share.

    Attributes:
        past: signals before it are the past (R41); None where nothing is.
        since: where the replay begins.
        zone: the portal's.
    """

    portal: PortalId
    owners: Sequence[Owner]
    past: datetime | None
    since: datetime
    zone: ZoneInfo


@dataclass(slots=True)
class _Batch:
    """What one batch looks at: counts as they stood when it began, moved on from lead to lead within it."""

    people: dict[ContactId, Person]
    open_leads: dict[OwnerId, int]
    accounts: Accounts
    given_today: dict[OwnerId, int]


@dataclass(slots=True)
class World:
    """One rule book in force over the past.

    Attributes:
        now: `as_of` of the run under way.
        waiting: held by the mass-change guard; they stay on the work list. held: those of them that wait for a person.
        retries: to be decided once more in the next run.
        written: what the CRM would show of this world's decisions, by contact.
        reach: passes over those of whom it is certain that nothing comes; None decides everybody in full.
    """

    uow: UnitOfWork
    book: RuleBook
    setting: Setting
    watcher: Watcher
    now: datetime
    desk: DeskState = field(default_factory=DeskState)
    clocks: Clocks = field(default_factory=Clocks)
    waiting: set[ContactId] = field(default_factory=set)
    held: set[ContactId] = field(default_factory=set)
    retries: set[ContactId] = field(default_factory=set)
    written: dict[ContactId, list[Written]] = field(default_factory=dict)
    covered: datetime | None = None
    reach: Reach | None = None
    given: Given = field(init=False)
    people: People = field(init=False)
    _passing: Passing | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.reach is not None:
            self._passing = Passing(self.reach, self.setting.since, self.desk.has_open)
        self.given = Given(self.setting.zone)
        self.people = People(self.uow, self.book, self.setting.past, self.setting.since)

    # -- runs --------------------------------------------------------------------------------------------------

    def hear(self, deeds: Sequence[Deed], rows: Sequence[News], now: datetime) -> None:
        """What comes to be known in the moment `now`; only where not everything is decided in full."""
        if self._passing is not None:
            self._passing.hear_deeds(deeds, now)
            self._passing.hear_news(rows, now)

    def run(self, now: datetime, heard: Heard) -> None:
        """One scheduled run: whoever has news is decided, then what came due by time."""
        self.now = now
        certain = {*heard.deals, *heard.adopted, *self.waiting, *self.retries}
        self.retries = set()
        work = {*heard.news, *certain}
        self.held -= {*heard.news, *heard.deals, *heard.adopted}
        guard = Guard(
            new_since=self._new_since, allowance=allowance(len(work), released=False), waiting=frozenset(self.held)
        )
        self._decide(work, certain, guard, frozenset(heard.adopted))
        due = self.clocks.fire(now)
        if due:
            self._broken([timer for timer in due if timer.kind is TimerKind.SLA and timer.level == BREACH])
            looks = {timer.contact for timer in due if timer.kind is TimerKind.RETURN or timer.level == sla.REASSIGN}
            cooled = {timer.contact for timer in due if timer.kind is TimerKind.SIGNAL}
            self._decide((looks | cooled) - guard.held, looks - guard.held, guard, frozenset())
        self.waiting, self.held = set(guard.held), set(guard.held)
        self.covered = now
        if self._passing is not None:
            self._passing.forget_spent(now)

    def look(self, now: datetime, heard: Heard) -> None:
        """A run of hints: only contacts with news; moves without news of their own wait (engine/hints.py)."""
        self.now = now
        self.held -= {*heard.news, *heard.deals}
        guard = Guard(new_since=self._new_since, allowance=0)
        self._decide({*heard.news, *heard.deals}, set(heard.deals), guard, frozenset())
        self.waiting |= guard.held

    @property
    def _new_since(self) -> datetime | None:
        return self.covered - OVERLAP if self.covered else None

    def why_not(self, contact: ContactId) -> Decision | None:
        """What this world says of a contact now; nothing follows from it. None where it is not known."""
        people = self.people.load([contact], self.now, self.written)
        if contact not in people:
            return None
        batch = self._batch(people)
        return decide(self._situation(contact, batch, frozenset()), self.book, now=self.now)

    # -- deciding ----------------------------------------------------------------------------------------------

    def _decide(
        self, work: Iterable[ContactId], certain: Collection[ContactId], guard: Guard, adopted: frozenset[ContactId]
    ) -> None:
        """In the batches of a live run; who cannot move is passed over, `certain` ones are not."""
        queue = sorted(work)
        passing = self._passing
        wanted = deque(queue if passing is None else passing.those_who_may_move(queue, certain, self.now))
        loaded, ahead, start = dict[ContactId, Person](), set[ContactId](), 0
        while wanted:
            place = bisect_left(queue, wanted[0], lo=start)
            start += (place - start) // BATCH * BATCH  # batches without anybody to decide
            end = min(start + BATCH, len(queue))
            ids = list(takewhile(partial(ge, queue[end - 1]), wanted))
            if not ahead.issuperset(ids):
                ahead = set(islice(wanted, max(AHEAD, len(ids))))
                loaded = self.people.load(sorted(ahead), self.now, self.written)
            batch = self._batch({one: loaded.pop(one) for one in ids if one in loaded})
            again = [one for one in ids if one in batch.people and self._one(one, batch, guard, adopted)]
            for _ in ids:
                wanted.popleft()
            wanted.extendleft(reversed(again))  # they stand before all others in the next batch, read anew
            ahead.difference_update(again)
            queue[end:end] = again
            start = end

    def _batch(self, people: dict[ContactId, Person]) -> _Batch:
        for contact, person in people.items():
            self.desk.note_domain(contact, person.contact.text("domain"))
        domains = {person.contact.text("domain") for person in people.values()}
        given = self.given.today(self.now) if self.book.routing.counts_days else {}
        return _Batch(people, dict(self.desk.open_leads), self.desk.accounts(domains), given)

    def _situation(self, contact: ContactId, batch: _Batch, adopted: frozenset[ContactId]) -> Situation:
        person = batch.people[contact]
        situation = Situation(
            portal=self.setting.portal,
            contact=person.contact,
            activities=person.activities,
            dropped=person.dropped,
            deals=person.deals,
            episodes=tuple(self.desk.of(contact)),
            since=self.setting.past,
            adopt=contact in adopted,
            overdue=self.clocks.fired(contact, sla.REASSIGN),
            desk=Desk(
                owners=self.setting.owners,
                rotation=self.desk.rotation,
                open_leads=batch.open_leads,
                given_today=batch.given_today,
            ),
        )
        return in_account(situation, batch.accounts, person.contact.text("domain"))

    def _one(self, contact: ContactId, batch: _Batch, guard: Guard, adopted: frozenset[ContactId]) -> bool:
        """Decide one contact and let follow what follows; whether it is to be looked at once more in this run."""
        situation = self._situation(contact, batch, adopted)
        try:
            decision = decide(situation, self.book, now=self.now)
            planned = plan(decision, situation.contact, self.book, on_list=contact in self.desk.on_list, now=self.now)
        except Exception as error:  # around one contact: the others go on, as in a live run (P5)
            self.watcher.failed(contact, error)
            return False
        if guard.holds(decision):
            return False
        if self._passing is not None:
            self._passing.was_decided(decision, self.now, has_deals=bool(situation.deals))
        self.watcher.decided(decision)
        episode = decision.episode
        if episode is not None and episode != decision.before and decision.action in STORED:
            self._put(episode)
            touched = last_touch(situation.contact, situation.activities) if decision.action is Action.SIGNAL else None
            set_timers(self, self.clocks, decision, touched=touched)
            if episode.state.is_end:
                self.clocks.forget_fired(contact)
        if comes_again(decision, self.book):
            self.retries.add(contact)
        self._write(contact, planned.changes)
        ended = episode if decision.action is Action.END else None
        if ended is not None and asks_still(situation, ended, self.book, now=self.now):
            self.retries.add(contact)
        self._turn(decision, batch, situation.contact.text("domain"))
        return looks_again(situation, decision, self.book)

    def _put(self, episode: Episode) -> None:
        before = next((row for row in self.desk.of(episode.contact) if row.id == episode.id), None)
        self.given.note(episode, before, self.now)
        self.desk.put_episode(episode)

    def _write(self, contact: ContactId, changes: Sequence[Change]) -> None:
        """What the CRM shows from now on."""
        values = {}
        for change in changes:
            if change.kind is ChangeKind.FIELD:
                values[change.field] = change.after
            elif change.kind is ChangeKind.LIST_ADD:
                self.desk.on_list.add(contact)
            elif change.kind is ChangeKind.LIST_REMOVE:
                self.desk.on_list.discard(contact)
        if values:
            self.written.setdefault(contact, []).append(Written(self.now, values))

    def _turn(self, decision: Decision, batch: _Batch, domain: str) -> None:
        """The assignment moves its pool's pointer, and later leads of the batch see it (R12)."""
        route, episode = decision.route, decision.episode
        if episode is None:
            return
        if route is None or episode.owner is None:
            batch.accounts.move(episode, domain)
            return
        take_turn(self.desk.rotation, route)
        batch.given_today[episode.owner] = batch.given_today.get(episode.owner, 0) + 1
        batch.open_leads[episode.owner] = batch.open_leads.get(episode.owner, 0) + 1
        batch.accounts.give(episode.hop, domain, episode.contact, episode.owner)

    # -- clocks ------------------------------------------------------------------------------------------------

    def _broken(self, due: Sequence[Timer]) -> None:
        """Clocks that ran out and still mean what they meant when they were set."""
        live = [(timer, episode) for timer in due if (episode := self._open(timer)) is not None]
        again = sorted({timer.contact for timer, episode in live if episode.signal_at is not None})  # R40
        people = self.people.load(again, self.now, self.written)
        for timer, episode in live:
            person = people.get(timer.contact)
            touched = last_touch(person.contact, person.activities) if person else None
            if sla.still_runs(timer, episode, self.book.sla, touched):
                self.watcher.broke(episode.owner, timer)

    def _open(self, timer: Timer) -> Episode | None:
        return next((episode for episode in self.desk.of(timer.contact) if episode.is_open), None)

    # -- people who come and go --------------------------------------------------------------------------------

    def drop(self, contact: ContactId, ended: Episode | None = None) -> None:
        """The contact was deleted in the CRM."""
        self.clocks.cancel_timers(contact, ())
        self.desk.on_list.discard(contact)
        if ended is not None:
            self.desk.put_episode(replace(ended, marketing_held=False))
