"""What every step of one run needs to hand: the ports, the rules, the run itself and its counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from connector.domain.change import Change
from connector.domain.contact import ContactId, OwnerId
from connector.domain.decision import Decision
from connector.domain.notice import Notice
from connector.domain.run import RunCounts, SyncRun
from connector.engine.approval import Approval, Basis
from connector.engine.clock import CrmClock
from connector.engine.ports import Crm, Delivery, MarketingSource, NoProgress, PortalInfo, Progress, Schema, Store
from connector.engine.unseen import behind
from connector.rules.drift import with_derived
from connector.rules.reach import Reach
from connector.rules.rulebook import RuleBook

BATCH = 100
"""Contacts decided and written at once: HubSpot's batch limit."""

BodyBuilder = Callable[[str, Notice, str], str]
"""(destination, notice, entry id) → the exact body to send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run is asked to behave.

    Attributes:
        dry_run: stops after plan; the store is a scratch copy.
        shadow: all is decided and reported; nothing is written and only ops are told (R41).
        full: pulls every contact again, not only what changed.
        since: what was there before it is the past; None means the first run.
        release_mass_change: a person has looked at what the guard holds.
        approval: a preview that a person approved; nothing but its leads is decided and written (R33).
    """

    dry_run: bool = False
    shadow: bool = False
    full: bool = False
    since: datetime | None = None
    release_mass_change: bool = False
    approval: Approval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLead:
    """One line of a preview: what was decided on one contact, what it would change, and what that rests on."""

    decision: Decision
    changes: tuple[Change, ...]
    basis: Basis = field(default_factory=dict)


class Pace:
    """How many leads of the past each rep may get in one day (R41)."""

    def __init__(self, today: Mapping[OwnerId, int] | None = None, per_rep: int = 0) -> None:
        self._today, self._per_rep = Counter(today or {}), per_rep

    def has_room(self, owner: OwnerId) -> bool:
        return self._today[owner] < self._per_rep

    def allows(self, owner: OwnerId) -> bool:
        """Takes one place of today's, where one is left."""
        room = self.has_room(owner)
        self._today[owner] += room
        return room


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What a run talks to; bootstrap.py joins them."""

    source: MarketingSource
    crm: Crm
    store: Store
    delivery: Delivery
    build_body: BodyBuilder
    destinations: Mapping[str, bool]


@dataclass(slots=True, kw_only=True)
class Context:
    """One run under way.

    Attributes:
        book: the rules in the portal's zone, without fields that are gone from the portal; whole: with them.
        gone: these, each with what is wrong with it; lost: with the fields that are worked out from them.
        returned: properties that are back and by which rules go: this run reads every contact again (engine/drift.py).
        past: `handoff_since` in force; signals before it are taken in silently.
        covered: everything up to it was done by earlier runs; None for the first. The guard measures "new" from it.
        adopt: contacts that `handoff adopt` lets in now; pace: how many of them each rep may still get today.
        unclear: contacts whose last write has no clear answer yet; they are not decided before it has one (I7).
        overtaken: how often people's edits overtook a contact's writes in this run.
        former: version of the rules of the run before, where they were others; else empty.
        renormalise: the fields or stages changed since contacts were stored; every value is read anew.
        trailed: streams whose window reached further back in this run.
        places: where the next pull goes on, of streams that cannot be asked by time.
        clock: the CRM's, for what happens while a long run is under way.
        between_pages: called between two pages of a pull, with no transaction open.
        late_hints: hints that were looked at in this run and wait for what the CRM does not show yet.
        unread: contacts whose newest record could not be taken in; nothing is decided about them (P5, P7).
        failed: those of them that were tried in this run.
        missing: contacts that the CRM did not have when they were read; whether for good is asked at the end.
        behind: contacts of which the CRM showed more than the database knew, and whether they were taken up so.
        on_the_way: contacts to whom something is to be written; they are decided again when it stands.
        unseen: streams of signals that were not read to their end, each with how far it was read (engine/unseen.py).
        unasked: of whom page views are missing where they come for one contact at a time; None: of all (views.py).
        broken: those of them that broke off in this run.
        waiting: leads that wait for them, by why.
        listed: contacts on the work list while a first pull goes on; counting them page by page would cost more.
        planned: filled by dry and shadow runs; basis: what their decisions rest on (engine/approval.py).
        troubles, remarks: one line each, for the report; remarks are nothing that went wrong in the run.
        effort: the time that this run's decisions took; 1 for a contact of whom nothing comes (consider.IDLE_FOR_ONE).
        counted: contacts that count as decided already, and may be looked at once more in this run.
        calls_before: of earlier processes, where the run goes on after it was cut off (engine/calls.py).
        attempted, refused: writes that got an answer in this run, and those the CRM said no to.
    """

    source: MarketingSource
    crm: Crm
    store: Store
    delivery: Delivery
    book: RuleBook
    whole: RuleBook
    portal: PortalInfo
    schema: Schema
    run: SyncRun
    build_body: BodyBuilder
    destinations: Mapping[str, bool]
    options: Options
    clock: CrmClock
    gone: Mapping[str, str] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()
    returned: frozenset[str] = frozenset()
    past: datetime | None = None
    covered: datetime | None = None
    counts: RunCounts = field(default_factory=RunCounts)
    progress: Progress = field(default_factory=NoProgress)
    adopt: frozenset[ContactId] = frozenset()
    pace: Pace = field(default_factory=lambda: Pace())
    unclear: set[ContactId] = field(default_factory=set)
    overtaken: Counter[ContactId] = field(default_factory=Counter)
    former: str = ""
    renormalise: bool = False
    trailed: set[str] = field(default_factory=set)
    places: dict[str, str] = field(default_factory=dict)
    between_pages: Callable[[], object] = lambda: None
    late_hints: set[str] = field(default_factory=set)
    unread: set[ContactId] = field(default_factory=set)
    failed: set[ContactId] = field(default_factory=set)
    missing: set[ContactId] = field(default_factory=set)
    behind: dict[ContactId, bool] = field(default_factory=dict)
    on_the_way: set[ContactId] = field(default_factory=set)
    unseen: dict[str, datetime | None] = field(default_factory=dict)
    unasked: frozenset[ContactId] | None = None
    broken: set[str] = field(default_factory=set)
    waiting: Counter[str] = field(default_factory=Counter)
    listed: int = 0
    planned: list[PlannedLead] = field(default_factory=list)
    basis: dict[ContactId, Basis] = field(default_factory=dict)
    _reach: Reach | None = None
    troubles: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    effort: int = 0
    counted: set[ContactId] = field(default_factory=set)
    calls_before: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    attempted: int = 0
    refused: int = 0

    @property
    def now(self) -> datetime:
        return self.run.as_of

    @property
    def out_of_turn(self) -> frozenset[ContactId]:
        """Contacts that are being edited all the time; they wait for the next run."""
        return frozenset(contact for contact, times in self.overtaken.items() if times >= ROUNDS)

    @property
    def midnight(self) -> datetime:
        """The start of the portal's day."""
        local = self.now.astimezone(ZoneInfo(self.portal.time_zone))
        return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(self.now.tzinfo)

    @property
    def reach(self) -> Reach:
        """The book's, for asking whether anything could come of a contact at all."""
        if self._reach is None:
            self._reach = Reach(self.book)
        return self._reach

    @property
    def writes(self) -> bool:
        return not (self.options.dry_run or self.options.shadow)


def build_context(
    ports: Ports,
    book: RuleBook,
    portal: PortalInfo,
    schema: Schema,
    run: SyncRun,
    *,
    options: Options,
    clock: CrmClock,
    past: datetime | None,
    covered: datetime | None = None,
    unread: Iterable[ContactId] = (),
    progress: Progress | None = None,
    renormalise: bool = False,
    gone: Mapping[str, str] | None = None,
) -> Context:
    """The context with which a run, an undo or a look at hints begins; `book` as it was loaded, in no zone yet."""
    with ports.store.reading() as uow:
        owners = uow.owners() if any(person.calendar for person in book.routing.people) else ()
        unseen = behind(uow, ports.source, book)
    whole = book.in_zone(portal.time_zone, owners)
    return Context(
        source=ports.source,
        crm=ports.crm,
        store=ports.store,
        delivery=ports.delivery,
        book=whole.without(gone) if gone else whole,
        whole=whole,
        gone=gone or {},
        lost=with_derived(gone, whole) if gone else frozenset(),
        portal=portal,
        schema=schema,
        run=run,
        build_body=ports.build_body,
        destinations=ports.destinations,
        options=options,
        clock=clock,
        past=past,
        covered=covered,
        unread=set(unread),
        unseen=unseen,
        progress=progress or NoProgress(),
        renormalise=renormalise,
    )


ROUNDS = 4
"""How often a contact may be overtaken by people's edits within one run before it waits for the next."""

OVERLAP = timedelta(minutes=5)
"""Re-read behind each watermark, for what the CRM's index showed late (I4)."""
