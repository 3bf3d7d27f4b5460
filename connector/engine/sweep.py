"""Sweep: what came due by time alone. Due timers are found by index; nothing is scanned (design.md, section 5).

A clock that came due is told about; a return condition, the end of a cool-down, and a clock that takes the lead from
its holder (R17), put their contact on the work list; the mark of a form that was not sent is looked at (marks.py).
It decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode
from connector.domain.notice import Notice, NoticeKind
from connector.domain.timer import Timer, TimerKind
from connector.engine.consider import situations
from connector.engine.context import BATCH, Context
from connector.engine.marks import look_at_marks
from connector.engine.notify import Teller, entries
from connector.engine.ports import AuditRow, UnitOfWork
from connector.rules import reminders, sla
from connector.rules.touches import last_touch


def sweep(context: Context) -> int:
    """Fire every timer that is due at the run's `as_of`; gives how many."""
    fired = 0
    while True:
        with context.store.transaction() as uow:
            due = uow.due_timers(context.now, BATCH)
            if not due:
                return fired
            _fire(context, uow, due)
            uow.fire_timers(due, context.now)
        fired += len(due)


def _fire(context: Context, uow: UnitOfWork, due: Sequence[Timer]) -> None:
    uow.mark_dirty({timer.contact for timer in due if timer.kind is TimerKind.RETURN}, "return condition")
    uow.mark_dirty({timer.contact for timer in due if timer.kind is TimerKind.SIGNAL}, "interest")
    forms = sorted({timer.contact for timer in due if timer.kind is TimerKind.FORM_ABANDONED})
    if forms:
        look_at_marks(context, uow, situations(context, uow, forms))
    uow.mark_dirty({timer.contact for timer in due if timer.level == sla.REASSIGN}, "time is up")
    clocks = [timer for timer in due if timer.kind is TimerKind.SLA and timer.level != sla.REASSIGN]
    if not clocks or not context.writes:
        return
    contacts = sorted({timer.contact for timer in clocks})
    known, set_by_episode = situations(context, uow, contacts), uow.clocks_of(contacts)
    owners = {owner.id: owner for owner in uow.owners()}
    told: list[Notice] = []
    for timer in clocks:
        situation = known.get(timer.contact)
        episode = situation.open_episode if situation else None
        if situation is None or episode is None:
            continue
        if not sla.still_runs(timer, episode, context.book.sla, last_touch(situation.contact, situation.activities)):
            continue
        same = [one.timer for one in set_by_episode.get(episode.id, ()) if reminders.is_same_clock(one.timer, timer)]
        if reminders.is_overtaken(timer, same, context.book.sla, now=context.now):
            continue
        decision = Decision(
            contact=timer.contact,
            as_of=context.now,
            fingerprint=context.book.fingerprint,
            definition=context.book.agreed_version,
            action=Action.NOTHING,
            sentence=episode.reason,
            before=episode,
            episode=episode,
        )
        teller = Teller(context, decision, situation.contact, situation.activities, situation.last_ended, owners)
        told.append(_notice(context, teller, timer, episode, due_at=reminders.limit_among(same)))
    context.counts.notices_queued += uow.put_entries(entries(context, told, None, due_at=context.now))
    uow.audit(context.run.id, [_audit(notice) for notice in told], context.now)


def _notice(context: Context, teller: Teller, timer: Timer, episode: Episode, *, due_at: datetime | None) -> Notice:
    kind = NoticeKind.SLA_AT_RISK if timer.level.startswith(sla.AT_RISK) else NoticeKind.SLA_BREACHED
    words = sla.explain_timer(timer, episode, context.book.sla)
    roles = sla.tell(timer, context.book.sla)
    notice = teller.of_clock(kind, timer.name, timer.level, words, roles, due_at=due_at)
    return replace(notice, urgent_since=timer.due_at if kind is NoticeKind.SLA_BREACHED else None)


def _audit(notice: Notice) -> AuditRow:
    return AuditRow(
        effect=f"{notice.kind.value}:{notice.key}",
        contact=notice.contact,
        episode=notice.episode,
        rule="sla",
        inputs={},
        outcome="told",
    )
