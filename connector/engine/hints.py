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
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact, ContactId
from connector.domain.hint import Hint, HintKind
from connector.domain.record import Record
from connector.domain.run import HINTS, RunCounts, RunId, RunStatus
from connector.engine.consider import consider_batch
from connector.engine.context import BATCH, OVERLAP, ROUNDS, Context
from connector.engine.erase import PRIVACY, erase_now
from connector.engine.guard import Guard
from connector.engine.outgoing import send
from connector.engine.ports import Form
from connector.engine.pull import drop_contacts, store_activities, store_records
from connector.engine.write import write_open_intents
from connector.rules.fields import properties_to_read

ABOUT_THEN = timedelta(minutes=1)
"""So far apart may a contact's own word of a form and the submission itself be dated."""

SHOWN_LATE = timedelta(minutes=1)
"""So long a hint waits for a form submission that the contact tells of and the list of submissions does not show yet;
after it, the next scheduled run finds it."""

MOST_AT_ONCE = 5_000
"""Hints looked at before anything else goes on; those that keep coming must not keep a run from its end."""

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

    def run(self) -> None:
        properties = properties_to_read(self.context.book.fields)
        found = self.context.crm.read_contacts(self.asked, properties) if self.asked else {}
        self.context = _run_of_its_own(self.context, self.hints, list(found.values()))
        erase_now(self.context.store, self.erased, at=self.context.now, cause=PRIVACY)
        contacts = self._store(found)
        self._forms(contacts)
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

    # -- forms -------------------------------------------------------------------------------------------------

    def _forms(self, contacts: Mapping[ContactId, Contact]) -> None:
        """Of those who just sent a form that asks for sales, the submission itself: their contact only tells of it."""
        sent = {one: contact for one, contact in contacts.items() if self._just_sent(contact)}
        forms = self._wanted(list(sent.values())) if sent else []
        if not forms:
            return
        since = min(at for contact in sent.values() if (at := contact.instant("last_form_at"))) - ABOUT_THEN
        emails = {email for contact in sent.values() if (email := contact.text("email"))}
        shown = self.context.source.recent_submissions(forms, since, emails)
        rows = [row for row in shown if row.occurred_at <= self.context.now]  # a later one is for a later run
        with self.context.store.transaction() as uow:
            store_activities(self.context, uow, rows, "forms")
            known = uow.activities(list(sent), since)
        self.context.counts.activities_pulled += len(rows)
        self.late = {one for one, contact in sent.items() if _lacks(contact, known.get(one, []), forms)}

    def _just_sent(self, contact: Contact) -> bool:
        at = contact.instant("last_form_at")
        about = [hint.occurred_at for hint in self.hints if hint.contact == contact.id]
        return at is not None and bool(about) and at >= min(about) - ABOUT_THEN

    def _wanted(self, contacts: Sequence[Contact]) -> list[Form]:
        """Forms whose senders ask for sales, and of these the ones that the contacts name; where one names none of
        them, it may be any (hubspot-facts, section 7: the name is that of the page and the form, or of either)."""
        rules = self.context.book.qualification.hand_raisers.forms
        if not rules:
            return []
        asking = [
            form for form in self.context.source.forms() if any(rule.fits(_sample(form)) for rule in rules)
        ]
        texts = [contact.text("last_form").casefold() for contact in contacts]
        named = [form for form in asking if any(form.name.casefold() in text for text in texts)]
        return named if all(any(form.name.casefold() in text for form in named) for text in texts) else asking

    # -- decide, write, finish ---------------------------------------------------------------------------------

    def _decide(self, ids: Sequence[ContactId]) -> None:
        """Moves without news of the contact's own wait for the run whose guard sees them all: none pass here."""
        covered = self.context.covered
        guard = Guard(new_since=covered - OVERLAP if covered else None, allowance=0)
        for _ in range(ROUNDS + 1):
            decided = consider_batch(self.context, guard, ids) if ids else 0
            if self.context.writes:
                write_open_intents(self.context)
            if not decided:
                return

    def _finish(self) -> None:
        """T2 of the batch: outcomes stand, and its hints are done."""
        context = self.context
        recent = context.now - SHOWN_LATE
        held_back = {hint.id for hint in self.hints if hint.contact in self.late and hint.occurred_at > recent}
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


def _sample(form: Form) -> Activity:
    """A submission of this form, to ask the rules about it."""
    at = datetime.min.replace(tzinfo=UTC)
    kind = ActivityKind.FORM_SUBMISSION
    return Activity(stream="", id="", contact=None, kind=kind, occurred_at=at, name=form.name, ref=form.ref)


def _lacks(contact: Contact, known: Sequence[Activity], forms: Sequence[Form]) -> bool:
    """Whether the contact tells of a form of these and its submission has not come yet."""
    at, text = contact.instant("last_form_at"), contact.text("last_form").casefold()
    if at is None or not any(form.name.casefold() in text for form in forms):
        return False
    sent = ActivityKind.FORM_SUBMISSION
    return not any(row.kind is sent and row.occurred_at >= at - ABOUT_THEN for row in known)
