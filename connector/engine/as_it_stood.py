"""As it stood: episodes and clocks on a past day, from the path that each episode has gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from connector.domain.episode import Episode, EpisodeId, State
from connector.domain.timer import Timer
from connector.engine.ports.history import PastStep
from connector.rules import sla
from connector.rules.sla import SlaRules

Paths = Mapping[EpisodeId, Sequence[PastStep]]


def episodes_at(episodes: Sequence[Episode], paths: Paths, at: datetime) -> list[Episode]:
    """Those that were there, each with the state, owner and dates of that instant."""
    found = (_episode_at(episode, paths.get(episode.id, ()), at) for episode in episodes)
    return [episode for episode in found if episode is not None]


def clocks_at(episode: Episode, path: Sequence[PastStep], rules: SlaRules, at: datetime) -> list[Timer]:
    """The timers that ran or had run out on the episode, which is as it stood at `at`."""
    began = next((step.at for step in path if step.assignment == episode.assignment and not step.silent), None)
    if began is None or began > at:
        return []
    return list(sla.clocks(episode, rules, now=began))


def _episode_at(episode: Episode, path: Sequence[PastStep], at: datetime) -> Episode | None:
    steps = [step for step in path if step.at <= at]
    if not steps:
        return None
    last = steps[-1]
    state = State(last.state)
    back: PastStep | Episode = last if last.track is not None else episode
    return replace(
        episode,
        state=state,
        owner=last.owner,
        silent=last.silent,
        assignment=last.assignment,
        exit_reason=last.exit_reason,
        handed_off_at=_by(episode.handed_off_at, at),
        touched_at=_by(episode.touched_at, at),
        signal_at=_by(episode.signal_at, at),
        waiting_since=_by(episode.waiting_since, at),
        interest_told_at=_by(episode.interest_told_at, at),
        passed_on_at=_by(episode.passed_on_at, at),
        caller=episode.caller if _by(episode.passed_on_at, at) else None,
        caller_touched_at=_by(episode.caller_touched_at, at),
        ended_at=(episode.ended_at or last.at) if state.is_end else None,
        track=back.track if state.is_end and back.track is not None else "",
        wakes_at=back.wakes_at if state.is_end else None,
    )


def _by(moment: datetime | None, at: datetime) -> datetime | None:
    return moment if moment is not None and moment <= at else None
