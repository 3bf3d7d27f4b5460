"""Write: open intents into the CRM, in the one order that keeps its promises, and what became of them (T2).

    1 list add         before anyone is told that sales has the lead (I1); for up to five batches at once
    2 re-read          somebody may have been faster: then theirs stands and we decide again (I2)
    3 PATCH            only what differs; a stage that goes back is cleared first, in a request of its own
    4 read back        what stands there is the truth, not what was sent; an edit that we overwrote is put back
    5 list remove      only once the CRM shows the release (I1), or that the handover was not taken
      notes and tasks  for what stands, each once by its key (I5, I7)
    6 T2               outcomes, notices held → due, all in one transaction (I4)

An intent found open after a kill goes the same way: what is already so is not written again (I7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from connector.domain.change import ChangeKind, OutcomeKind
from connector.domain.quota import Purpose
from connector.domain.record import Record
from connector.engine.beside import make_beside
from connector.engine.context import BATCH, Context
from connector.engine.guard import refuses_too_much
from connector.engine.listed import Listed, by_list, put_on_lists, take_off_again, wait_for_list
from connector.engine.ports import Intent, Write
from connector.engine.races import (
    SAID,
    SHARED,
    Wire,
    as_before,
    edited_since,
    is_as_expected,
    overwritten,
    was_applied,
    wire_text,
)
from connector.engine.settle import Sent, settle
from connector.engine.waiting import BATCHES_AT_ONCE
from connector.errors import UnknownPropertyError
from connector.rules.fields import normalise, properties_to_read, property_of


def write_open_intents(context: Context, only: Sequence[str] | None = None) -> int:
    """Bring open intents to an outcome; gives how many. Those without a clear answer stay open (I7).

    Args:
        only: ids of those to write, at most five hundred; None for all that are open.
    """
    if only is not None:
        with context.store.reading() as uow:
            waiting = [row for row in uow.intents_by_id(only) if row.status == "open"]
        return len(waiting) - len(write_group(context, waiting))
    settled, unclear, most = 0, set[str](), BATCHES_AT_ONCE * BATCH
    while not halted(context):
        with context.store.reading() as uow:
            waiting = [row for row in uow.intents("open", most + len(unclear)) if row.id not in unclear][:most]
        if not waiting:
            break
        left = write_group(context, waiting)
        settled += len(waiting) - len(left)
        unclear |= left
    return settled


def halted(context: Context) -> bool:
    """Whether the CRM refuses so much that nothing more is written in this run."""
    return refuses_too_much(context.attempted, context.refused, released=context.options.release_mass_change)


def write_group(context: Context, intents: Sequence[Intent]) -> set[str]:
    """Bring at most five hundred intents to an outcome; gives the ids of those that stay open.

    All of them go onto the list in one call; the rest is done for a hundred after the other, each to its end (T2).
    """
    unclear, start = set[str](), 0
    with context.crm.spend(Purpose.WRITE):
        listed = put_on_lists(context, intents)
        while start < len(intents) and not (start and halted(context)):
            unclear |= write_batch(context, intents[start : start + BATCH], listed)
            start += BATCH
        if halted(context):
            take_off_again(context, intents[start:])
    context.unclear |= {row.contact for row in intents if row.id in unclear}
    return unclear | {row.id for row in intents[start:]}


def write_batch(context: Context, intents: Sequence[Intent], listed: Listed) -> set[str]:
    """Bring at most a hundred intents to an outcome; gives the ids of those without a clear answer."""
    batch = _Batch(context, intents)
    batch.send(listed)
    with context.store.transaction() as uow:
        settle(batch, uow)
    return batch.unclear


@dataclass(slots=True)
class _Batch(Sent):
    """A batch on its way. `applied`: ids of intents that stand in the CRM already, from a try that had no answer."""

    applied: set[str] = field(default_factory=set)

    def send(self, listed: Listed) -> None:
        self._take_over(listed)
        self._reread()
        self._patch()
        self._read_back()
        self._remove_from_list()
        make_beside(self.context, [row for row in self.intents if self.said_of(row) == "written"], self.after)

    def _going(self) -> list[Intent]:
        return [row for row in self.intents if row.id not in self.verdicts and row.id not in self.unclear]

    def _take_over(self, listed: Listed) -> None:
        """What became of this batch when all of them were put on the list."""
        going = by_list(self.intents, ChangeKind.LIST_ADD)
        if going:
            self.list_id = listed.list_id
        for row in (row for rows in going.values() for row in rows):
            if row.id in listed.waiting:
                self.unclear.add(row.id)
            elif row.contact in listed.gone:
                self.verdicts[row.id] = ("gone", "the CRM does not know this contact any more")
            else:
                self.on_list.add(row.contact)

    def _reread(self) -> None:
        rows, book = self._going(), self.context.book
        self.fresh = self.context.crm.read_contacts([row.contact for row in rows], properties_to_read(book.fields))
        for row in rows:
            record = self.fresh.get(row.contact)
            if record is None:
                self.verdicts[row.id] = ("gone", "the contact was deleted in the CRM")
            elif record.id != row.contact:
                self.verdicts[row.id] = ("gone", "the contact was merged into another one")
            elif was_applied(self.wanted(row), record):
                self.applied.add(row.id)
            elif not is_as_expected(row, self.wanted(row), record):
                self.verdicts[row.id] = ("overtaken", "somebody edited it since it was read; their value stands")
            elif not self._is_readable(record):
                self.verdicts[row.id] = ("rejected", "its record cannot be read as it is now")

    def _is_readable(self, record: Record) -> bool:
        """Nobody is written to whose record breaks us (P5, P7)."""
        try:
            normalise(record, self.context.book.fields, self.context.book.stages.values)
        except Exception:  # around one record; store_records says which and why
            return False
        return True

    def _patch(self) -> None:
        """Two requests where a stage goes back: clear, then set (hubspot-facts, section 4)."""
        clears, writes = [], []
        for row in self._going():
            if row.id in self.applied:
                continue
            present = self.fresh[row.contact].properties
            wanted = self.wanted(row)
            differs = {prop: one.text for prop, one in wanted.items() if (present.get(prop) or "") != one.text}
            backward = {prop: "" for prop in differs if wanted[prop].backward and present.get(prop)}
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
        restore = [write for row in rows if (write := self._restored(row))]
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

    def _restored(self, row: Intent) -> Write | None:
        """An edit by a person between our read and our write: put it back, and all else that we wrote with it (I2)."""
        record, wanted = self.after.get(row.contact), self.wanted(row)
        theirs = overwritten(row, wanted, record) if record is not None else {}
        if record is None or not theirs:
            return None
        self.lost_races.append((row, ", ".join(sorted(theirs))))
        self.verdicts[row.id] = ("overtaken", "a person edited it in the very moment; their value was put back")
        return Write(contact=row.contact, properties={**as_before(row, wanted, record), **theirs})

    def _verify(self, row: Intent) -> None:
        record = self.after.get(row.contact)
        if record is None or (row.id not in self.applied and not self._is_readable(record)):
            self.unclear.add(row.id)
            return
        stays = self._not_taken(row, record) if row.id not in self.applied else {}
        fresh = self.fresh[row.contact]
        if all(edited_since(prop, wanted, fresh, record) for prop, wanted in stays.items()):
            self.verdicts[row.id] = ("written", "")
        else:
            names = sorted(wanted.field for wanted in stays.values())
            self.verdicts[row.id] = ("rejected", f"the CRM did not take {', '.join(names)}")

    def _not_taken(self, row: Intent, record: Record) -> Wire:
        """What does not stand as wanted, also where the CRM may spell the same value in another way."""
        book, now = self.context.book, record.properties
        differ = {prop: one for prop, one in self.wanted(row).items() if (now.get(prop) or "") != one.text}
        if not differ:
            return {}
        shown = normalise(record, book.fields, book.stages.values)
        return {
            prop: one for prop, one in differ.items() if wire_text(one.field, shown.get(one.field), book) != one.text
        }

    def _remove_from_list(self) -> None:
        """Those released, and those whom we put on for a handover that the CRM or a person did not let stand."""
        written = [row for row in self.intents if self.said_of(row) == "written"]
        undone = [row for row in self.intents if self.said_of(row) in ("rejected", "overtaken")]
        off = by_list(written, ChangeKind.LIST_REMOVE)
        for name, rows in by_list(undone, ChangeKind.LIST_ADD).items():
            off.setdefault(name, []).extend(rows)
        for name, rows in off.items():
            try:
                self.off_list |= self.context.crm.remove_from_list(name, [row.contact for row in rows])
            except UnknownPropertyError as error:
                self.unclear |= wait_for_list(self.context, rows, error)
                for row in rows:
                    self.verdicts.pop(row.id, None)
