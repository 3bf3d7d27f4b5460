"""Hints: the CRM said that something happened to a contact; it is looked at at once, whatever else is under way.

A hint says where to look and nothing more (P4): the contact is read straight from the CRM, decided, and its writes are
done, a hundred hints at a time. Each such batch is a run of its own with an `as_of` of its own (I9), under the lease of
whoever drains: inside a long pull at its page boundaries, or between scheduled runs (engine/hint_run.py). Its run row
says "cut off" until it is done, and its hints wait until then: a kill repeats them, harmlessly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from connector.domain.contact import Contact, ContactId
from connector.domain.hint import Hint, HintKind
from connector.domain.quota import Purpose
from connector.domain.record import Record
from connector.domain.run import HINTS, RunCounts, RunId, RunStatus
from connector.engine import hint_meetings
from connector.engine.answers import take_up
from connector.engine.consider import consider_batch
from connector.engine.context import BATCH, OVERLAP, ROUNDS, Context
from connector.engine.erase import PRIVACY, erase_now
from connector.engine.guard import Guard
from connector.engine.hint_forms import look_up
from connector.engine.intake import drop_contacts, store_records
from connector.engine.outgoing import send
from connector.engine.write import write_open_intents
from connector.rules.fields import properties_to_read
from connector.rules.quota import since

SHOWN_LATE = timedelta(minutes=1)
"""So long a hint waits for a form submission that the contact tells of and the list of submissions does not show yet,
or for the outcome of a write that had no clear answer; after it, the next scheduled run sees to it."""

MOST_AT_ONCE = 5_000
"""Hints looked at before anything else goes on; those that keep coming must not keep a run from its end."""

ALONE = RunId("hints")
"""The run under way where hints are looked at between two scheduled ones: no row is kept under it."""

CUT_OFF = "cut off; its hints are looked at again"


def drain(context: Context) -> int:
    """One batch of at most a hundred waiting hints; gives how many were looked at, 0 when none wait.

    `context` is the one of the run under way; its own counts and `as_of` stay as they are.
    """
    with context.store.reading() as uow:
        hints = [one for one in uow.waiting_hints(BATCH + len(context.late_hints)) if one.id not in context.late_hints]
    hints = hints[:BATCH]
    if not hints:
        return 0
    if context.writes:
        write_open_intents(context)  # what the run under way has decided counts as its own
    batch = _Batch(context, hints)
    with context.crm.spend(Purpose.DECIDE):
        batch.run()
    if context.writes:
        send(batch.context)
    context.troubles += [line for line in batch.context.troubles if line not in context.troubles]
    return len(hints)


def drain_all(context: Context, *, most: int) -> int:
    """Batches while they are full, but no more than `most` hints.

    What comes meanwhile waits for the next look: one after the other, each would cost as many calls as a hundred.
    """
    looked_at, done = 0, BATCH
    while looked_at < most and done == BATCH:
        done = drain(context)
        looked_at += done
        context.progress.step("hints", looked_at)
    return looked_at


class _Batch:
    """At most a hundred hints on their way; `context` becomes that of their own run once the contacts are read."""

    def __init__(self, context: Context, hints: Sequence[Hint]) -> None:
        self.context, self.hints = context, hints
        self.erased = {hint.contact for hint in hints if hint.kind is HintKind.ERASED}
        self.asked = [one for one in dict.fromkeys(hint.contact for hint in hints) if one not in self.erased]
        self.late: set[ContactId] = set()
        self._spent = context.crm.spent() if context.run.id == ALONE else None

    def run(self) -> None:
        properties = properties_to_read(self.context.book.fields)
        found = self.context.crm.read_contacts(self.asked, properties) if self.asked else {}
        self.context = _run_of_its_own(self.context, self.hints, list(found.values()))
        erase_now(self.context.store, self.erased, at=self.context.now, cause=PRIVACY)
        contacts = self._store(found)
        self.late = look_up(self.context, self.hints, contacts) | hint_meetings.look_up(
            self.context, self.hints, contacts
        )
        self._decide(list(contacts))
        self._finish()

    def _store(self, found: Mapping[ContactId, Record]) -> dict[ContactId, Contact]:
        """T1: the records as they are now; what the CRM has no more is gone here too."""
        records = list({record.id: record for record in found.values()}.values())
        with self.context.store.transaction() as uow:
            uow.put_run(self.context.run)
            uow.finish_run(self.context.run.id, RunStatus.FAILED, self.context.counts, self.context.now, CUT_OFF)
            stored = store_records(self.context, uow, records)
            drop_contacts(self.context, uow, [one for one in self.asked if one not in found])
        self.context.counts.contacts_pulled += len(records)
        return {record.id: stored[record.id].contact for record in records if record.id in stored}

    # -- decide, write, finish ---------------------------------------------------------------------------------

    def _decide(self, ids: Sequence[ContactId]) -> None:
        """On what stands in the CRM; then by what their holders answered (R20)."""
        self._decide_all(ids)
        while self.context.writes and take_up(self.context, frozenset(ids)):
            self._decide_all(ids)

    def _decide_all(self, ids: Sequence[ContactId]) -> None:
        """Moves without news of the contact's own wait for the run whose guard sees them all: none pass here."""
        covered = self.context.covered
        guard = Guard(new_since=covered - OVERLAP if covered else None, allowance=0)
        for _ in range(ROUNDS + 1):
            decided = consider_batch(self.context, guard, ids) if ids else 0
            written = write_open_intents(self.context) if self.context.writes else 0
            if not decided and not written:  # who waited for a write is decided after it
                return

    def _finish(self) -> None:
        """T2 of the batch: outcomes stand, and its hints are done."""
        context = self.context
        recent = context.now - SHOWN_LATE
        wait = self.late | context.unclear  # an answer that is not clear yet is looked for again, too (I7)
        held_back = {hint.id for hint in self.hints if hint.contact in wait and hint.occurred_at > recent}
        context.late_hints |= held_back
        with context.store.transaction() as uow:
            done = [hint for hint in self.hints if hint.id not in held_back]
            uow.finish_hints([hint.id for hint in done if hint.contact not in self.erased], context.now)
            uow.drop_hints([hint.id for hint in done if hint.contact in self.erased])
            state = uow.portal_state()
            if state is not None and (state.as_of is None or state.as_of < context.now):
                uow.put_portal_state(replace(state, as_of=context.now))
            failed = context.counts.changes_rejected or context.counts.quarantined
            status = RunStatus.COMPLETED_WITH_ERRORS if failed else RunStatus.COMPLETED
            if self._spent is not None:
                context.counts.quota = since(self._spent, context.crm.spent())
            uow.finish_run(context.run.id, status, context.counts, context.now, "")


def _run_of_its_own(context: Context, hints: Sequence[Hint], records: Sequence[Record]) -> Context:
    """A run as of now, under the lease and by the rules of the one under way.

    Its `as_of` is later than all that was just read: what a contact did is not answered before it happened.
    """
    newest = max([*(hint.occurred_at for hint in hints), *(record.modified_at for record in records)])
    if newest > context.clock.latest():
        context.clock.hear(context.crm.portal().now)
    as_of = max(context.clock.latest(), context.run.as_of)
    run = replace(
        context.run,
        id=RunId(f"{HINTS}{as_of:%Y%m%dT%H%M%S}_{uuid4().hex[:6]}"),
        started_at=as_of,
        as_of=as_of,
        status=RunStatus.FAILED,
        resumed=False,
    )
    return replace(
        context,
        run=run,
        counts=RunCounts(),
        adopt=frozenset(),
        overtaken=Counter(),
        trailed=set(),
        planned=[],
        troubles=[],
    )
