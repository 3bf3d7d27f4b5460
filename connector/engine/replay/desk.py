"""The desk: what a live run keeps in the database and changes as it goes, here in memory for one replayed world.

Episodes, the turns of each pool, open leads, leads given today, owners of accounts, timers, the suppression list. It
decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from heapq import heappop, heappush
from typing import NamedTuple
from zoneinfo import ZoneInfo

from connector.domain.account import Accounts
from connector.domain.contact import ContactId, OwnerId
from connector.domain.episode import UNDONE, Episode, EpisodeId, State
from connector.domain.timer import Timer, TimerKind
from connector.engine.ports.history import PastStep


class _Key(NamedTuple):
    """What makes a timer one timer, in the order of store/timers.py."""

    contact: ContactId
    kind: TimerKind
    episode: str
    name: str
    level: str
    assignment: int


def _key(timer: Timer) -> _Key:
    return _Key(timer.contact, timer.kind, timer.episode or "", timer.name, timer.level, timer.assignment)


class Clocks:
    """Timers still to fire; keeps what `TimerTable` asks for (engine/timers.py)."""

    def __init__(self) -> None:
        self._of: dict[ContactId, dict[_Key, Timer]] = {}
        self._fired: dict[ContactId, dict[_Key, datetime]] = {}
        self._due: list[tuple[datetime, _Key]] = []

    def put_timers(self, timers: Sequence[Timer]) -> None:
        """One that has fired stays fired unless it is set to another instant."""
        for timer in timers:
            key = _key(timer)
            if self._fired.get(timer.contact, {}).get(key) == timer.due_at:
                continue
            self._of.setdefault(timer.contact, {})[key] = timer
            heappush(self._due, (timer.due_at, key))

    def cancel_timers(self, contact: ContactId, kinds: Sequence[str], name: str | None = None) -> None:
        """Those still to fire; no kinds means every kind, no name every name."""
        for key in list(self._of.get(contact, ())):
            if (not kinds or key.kind in kinds) and (name is None or key.name == name):
                del self._of[contact][key]
        if not self._of.get(contact, True):
            del self._of[contact]

    def timers(self, contact: ContactId) -> list[Timer]:
        return sorted(self._of.get(contact, {}).values(), key=lambda timer: (timer.due_at, _key(timer)))

    def fire(self, now: datetime) -> list[Timer]:
        """What is due, earliest first; it fires once."""
        fired = []
        while self._due and self._due[0][0] <= now:
            due_at, key = heappop(self._due)
            timer = self._of.get(key.contact, {}).get(key)
            if timer is not None and timer.due_at == due_at and timer.paused_at is None:
                fired.append(timer)
                del self._of[key.contact][key]
                self._fired.setdefault(key.contact, {})[key] = due_at
        return fired

    def fired(self, contact: ContactId, level: str) -> tuple[Timer, ...]:
        """Of a contact's open episode, those of one level."""
        found = self._fired.get(contact, {})
        return tuple(
            Timer(
                kind=key.kind, contact=contact, episode=EpisodeId(key.episode), name=key.name, level=level,
                assignment=key.assignment, due_at=due_at,
            )
            for key, due_at in found.items()
            if key.level == level
        )  # fmt: skip

    def next_due(self) -> datetime | None:
        return self._due[0][0] if self._due else None

    def forget_fired(self, contact: ContactId) -> None:
        """Of an episode that has ended nothing is set again."""
        self._fired.pop(contact, None)


class Given:
    """Leads that each owner got since midnight (R12), each assignment once, as the store counts them."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._day: date | None = None
        self._leads: Counter[OwnerId] = Counter()

    def note(self, episode: Episode, before: Episode | None, at: datetime) -> None:
        """`before`: the same episode until now; None where it is new."""
        is_new = before is None or before.silent or before.assignment != episode.assignment
        if is_new and episode.owner is not None and not episode.silent and episode.is_open:
            self._begin(at)
            self._leads[episode.owner] += 1

    def note_path(self, path: Sequence[PastStep], until: datetime) -> None:
        """What an episode's path says of the day that is under way at `until`; later steps are left out."""
        held: dict[int, PastStep] = {}
        for step in path:
            if step.at <= until and not step.silent:
                held.setdefault(step.assignment, step)
        self._begin(until)
        for step in held.values():
            if step.owner is not None and not State(step.state).is_end and self._local(step.at) == self._day:
                self._leads[step.owner] += 1

    def today(self, now: datetime) -> dict[OwnerId, int]:
        self._begin(now)
        return dict(self._leads)

    def _begin(self, now: datetime) -> None:
        if self._local(now) != self._day:
            self._day = self._local(now)
            self._leads.clear()

    def _local(self, at: datetime) -> date:
        return at.astimezone(self._zone).date()


class DeskState:
    """Episodes of one world, and the counts that hang on them."""

    def __init__(self) -> None:
        self.episodes: dict[ContactId, list[Episode]] = {}
        self.rotation: dict[str, dict[OwnerId, int]] = {}
        self.open_leads: Counter[OwnerId] = Counter()
        self.on_list: set[ContactId] = set()
        self._in_work: set[ContactId] = set()
        self._domain: dict[ContactId, str] = {}
        self._accounts: dict[str, dict[EpisodeId, Episode]] = {}

    def put_episode(self, episode: Episode) -> None:
        """In place of its former version; a new one is the contact's last."""
        rows = self.episodes.setdefault(episode.contact, [])
        place = next((n for n, row in enumerate(rows) if row.id == episode.id), None)
        if place is None:
            rows.append(episode)
        else:
            self._count(rows[place], -1)
            rows[place] = episode
        self._count(episode, 1)
        self._note_account(episode)
        if any(row.is_open for row in rows):
            self._in_work.add(episode.contact)
        else:
            self._in_work.discard(episode.contact)

    def of(self, contact: ContactId) -> Sequence[Episode]:
        return self.episodes.get(contact, ())

    def has_open(self, contact: ContactId) -> bool:
        return contact in self._in_work

    def _count(self, episode: Episode, by: int) -> None:
        if episode.is_open and not episode.silent and episode.owner is not None:
            self.open_leads[episode.owner] += by
            if not self.open_leads[episode.owner]:
                del self.open_leads[episode.owner]

    # -- accounts

    def note_domain(self, contact: ContactId, domain: str) -> None:
        """Where the contact's company is known now; its episodes count for that account."""
        before = self._domain.get(contact, "")
        if before == domain:
            return
        self._domain[contact] = domain
        for episode in self.episodes.get(contact, ()):
            self._accounts.get(before, {}).pop(episode.id, None)
            self._note_account(episode)

    def _note_account(self, episode: Episode) -> None:
        domain = self._domain.get(episode.contact, "")
        if not domain:
            return
        account = self._accounts.setdefault(domain, {})
        if episode.silent or episode.owner is None or episode.exit_reason == UNDONE:
            account.pop(episode.id, None)
        else:
            account[episode.id] = episode

    def accounts(self, domains: Iterable[str]) -> Accounts:
        """As store.Contacts.accounts()."""
        found = Accounts()
        for domain in domains:
            for episode in sorted(self._accounts.get(domain, {}).values(), key=lambda one: (one.opened_at, one.id)):
                if episode.owner is not None:
                    found.give(episode.hop, domain, episode.contact, episode.owner)
        return found
