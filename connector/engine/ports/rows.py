"""What is stored, as values: the rows that pass between the engine and the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.domain.change import Change
from connector.domain.contact import Contact, ContactId, OwnerId, PortalId
from connector.domain.episode import Episode, EpisodeId
from connector.domain.run import RunId

SHADOW = "shadow:"
"""Before the rules' version in the portal's state: the last run decided by them and wrote nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalState:
    """What we remember of a portal as a whole.

    Attributes:
        handoff_since: signals before it are the past (R41); None before the first run that was not a shadow run.
        fingerprint: of the rules of the last completed run; `shadow:` before it where that run wrote nothing.
        as_of: of the last run; the next one never goes behind it (I9).
        ready_at: when the first full pull was complete; None until then.
        shadow: whether all runs so far were in shadow mode; the first live one sets handoff_since anew.
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

    @property
    def rules(self) -> str:
        """The version of the rules alone, whether that run wrote or not."""
        return self.fingerprint.removeprefix(SHADOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVersion:
    """One version of the rules that a run had.

    Attributes:
        first_used_by: `user@host` of the process that used it first; empty where that was not noted.
        runs: those with it that are still kept; last_run_at: `as_of` of the newest of them.
        effect: RuleChange.stored() of when it last came into use; None where it took the place of none.
    """

    fingerprint: str
    first_seen_at: datetime
    first_used_by: str
    runs: int
    last_run_at: datetime | None
    effect: Mapping[str, object] | None = None


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
        turn: pool, and by how much this plan moved each pointer of it, to hand the turn back; None for none.
        status: `open`, `written`, `rejected`, `overtaken`, `gone`, `shadow`.
    """

    id: str
    run: RunId
    contact: ContactId
    episode: EpisodeId | None
    changes: tuple[Change, ...]
    expected: Mapping[str, str | None]
    before: Episode | None = None
    turn: tuple[str, Mapping[OwnerId, int]] | None = None
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
        status: `held` (its write is not done), `due`, `digested` (a digest tells of it), `sent`, `cancelled`,
            `exhausted`.
        sequence: order of queueing; first sends of one contact to one destination keep it.
        intent: the write it waits for; None where it waits for none.
        owner: the rep whose notice it is; None where it is no rep's.
        digest: the entry that tells of this one among many others; None where it tells itself.
        summary: one line for a digest; no personal data.
        queued_at: by the run's `as_of`; a handoff that arrives much later says so in its digest.
        alone_until: until then it stands in no digest, however many wait; None where it may at any time.
        spent: tries that were made before a person had it sent again; the schedule begins anew after them.
        due_at: not tried before; one that is held is due then, or when its write is done, whichever is later.
        hurries: those of its contact that wait before it for a later time are due with it; not stored.
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
    owner: OwnerId | None = None
    digest: str | None = None
    summary: str = ""
    queued_at: datetime | None = None
    alone_until: datetime | None = None
    spent: int = 0
    hurries: bool = False


SECRETS_OVERLAP = timedelta(hours=24)
"""So long both secrets sign while a destination's secret changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationState:
    """How one destination fares; what is not stored is as the defaults say: on, well and rested.

    Attributes:
        off_at: nothing is sent since then, until a person switches it on again.
        off_by: `person`, `gone` (it answered 410) or `failing` (nothing but failures for five days); empty: it is on.
        rests_until: nothing is sent before.
        failing_since: first failure after the last 2xx; None where the last answer was a 2xx.
        failures: since then.
        unanswered: posts in a row that got no answer at all.
        times_off: how often it was switched off so far.
        secrets: keyed digest of the two secrets in use; None where there is one.
        secrets_since: when the two were first seen together.
    """

    name: str
    off_at: datetime | None = None
    off_by: str = ""
    rests_until: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0
    unanswered: int = 0
    times_off: int = 0
    secrets: str | None = None
    secrets_since: datetime | None = None

    def secret_is_old(self, now: datetime) -> bool:
        """Whether the second of its two secrets is used no more and can be taken out."""
        return self.secrets_since is not None and now - self.secrets_since >= SECRETS_OVERLAP

    @property
    def is_failing(self) -> bool:
        """On, and its last answer was no 2xx."""
        return self.off_at is None and self.failing_since is not None

    def may_send(self, now: datetime) -> bool:
        return self.off_at is None and (self.rests_until is None or self.rests_until <= now)
