"""Sweep: what came due by time alone. Due timers are found by index; nothing is scanned (design.md, section 5).

A clock that came due is told about; a return condition, and the end of a cool-down, put their contact on the work list;
the mark of a form that was not sent is looked at (marks.py). Decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode
from connector.domain.notice import Notice, NoticeKind
from connector.domain.timer import Timer, TimerKind
from connector.engine.consider import situations
from connector.engine.context import BATCH, Context
from connector.engine.marks import look_at_marks
from connector.engine.notify import Teller, entries
from connector.engine.ports import AuditRow, UnitOfWork
from connector.engine.timers import still_runs
from connector.rules import sla


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
    clocks = [timer for timer in due if timer.kind is TimerKind.SLA]
    if not clocks or not context.writes:
        return
    known = situations(context, uow, sorted({timer.contact for timer in clocks}))
    owners = {owner.id: owner for owner in uow.owners()}
    told: list[Notice] = []
    for timer in clocks:
        situation = known.get(timer.contact)
        episode = situation.open_episode if situation else None
        if situation is None or episode is None:
            continue
        if not still_runs(context, timer, episode, situation.contact.instant("last_touch_at")):
            continue
        decision = Decision(
            contact=timer.contact,
            as_of=context.now,
            fingerprint=context.book.fingerprint,
            action=Action.NOTHING,
            sentence=episode.reason,
            before=episode,
            episode=episode,
        )
        teller = Teller(context, decision, situation.contact, situation.activities, situation.last_ended, owners)
        told.append(_notice(context, teller, timer, episode))
    context.counts.notices_queued += uow.put_entries(entries(context, told, None, due_at=context.now))
    uow.audit(context.run.id, [_audit(notice) for notice in told], context.now)


def _notice(context: Context, teller: Teller, timer: Timer, episode: Episode) -> Notice:
    kind = NoticeKind.SLA_AT_RISK if timer.level.startswith(sla.AT_RISK) else NoticeKind.SLA_BREACHED
    notice = teller.notice(kind, episode.owner, _key(timer, episode))
    words = sla.explain_timer(timer, episode, context.book.sla)
    roles = sla.tell(timer, context.book.sla)
    tell = [role.value for role in roles]
    label = context.book.sla.clocks[timer.name].label
    said = label[:1].upper() + label[1:]
    facts: dict[str, object] = {"clock": said, "level": timer.level, "sentence": words, "tell": tell}
    facts |= teller.holder(episode, roles)
    since = timer.due_at if kind is NoticeKind.SLA_BREACHED else None
    return replace(notice, packet={**notice.packet, **facts}, urgent_since=since)


def _key(timer: Timer, episode: Episode) -> str:
    """Clock, level, assignment, and the second hand-raise where one started the clock again (I5, R40)."""
    again = f":{episode.signal_at.isoformat()}" if episode.signal_at else ""
    return f"{timer.name}:{timer.level}:{timer.assignment}{again}"


def _audit(notice: Notice) -> AuditRow:
    return AuditRow(
        effect=f"{notice.kind.value}:{notice.key}",
        contact=notice.contact,
        episode=notice.episode,
        rule="sla",
        inputs={},
        outcome="told",
    )
