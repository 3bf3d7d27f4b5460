"""Timers: which clocks and return conditions an episode has, set and taken back in the transaction that decides it.

When a clock is due is worked out by rules/sla.py; what happens then is sweep's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from connector.domain.contact import ContactId
from connector.domain.decision import GIVEN, Action, Decision
from connector.domain.episode import Episode, State
from connector.domain.timer import Timer, TimerKind
from connector.engine.context import Context
from connector.engine.ports import UnitOfWork
from connector.rules import sla
from connector.rules.rulebook import RuleBook

OURS = (TimerKind.SLA, TimerKind.RETURN, TimerKind.SIGNAL)


class Moment(Protocol):
    """The rules in force and the instant: a run's context, or a replay's."""

    @property
    def book(self) -> RuleBook: ...
    @property
    def now(self) -> datetime: ...


class TimerTable(Protocol):
    """Where timers stand: a unit of work, or a replay's memory."""

    def put_timers(self, timers: Sequence[Timer]) -> None: ...
    def cancel_timers(self, contact: ContactId, kinds: Sequence[str], name: str | None = None) -> None: ...
    def timers(self, contact: ContactId) -> list[Timer]: ...


def set_timers(context: Moment, uow: TimerTable, decision: Decision, *, touched: datetime | None = None) -> None:
    """The timers of the decision's episode as it now stands; silent ones have none (R41).

    `touched`: with a second hand-raise, when sales last did something.
    """
    episode, before = decision.episode, decision.before
    if episode is None or episode.silent or decision.action is Action.HOLD_CHANGED:
        return
    begins = decision.action in GIVEN
    moved = before is not None and before.assignment != episode.assignment
    first = begins and before is None and episode.ordinal == 1  # then no clock of an episode can run yet
    if (begins and not first) or moved or episode.state.is_end:
        uow.cancel_timers(episode.contact, OURS)
    if episode.state.is_end:
        uow.put_timers(_return_timers(episode))
        return
    if begins or moved:
        uow.put_timers([*sla.clocks(episode, context.book.sla, now=context.now), *_cool_down(context, episode)])
    for clock in _stopped(before, episode, context.book.sla):
        uow.cancel_timers(episode.contact, (TimerKind.SLA,), clock)
    if decision.action is Action.SIGNAL:
        _start_again(context, uow, episode, met=_was_met(before, touched))
    if episode.waiting_since is not None or (before is not None and before.waiting_since is not None):
        _pause_or_go_on(context, uow, episode)  # last, so that a clock which begins while sales waits stands still too
    if decision.action is Action.INTEREST:
        uow.put_timers(_cool_down(context, episode))


def keep_overrun(context: Context, uow: UnitOfWork, decision: Decision, met: Mapping[str, datetime]) -> None:
    """Clocks whose time was up before what they waited for came count as missed, though no run looked meanwhile (R28).

    Nobody is told: it has come. Called before set_timers() takes them away. `met`: see rules/met.py.
    """
    episode, before = decision.episode, decision.before
    if not met or episode is None or before is None:
        return
    all_stop = episode.state.is_end or before.assignment != episode.assignment
    stopped = met if all_stop else _stopped(before, episode, context.book.sla)
    late = [
        timer
        for timer in uow.timers(episode.contact)
        if timer.kind is TimerKind.SLA and timer.level == sla.BREACH and timer.paused_at is None
        and timer.name in stopped and timer.due_at < met[timer.name]
    ]  # fmt: skip
    uow.fire_timers(late, context.now)


def _stopped(before: Episode | None, episode: Episode, rules: sla.SlaRules) -> list[str]:
    """Clocks to take away; those that a second hand-raise started go on until sales does or says something (R40)."""
    heard = before is None or _reaction(before) != _reaction(episode)
    going_on = () if heard or episode.signal_at is None else sla.reaction_clocks(rules)
    return [clock for clock in sla.stopped_clocks(episode, rules) if clock not in going_on]


def _reaction(episode: Episode) -> tuple[object, ...]:
    return episode.state, episode.touched_at, episode.inherited


def restore_timers(context: Context, uow: UnitOfWork, contact: ContactId) -> None:
    """The timers of the contact's last episode, where a decision that changed them did not stand.

    A clock that still runs is left as it is; one that was cancelled runs again from the handover,
    without the time that sales has been waiting for the customer.
    """
    episodes = uow.episodes([contact])[contact]
    stood = [episode for episode in episodes if not episode.was_undone]
    standing = next((episode for episode in stood if episode.is_open), stood[-1] if stood else None)
    running = uow.timers(contact)
    wrong = standing is None or any(
        timer.episode != standing.id or timer.assignment != standing.assignment for timer in running
    )
    if wrong or (standing is not None and standing.state.is_end):
        uow.cancel_timers(contact, OURS)
        running = []
    if standing is None or standing.silent:
        return
    if standing.state.is_end:
        uow.put_timers(_return_timers(standing))
    elif standing.held_since is not None:
        known = {timer.name for timer in running}
        clocks = _since_handover(standing, standing.held_since, context.book.sla)
        uow.put_timers([timer for timer in clocks if timer.name not in known])


def add_new_clocks(context: Context, uow: UnitOfWork, episode: Episode) -> None:
    """The clocks that an episode under way lacks, for the rules that name them are new (R35).

    They count from the handover; what would have come due by now is not told of. A clock that runs is left as it is.
    """
    if episode.silent or not episode.is_open or episode.held_since is None:
        return
    known = {timer.name for timer in uow.timers(episode.contact)}
    clocks = _since_handover(episode, episode.held_since, context.book.sla)
    to_come = [timer for timer in clocks if timer.paused_at is not None or timer.due_at > context.now]
    uow.put_timers([timer for timer in to_come if timer.name not in known])


def _since_handover(episode: Episode, since: datetime, rules: sla.SlaRules) -> list[Timer]:
    """The clocks as they began with the handover; while sales waits, those that allow it have stood still from then."""
    clocks, waits = sla.clocks(episode, rules, now=since), episode.waiting_since
    return [
        replace(timer, paused_at=waits) if waits and timer.due_at >= waits and sla.may_pause(timer, rules) else timer
        for timer in clocks
    ]


def _pause_or_go_on(context: Moment, uow: TimerTable, episode: Episode) -> None:
    """While sales waits for the customer the clocks that allow it stand still; then they go on where they stood."""
    rules = context.book.sla
    running = [timer for timer in uow.timers(episode.contact) if timer.kind is TimerKind.SLA]
    if episode.waiting_since is None:
        paused = [timer for timer in running if timer.paused_at is not None]
        uow.put_timers([sla.resumed(timer, episode, rules, now=context.now) for timer in paused])
        return
    moving = [timer for timer in running if timer.paused_at is None and sla.may_pause(timer, rules)]
    uow.put_timers([replace(timer, paused_at=context.now) for timer in moving])


def _was_met(before: Episode | None, touched: datetime | None) -> bool:
    """Whether sales reacted to the raise that it was told of before this one."""
    told = before.signal_at if before is not None else None
    return told is not None and touched is not None and touched > told


def _start_again(context: Moment, uow: TimerTable, episode: Episode, *, met: bool) -> None:
    """A lead in work raised its hand again: a new clock for the first reaction, unless one runs already (R40).

    One whose time is up runs no more, though it may still be escalated; nor does one that was `met`.
    """
    rules = context.book.sla
    for clock in sla.reaction_clocks(rules) if met else ():
        uow.cancel_timers(episode.contact, (TimerKind.SLA,), clock)
    after = (sla.ESCALATED, sla.REASSIGN)
    running = {timer.name for timer in uow.timers(episode.contact) if not timer.level.startswith(after)}
    anew = replace(episode, state=State.HANDED_OFF, touched_at=None, lane="hand_raiser")
    clocks = sla.clocks(anew, rules, now=context.now)
    uow.put_timers([t for t in clocks if rules.clocks[t.name].until is sla.Until.TOUCH and t.name not in running])


def _cool_down(context: Moment, episode: Episode) -> list[Timer]:
    """When the lead is looked at again, for what it did while nothing was told (R40)."""
    told, cool_down = episode.interest_told_at, context.book.notifications.signals.cool_down
    if told is None or told + cool_down <= context.now:
        return []
    timer = Timer(
        kind=TimerKind.SIGNAL,
        contact=episode.contact,
        episode=episode.id,
        name="interest",
        level="due",
        assignment=episode.assignment,
        due_at=told + cool_down,
    )
    return [timer]


def _return_timers(episode: Episode) -> list[Timer]:
    """When a hand-back may come again; junk never does."""
    if episode.wakes_at is None or episode.state is State.JUNK:
        return []
    timer = Timer(
        kind=TimerKind.RETURN,
        contact=episode.contact,
        episode=episode.id,
        name=episode.exit_reason,
        level="due",
        assignment=episode.assignment,
        due_at=episode.wakes_at,
    )
    return [timer]
