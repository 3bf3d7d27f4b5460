"""Deep check: what is stored beside what the CRM has, contact by contact and both ways. Writes nothing, here or there.

All of them: the CRM's list of contacts is read and each compared with what is stored; of the stored ones, those that
it did not show are asked about. A sample: stored ones picked at random are read, and so are some of those that the CRM
shows for random spans of time, which finds what was never stored. What differs is named as the record store has it, not
as a list or an index showed it: by contact and field, never by value.

Left out is what the next run may still bring: changed in the CRM later than `LATEST` before the watermark.
"""

from __future__ import annotations

import random
from array import array
from bisect import bisect_left
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice

from connector.domain.contact import ContactId
from connector.domain.record import Record
from connector.engine.context import BATCH
from connector.engine.deep_report import DeepReport, Difference, Kind
from connector.engine.erase import VANISHED
from connector.engine.ports import Crm, MarketingSource, PortalInfo, Progress, Store, StoredContact, Window
from connector.engine.pull import CONTACTS, LATEST
from connector.errors import SettingsError
from connector.rules.fields import FieldRules, properties_to_read
from connector.rules.rulebook import RuleBook

WALKED = 1_000
PAGE = 200
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def deep_check(
    source: MarketingSource,
    crm: Crm,
    store: Store,
    book: RuleBook,
    portal: PortalInfo,
    *,
    sample: int | None,
    rng: random.Random,
    progress: Progress,
) -> DeepReport:
    """Compare `sample` contacts of ours, and about as many of the CRM's; all of both where it is None.

    Raises:
        SettingsError: nothing was pulled yet, or by other rules.
    """
    report = _begin(store, book, portal, whole=sample is None)
    check = _Check(source, crm, store, book.fields, report, progress)
    if sample is None:
        check.all()
    else:
        check.some(sample, rng)
    report.api_calls = crm.api_calls()
    return report


def _begin(store: Store, book: RuleBook, portal: PortalInfo, *, whole: bool) -> DeepReport:
    with store.reading() as uow:
        state, covered = uow.portal_state(), uow.watermark(CONTACTS)
    if state is None or covered is None:
        raise SettingsError("no run has read this portal's contacts to the end yet", advice="Run `handoff sync` first.")
    if state.rules != book.fingerprint:
        raise SettingsError(
            "the rules changed since the last run, so what is stored was read by others",
            advice="Run `handoff sync` first; it reads again what the new rules read.",
        )
    return DeepReport(portal=portal.id, covered=covered, until=covered - LATEST[CONTACTS], whole=whole)


class _Check:
    """One check under way."""

    def __init__(
        self,
        source: MarketingSource,
        crm: Crm,
        store: Store,
        fields: FieldRules,
        report: DeepReport,
        progress: Progress,
    ) -> None:
        self._source, self._crm, self._store, self._report, self._progress = source, crm, store, report, progress
        self._properties = properties_to_read(fields)
        self._names = {rule.property: name for name, rule in fields.fields.items() if rule.property}
        self._bin: frozenset[ContactId] | None = None

    # -- which ---------------------------------------------------------------------------------------------------

    def all(self) -> None:
        shown = array("q")  # eight bytes for each contact: a million of their ids would not fit beside a small machine
        for page in self._source.pull_all_contacts(self._properties, cursor=None, by_search=False):
            shown.extend(hash(record.id) for record in page.records)
            self._theirs(page.records)
        ordered = array("q", sorted(shown))
        for ids in self._walk():
            self._report.ours += len(ids)
            self._ours([one for one in ids if not _holds(ordered, hash(one))])

    def some(self, most: int, rng: random.Random) -> None:
        picked, stored = self._pick(most, rng)
        for start in range(0, len(picked), BATCH):
            ids = picked[start : start + BATCH]
            self._report.ours += len(ids)
            self._ours(ids)
            self._progress.step("contacts stored here", self._report.ours, len(picked))
        done = set(picked)
        for window in self._spans(picked, stored, -(-most // PAGE), rng):
            for page in islice(self._source.pull_changed_contacts(window, self._properties, cursor=None), 1):
                self._theirs(page.records, done)
                done.update(record.id for record in page.records)

    def _walk(self) -> Iterator[list[ContactId]]:
        """Ids of contacts that are here and not known to be gone, some at a time."""
        after = ""
        while True:
            with self._store.reading() as uow:
                ids = uow.contact_ids_after(after, WALKED)
                known = uow.contacts(ids)
            if not ids:
                return
            after = ids[-1]
            yield [one for one in ids if one in known and not known[one].gone]

    def _pick(self, most: int, rng: random.Random) -> tuple[list[ContactId], int]:
        """So many at random, each with the same chance, and of how many."""
        picked: list[ContactId] = []
        stored = 0
        for ids in self._walk():
            for one in ids:
                stored += 1
                if len(picked) < most:
                    picked.append(one)
                elif (place := rng.randrange(stored)) < most:
                    picked[place] = one
        return picked, stored

    def _spans(self, picked: Sequence[ContactId], stored: int, most: int, rng: random.Random) -> Iterator[Window]:
        """Spans of time in which about a page of contacts was changed last, between the instants of the sample."""
        with self._store.reading() as uow:
            instants = {row.contact.modified_at for row in uow.contacts(picked).values()}
        edges = sorted({BEGINNING, *(at for at in instants if at < self._report.until), self._report.until})
        step = max(1, PAGE * len(picked) // max(1, stored))
        starts = range(0, len(edges) - 1, step)
        for start in sorted(rng.sample(starts, min(most, len(starts)))):
            yield Window(since=edges[start], until=edges[min(start + step, len(edges) - 1)])

    # -- compare -------------------------------------------------------------------------------------------------

    def _theirs(self, records: Sequence[Record], done: Container[ContactId] = ()) -> None:
        """The CRM showed these; `done` were compared already."""
        self._report.theirs += len(records)
        self._progress.step("contacts in the CRM", self._report.theirs)
        if doubtful := [found.contact for found in self._compare(records) if found.contact not in done]:
            self._judge(self._crm.read_contacts(doubtful, self._properties))

    def _ours(self, ids: Sequence[ContactId]) -> None:
        """These are stored."""
        for start in range(0, len(ids), BATCH):
            asked = ids[start : start + BATCH]
            found = self._crm.read_contacts(asked, self._properties)
            self._judge(found)
            lost = [one for one in asked if one not in found]
            if lost:
                self._name([(Difference(contact=one, kind=Kind.GONE), one in self._archived()) for one in lost])

    def _judge(self, found: Mapping[ContactId, Record]) -> None:
        """Name what differs of records as they stand now, by the id that was asked for."""
        late = {one: self._latest(record) > self._report.until for one, record in found.items()}
        moved = [Difference(contact=one, kind=Kind.MERGED) for one, record in found.items() if record.id != one]
        differ = self._compare([record for one, record in found.items() if record.id == one])
        self._name([(one, late[one.contact]) for one in (*moved, *differ)])

    def _compare(self, records: Sequence[Record]) -> list[Difference]:
        """Records beside what is stored of them at this moment."""
        with self._store.reading() as uow:
            known = uow.contacts([record.id for record in records])
        found = []
        for record in records:
            row = known.get(record.id)
            if row is None or row.gone or row.merged_into is not None:
                found.append(Difference(contact=record.id, kind=Kind.MISSING))
            elif fields := self._differing(record, row):
                found.append(Difference(contact=record.id, kind=Kind.DIFFERS, fields=fields))
        return found

    def _latest(self, record: Record) -> datetime:
        """When anything of it that is read may have changed: its company changes without it."""
        return max((record.changed_at(name) for name in self._properties), default=record.modified_at)

    def _differing(self, record: Record, row: StoredContact) -> tuple[str, ...]:
        if row.contact.modified_at > record.modified_at:
            return ()  # stored since it was read
        values = ((name, record.properties.get(name) or "", row.raw.get(name) or "") for name in self._properties)
        return tuple(self._names.get(name, name) for name, theirs, ours in values if theirs != ours)

    def _name(self, found: Sequence[tuple[Difference, bool]]) -> None:
        """Put what counts into the report; each with whether it came too late to be judged."""
        ids = [one.contact for one, _ in found]
        with self._store.reading() as uow:
            known, unread, erased = uow.contacts(ids), uow.unread(), uow.erased(ids)
        for one, late in found:
            row = known.get(one.contact)
            if one.kind in (Kind.GONE, Kind.MERGED) and (row is None or row.gone or row.merged_into is not None):
                continue  # a run took note of it meanwhile
            person = erased.get(one.contact)
            if person is not None and person.cause != VANISHED:
                self._report.erased += 1
            elif one.contact in unread:
                self._report.set_aside += 1
            elif late:
                self._report.open += 1
            else:
                self._report.name(one)

    def _archived(self) -> frozenset[ContactId]:
        """Contacts archived since; the bin is read once, and only where it is needed."""
        if self._bin is None:
            pages = self._source.pull_archived_contacts(self._report.until)
            self._bin = frozenset(one for ids in pages for one in ids)
        return self._bin


def _holds(ordered: Sequence[int], value: int) -> bool:
    place = bisect_left(ordered, value)
    return place < len(ordered) and ordered[place] == value
