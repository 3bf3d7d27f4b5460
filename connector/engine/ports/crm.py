"""The CRM as the engine sees it: where contacts and their behaviour come from, and where sales works."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from connector.domain.activity import Activity
from connector.domain.change import OutcomeKind
from connector.domain.contact import ContactId, OwnerId, PortalId
from connector.domain.deal import Deal
from connector.domain.owner import Owner
from connector.domain.quota import Purpose, Spent
from connector.domain.record import Record


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
    """At most 200 records. `cursor` resumes after this page; None when it was the last.

    `left`: how many records the CRM counts from the first of these on; None where it does not say with this page.
    `door`: which of the CRM's ways gave the page; for figures only.
    """

    records: tuple[Record, ...]
    cursor: str | None
    left: int | None = None
    door: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Of contacts that were asked about: those that are there under their own id, and those that are gone for good.

    Neither: merged into others, in the recycle bin, or not spoken of.
    """

    records: tuple[Record, ...]
    gone: frozenset[ContactId]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityPage:
    """`place`: with the last page of a stream that cannot be asked by time, the cursor for the next pull. `anew`: what
    came before this page comes once more."""

    rows: tuple[Activity, ...]
    cursor: str | None
    place: str | None = None
    anew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form of the portal. `ref` is its GUID, as `Activity.ref` of its submissions."""

    ref: str
    name: str


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
class Task:
    """A task beside a contact. `body` is plain text; `key`, of letters, digits and `_ . : -`, is its only one (I5)."""

    contact: ContactId
    owner: OwnerId
    subject: str
    body: str
    due_at: datetime
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note that stands in the contact's history at `at`; body and key as a task's. `owner`: who wrote it, if any."""

    contact: ContactId
    owner: OwnerId | None
    body: str
    at: datetime
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What became of tasks and notes, by key: the CRM's id of those that stand, and why others were refused."""

    standing: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOff:
    """A stream that this portal cannot give, in one line for people. `lasts` false: the next run asks again at once.

    `by_contact`: it gives it for one contact at a time (`pull_views`).
    """

    stream: str
    why: str
    lasts: bool = True
    by_contact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyInfo:
    """One property of the portal. `type` is the CRM's own word; `options` are a choice's values, empty otherwise.

    `labels`: what people see in place of the options, in the same order; empty where the CRM did not say.
    """

    type: str
    options: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The portal's contact properties by the CRM's own name."""

    properties: Mapping[str, PropertyInfo]


class MarketingSource(Protocol):
    """Where contacts and their behaviour come from.

    A property named `company.…` (domain/record.py) is one of the contact's primary company; empty where it has none.
    """

    def pull_changed_contacts(
        self, window: Window, properties: Sequence[str], *, cursor: str | None
    ) -> Iterator[ContactPage]: ...

    def pull_all_contacts(
        self, properties: Sequence[str], *, cursor: str | None, by_search: bool = True
    ) -> Iterator[ContactPage]:
        """Everyone who is there. `by_search` false: nothing is asked of an index, which may lack what the CRM has."""
        ...

    def pull_contacts_of_changed_companies(
        self, window: Window, properties: Sequence[str], *, cursor: str | None
    ) -> Iterator[ContactPage]:
        """Contacts whose company was changed in the window; asked only where `properties` has any of companies."""
        ...

    def pull_archived_contacts(self, since: datetime) -> Iterator[tuple[ContactId, ...]]:
        """Ids archived at or after `since`, for each page that was read for them, and so perhaps none."""
        ...

    def streams(self) -> tuple[str, ...]:
        """Names of the activity streams that the rules need and this adapter knows, in the order to pull them."""
        ...

    def pull_activities(
        self, stream: str, window: Window, *, cursor: str | None
    ) -> Iterator[ActivityPage | StreamOff]:
        """`stream`: one of `streams()`, of the touches or meetings, or of a list's new members (domain/activity.py)."""
        ...

    def pull_views(self, contact: ContactId, window: Window) -> Iterator[ActivityPage | StreamOff]:
        """Page views of one contact, at least one call; for portals that do not give those of all."""
        ...

    def forms(self) -> Sequence[Form]:
        """The portal's forms, perhaps as they were some minutes ago; none where it does not show them."""
        ...

    def listed_forms(self) -> Sequence[Form]:
        """The portal's forms as they were listed last, without a call; none before the first time."""
        ...

    def recent_submissions(self, form: Form, since: datetime) -> Iterator[Sequence[Activity]]:
        """The newest submissions of a form back to `since`, newest first; a page is read when it is asked for."""
        ...


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

    def gone_for_good(self, ids: Sequence[ContactId]) -> frozenset[ContactId]:
        """Of at most 100, those that the CRM says it has no more: neither live, merged, nor in its recycle bin.

        Not those of whom it says nothing: erasing rests on this (P7).
        """
        ...

    def look_at(self, ids: Sequence[ContactId], properties: Sequence[str]) -> Presence:
        """The same at the same calls, and with it how those stand that are there; company properties are not asked."""
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

    def list_id(self, list_name: str, *, fresh: bool = False) -> str | None:
        """Of the list that takes members under this name; None where there is none.

        `fresh` asks the CRM, one call; otherwise the list that was last written to may be given.
        """
        ...

    def leave_list(self, list_id: str, ids: Sequence[ContactId]) -> bool:
        """Take these off a list that was in force before; False where it is gone or is the CRM's own now."""
        ...

    def ensure_tasks(self, wanted: Sequence[Task]) -> Beside:
        """Create each task once: looked up by its key among its contact's tasks before it is sent (I7)."""
        ...

    def finish_tasks(self, wanted: Mapping[str, ContactId]) -> Beside:
        """Close the tasks of these keys, by key, that are still as they were made; `standing` are those closed now."""
        ...

    def ensure_notes(self, wanted: Sequence[Note]) -> Beside:
        """Create each note once, as ensure_tasks()."""
        ...

    def record_url(self, contact: ContactId) -> str:
        """Where a person opens this contact; empty before `portal()` was asked."""
        ...

    def schema(self, *, companies: bool = False) -> Schema:
        """The portal's own definitions of contact properties: one call; and of companies', with their prefix: two."""
        ...

    def lacking_scopes(self) -> Mapping[str, str]:
        """What the token may not do and no run can do without: name of the scope -> what it is for. One call.

        Empty where nothing lacks, and where the CRM does not tell.
        """
        ...

    def spend(self, purpose: Purpose) -> AbstractContextManager[None]:
        """Calls within the block are for this; blocks may stand within each other (R38).

        A backfill raises BackfillShedError where its calls of today are spent, everything else QuotaExhaustedError.
        """
        ...

    def spent(self) -> Spent:
        """Calls by purpose, over the same span as api_calls()."""
        ...

    def api_calls(self) -> Mapping[str, int]:
        """Calls made since the adapter was built, by method and path template."""
        ...

    def throttled(self) -> int:
        """Answers of 429 since the adapter was built."""
        ...
