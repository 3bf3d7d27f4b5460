"""Portal history: examples from the portal's own past, read from the CRM, of what it was before Handoff (R25).

    1. every contact with the history of its stage, and its deals  -> who became ready for sales, and when
    2. the activity streams over that time                         -> what those did until then
    3. those contacts with the history of all that is mapped       -> a row for each: as seen then, what became of it

Reads only, piece by piece; what one step leaves to the next is in a notebook on disk. Contacts that Handoff handed over
are left out: their examples are in engine/reports/training.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connector.domain.activity import ActivityKind
from connector.domain.contact import ContactId, PortalId
from connector.domain.deal import Deal
from connector.domain.episode import State, episode_id
from connector.domain.record import COMPANY, Record
from connector.engine.ports import NoProgress, Progress, Store, StreamOff, UnitOfWork, Window
from connector.engine.ports.past import Notebook, PortalPast, Ready
from connector.engine.reports.gather import NO_FORM, steps_of
from connector.rules.fields import properties_to_read, property_of
from connector.rules.lists import list_streams, stream_in_words
from connector.rules.reporting.causes import RULES
from connector.rules.reporting.credit import credited
from connector.rules.reporting.examples import PORTAL, example, shareable
from connector.rules.reporting.facts import FORM, GRADE
from connector.rules.reporting.passed import Passed, is_passed
from connector.rules.reporting.portal_outcome import PortalOutcome, outcome
from connector.rules.reporting.portal_past import (
    READY,
    ReadyAt,
    Seen,
    Then,
    addresses,
    as_it_was,
    as_seen,
    became_ready,
    lacking,
)
from connector.rules.rulebook import RuleBook

AT_ONCE = 800
"""Contacts whose deals are asked for together; with a page of 200 on top they are no more than a thousand."""
A_FEW = 200
"""Ids in one question to the database."""
IN_DETAIL = 50
FORMS = "forms"
"""The stream of form submissions: where it cannot be read, nobody knows that there was none."""
BEFORE_THE_FIRST = 0
"""Ordinal of the example in the key; episodes count from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is asked: contacts that became ready from `since` (None: from the beginning) to before `until`.

    Attributes:
        now: until when outcomes are known.
        never_there: properties that the portal does not have and never had, Handoff's own.
    """

    portal: PortalId
    since: datetime | None
    until: datetime
    now: datetime
    never_there: Collection[str] = ()

    def holds(self, at: datetime) -> bool:
        return (self.since is None or at >= self.since) and at < self.until


@dataclass(slots=True, kw_only=True)
class PortalHistory:
    """What was found.

    Attributes:
        names: of all columns that any row has.
        dateless: contacts that stand in a stage of sales, and nobody can tell since when.
        ours: handed over by Handoff as well, and so left out.
        streams_off: stream -> why it cannot be read.
    """

    looked_at: int = 0
    examples: int = 0
    dateless: int = 0
    ours: int = 0
    names: dict[str, None] = field(default_factory=dict)
    streams_off: dict[str, str] = field(default_factory=dict)


def portal_history(
    crm: PortalPast, store: Store, notes: Notebook, book: RuleBook, past: Past, progress: Progress | None = None
) -> PortalHistory:
    """Fill the notebook with a row for each contact that became ready in the portal's past, oldest first.

    Costs a call for each 50 contacts of the portal, one for each 1,000 of them and each 100 deals, one for each 50
    examples, and what the activity streams cost over the time asked about.

    Raises:
        ConnectorError: what the CRM refuses; nothing is half written, for the rows are given out at the end.
    """
    return _Reading(crm, store, notes, book, past, progress or NoProgress()).read()


@dataclass(slots=True)
class _Reading:
    crm: PortalPast
    store: Store
    notes: Notebook
    book: RuleBook
    past: Past
    progress: Progress
    found: PortalHistory = field(default_factory=PortalHistory)
    noted: int = 0

    def read(self) -> PortalHistory:
        if self.past.since is not None and self.past.since >= self.past.until:
            return self.found
        self._find()
        self._gather_activities()
        self._tell()
        return self.found

    # -- 1: who, and when ----------------------------------------------------------------------------------------

    def _find(self) -> None:
        stage, email = (property_of(name, self.book.fields) for name in ("stage", "email"))
        for records in self._in_thousands((stage, email)):
            deals = self.crm.deals_of([one.id for one in records])
            with self.store.reading() as uow:
                ours = _handed_over(uow, records)
            ready = [self._ready(one, deals.get(one.id, ()), ours) for one in records]
            noted = [one for one in ready if one is not None]
            self.notes.note_ready(noted)
            self.noted += len(noted)
            self.found.looked_at += len(records)
            self.progress.step("contacts looked at", self.found.looked_at)

    def _in_thousands(self, history: Sequence[str]) -> Iterator[list[Record]]:
        waiting: list[Record] = []
        for page in self.crm.pull_dated_contacts(history, cursor=None):
            waiting += page.records
            if len(waiting) >= AT_ONCE:
                yield waiting
                waiting = []
        if waiting:
            yield waiting

    def _ready(self, record: Record, deals: Sequence[Deal], ours: Collection[ContactId]) -> Ready | None:
        stage, rules, kept = property_of("stage", self.book.fields), self.book.stages, self.crm.versions_kept
        edits = record.history.get(stage, ())
        at = became_ready(edits, deals, rules, created_at=record.created_at, kept=kept)
        if at is None:
            stands = rules.named(record.properties.get(stage))
            self.found.dateless += stands in READY and not edits
            return None
        if not self.past.holds(at.at):
            return None
        if record.id in ours:
            self.found.ours += 1
            return None
        then = as_it_was(record, at.at, self.book.fields, kept=kept)
        known = addresses(then, self.book.fields)
        return Ready(contact=record.id, at=at.at, sure=at.sure, addresses=known, deals=deals)

    # -- 2: what they did ----------------------------------------------------------------------------------------

    def _gather_activities(self) -> None:
        span, look_back = self.notes.span(), self.book.scoring.look_back
        if span is None:
            return
        window, seen = Window(since=span[0] - look_back, until=span[1]), 0
        for stream in (*self.crm.streams(), *list_streams(self.book)):
            for page in self.crm.pull_activities(stream, window, cursor=None):
                if isinstance(page, StreamOff):
                    self.found.streams_off[stream] = page.why
                    continue
                self.notes.note_activities(page.rows, look_back.total_seconds())
                seen += len(page.rows)
                self.progress.step("activities looked at", seen)

    # -- 3: a row for each ---------------------------------------------------------------------------------------

    def _tell(self) -> None:
        there = self.crm.schema().properties
        own = [one for one in properties_to_read(self.book.fields) if not one.startswith(COMPANY) and one in there]
        never_there = [name for name in self.past.never_there if name not in there]
        with self.store.reading() as uow:
            taken = _credited_to_handoff(uow, self.past.now)
        for some in self.notes.ready(IN_DETAIL):
            records = self.crm.read_contacts([one.contact for one in some], own, history=own)
            for one in some:
                if one.contact in records:
                    self._row(one, records[one.contact], taken, never_there)
            self.progress.step("examples", self.found.examples, self.noted)

    def _row(self, ready: Ready, record: Record, taken: Collection[str], never_there: Sequence[str]) -> None:
        book, at = self.book, ReadyAt(ready.at, ready.sure)
        then = as_it_was(record, ready.at, book.fields, kept=self.crm.versions_kept, never_there=never_there)
        seen = as_seen(then, self.notes.activities(ready.contact), ready.at, book)
        became = outcome(record, ready.deals, ready.at, book, credited=ready.credited - frozenset(taken))
        off = [stream_in_words(one) for one in self.found.streams_off]
        lacks = [*lacking(then, at, bool(record.merged_ids), off, book), *(["closing day"] if became.undated else [])]
        no_form = "" if FORMS in self.found.streams_off else NO_FORM
        row = example(
            _lead(self.past.portal, ready, then, seen, became, book.fingerprint, no_form),
            seen.contact,
            seen.activities,
            seen.points,
            seen.score.points if seen.score is not None else None,
            shareable(book.fields, (book.reports.source, *book.reports.categories)),
            now=self.past.now,
            taken_from=PORTAL,
            lacking=lacks,
        )
        if became.state is None:
            row["outcome: state"] = "unknown"
        self.notes.note_row(row)
        self.found.names |= dict.fromkeys(row)
        self.found.examples += 1


def _lead(
    portal: PortalId, ready: Ready, then: Then, seen: Seen, became: PortalOutcome, rules: str, no_form: str
) -> Passed:
    """The example as a lead passed at the instant at which it became ready.

    Args:
        no_form: what is said where no form was seen.
    """
    forms = [one.name for one in seen.activities if one.kind is ActivityKind.FORM_SUBMISSION]
    return Passed(
        id=episode_id(portal, ready.contact, BEFORE_THE_FIRST),
        contact=ready.contact,
        lane="",
        owner=None,
        arrived_at=then.record.created_at,
        opened_at=ready.at,
        handed_at=ready.at,
        state=became.state or State.QUALIFIED,
        touched_at=became.touched_at,
        accepted_at=became.accepted_at,
        opportunity_at=became.opportunity_at,
        won_at=became.won_at,
        ended_at=became.ended_at,
        revenue=became.revenue,
        rules=rules,
        kinds={
            RULES: rules,
            FORM: forms[-1] if forms else no_form,
            GRADE: seen.score.grade if seen.score is not None else "",
        },
    )


def _handed_over(uow: UnitOfWork, records: Sequence[Record]) -> set[ContactId]:
    """Which of them Handoff has handed over, under their own id or one that was merged into it."""
    survivor: Mapping[ContactId, ContactId] = {
        one: record.id for record in records for one in (record.id, *record.merged_ids)
    }
    ids, found = list(survivor), set[ContactId]()
    for start in range(0, len(ids), A_FEW):
        for contact, episodes in uow.episodes(ids[start : start + A_FEW]).items():
            if any(is_passed(one) for one in episodes):
                found.add(survivor[contact])
    return found


def _credited_to_handoff(uow: UnitOfWork, now: datetime) -> set[str]:
    """Deals whose money stands at a lead of Handoff's own, so that no deal counts twice."""
    found = [(episode, steps_of(path)) for episode, path in uow.episodes_opened(now)]
    return {deal for deals in credited(found, uow.all_deals()).values() for deal in deals}
