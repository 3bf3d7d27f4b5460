"""The opening: how sales' desk stood when the replay begins, from the paths of the episodes that were there by then.

Whose turn it was in each pool is not kept for past days: all begin alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from connector.domain.episode import Episode, State
from connector.domain.timer import Timer, TimerKind
from connector.engine.ports import UnitOfWork
from connector.engine.ports.history import PastStep
from connector.engine.replay.world import World
from connector.rules import sla, suppression

AT_ONCE = 500


def open_desk(uow: UnitOfWork, world: World, since: datetime) -> int:
    """Put into the world what stood at `since`; gives how many leads were in sales' hands."""
    counted = 0
    batch: list[Episode] = []
    for episode, path in uow.episodes_opened(since):
        batch.append(as_it_stood(episode, path, since))
        counted += batch[-1].is_open and not batch[-1].silent
        if len(batch) == AT_ONCE:
            _put(uow, world, batch, since)
            batch = []
    _put(uow, world, batch, since)
    return counted


def as_it_stood(episode: Episode, path: Sequence[PastStep], since: datetime) -> Episode:
    """The episode at an instant of its path; what has no date of its own and came later is taken away."""
    step = path[-1]
    state = State(step.state)
    ended = state.is_end
    return replace(
        episode,
        state=state,
        owner=step.owner,
        silent=step.silent,
        assignment=step.assignment,
        exit_reason=step.exit_reason,
        touched_at=_by(episode.touched_at, since),
        signal_at=_by(episode.signal_at, since),
        ended_at=episode.ended_at if ended else None,
        track=episode.track if ended else "",
        wakes_at=episode.wakes_at if ended else None,
    )


def _by(at: datetime | None, since: datetime) -> datetime | None:
    return at if at is not None and at <= since else None


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
