"""Outgoing: what a run does with the notices that wait: digests made, all sent, ops told of destinations that are off.

Sending itself is delivery's, and what is said of a destination that is off is standing.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connector.domain.notice import Notice, NoticeKind
from connector.engine.context import Context
from connector.engine.digest import make_digests
from connector.engine.morning import tell_mornings
from connector.engine.notify import entries
from connector.engine.ports import DestinationState
from connector.engine.standing import WHY, minute, not_taking, old_secrets, switched_off

BY_ITSELF = ("gone", "failing")


def send(context: Context) -> int:
    """Everything that is due; gives how many entries were answered 2xx. A destination that is off is a trouble."""
    tell_mornings(context)
    make_digests(context)
    sent = context.delivery.deliver(context.now)
    with context.store.reading() as uow:
        states = uow.destinations()
        off = [name for name, state in states.items() if state.off_at and name in context.destinations]
        failing = [name for name, state in states.items() if state.is_failing and name in context.destinations]
        backlog = uow.backlog([*off, *failing]) if off or failing else {}
    if _tell_ops(context, [states[name] for name in off], backlog):
        sent += context.delivery.deliver(context.now)
    known = {name: states[name] for name in states if name in context.destinations}
    variables = context.book.notifications.secret_variables()
    context.troubles += [*switched_off(known, backlog), *not_taking(known, backlog)]
    context.troubles += old_secrets(known, variables, context.now)
    return sent


def _tell_ops(context: Context, off: Iterable[DestinationState], backlog: Mapping[str, int]) -> int:
    """Queues a notice for each switching off, to everybody else who hears ops; again and again is once (I5)."""
    told = []
    for state in off:
        if state.off_by in BY_ITSELF:
            queued = entries(context, [_notice(context, state, backlog[state.name])], None, due_at=context.now)
            told += [entry for entry in queued if entry.destination != state.name]
    if not told:
        return 0
    with context.store.transaction() as uow:
        queued_now = uow.put_entries(told)
    context.counts.notices_queued += queued_now
    return queued_now


def _notice(context: Context, state: DestinationState, waiting: int) -> Notice:
    why = WHY[state.off_by]
    return Notice(
        kind=NoticeKind.DESTINATION_OFF,
        contact=None,
        episode=None,
        owner=None,
        key=f"{state.name}:{state.times_off}",
        occurred_at=state.off_at or context.now,
        packet={
            "destination": state.name,
            "why": f"{why[:1].upper()}{why[1:]}.",
            "since": minute(state.failing_since) if state.failing_since else "",
            "waiting": waiting,
            "resume": f"handoff outbox resume {state.name}",
        },
    )
