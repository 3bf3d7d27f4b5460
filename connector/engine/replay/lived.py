"""Lived: two worlds are led through one past, by today's rules and by changed ones, and what differs is asked why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from connector.domain.contact import ContactId
from connector.engine.ports import NoProgress, Progress, UnitOfWork
from connector.engine.ports.history import Deed, News
from connector.engine.replay.diary import Diary
from connector.engine.replay.opening import open_desk
from connector.engine.replay.past import Heard, Moment, Reader, moments
from connector.engine.replay.world import Setting, Watcher, World
from connector.rules.reach import Reach
from connector.rules.rulebook import RuleBook

A_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a world did not hand a lead over when the other one did."""

    why: str
    missing: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Lived:
    """Attributes:
    today, changed: what came of the two rule books; `changed` is None where only today's was replayed.
    refused: by `today` or `changed`, the contacts that this world did not hand over when the other one did.
    """

    since: datetime
    until: datetime
    moments: Sequence[Moment]
    today: Diary
    changed: Diary | None
    refused: Mapping[str, dict[ContactId, Refusal]]
    activities: int = 0
    opened_with: int = 0
    fingerprints: Sequence[str] = field(default_factory=tuple)


def live(
    uow: UnitOfWork,
    today: RuleBook,
    changed: RuleBook | None,
    *,
    since: datetime,
    until: datetime,
    progress: Progress | None = None,
) -> Lived:
    """Lead one or two worlds from `since` to `until`, each through all the runs of that time."""
    setting = make_setting(uow, since)
    diaries = [Diary(zone=_zone(uow)) for book in (today, changed) if book is not None]
    books = [book for book in (today, changed) if book is not None]
    worlds = [make_world(uow, book, setting, diary) for book, diary in zip(books, diaries, strict=True)]
    opened_with = max(open_desk(uow, world, since) for world in worlds)
    recall(uow, worlds, since)
    lived = Lived(
        since=since,
        until=until,
        moments=moments(uow, since, until),
        today=diaries[0],
        changed=diaries[1] if changed is not None else None,
        refused={"today": {}, "changed": {}},
        opened_with=opened_with,
        fingerprints=tuple(dict.fromkeys(run.fingerprint for run in uow.past_runs(since, until))),
    )
    lead_through(uow, worlds, lived, progress or NoProgress())
    return lived


def make_setting(uow: UnitOfWork, since: datetime) -> Setting:
    state = uow.portal_state()
    assert state is not None
    return Setting(portal=state.id, owners=tuple(uow.owners()), past=state.handoff_since, since=since, zone=_zone(uow))


def make_world(uow: UnitOfWork, book: RuleBook, setting: Setting, watcher: Watcher, *, in_full: bool = False) -> World:
    """Args:
    in_full: every decision is made, those that come to nothing too.
    """
    state = uow.portal_state()
    assert state is not None
    settled = book.in_zone(state.time_zone, setting.owners)
    reach = None if in_full else Reach(settled)
    return World(uow=uow, book=settled, setting=setting, watcher=watcher, now=setting.since, reach=reach)


def _zone(uow: UnitOfWork) -> ZoneInfo:
    state = uow.portal_state()
    assert state is not None
    return ZoneInfo(state.time_zone)


def lead_through(uow: UnitOfWork, worlds: Sequence[World], lived: Lived, progress: Progress) -> None:
    """Every world through every moment."""
    reader = read(uow, worlds, lived.since, lived.until)
    for moment in lived.moments:
        heard = reader.until(moment.as_of)
        for world in worlds:
            step(world, moment, heard)
        if lived.changed is not None:
            _ask_why(worlds, lived)
        _end_of_run(worlds, lived)
        progress.step("runs of the past", reader.activities)
    lived.activities = reader.activities


def read(uow: UnitOfWork, worlds: Sequence[World], since: datetime, until: datetime) -> Reader:
    """The past, heard by every world."""

    def hear(deeds: Sequence[Deed], rows: Sequence[News], now: datetime) -> None:
        for world in worlds:
            world.hear(deeds, rows, now)

    return Reader(uow, since, until, worlds[0].people.is_ours, hear)


def recall(uow: UnitOfWork, worlds: Sequence[World], since: datetime) -> None:
    """What was known before the replay begins: interest of that time counts on."""
    first, look_back = uow.first_sight(), max(world.book.scoring.look_back for world in worlds)
    if first is None or first > since or all(world.reach is None for world in worlds):
        return
    for deeds in uow.deeds(since - look_back, since):
        for world in worlds:
            world.hear(deeds, (), since)
    for rows in uow.news(first - A_MOMENT, since):
        for world in worlds:
            world.hear((), rows, since)


def step(world: World, moment: Moment, heard: Heard) -> None:
    if moment.hints:
        world.look(moment.as_of, heard)
    else:
        world.run(moment.as_of, heard)


def _ask_why(worlds: Sequence[World], lived: Lived) -> None:
    """Where only one world has handed a lead over by now, the other one says why it did not."""
    assert lived.changed is not None
    pairs = ((lived.today, lived.changed, worlds[1], "changed"), (lived.changed, lived.today, worlds[0], "today"))
    for mine, theirs, world, name in pairs:
        for contact in mine.news:
            said = world.why_not(contact) if contact not in theirs.handed else None
            if said is not None:
                lived.refused[name][contact] = Refusal(why=said.sentence, missing=said.missing)


def _end_of_run(worlds: Sequence[World], lived: Lived) -> None:
    for world, diary in zip(worlds, (lived.today, lived.changed), strict=False):
        assert diary is not None
        diary.end_of_run(world.desk.open_leads)
