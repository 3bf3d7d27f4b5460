"""Write: open intents into the CRM, in the one order that keeps its promises, and what became of them (T2).

    1 list add         before anyone is told that sales has the lead (I1)
    2 re-read          somebody may have been faster: then theirs stands and we decide again (I2)
    3 PATCH            only what differs; a stage that goes back is cleared first, in a request of its own
    4 read back        what stands there is the truth, not what was sent; an edit that we overwrote is put back
    5 list remove      only once the CRM shows the release (I1), or that the handover was not taken; then tasks
    6 T2               outcomes, notices held → due, all in one transaction (I4)

An intent found open after a kill goes the same way: what is already so is not written again (I7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from connector.domain.change import Change, ChangeKind, OutcomeKind
from connector.domain.contact import ContactId, OwnerId
from connector.domain.episode import State
from connector.domain.record import Edit, Record
from connector.domain.run import is_undo
from connector.engine.context import BATCH, Context
from connector.engine.guard import refuses_too_much
from connector.engine.hold import note_list, saw_list
from connector.engine.ports import AuditRow, Intent, StoredContact, UnitOfWork, Write
from connector.engine.pull import drop_contacts, store_records
from connector.engine.timers import restore_timers
from connector.engine.withdraw import withdraw
from connector.errors import UnknownPropertyError
from connector.rules.fields import normalise, properties_to_read, property_of, to_wire
from connector.rules.plan import ANSWERS

SHARED = ("stage", "status", "owner")
"""Fields that people edit too; the history of these tells whose value stands (I2)."""

SAID = (*SHARED, *ANSWERS)
"""Whatever of ours a person may have written over, or we over theirs."""

MARKS = ("episode", "state")
"""Fields that nobody else writes: where they stand as wanted, the whole request was taken."""


def write_open_intents(context: Context, *, at_least: int = 1) -> int:
    """Bring every open intent to an outcome; gives how many. Those without a clear answer stay open (I7).

    `at_least`: fewer than so many wait for more to go with them.
    """
    settled, unclear = 0, set[str]()
    while not refuses_too_much(context.attempted, context.refused, released=context.options.release_mass_change):
        with context.store.reading() as uow:
            waiting = [row for row in uow.intents("open", BATCH + len(unclear)) if row.id not in unclear][:BATCH]
        if len(waiting) < at_least:
            return settled
        left = write_batch(context, waiting)
        settled += len(waiting) - len(left)
        unclear |= left
    return settled


def write_batch(context: Context, intents: Sequence[Intent]) -> set[str]:
    """Bring at most a hundred intents to an outcome; gives the ids of those without a clear answer."""
    batch = _Batch(context, intents)
    batch.send()
    with context.store.transaction() as uow:
        batch.settle(uow)
    context.unclear |= {row.contact for row in intents if row.id in batch.unclear}
    return batch.unclear


@dataclass(slots=True)
class _Batch:
    """At most a hundred intents of as many contacts on their way."""

    context: Context
    intents: Sequence[Intent]
    fresh: Mapping[ContactId, Record] = field(default_factory=dict)
    after: Mapping[ContactId, Record] = field(default_factory=dict)
    verdicts: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Intent id → status and detail, as soon as one is known."""
    unclear: set[str] = field(default_factory=set)
    applied: set[str] = field(default_factory=set)
    """Intents that stand in the CRM already, from a try that had no answer."""
    lost_races: list[tuple[Intent, str]] = field(default_factory=list)
    on_list: set[ContactId] = field(default_factory=set)
    off_list: set[ContactId] = field(default_factory=set)
    list_id: str | None = None
    """Of the list that members were added to."""

    # -- sending -----------------------------------------------------------------------------------------------

    def send(self) -> None:
        self._add_to_list()
        self._reread()
        self._patch()
        self._read_back()
        self._remove_from_list()
        self._tasks()

    def _going(self) -> list[Intent]:
        return [row for row in self.intents if row.id not in self.verdicts and row.id not in self.unclear]

    def _add_to_list(self) -> None:
        for name, rows in _by_list(self._going(), ChangeKind.LIST_ADD).items():
            try:
                members = self.context.crm.add_to_list(name, [row.contact for row in rows])
            except UnknownPropertyError as error:
                self._wait_for_list(rows, error)
                continue
            self.list_id = self.context.crm.list_id(name)
            self.on_list |= members
            for row in rows:
                if row.contact not in members:
                    self.verdicts[row.id] = ("gone", "the CRM does not know this contact any more")

    def _reread(self) -> None:
        rows = self._going()
        properties = properties_to_read(self.context.book.fields)
        self.fresh = self.context.crm.read_contacts([row.contact for row in rows], properties)
        for row in rows:
            record = self.fresh.get(row.contact)
            if record is None:
                self.verdicts[row.id] = ("gone", "the contact was deleted in the CRM")
            elif record.id != row.contact:
                self.verdicts[row.id] = ("gone", "the contact was merged into another one")
            elif self._was_applied(row, record):
                self.applied.add(row.id)
            elif not self._as_expected(row, record):
                self.verdicts[row.id] = ("overtaken", "somebody edited it since it was read; their value stands")
            elif not self._is_readable(record):
                self.verdicts[row.id] = ("rejected", "its record cannot be read as it is now")

    def _was_applied(self, row: Intent, record: Record) -> bool:
        """An earlier try got through without an answer (I7): what differs now was edited after it, and stands."""
        marks = {prop: change for prop, change in self._wire(row).items() if change.field in MARKS}
        now = record.properties
        return bool(marks) and all((now.get(prop) or "") == _text(self.context, c) for prop, c in marks.items())

    def _as_expected(self, row: Intent, record: Record) -> bool:
        """Each guarded value is as we read it, or already what we want to write."""
        wanted = self._wire(row)
        cleared = {prop for prop, change in wanted.items() if change.backward}
        for prop, expected in row.expected.items():
            now = record.properties.get(prop) or ""
            ours = _text(self.context, wanted[prop]) if prop in wanted else None
            if now == (expected or "") or now == ours or (prop in cleared and now == ""):
                continue
            return False
        return True

    def _is_readable(self, record: Record) -> bool:
        """Nobody is written to whose record breaks us (P5, P7)."""
        try:
            normalise(record, self.context.book.fields, self.context.book.stages.values)
        except Exception:  # around one record; store_records says which and why
            return False
        return True

    def _wire(self, row: Intent) -> dict[str, Change]:
        rules = self.context.book.fields
        return {property_of(c.field, rules): c for c in row.changes if c.kind is ChangeKind.FIELD}

    def _patch(self) -> None:
        """Two requests where a stage goes back: clear, then set (hubspot-facts, section 4)."""
        clears, writes = [], []
        for row in self._going():
            if row.id in self.applied:
                continue
            present = self.fresh[row.contact].properties
            wanted = {prop: _text(self.context, change) for prop, change in self._wire(row).items()}
            differs = {prop: text for prop, text in wanted.items() if (present.get(prop) or "") != text}
            backward = {
                prop: "" for prop, c in self._wire(row).items() if c.backward and prop in differs and present.get(prop)
            }
            if backward:
                clears.append(Write(contact=row.contact, properties=backward))
            if differs:
                writes.append(Write(contact=row.contact, properties=differs))
        self._update(clears)
        gone_wrong = {row.contact for row in self.intents if row.id in self.verdicts or row.id in self.unclear}
        self._update([write for write in writes if write.contact not in gone_wrong])

    def _update(self, writes: Sequence[Write]) -> None:
        if not writes:
            return
        by_contact, missing = {row.contact: row for row in self._going()}, list[tuple[Intent, str]]()
        for result in self.context.crm.update_contacts(writes):
            row = by_contact[result.contact]
            if result.kind is OutcomeKind.REJECTED:
                self.verdicts[row.id] = ("rejected", result.detail)
            elif result.kind is OutcomeKind.GONE:
                missing.append((row, result.detail))
            elif result.kind is OutcomeKind.LATER:
                self.unclear.add(row.id)
        self._see_whether_gone(missing)

    def _see_whether_gone(self, missing: Sequence[tuple[Intent, str]]) -> None:
        """Nobody is dropped on the word of a refused write alone (P7)."""
        if not missing:
            return
        there = self.context.crm.read_contacts([row.contact for row, _ in missing], ())
        for row, detail in missing:
            self.verdicts[row.id] = ("rejected" if row.contact in there else "gone", detail)

    def _read_back(self) -> None:
        rows = self._going()
        rules = self.context.book.fields
        written = {change.field for row in rows for change in row.changes if change.kind is ChangeKind.FIELD}
        told = [property_of(name, rules) for name in SAID if name in SHARED or name in written]
        self.after = self.context.crm.read_contacts(
            [row.contact for row in rows], properties_to_read(rules), history=told
        )
        restore = [write for row in rows if (write := self._overwritten(row))]
        if restore:
            self._put_back(restore)
            again = self.context.crm.read_contacts([write.contact for write in restore], properties_to_read(rules))
            self.after = {**self.after, **again}
        for row in self._going():
            self._verify(row)

    def _put_back(self, writes: Sequence[Write]) -> None:
        """People's values as they were; a stage of theirs may lie behind ours, so it is cleared first."""
        stage = property_of("stage", self.context.book.fields)
        clears = [Write(contact=w.contact, properties={stage: ""}) for w in writes if w.properties.get(stage)]
        said = [*self.context.crm.update_contacts(clears), *self.context.crm.update_contacts(writes)]
        unsure = {result.contact for result in said if result.kind is OutcomeKind.LATER}
        for row in self.intents:
            if row.contact in unsure:  # the next try finds the race again, and puts back what is not
                del self.verdicts[row.id]
                self.unclear.add(row.id)

    def _overwritten(self, row: Intent) -> Write | None:
        """An edit by a person between our read and our write: put it back, and all else that we wrote with it (I2).

        What the decision rested on is the measure, not our re-read: that one may have come after a write of ours whose
        answer was lost.
        """
        record = self.after.get(row.contact)
        if record is None:
            return None
        theirs: dict[str, str] = {}
        for prop, change in self._wire(row).items():
            expected, wanted = row.expected.get(prop) or "", _text(self.context, change)
            edits = _without_clearing(record.history.get(prop, ())) if wanted else record.history.get(prop, ())
            if expected == wanted or not edits or edits[0].by_person or (edits[0].value or "") != wanted:
                continue
            earlier = [edit for edit in edits[1:] if (edit.value or "") != "" or not change.backward]
            if earlier and earlier[0].by_person and (earlier[0].value or "") not in (expected, wanted):
                theirs[prop] = earlier[0].value or ""
        if not theirs:
            return None
        self.lost_races.append((row, ", ".join(sorted(theirs))))
        self.verdicts[row.id] = ("overtaken", "a person edited it in the very moment; their value was put back")
        return Write(contact=row.contact, properties={**self._as_before(row, record), **theirs})

    def _as_before(self, row: Intent, record: Record) -> dict[str, str]:
        """Ours, where it still stands, as it was: the CRM may not show a handover that is taken back (I1, P3)."""
        before: dict[str, str] = {}
        for prop, change in self._wire(row).items():
            expected, wanted = row.expected.get(prop) or "", _text(self.context, change)
            if expected != wanted and (record.properties.get(prop) or "") == wanted:
                before[prop] = expected
        return before

    def _verify(self, row: Intent) -> None:
        record = self.after.get(row.contact)
        if record is None or (row.id not in self.applied and not self._is_readable(record)):
            self.unclear.add(row.id)
            return
        if row.id in self.applied:
            self.verdicts[row.id] = ("written", "")
            return
        shown = normalise(record, self.context.book.fields, self.context.book.stages.values)
        stays = [
            c.field
            for c in self._wire(row).values()
            if _text(self.context, replace(c, after=shown.get(c.field))) != _text(self.context, c)
        ]
        theirs = [name for name in stays if self._edited_since(row, property_of(name, self.context.book.fields))]
        if stays == theirs:
            self.verdicts[row.id] = ("written", "")
        else:
            self.verdicts[row.id] = ("rejected", f"the CRM did not take {', '.join(sorted(stays))}")

    def _edited_since(self, row: Intent, prop: str) -> bool:
        """Whether a person edited it right after our write: theirs stands, and is news."""
        edits = self.after[row.contact].history.get(prop, ())
        if not edits or not edits[0].by_person:
            return False
        moved = (edits[0].value or "") != (self.fresh[row.contact].properties.get(prop) or "")
        ours = _text(self.context, self._wire(row)[prop]) if prop in self._wire(row) else None
        return moved or (len(edits) > 1 and (edits[1].value or "") == ours and not edits[1].by_person)

    def _remove_from_list(self) -> None:
        """Those released, and those whom we put on for a handover that the CRM or a person did not let stand."""
        written = [row for row in self.intents if self._said_of(row) == "written"]
        undone = [row for row in self.intents if self._said_of(row) in ("rejected", "overtaken")]
        off = _by_list(written, ChangeKind.LIST_REMOVE)
        for name, rows in _by_list(undone, ChangeKind.LIST_ADD).items():
            off.setdefault(name, []).extend(rows)
        for name, rows in off.items():
            try:
                self.off_list |= self.context.crm.remove_from_list(name, [row.contact for row in rows])
            except UnknownPropertyError as error:
                self._wait_for_list(rows, error)

    def _wait_for_list(self, rows: Sequence[Intent], error: UnknownPropertyError) -> None:
        """No handover without the list, and no end of one either; the others go on (I1, P7)."""
        for row in rows:
            self.verdicts.pop(row.id, None)
            self.unclear.add(row.id)
        trouble = f"{error}; {len(rows)} leads wait for it. {error.advice}"
        if trouble not in self.context.troubles:
            self.context.troubles.append(trouble)

    def _tasks(self) -> None:
        for row in self.intents:
            if self._said_of(row) != "written":
                continue
            for change in row.changes:
                if change.kind is ChangeKind.TASK:
                    self._task(row, change)

    def _task(self, row: Intent, change: Change) -> None:
        rules = self.context.book.fields
        owner = self.after[row.contact].properties.get(property_of("owner", rules))
        if owner and isinstance(change.before, str):
            self.context.crm.ensure_task(
                row.contact, OwnerId(owner), change.field, change.before, self.context.now, key=row.id
            )

    # -- settling (T2) -----------------------------------------------------------------------------------------

    def settle(self, uow: UnitOfWork) -> None:
        """Outcomes, and notices held → due or taken back. Where the CRM said no, the episode stands as before."""
        rows = [
            replace(row, status=s, detail=d, tries=row.tries + 1) for row in self.intents for s, d in self._said(row)
        ]
        uow.settle_intents(rows)
        if self.list_id is not None:
            note_list(self.context, uow, self.list_id)
            saw_list(self.context, uow)
        uow.set_on_list(sorted(self.on_list), True)
        uow.set_on_list(sorted(self.off_list), False)
        written = [row for row in rows if row.status == "written"]
        self.context.attempted += len(rows)
        self.context.refused += sum(row.status == "rejected" for row in rows)
        uow.release_entries([row.id for row in written], self.context.now)
        uow.clear_quarantine([row.contact for row in written if row.contact not in self.context.unread])
        self._store(uow, written)
        withdraw(self.context, uow, [row for row in written if is_undo(row.run)])
        for row in rows:
            if row.status != "written":
                self._take_back(uow, row)
        uow.audit(self.context.run.id, [self._audit(row) for row in rows], self.context.now)
        self._count(written)
        self.context.counts.changes_written += sum(len(row.changes) for row in written)
        self.context.counts.changes_rejected += sum(len(row.changes) for row in rows if row.status == "rejected")

    def _store(self, uow: UnitOfWork, written: Sequence[Intent]) -> None:
        """What stands in the CRM now. What others changed in it since it was decided on is news (I2)."""
        known = uow.contacts([row.contact for row in written])
        news = [row.contact for row in written if row.contact in known and self._is_news(row, known[row.contact])]
        records = [self.after[row.contact] for row in written]
        store_records(self.context, uow, records, source="handoff", dirty=False)
        uow.mark_dirty(news, "edited meanwhile")

    def _is_news(self, row: Intent, before: StoredContact) -> bool:
        record, ours, now = self.after[row.contact], self._wire(row), self.context.now
        others = ((prop, value) for prop, value in record.properties.items() if prop not in ours)
        if any((before.raw.get(prop) or "") != (value or "") for prop, value in others):
            return True
        latest = {prop: edits[0] for prop, edits in record.history.items() if edits and edits[0].by_person}
        # By its time, or by its value: a write whose answer was lost may be settled in a later run than the edit.
        return any(edit.at >= now for edit in latest.values()) or any(
            (edit.value or "") != _text(self.context, ours[prop]) for prop, edit in latest.items() if prop in ours
        )

    def _said_of(self, row: Intent) -> str:
        return self.verdicts.get(row.id, ("", ""))[0]

    def _said(self, row: Intent) -> Iterable[tuple[str, str]]:
        if row.id in self.verdicts:
            yield self.verdicts[row.id]

    def _take_back(self, uow: UnitOfWork, row: Intent) -> None:
        """The decision did not reach the CRM: nobody is told, and the contact is decided again on what stands there."""
        uow.cancel_entries([row.id], row.detail)
        if row.before is not None:
            uow.put_episode(row.before, at=self.context.now, cause=row.status)
        elif row.episode is not None:
            uow.delete_episode(row.episode)
        restore_timers(self.context, uow, row.contact)
        if row.turn is not None:
            uow.hand_back_turn(*row.turn)
        record = self.after.get(row.contact) or self.fresh.get(row.contact)
        if row.status == "gone":
            self._gone(uow, row, record)
            return
        if record is not None:
            store_records(self.context, uow, [record], source="crm")
        if row.status == "rejected":
            if row.contact not in self.context.unread:  # that is noted already, and read again by the next run
                uow.put_quarantine(row.contact, row.detail, self.context.now)
                uow.mark_retry([row.contact])
            self.context.troubles.append(f"contact {row.contact}: the CRM refused a change: {row.detail}")
        else:
            self.context.overtaken[row.contact] += 1
            uow.mark_dirty([row.contact], row.status)

    def _gone(self, uow: UnitOfWork, row: Intent, record: Record | None) -> None:
        if record is not None and record.id != row.contact:
            store_records(self.context, uow, [record], source="crm")
            uow.mark_dirty([record.id], "merged")
        else:
            drop_contacts(self.context, uow, [row.contact])

    def _count(self, written: Sequence[Intent]) -> None:
        for row in written:
            states = [change.after for change in row.changes if change.field == "state"]
            if row.before is None or row.before.silent:
                self.context.counts.handed_off += 1
            elif State.RECYCLED.value in states:
                self.context.counts.recycled += 1

    def _audit(self, row: Intent) -> AuditRow:
        raced = next((fields for intent, fields in self.lost_races if intent.id == row.id), "")
        inputs: dict[str, object] = {"fields": [change.field for change in row.changes]}
        if raced:
            inputs["lost_race"] = raced
        return AuditRow(
            effect=row.id, contact=row.contact, episode=row.episode, rule="write", inputs=inputs, outcome=row.status
        )


def _without_clearing(edits: Sequence[Edit]) -> Sequence[Edit]:
    """Newest first, without the emptying by which we began to put a value back and were cut off."""
    first = next((n for n, edit in enumerate(edits) if edit.by_person or edit.value), len(edits))
    return edits[first:]


def _by_list(rows: Sequence[Intent], kind: ChangeKind) -> dict[str, list[Intent]]:
    lists: dict[str, list[Intent]] = {}
    for row in rows:
        for change in row.changes:
            if change.kind is kind:
                lists.setdefault(change.field, []).append(row)
    return lists


def _text(context: Context, change: Change) -> str:
    return to_wire(change.field, change.after, context.book.fields, context.book.stages.values)
