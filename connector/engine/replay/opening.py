"""The opening: how sales' desk stood when the replay begins, from the paths of the episodes that were there by then.

Whose turn it was in each pool is not kept for past days: all begin alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from connector.domain.episode import Episode, State
from connector.domain.timer import Timer, TimerKind
from connector.engine.as_it_stood import episodes_at
from connector.engine.ports import UnitOfWork
from connector.engine.replay.world import World
from connector.rules import sla, suppression

AT_ONCE = 500


def open_desk(uow: UnitOfWork, world: World, since: datetime) -> int:
    """Put into the world what stood at `since`; gives how many leads were in sales' hands."""
    counted = 0
    batch: list[Episode] = []
    for episode, path in uow.episodes_opened(since):
        world.given.note_path(path, since)
        stood = episodes_at([episode], {episode.id: path}, since)
        batch += stood
        counted += sum(one.is_open and not one.silent for one in stood)
        if len(batch) >= AT_ONCE:
            _put(uow, world, batch, since)
            batch = []
    _put(uow, world, batch, since)
    return counted


def _put(uow: UnitOfWork, world: World, episodes: Sequence[Episode], since: datetime) -> None:
    stored = uow.contacts(sorted({episode.contact for episode in episodes}))
    for contact, row in stored.items():
        world.desk.note_domain(contact, row.contact.text("domain"))
    for episode in sorted(episodes, key=lambda one: (one.contact, one.ordinal)):
        held = suppression.holds(episode, world.book.suppression)
        if held:
            world.desk.on_list.add(episode.contact)
        world.desk.put_episode(replace(episode, marketing_held=held))
        world.clocks.put_timers([timer for timer in _timers(world, episode) if timer.due_at > since])


def _timers(world: World, episode: Episode) -> Sequence[Timer]:
    if episode.silent:
        return ()
    if not episode.state.is_end:
        return sla.clocks(episode, world.book.sla, now=episode.handed_off_at) if episode.handed_off_at else ()
    if episode.wakes_at is None or episode.state is State.JUNK:
        return ()
    return (
        Timer(
            kind=TimerKind.RETURN, contact=episode.contact, episode=episode.id, name=episode.exit_reason,
            level="due", assignment=episode.assignment, due_at=episode.wakes_at,
        ),
    )  # fmt: skip
