"""Fakes of the ports: a CRM in memory, a clock that is set, a delivery that remembers. The store is the real one.

FakeCrm fulfils MarketingSource, Crm and PortalPast, and passes tests/conformance/ as the real gateway does. It
remembers what it was asked (`asked`), and a test may let anything happen just before or after one of its calls: an
edit, a kill.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from factories import NOW, PORTAL, make_owner, shipped_book

from connector.domain.activity import Activity
from connector.domain.change import OutcomeKind
from connector.domain.contact import ContactId, OwnerId
from connector.domain.deal import Deal
from connector.domain.owner import Owner
from connector.domain.quota import Purpose, Spent
from connector.domain.record import Edit, Record
from connector.engine.ports import (
    ActivityPage,
    Beside,
    ContactPage,
    DealPage,
    Entry,
    Form,
    Note,
    PortalInfo,
    Presence,
    PropertyInfo,
    Schema,
    StreamOff,
    Task,
    Try,
    Window,
    Write,
    WriteResult,
)
from connector.errors import UnknownPropertyError
from connector.rules.fields import property_of
from connector.rules.rulebook import RuleBook
from connector.store import SqlStore

TICK = timedelta(seconds=1)
STAGE = "lifecyclestage"


class Killed(BaseException):
    """The process dies here; nothing in the connector may catch it."""


def kill() -> None:
    raise Killed


class FakeClock:
    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def pass_by(self, span: timedelta) -> datetime:
        self.at += span
        return self.at


@dataclass(slots=True)
class _Row:
    """A contact as the CRM keeps it: wire values, their history newest first."""

    id: ContactId
    created_at: datetime
    modified_at: datetime
    properties: dict[str, str] = field(default_factory=dict)
    history: dict[str, list[Edit]] = field(default_factory=dict)
    archived_at: datetime | None = None
    merged_ids: list[ContactId] = field(default_factory=list)


@dataclass(slots=True)
class _Fault:
    """What the CRM says instead of writing; `left` contacts-and-calls still to hit."""

    kind: OutcomeKind
    detail: str
    left: int
    applied: bool = False


class FakeCrm:
    """One portal. Fields are spoken of by Handoff's names; what goes over the port are wire values."""

    def __init__(self, clock: FakeClock | None = None, book: RuleBook | None = None, page_size: int = 100) -> None:
        self.clock = clock or FakeClock()
        self.book = book or shipped_book()
        self.page_size = page_size
        self.rows: dict[ContactId, _Row] = {}
        self.lists: dict[str, set[ContactId]] = {self.list_name: set()}
        self.list_ids: dict[str, str] = {self.list_name: "1"}
        self.people: list[Owner] = [make_owner("7"), make_owner("8")]
        self.activities: dict[str, list[Activity]] = {}
        self.off: dict[str, str] = {}
        self.broken: dict[str, Exception] = {}
        self.views_by_contact = False
        self.known_forms: tuple[Form, ...] = ()
        self.lacking: dict[str, str] = {}
        self.deals: list[Deal] = []
        self.tasks: dict[str, tuple[ContactId, str]] = {}
        self.open_tasks: dict[str, tuple[OwnerId, datetime]] = {}
        self.notes: dict[str, tuple[ContactId, str]] = {}
        self.no_tasks: set[ContactId] = set()
        self.asked: list[tuple[str, Any]] = []
        self.spending, self.by_purpose = Purpose.SETUP, Counter[str]()
        self.properties = {
            rule.property: PropertyInfo(type="string")
            for rule in self.book.fields.fields.values()
            if rule.property is not None
        }
        self.companies: dict[ContactId, datetime] = {}
        self._survivors: dict[ContactId, ContactId] = {}
        self.submissions_page = 50
        self._acts: list[tuple[str, str, int, Callable[[], object]]] = []
        self._calls: dict[tuple[str, str], int] = {}
        self._faults: dict[ContactId, _Fault] = {}

    @property
    def list_name(self) -> str:
        return self.book.suppression.marketing_hold.list

    @property
    def listed(self) -> set[ContactId]:
        """Who is on the suppression list."""
        return self.lists[self.list_name]

    # -- the world outside ---------------------------------------------------------------------------------------

    def add(self, contact: str = "101", *, created_at: datetime | None = None, **fields: str) -> ContactId:
        """A new contact; values are wire text under Handoff's names."""
        now = created_at or self.clock.now()
        row = _Row(id=ContactId(contact), created_at=now, modified_at=now)
        self.rows[row.id] = row
        given = {"email": f"kim{contact}@acme.example", "first_name": "Kim", "country": "US", "stage": "lead"} | fields
        for name, value in given.items():
            self._set(row, property_of(name, self.book.fields), value, "IMPORT", by_person=False, at=now)
        return row.id

    def edit(self, contact: str = "101", *, by_person: bool = True, **fields: str) -> None:
        """Somebody changes values now; `by_person` false is a workflow."""
        row, at = self.rows[ContactId(contact)], self.clock.pass_by(TICK)
        for name, value in fields.items():
            source = "CRM_UI" if by_person else "AUTOMATION_PLATFORM"
            self._set(row, property_of(name, self.book.fields), value, source, by_person=by_person, at=at)

    def edit_company(self, contact: str = "101", **fields: str) -> None:
        """The company of this contact changes now, and the contact's own stamp does not."""
        row, at = self.rows[ContactId(contact)], self.clock.pass_by(TICK)
        row.properties |= {property_of(name, self.book.fields): value for name, value in fields.items()}
        self.companies[row.id] = at

    def happen(self, activity: Activity) -> None:
        """An activity that the next pull of its stream shows."""
        self.activities.setdefault(activity.stream, []).append(activity)

    def archive(self, contact: str) -> None:
        self.rows[ContactId(contact)].archived_at = self.clock.pass_by(TICK)

    def erase(self, contact: str) -> None:
        """A privacy deletion: the contact is not even in the bin."""
        del self.rows[ContactId(contact)]

    def merge(self, gone: str, survivor: str) -> None:
        """`gone` lives on in `survivor`, under which it is found from now on."""
        kept, at = self.rows[ContactId(survivor)], self.clock.pass_by(TICK)
        lost = self.rows.pop(ContactId(gone))
        kept.merged_ids += [lost.id, *lost.merged_ids]
        kept.modified_at = at
        self._survivors[lost.id] = kept.id
        for members in self.lists.values():
            if lost.id in members:
                members.discard(lost.id)
                members.add(kept.id)

    def value(self, contact: str, name: str) -> str:
        """What stands in the CRM; empty where nothing does."""
        return self.rows[ContactId(contact)].properties.get(property_of(name, self.book.fields), "")

    def values_over_time(self, contact: str, name: str) -> list[str]:
        """Every value that the field had, oldest first."""
        edits = self.rows[ContactId(contact)].history.get(property_of(name, self.book.fields), [])
        return [edit.value or "" for edit in reversed(edits)]

    # -- what a test lets happen ---------------------------------------------------------------------------------

    def before(self, call: str, act: Callable[[], object], *, nth: int = 1) -> None:
        """Once, just before the nth of the calls of that name from now on."""
        self._acts.append((call, "before", self._calls.get((call, "before"), 0) + nth, act))

    def after(self, call: str, act: Callable[[], object], *, nth: int = 1) -> None:
        self._acts.append((call, "after", self._calls.get((call, "after"), 0) + nth, act))

    def refuse(self, contact: str, detail: str = "INVALID_OPTION hs_lead_status", *, times: int = 1) -> None:
        self._faults[ContactId(contact)] = _Fault(OutcomeKind.REJECTED, detail, times)

    def deny(self, contact: str = "101") -> None:
        """The next write of this contact is refused as if there were none, though there is."""
        self._faults[ContactId(contact)] = _Fault(OutcomeKind.GONE, "not found", 1)

    def blur(self, contact: str, *, applied: bool) -> None:
        """The next write of this contact has no clear answer, be it applied or not (I7)."""
        self._faults[ContactId(contact)] = _Fault(OutcomeKind.LATER, "no clear answer", 1, applied)

    def calls(self, *names: str) -> list[str]:
        """Names of the calls so far, in order; only these where some are given."""
        return [name for name, _ in self.asked if not names or name in names]

    def forget(self) -> None:
        self.asked.clear()
        self.by_purpose.clear()

    # -- MarketingSource -----------------------------------------------------------------------------------------

    def pull_changed_contacts(
        self, window: Window, properties: Sequence[str], *, cursor: str | None
    ) -> Iterator[ContactPage]:
        self._known(properties)
        rows = [r for r in self._living() if window.since <= r.modified_at <= window.until]
        for page, after in self._pages("pull_changed_contacts", rows, cursor):
            yield ContactPage(records=tuple(self._record(row, row.id, properties) for row in page), cursor=after)

    def pull_all_contacts(
        self, properties: Sequence[str], *, cursor: str | None, by_search: bool = True
    ) -> Iterator[ContactPage]:
        self._known(properties)
        for page, after in self._pages("pull_all_contacts", self._living(), cursor):
            yield ContactPage(records=tuple(self._record(row, row.id, properties) for row in page), cursor=after)

    def pull_contacts_of_changed_companies(
        self, window: Window, properties: Sequence[str], *, cursor: str | None
    ) -> Iterator[ContactPage]:
        """A company of this portal is known by the properties of one contact."""
        self._known(properties)
        changed = {one for one, at in self.companies.items() if window.since <= at <= window.until}
        rows = [row for row in self._living() if row.id in changed]
        for page, after in self._pages("pull_contacts_of_changed_companies", rows, cursor):
            yield ContactPage(records=tuple(self._record(row, row.id, properties) for row in page), cursor=after)

    def pull_archived_contacts(self, since: datetime) -> Iterator[tuple[ContactId, ...]]:
        bin_ = [row for row in self.rows.values() if row.archived_at is not None]
        for page, _ in self._pages("pull_archived_contacts", bin_, None):
            yield tuple(row.id for row in page if row.archived_at is not None and row.archived_at >= since)

    def streams(self) -> tuple[str, ...]:
        return ("page_views", "forms", "email_events")

    def pull_activities(
        self, stream: str, window: Window, *, cursor: str | None
    ) -> Iterator[ActivityPage | StreamOff]:
        if stream in self.off:
            self._ask("pull_activities", stream)
            yield StreamOff(stream=stream, why=self.off[stream])
            return
        if stream == "page_views" and self.views_by_contact:
            self._ask("pull_activities", stream)
            yield StreamOff(stream=stream, why="for one contact at a time only", by_contact=True)
            return
        if stream in self.broken:
            self._ask("pull_activities", stream)
            raise self.broken[stream]
        if stream.startswith("list"):
            yield from self._pull_list(stream, window, cursor)
            return
        rows = [r for r in self.activities.get(stream, []) if window.since <= r.occurred_at <= window.until]
        for page, after in self._pages("pull_activities", rows, cursor):
            yield ActivityPage(rows=tuple(page), cursor=after)

    def _pull_list(self, stream: str, window: Window, cursor: str | None) -> Iterator[ActivityPage | StreamOff]:
        """Members in the order of joining; no page is asked for by time."""
        if stream not in self.activities:
            self._ask("pull_list", stream)
            yield StreamOff(stream=stream, why=f"no {stream}", lasts=False)
            return
        place = cursor or "0"
        for page, after in self._pages("pull_list", self.activities[stream], cursor):
            rows = tuple(row for row in page if window.since <= row.occurred_at <= window.until)
            yield ActivityPage(rows=rows, cursor=after, place=None if after else place)
            place = after or place

    def pull_views(self, contact: ContactId, window: Window) -> Iterator[ActivityPage | StreamOff]:
        self._ask("pull_views", contact)
        if "page_views" in self.off:
            yield StreamOff(stream="page_views", why=self.off["page_views"])
            return
        seen = [row for row in self.activities.get("page_views", []) if row.contact == contact]
        yield ActivityPage(rows=tuple(r for r in seen if window.since <= r.occurred_at <= window.until), cursor=None)

    def forms(self) -> tuple[Form, ...]:
        sent = self.activities.get("forms", [])
        return tuple(Form(ref=ref, name=name) for ref, name in sorted({(row.ref, row.name) for row in sent}))

    def listed_forms(self) -> tuple[Form, ...]:
        return self.known_forms

    def recent_submissions(self, form: Form, since: datetime) -> Iterator[Sequence[Activity]]:
        sent = [row for row in self.activities.get("forms", []) if row.ref == form.ref and row.occurred_at >= since]
        newest = sorted(sent, key=lambda row: row.occurred_at, reverse=True)
        for start in range(0, len(newest) or 1, self.submissions_page):
            self._ask("recent_submissions", since)
            yield newest[start : start + self.submissions_page]

    # -- Crm -----------------------------------------------------------------------------------------------------

    def portal(self) -> PortalInfo:
        return PortalInfo(id=PORTAL, time_zone="UTC", ui_domain="crm.example", now=self.clock.now())

    def lacking_scopes(self) -> Mapping[str, str]:
        self._ask("lacking_scopes", None)
        return dict(self.lacking)

    def owners(self) -> tuple[Owner, ...]:
        return tuple(self.people)

    def pull_deals(self, window: Window, *, cursor: str | None) -> Iterator[DealPage]:
        rows = [deal for deal in self.deals if window.since <= deal.modified_at <= window.until]
        for page, after in self._pages("pull_deals", rows, cursor):
            yield DealPage(rows=tuple(page), cursor=after)

    versions_kept = 20

    def pull_dated_contacts(self, history: Sequence[str], *, cursor: str | None) -> Iterator[ContactPage]:
        self._known(history)
        for page, after in self._pages("pull_dated_contacts", self._living(), cursor):
            records = tuple(self._record(row, row.id, history, history) for row in page)
            yield ContactPage(records=records, cursor=after)

    def deals_of(self, ids: Sequence[ContactId]) -> Mapping[ContactId, tuple[Deal, ...]]:
        assert len(ids) <= 1_000
        self._ask("deals_of", tuple(ids))
        found: dict[ContactId, list[Deal]] = {}
        for deal in self.deals:
            theirs = tuple(one for one in deal.contacts if one in ids)
            for one in theirs:
                found.setdefault(one, []).append(replace(deal, contacts=theirs))
        return {one: tuple(deals) for one, deals in found.items()}

    def read_contacts(
        self, ids: Sequence[ContactId], properties: Sequence[str], *, history: Sequence[str] = ()
    ) -> Mapping[ContactId, Record]:
        self._known([*properties, *history])
        self._ask("read_contacts", tuple(ids))
        found = {}
        for asked in ids:
            row = self.rows.get(self._survivors.get(asked, asked))
            if row is not None and row.archived_at is None:
                found[asked] = self._record(row, asked, properties, history)
        self._answered("read_contacts")
        return found

    def gone_for_good(self, ids: Sequence[ContactId]) -> frozenset[ContactId]:
        assert len(ids) <= 100
        self._ask("gone_for_good", tuple(ids))
        return frozenset(one for one in ids if self._survivors.get(one, one) not in self.rows)

    def look_at(self, ids: Sequence[ContactId], properties: Sequence[str]) -> Presence:
        there = [self.rows[one] for one in ids if one in self.rows and self.rows[one].archived_at is None]
        records = tuple(self._record(row, row.id, properties) for row in there)
        return Presence(records=records, gone=self.gone_for_good(ids))

    def update_contacts(self, writes: Sequence[Write]) -> tuple[WriteResult, ...]:
        assert len(writes) <= 100
        assert len({write.contact for write in writes}) == len(writes)
        self._ask("update_contacts", tuple(writes))
        results = tuple(self._update(write) for write in writes)
        self._answered("update_contacts")
        return results

    def add_to_list(self, list_name: str, ids: Sequence[ContactId]) -> frozenset[ContactId]:
        self._ask("add_to_list", (list_name, tuple(ids)))
        self._known_list(list_name)
        known = {one for one in ids if (row := self.rows.get(one)) is not None and row.archived_at is None}
        self.lists[list_name] |= known
        self._answered("add_to_list")
        return frozenset(known)

    def remove_from_list(self, list_name: str, ids: Sequence[ContactId]) -> frozenset[ContactId]:
        self._ask("remove_from_list", (list_name, tuple(ids)))
        self._known_list(list_name)
        self.lists[list_name] -= set(ids)
        self._answered("remove_from_list")
        return frozenset(ids)

    def list_id(self, list_name: str, *, fresh: bool = False) -> str | None:
        if fresh:
            self._ask("list_id", list_name)
            self._answered("list_id")
        return self.list_ids.get(list_name) if list_name in self.lists else None

    def leave_list(self, list_id: str, ids: Sequence[ContactId]) -> bool:
        self._ask("leave_list", (list_id, tuple(ids)))
        names = [name for name, one in self.list_ids.items() if one == list_id]
        for name in names:
            self.lists[name] -= set(ids)
        self._answered("leave_list")
        return bool(names)

    def ensure_tasks(self, wanted: Sequence[Task]) -> Beside:
        self._ask("ensure_tasks", tuple(wanted))
        taken = [one for one in wanted if one.contact not in self.no_tasks]
        for one in taken:
            if one.key not in self.tasks:
                self.tasks[one.key], self.open_tasks[one.key] = (one.contact, one.subject), (one.owner, one.due_at)
        self._answered("ensure_tasks")
        refused = {one.key: "VALIDATION_ERROR INVALID_OWNER_ID" for one in wanted if one not in taken}
        return Beside(standing={one.key: f"task-{one.key}" for one in taken}, refused=refused)

    def finish_tasks(self, wanted: Mapping[str, ContactId]) -> Beside:
        self._ask("finish_tasks", tuple(wanted))
        self._answered("finish_tasks")
        done = [key for key in wanted if self.open_tasks.pop(key, None) is not None]
        return Beside(standing={key: f"task-{key}" for key in done})

    def ensure_notes(self, wanted: Sequence[Note]) -> Beside:
        self._ask("ensure_notes", tuple(wanted))
        for one in wanted:
            self.notes.setdefault(one.key, (one.contact, one.body))
        self._answered("ensure_notes")
        return Beside(standing={one.key: f"note-{one.key}" for one in wanted})

    def record_url(self, contact: ContactId) -> str:
        return f"https://crm.example/contacts/{PORTAL}/contact/{contact}"

    def schema(self, *, companies: bool = False) -> Schema:
        return Schema(properties=self.properties)

    @contextmanager
    def spend(self, purpose: Purpose) -> Iterator[None]:
        """`spending` is what the calls of the moment are for."""
        former, self.spending = self.spending, purpose
        try:
            yield
        finally:
            self.spending = former

    def spent(self) -> Spent:
        return Spent(by_purpose=dict(self.by_purpose))

    def api_calls(self) -> Mapping[str, int]:
        names = self.calls()
        return {name: names.count(name) for name in dict.fromkeys(names)}

    def throttled(self) -> int:
        return 0

    # -- inside --------------------------------------------------------------------------------------------------

    def _living(self) -> list[_Row]:
        return sorted((row for row in self.rows.values() if row.archived_at is None), key=lambda row: int(row.id))

    def _pages(self, call: str, rows: Sequence[Any], cursor: str | None) -> Iterator[tuple[Sequence[Any], str | None]]:
        """At least one page, be it empty; `cursor` is where the next one begins."""
        start = int(cursor or 0)
        while True:
            self._ask(call, start)
            end = start + self.page_size
            more = end < len(rows)
            yield rows[start:end], str(end) if more else None
            self._answered(call)
            if not more:
                return
            start = end

    def _ask(self, call: str, what: object) -> None:
        self._act(call, "before")
        self.asked.append((call, what))
        self.by_purpose[self.spending] += 1

    def _answered(self, call: str) -> None:
        self._act(call, "after")

    def _act(self, call: str, phase: str) -> None:
        count = self._calls[call, phase] = self._calls.get((call, phase), 0) + 1
        due = [entry for entry in self._acts if entry[:3] == (call, phase, count)]
        self._acts = [entry for entry in self._acts if entry not in due]
        for *_, act in due:
            act()

    def _known_list(self, name: str) -> None:
        if name not in self.lists:
            raise UnknownPropertyError(f"no list {name}", advice="Make it.")

    def _known(self, properties: Sequence[str]) -> None:
        missing = [name for name in properties if name not in self.properties]
        if missing:
            raise UnknownPropertyError(f"no property {missing[0]}")

    def _record(
        self, row: _Row, asked: ContactId, properties: Sequence[str], history: Sequence[str] = ()
    ) -> Record:
        return Record(
            id=row.id,
            asked_id=asked,
            properties={name: row.properties.get(name) for name in properties},
            created_at=row.created_at,
            modified_at=row.modified_at,
            merged_ids=tuple(row.merged_ids),
            history={name: tuple(row.history.get(name, ())) for name in history},
            company_modified_at=self.companies.get(row.id),
        )

    def _update(self, write: Write) -> WriteResult:
        fault = self._faults.get(write.contact)
        if fault is not None:
            fault.left -= 1
            if fault.left <= 0:
                del self._faults[write.contact]
            if not fault.applied:
                return WriteResult(contact=write.contact, kind=fault.kind, detail=fault.detail)
        row = self.rows.get(self._survivors.get(write.contact, write.contact))
        if row is None or row.archived_at is not None:
            return WriteResult(contact=write.contact, kind=OutcomeKind.GONE, detail="not found")
        at = self.clock.pass_by(TICK)
        for name, value in write.properties.items():
            if not self._is_backward(row, name, value):
                self._set(row, name, value, "INTEGRATION", by_person=False, at=at)
        if fault is not None:
            return WriteResult(contact=write.contact, kind=fault.kind, detail=fault.detail)
        return WriteResult(contact=write.contact, kind=OutcomeKind.WRITTEN)

    def _is_backward(self, row: _Row, name: str, value: str) -> bool:
        """A stage that would go back is left as it is, without a word, unless it was cleared before."""
        now, stages = row.properties.get(name, ""), self.book.stages.stages
        return name == STAGE and bool(now and value) and stages[value].rank < stages[now].rank

    def _set(self, row: _Row, name: str, value: str, source: str, *, by_person: bool, at: datetime) -> None:
        if row.properties.get(name, "") == value:
            return
        row.properties[name] = value
        row.modified_at = at
        row.history.setdefault(name, []).insert(0, Edit(value=value, at=at, source=source, by_person=by_person))


class FakeDelivery:
    """Every receiver answers 2xx, unless `down`; what was sent is remembered in order."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.sent: list[Entry] = []
        self.down = False

    def deliver(self, now: datetime) -> int:
        count = 0
        while not self.down and (entries := self._store.outbox.claim(now, 50)):
            self._store.outbox.record([Try(entry=entry.id, at=now, status="sent") for entry in entries])
            self.sent += [replace(entry, status="sent") for entry in entries]
            count += len(entries)
        return count

    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.sent]
