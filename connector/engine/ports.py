"""What the engine needs of the world, as Protocols; adapters fulfil them and bootstrap.py joins them.

Five ports: MarketingSource and Crm (one folder fulfils both today), Store (the database), Delivery (receivers), Clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from connector.domain.activity import Activity
from connector.domain.change import Change, OutcomeKind
from connector.domain.contact import Contact, ContactId, OwnerId, PortalId
from connector.domain.deal import Deal
from connector.domain.decision import Decision
from connector.domain.episode import Episode, EpisodeId
from connector.domain.owner import Owner
from connector.domain.record import Record
from connector.domain.run import RunCounts, RunId, RunStatus, SyncRun
from connector.domain.timer import Timer

# -- the CRM -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalInfo:
    """Who the token belongs to. `now` is the CRM's own clock, from its Date header."""

    id: PortalId
    time_zone: str
    ui_domain: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What changed from `since` (inclusive) to `until` (inclusive); frozen when a run begins."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPage:
    """At most 200 records. `cursor` resumes after this page; None when it was the last."""

    records: tuple[Record, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityPage:
    rows: tuple[Activity, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DealPage:
    rows: tuple[Deal, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One contact's PATCH in wire values; an empty text clears."""

    contact: ContactId
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """Per contact, whatever the HTTP status was. `kind` is WRITTEN, REJECTED, GONE or LATER (no clear answer, I7)."""

    contact: ContactId
    kind: OutcomeKind
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOff:
    """A stream that this portal cannot give, in one line for people."""

    stream: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyInfo:
    """One property of the portal. `type` is the CRM's own word; `options` are a choice's values, empty otherwise."""

    type: str
    options: tuple[str, ...] = ()
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The portal's contact properties by the CRM's own name."""

    properties: Mapping[str, PropertyInfo]


class MarketingSource(Protocol):
    """Where contacts and their behaviour come from."""

    def pull_changed_contacts(
        self, window: Window, properties: Sequence[str], *, cursor: str | None
    ) -> Iterator[ContactPage]: ...

    def pull_all_contacts(self, properties: Sequence[str], *, cursor: str | None) -> Iterator[ContactPage]: ...

    def pull_archived_contacts(self, since: datetime) -> Iterator[tuple[ContactId, ...]]:
        """Ids archived at or after `since`, newest pages as the CRM orders them."""
        ...

    def streams(self) -> tuple[str, ...]:
        """Names of the activity streams that the rules need and this adapter knows, in the order to pull them."""
        ...

    def pull_activities(
        self, stream: str, window: Window, *, cursor: str | None
    ) -> Iterator[ActivityPage | StreamOff]: ...


class Crm(Protocol):
    """Where sales works."""

    def portal(self) -> PortalInfo: ...

    def owners(self) -> tuple[Owner, ...]:
        """Archived ones included."""
        ...

    def pull_deals(self, window: Window, *, cursor: str | None) -> Iterator[DealPage]: ...

    def read_contacts(
        self, ids: Sequence[ContactId], properties: Sequence[str], *, history: Sequence[str] = ()
    ) -> Mapping[ContactId, Record]:
        """Straight from the CRM, never from its search index. Ids that no longer exist are absent from the answer."""
        ...

    def update_contacts(self, writes: Sequence[Write]) -> tuple[WriteResult, ...]:
        """At most 100, each contact once; one result per write, in any order."""
        ...

    def add_to_list(self, list_name: str, ids: Sequence[ContactId]) -> frozenset[ContactId]:
        """Members afterwards, as far as asked for; ids the CRM does not know are absent. Safe to repeat."""
        ...

    def remove_from_list(self, list_name: str, ids: Sequence[ContactId]) -> frozenset[ContactId]:
        """Ids that are no member any more. Safe to repeat."""
        ...

    def ensure_task(
        self, contact: ContactId, owner: OwnerId, subject: str, body: str, due_at: datetime, key: str
    ) -> str:
        """Create a task once: looked up by `key` among the contact's tasks before it is sent. Gives its id."""
        ...

    def record_url(self, contact: ContactId) -> str:
        """Where a person opens this contact; empty before `portal()` was asked."""
        ...

    def schema(self) -> Schema:
        """The portal's own definitions of contact properties: one call."""
        ...

    def api_calls(self) -> Mapping[str, int]:
        """Calls made since the adapter was built, by method and path template."""
        ...

    def throttled(self) -> int:
        """Answers of 429 since the adapter was built."""
        ...


# -- the database ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalState:
    """What we remember of a portal as a whole.

    Attributes:
        handoff_since: signals before it are the past (R41); None before the first run that was not a shadow run.
        fingerprint: of the rules in force at the last completed run.
        as_of: of the last run; the next one never goes behind it (I9).
        ready_at: when the first full pull was complete; None until then.
        shadow: whether the last run was in shadow mode; the first live run after it sets handoff_since anew.
        adopting: cohort -> leads per rep and day, as `handoff adopt --apply` said.
    """

    id: PortalId
    time_zone: str
    ui_domain: str
    handoff_since: datetime | None = None
    fingerprint: str = ""
    as_of: datetime | None = None
    ready_at: datetime | None = None
    shadow: bool = False
    adopting: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredContact:
    """A contact with what the CRM sent (mapped properties only) and what we keep beside it.

    Attributes:
        raw: wire values as last read; `modified_at` of the contact is the CRM's.
        on_list: whether our suppression list holds it, as far as our own writes and reads tell.
        gone: archived or erased in the CRM; merged_into: the survivor's id after a merge.
    """

    contact: Contact
    raw: Mapping[str, str | None]
    on_list: bool = False
    gone: bool = False
    merged_into: ContactId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One observed value of one mapped field. The first sight of a contact is one row: field `*`, all of its values as
    JSON text, source `baseline`.
    """

    contact: ContactId
    field: str
    value: str | None
    occurred_at: datetime
    observed_at: datetime
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A plan on its way into the CRM, stored before the write (style.md, section 10).

    Attributes:
        id: effect id (I5).
        expected: wire values the decision rests on, by property; a difference at the re-read means a person was faster.
        before: the episode as it stood before the decision, to return to where the intent is overtaken; None for none.
        turn: pool, owner and the pointer that this plan moved on to, to hand the turn back; None for none.
        status: `open`, `written`, `rejected`, `overtaken`, `gone`, `shadow`.
    """

    id: str
    run: RunId
    contact: ContactId
    episode: EpisodeId | None
    changes: tuple[Change, ...]
    expected: Mapping[str, str | None]
    before: Episode | None = None
    turn: tuple[str, OwnerId, int] | None = None
    status: str = "open"
    detail: str = ""
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One effect done, skipped or held (P6). `inputs` hold no personal data."""

    effect: str
    contact: ContactId | None
    episode: EpisodeId | None
    rule: str
    inputs: Mapping[str, object]
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One outbox row: one notice for one destination.

    Attributes:
        id: effect id; sent as `webhook-id` (P2), the same on every try.
        body: the exact bytes to send, as text; never rebuilt.
        status: `held` (its write is not done), `due`, `sent`, `cancelled`, `exhausted`.
        sequence: order of queueing; first sends of one contact to one destination keep it.
        intent: the write it waits for; None where it waits for none.
    """

    id: str
    destination: str
    kind: str
    contact: ContactId | None
    episode: EpisodeId | None
    body: str
    status: str
    intent: str | None = None
    sequence: int = 0
    tries: int = 0
    due_at: datetime | None = None
    last_error: str = ""
    sent_at: datetime | None = None


class UnitOfWork(Protocol):
    """One transaction; commits when its block ends well, rolls back otherwise. Every method below is within it.

    Times are aware UTC both ways. Reads take up to a few hundred ids at once. Writes are upserts unless said otherwise,
    so that doing a page again changes nothing.
    """

    # portal, runs, watermarks
    def portal_state(self) -> PortalState | None: ...
    def put_portal_state(self, state: PortalState) -> None: ...
    def unfinished_run(self) -> tuple[SyncRun, Mapping[str, str]] | None:
        """The run that a kill left open, with its progress (name -> cursor)."""
        ...

    def put_run(self, run: SyncRun) -> None: ...
    def put_progress(self, run: RunId, progress: Mapping[str, str]) -> None: ...
    def finish_run(
        self, run: RunId, status: RunStatus, counts: RunCounts, finished_at: datetime, error: str
    ) -> None: ...
    def runs(self, limit: int) -> list[Mapping[str, object]]: ...
    def watermark(self, stream: str) -> datetime | None: ...
    def put_watermark(self, stream: str, at: datetime) -> None:
        """Never goes back: an older instant is ignored."""
        ...

    def put_rulebook(self, fingerprint: str, body: Mapping[str, object], at: datetime) -> None: ...

    def rulebook(self, fingerprint: str) -> Mapping[str, object] | None:
        """The rules as they were, for explaining a past day."""
        ...

    # contacts
    def contacts(self, ids: Sequence[ContactId]) -> dict[ContactId, StoredContact]: ...
    def put_contacts(self, rows: Sequence[StoredContact]) -> None: ...
    def contact_ids_by_email(self, emails: Sequence[str]) -> dict[str, ContactId]: ...
    def find_contact(self, text: str) -> ContactId | None:
        """By record id or e-mail, as a person types it; follows merges."""
        ...

    def put_field_changes(self, rows: Sequence[FieldChange]) -> None: ...
    def field_changes(self, contact: ContactId) -> list[FieldChange]: ...
    def set_on_list(self, ids: Sequence[ContactId], on_list: bool) -> None: ...
    def account_owners(self, domains: Sequence[str]) -> dict[str, OwnerId]:
        """Per e-mail domain, the owner of its most recently opened non-silent episode."""
        ...

    def mark_gone(self, ids: Sequence[ContactId]) -> None: ...
    def merge_contact(self, gone: ContactId, survivor: ContactId) -> None:
        """I12: episodes, activities, timers, list mark and work list follow the survivor; the old row points to it."""
        ...

    # activities and deals
    def put_activities(self, rows: Sequence[Activity], observed_at: datetime) -> frozenset[ContactId]:
        """Stores those not seen before and gives their contacts. Rows without a contact wait for their address."""
        ...

    def claim_activities(self, emails: Mapping[str, ContactId]) -> frozenset[ContactId]:
        """Gives waiting rows to the contacts that have turned up; those contacts are returned."""
        ...

    def activities(self, ids: Sequence[ContactId], since: datetime) -> dict[ContactId, list[Activity]]:
        """Oldest first."""
        ...

    def put_deals(self, rows: Sequence[Deal]) -> frozenset[ContactId]:
        """Gives the contacts of deals that are new or changed."""
        ...

    def deals(self, ids: Sequence[ContactId]) -> dict[ContactId, list[Deal]]: ...

    # owners and turns
    def put_owners(self, owners: Sequence[Owner]) -> None: ...
    def owners(self) -> list[Owner]: ...
    def rotation(self) -> dict[str, dict[OwnerId, int]]:
        """Pool -> owner -> pointer."""
        ...

    def move_rotation(self, pool: str, owner: OwnerId, pointer: int) -> None: ...

    def hand_back_turn(self, pool: str, owner: OwnerId, pointer: int) -> None:
        """Undo one assignment's move to `pointer`; where it stands elsewhere by now, it stays there."""
        ...
    def open_leads(self) -> dict[OwnerId, int]:
        """Open, not silent episodes per owner."""
        ...

    # the work list: contacts to decide again
    def mark_dirty(self, ids: Iterable[ContactId], cause: str) -> None: ...
    def dirty(self, limit: int) -> list[ContactId]:
        """In id order."""
        ...

    def dirty_count(self) -> int: ...
    def mark_retry(self, ids: Sequence[ContactId]) -> None:
        """To be tried once more by the next run, not by this one (P5)."""
        ...

    def mark_retries_dirty(self) -> None:
        """What `mark_retry` set aside goes back on the work list."""
        ...

    def clear_dirty(self, ids: Sequence[ContactId]) -> None: ...
    def mark_all_dirty(self, cause: str) -> int: ...

    # episodes, decisions, timers
    def episodes(self, ids: Sequence[ContactId]) -> dict[ContactId, list[Episode]]:
        """All of each contact, by ordinal."""
        ...

    def all_episodes(self) -> list[Episode]:
        """Every episode of the portal, for reports."""
        ...
    def put_episode(self, episode: Episode, *, at: datetime, cause: str) -> None:
        """Stores it, and one step of its path where state, owner or silence changed."""
        ...

    def delete_episode(self, episode: EpisodeId) -> None: ...
    def put_decision(self, run: RunId, decision: Decision) -> None: ...
    def decisions(self, contact: ContactId) -> list[Mapping[str, object]]: ...
    def silent_episodes(self, states: Sequence[str], limit: int, after: str) -> list[Episode]: ...
    def predating(self, limit: int, after: str) -> list[ContactId]:
        """Contacts whose latest decision was `predates`."""
        ...

    def adopted_on(self, since: datetime) -> dict[OwnerId, int]:
        """Episodes adopted at or after an instant, per owner."""
        ...

    def put_timers(self, timers: Sequence[Timer]) -> None: ...
    def cancel_timers(self, contact: ContactId, kinds: Sequence[str], name: str | None = None) -> None: ...
    def due_timers(self, as_of: datetime, limit: int) -> list[Timer]: ...
    def fire_timers(self, timers: Sequence[Timer], at: datetime) -> None: ...
    def timers(self, contact: ContactId) -> list[Timer]:
        """Those still to fire."""
        ...

    # intents, audit, outbox
    def put_intents(self, rows: Sequence[Intent]) -> None: ...
    def intents(self, status: str, limit: int) -> list[Intent]: ...
    def settle_intents(self, rows: Sequence[Intent]) -> None: ...
    def audit(self, run: RunId, rows: Sequence[AuditRow], at: datetime) -> None: ...
    def put_entries(self, rows: Sequence[Entry]) -> int:
        """Inserts those whose id is new, and revives those that were cancelled unsent (P3); gives how many."""
        ...

    def release_entries(self, intents: Sequence[str], due_at: datetime) -> None:
        """held -> due"""
        ...

    def cancel_contact_entries(self, ids: Sequence[ContactId], why: str) -> None:
        """Everything about these contacts that is not sent yet."""
        ...

    def cancel_entries(self, intents: Sequence[str], why: str) -> None: ...
    def put_quarantine(self, contact: ContactId, reason: str, at: datetime) -> int:
        """Gives how often this contact has failed so far."""
        ...

    def clear_quarantine(self, ids: Sequence[ContactId]) -> None: ...
    def quarantined(self) -> list[Mapping[str, object]]: ...


class Store(Protocol):
    """The database behind one portal."""

    def transaction(self) -> AbstractContextManager[UnitOfWork]:
        """A writing transaction; raises LeaseLostError where our epoch is no longer the portal's (I8)."""
        ...

    def reading(self) -> AbstractContextManager[UnitOfWork]:
        """A reading one; it needs no lease and blocks nobody."""
        ...

    def lease(self) -> AbstractContextManager[int]:
        """Holds the portal for this process; gives the epoch. Raises AlreadyRunningError within a second."""
        ...


# -- receivers and time ------------------------------------------------------------------------------------------


class Delivery(Protocol):
    """Sends what is due and records each try; never raises for a receiver's fault."""

    def deliver(self, now: datetime) -> int:
        """Gives how many entries were answered 2xx."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""
        ...


class Progress(Protocol):
    """What a person at a terminal sees of a long run; the silent one is `NoProgress`."""

    def step(self, name: str, done: int, total: int | None = None) -> None: ...


class NoProgress:
    def step(self, name: str, done: int, total: int | None = None) -> None:
        return None


class Outbox(Protocol):
    """The waiting notices, as delivery sees them; each call is a transaction of its own."""

    def claim(self, now: datetime, limit: int) -> list[Entry]:
        """Due entries in sending order, marked as ours for five minutes by a conditional update.

        A contact's later first sends to a destination wait behind its earlier ones that are still due or held.
        """
        ...

    def record(
        self, entry: str, *, at: datetime, status: str, due_at: datetime | None, error: str, seconds: float
    ) -> None:
        """One try: `status` is sent, due (again at `due_at`) or exhausted; `error` holds no body and no secret."""
        ...
