"""Settle: what became of a batch of writes, in one transaction (T2).

Outcomes, audit rows, and notices held → due or taken back (I4). Where the CRM said no, the episode stands as before
and the contact is decided again; nobody is told of a write that was refused. Sends nothing: write.py does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from connector.domain.contact import ContactId
from connector.domain.episode import State
from connector.domain.record import Record
from connector.domain.run import is_undo
from connector.engine.answers import ANSWERED, is_answer, settle_answers
from connector.engine.context import Context
from connector.engine.hold import note_list, saw_list
from connector.engine.intake import drop_contacts, store_records
from connector.engine.marks import count_mark, is_mark
from connector.engine.ports import AuditRow, Intent, UnitOfWork
from connector.engine.races import Wire, is_news, wire
from connector.engine.timers import restore_timers
from connector.engine.withdraw import withdraw
from connector.rules.plan import POLICY


@dataclass(slots=True)
class Sent:
    """At most a hundred intents of as many contacts, and what is known of them so far.

    Attributes:
        fresh, after: the contacts as they were read just before our write, and right after it.
        verdicts: intent id → status and detail, as soon as one is known.
        unclear: ids of intents without a clear answer; they stay open (I7).
        lost_races: intents that overwrote a person's value, and the properties that were put back.
        on_list, off_list: whom the CRM put on the suppression list, and took off it.
        list_id: of the list that members were added to.
        wires: intent id → what is wanted in the CRM; ask `wanted`.
    """

    context: Context
    intents: Sequence[Intent]
    fresh: Mapping[ContactId, Record] = field(default_factory=dict)
    after: Mapping[ContactId, Record] = field(default_factory=dict)
    verdicts: dict[str, tuple[str, str]] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)
    lost_races: list[tuple[Intent, str]] = field(default_factory=list)
    on_list: set[ContactId] = field(default_factory=set)
    off_list: set[ContactId] = field(default_factory=set)
    list_id: str | None = None
    wires: dict[str, Wire] = field(default_factory=dict)

    def wanted(self, row: Intent) -> Wire:
        """What is to stand in the CRM, spelt out once for all the steps that ask."""
        if row.id not in self.wires:
            self.wires[row.id] = wire(row, self.context.book)
        return self.wires[row.id]

    def said_of(self, row: Intent) -> str:
        """Its status; empty while there is none."""
        return self.verdicts.get(row.id, ("", ""))[0]


def settle(sent: Sent, uow: UnitOfWork) -> None:
    """Make everything stand that the CRM's answers mean."""
    context = sent.context
    rows = [
        replace(row, status=status, detail=detail, tries=row.tries + 1)
        for row in sent.intents
        if row.id in sent.verdicts
        for status, detail in [sent.verdicts[row.id]]
    ]
    uow.settle_intents(rows)
    settle_answers(context, uow, rows)
    context.on_the_way.difference_update(row.contact for row in rows)
    if sent.list_id is not None:
        note_list(context, uow, sent.list_id)
        saw_list(context, uow)
    uow.set_on_list(sorted(sent.on_list), True)
    uow.set_on_list(sorted(sent.off_list), False)
    written = [row for row in rows if row.status == "written"]
    context.attempted += len(rows)
    context.refused += sum(row.status == "rejected" for row in rows)
    uow.release_entries([row.id for row in written], context.now)
    uow.clear_quarantine([row.contact for row in written if row.contact not in context.unread])
    _store(sent, uow, written)
    withdraw(context, uow, [row for row in written if is_undo(row.run)])
    for row in rows:
        if row.status != "written":
            _take_back(sent, uow, row)
    uow.audit(context.run.id, [_audit(sent, row) for row in rows], context.now)
    _count(context, written)
    context.counts.changes_written += sum(len(row.changes) for row in written)
    context.counts.changes_rejected += sum(len(row.changes) for row in rows if row.status == "rejected")


def _store(sent: Sent, uow: UnitOfWork, written: Sequence[Intent]) -> None:
    """What stands in the CRM now. What others changed in it since it was decided on is news (I2)."""
    context = sent.context
    known = uow.contacts([row.contact for row in written])
    news = [
        row.contact
        for row in written
        if row.contact in known
        and is_news(sent.wanted(row), known[row.contact], sent.after[row.contact], context.now)
    ]
    said = [row for row in written if is_answer(row)]
    ours = [sent.after[row.contact] for row in written if row not in said]
    store_records(context, uow, ours, source="handoff", dirty=False)
    if said:
        store_records(context, uow, [sent.after[row.contact] for row in said], source=ANSWERED)
    uow.mark_dirty(news, "edited meanwhile")


def _take_back(sent: Sent, uow: UnitOfWork, row: Intent) -> None:
    """The decision did not reach the CRM: nobody is told, and the contact is decided again on what stands there."""
    context = sent.context
    uow.cancel_entries([row.id], row.detail)
    if row.before is not None:
        uow.put_episode(row.before, at=context.now, cause=row.status)
    elif row.episode is not None:
        uow.delete_episode(row.episode)
    if not is_mark(row) and not is_answer(row):
        restore_timers(context, uow, row.contact)
    if row.turn is not None:
        uow.hand_back_turn(*row.turn)
    record = sent.after.get(row.contact) or sent.fresh.get(row.contact)
    if row.status == "gone":
        _gone(context, uow, row, record)
        return
    if record is not None:
        store_records(context, uow, [record], source="crm")
    if row.status == "rejected":
        if row.contact not in context.unread:  # that is noted already, and read again by the next run
            uow.put_quarantine(row.contact, row.detail, context.now)
            uow.mark_retry([row.contact])
        context.troubles.append(f"contact {row.contact}: the CRM refused a change: {row.detail}")
    else:
        context.overtaken[row.contact] += 1
        uow.mark_dirty([row.contact], row.status)


def _gone(context: Context, uow: UnitOfWork, row: Intent, record: Record | None) -> None:
    if record is not None and record.id != row.contact:
        store_records(context, uow, [record], source="crm")
        uow.mark_dirty([record.id], "merged")
    else:
        drop_contacts(context, uow, [row.contact])


def _count(context: Context, written: Sequence[Intent]) -> None:
    for row in written:
        context.counts.holds_changed += any(change.before == POLICY for change in row.changes)
        count_mark(context, row.changes)
        states = [change.after for change in row.changes if change.field == "state"]
        if is_mark(row) or is_answer(row):
            continue
        if row.before is None or row.before.silent:
            context.counts.handed_off += 1
        elif State.RECYCLED.value in states:
            context.counts.recycled += 1


def _audit(sent: Sent, row: Intent) -> AuditRow:
    raced = next((fields for intent, fields in sent.lost_races if intent.id == row.id), "")
    inputs: dict[str, object] = {"fields": [change.field for change in row.changes]}
    if raced:
        inputs["lost_race"] = raced
    if row.status == "rejected":
        inputs["reason"] = row.detail  # the intent may be planned anew, and then forgets it
    return AuditRow(
        effect=row.id, contact=row.contact, episode=row.episode, rule="write", inputs=inputs, outcome=row.status
    )
