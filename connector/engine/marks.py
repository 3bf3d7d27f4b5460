"""Marks: the abandoned form that stands on a contact, on its way into the CRM (R08).

What must stand is worked out by rules/marking.py. A mark that changes with an episode goes in that episode's write; one
that changes alone has an intent of its own, without an episode, and goes the way of every write. When time alone will
change it, a timer says so; sweep.py then looks at the mark alone, for nothing else is to be decided by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from connector.domain.change import Change
from connector.domain.contact import ContactId
from connector.domain.effect import effect_id
from connector.domain.timer import Timer, TimerKind
from connector.engine.context import Context, PlannedLead
from connector.engine.ports import AuditRow, Intent, UnitOfWork
from connector.engine.unseen import mark_waits
from connector.rules.case import Case
from connector.rules.fields import property_of
from connector.rules.marking import FIELD, Marking, marking
from connector.rules.situation import Situation

RULE = "abandoned form"
GUARDED = ("episode", "last_form_at", "email")
"""Who was handed over meanwhile, sent a form or lost the address is looked at anew before a mark is set."""


def is_mark(intent: Intent) -> bool:
    """Whether it changes the mark alone, and no episode."""
    return intent.episode is None and [one.field for one in intent.changes] == [FIELD]


def mark_intent(context: Context, raw: Mapping[str, str | None], found: Marking) -> Intent | None:
    """The write of a mark that changes alone; None where it stands as it should."""
    if found.change is None:
        return None
    rules, policy = context.book.fields, context.book.suppression
    names = {FIELD, *GUARDED, *policy.do_not_contact, *policy.marketing_opt_out} & set(rules.fields)
    change = found.change
    key = f"{FIELD}:{change.after or ''}:{found.since.isoformat() if found.since else change.before}"
    return Intent(
        id=effect_id(context.portal.id, change.contact, None, "write", key, "crm"),
        run=context.run.id,
        contact=change.contact,
        episode=None,
        changes=(change,),
        expected={prop: raw.get(prop) for prop in sorted(property_of(name, rules) for name in names)},
    )


def keep_mark(context: Context, uow: UnitOfWork, contact: ContactId, found: Marking, intent: Intent | None) -> None:
    """The intent with its audit row, and the timer, in the transaction that found it (T1)."""
    if found.look_at is not None:
        uow.put_timers([_timer(contact, found.look_at)])
    if intent is None:
        return
    if context.options.dry_run:
        count_mark(context, intent.changes)
        return
    uow.put_intents([intent])
    context.on_the_way.add(contact)
    uow.audit(context.run.id, [_audit(intent)], context.now)


def look_at_marks(context: Context, uow: UnitOfWork, found: Mapping[ContactId, Situation]) -> None:
    """The marks of contacts whose time has come; decides nothing else about them.

    One to whom something else is being written still, or whose record cannot be read, is looked at by the next run.
    """
    stored = uow.contacts(list(found))
    busy = {row.contact for row in uow.intents_of(list(found)) if row.status == "open"} | context.unread
    uow.mark_retry(sorted(busy & set(found)))
    for contact, situation in found.items():
        if contact in busy:
            continue
        mark = marking(situation, None, context.book, now=context.now)
        if mark_waits(context, mark.change):
            uow.mark_retry([contact])
            continue
        intent = mark_intent(context, stored[contact].raw, mark)
        keep_mark(context, uow, contact, mark, intent)
        if intent is not None and context.options.dry_run:
            decision = Case(situation, context.book, context.now).nothing(said(intent.changes[0]))
            context.planned.append(PlannedLead(decision=decision, changes=intent.changes))


def said(change: Change) -> str:
    """A change of the mark as a sentence."""
    if change.after:
        return f"Opened the form “{change.after}” and did not send it; marked, so that marketing can write."
    return f"Is not marked for the form “{change.before}” any more."


def count_mark(context: Context, changes: Sequence[Change]) -> None:
    context.counts.forms_marked += sum(1 for one in changes if one.field == FIELD and one.after)


def _timer(contact: ContactId, due_at: datetime) -> Timer:
    return Timer(
        kind=TimerKind.FORM_ABANDONED, contact=contact, episode=None, name=FIELD, level="due", assignment=0,
        due_at=due_at,
    )  # fmt: skip


def _audit(intent: Intent) -> AuditRow:
    change = intent.changes[0]
    return AuditRow(
        effect=intent.id,
        contact=intent.contact,
        episode=None,
        rule=RULE,
        inputs={"form": str(change.after or change.before), "set": bool(change.after)},
        outcome="planned",
    )
