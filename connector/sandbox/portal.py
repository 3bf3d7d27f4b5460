"""One portal: its records, links, directory, switches and journal; and the world of portals told apart by token.

What the other modules find here:

- `portal.objects["contacts"]` … an ObjectStore per object type (store.py); `object_type(name)` maps names such as 0-1.
- `portal.link(...)`, `portal.unlink(...)` make and drop associations with all that follows (journal, webhooks, deal →
  stage, engagement → touch properties); `portal.links` reads them (links.py).
- `portal.directory` owners, forms, pipelines, what people did (directory.py).
- `portal.state("lists", Lists)` a module's own state, made on first use.
- `portal.log(kind, **facts)` appends to the journal read through `/_sandbox/log`; `@listen(kind)` lets a module act on
  it (merged, erased, archived, restored, created, property, …).
- `portal.emit(event)` hands a change to webhooks: webhooks.py puts its function into `portal.webhook_sink`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from zlib import crc32

from .clock import Clock, iso
from .directory import Directory
from .faults import FaultScript
from .links import Links, LinkType
from .store import ObjectStore, Record, Source
from .switches import Switches

State = TypeVar("State")
Listener = Callable[["Portal", dict[str, Any]], None]

TYPE_NUMBERS: dict[str, str] = {
    "contacts": "0-1",
    "companies": "0-2",
    "deals": "0-3",
    "tickets": "0-5",
    "notes": "0-46",
    "meetings": "0-47",
    "calls": "0-48",
    "emails": "0-49",
    "tasks": "0-27",
    "leads": "0-136",
}
OBJECT_TYPES: tuple[str, ...] = tuple(TYPE_NUMBERS)
SINGULAR: dict[str, str] = {name: "company" if name == "companies" else name.removesuffix("s") for name in OBJECT_TYPES}
_ALIASES: dict[str, str] = (
    {name: name for name in OBJECT_TYPES}
    | {number: name for name, number in TYPE_NUMBERS.items()}
    | {single: name for name, single in SINGULAR.items()}
)
ENGAGEMENTS: tuple[str, ...] = ("calls", "emails", "meetings", "notes", "tasks")

LinkHook = Callable[["Portal", tuple[str, str], tuple[str, str], int], None]
LINK_HOOKS: list[LinkHook] = []  # called for each new link, once from either end; effects.py adds its own
_LISTENERS: dict[str, list[Listener]] = {}


def listen(kind: str) -> Callable[[Listener], Listener]:
    """Register a function to be called with (portal, facts) after each journal entry of a kind."""

    def register(function: Listener) -> Listener:
        _LISTENERS.setdefault(kind, []).append(function)
        return function

    return register


def object_type(name: str) -> str | None:
    """Give the plural name of an object type from any of its spellings (contacts, contact, 0-1), None if unknown."""
    return _ALIASES.get(name.lower())


class Portal:
    """One portal's whole state. `lock` is held by dispatch for the length of a request."""

    def __init__(self, portal_id: int, token: str, clock: Clock, *, scopes: tuple[str, ...] | None = None) -> None:
        self.id = portal_id
        self.token = token
        self.scopes = scopes
        self.clock = clock
        self.time_zone = "UTC"
        self.seed = 0
        self.switches = Switches()
        self.lock = threading.RLock()
        self.links = Links()
        self.directory = Directory()
        self.journal: list[dict[str, Any]] = []
        self.quiet = False
        self.webhook_sink: Callable[[dict[str, Any]], None] | None = None
        self.blocked_emails: set[str] = set()
        self._states: dict[str, Any] = {}
        self._counters: dict[str, int] = {}
        self.objects: dict[str, ObjectStore] = {name: self._store(name) for name in OBJECT_TYPES}

    def state(self, name: str, factory: Callable[[], State]) -> State:
        """Give a module's own state object, made by `factory` on first use."""
        if name not in self._states:
            self._states[name] = factory()
        found: State = self._states[name]
        return found

    def count_up(self, name: str, first: int = 1) -> int:
        """Give the next number of a named sequence (ids of events, lists, …)."""
        self._counters[name] = number = self._counters.get(name, first - 1) + 1
        return number

    def log(self, kind: str, *, at: int | None = None, **facts: Any) -> None:
        """Append to the journal (`at` epoch ms, default the clock) and tell the listeners of this kind."""
        if self.quiet:
            return
        entry = {"seq": len(self.journal) + 1, "at": iso(self.clock.ms() if at is None else at), "kind": kind, **facts}
        self.journal.append(entry)
        for function in _LISTENERS.get(kind, ()):
            function(self, entry)

    def link(
        self, from_type: str, from_id: str, to_type: str, to_id: str, link: LinkType, source: Source,
        at: int | None = None,
    ) -> bool:  # fmt: skip
        """Associate two records and draw the consequences as of `at` (default now); False if the link was there."""
        at = self.clock.ms() if at is None else at
        new = self.links.add(from_type, from_id, to_type, to_id, link)
        if new:
            self._link_changed(from_type, from_id, to_type, to_id, link, source, removed=False)
            for function in LINK_HOOKS:
                function(self, (from_type, from_id), (to_type, to_id), at)
                function(self, (to_type, to_id), (from_type, from_id), at)
        return new

    def unlink(
        self, from_type: str, from_id: str, to_type: str, to_id: str, links: set[LinkType] | None, source: Source
    ) -> bool:
        """Drop some labels (None = all) between two records; False if there were none."""
        going = self.links.of(from_type, from_id, to_type).get(to_id, set())
        going = set(going) if links is None else going & links
        for link in going:
            self._link_changed(from_type, from_id, to_type, to_id, link, source, removed=True)
        return self.links.remove(from_type, from_id, to_type, to_id, links)

    def _link_changed(
        self, from_type: str, from_id: str, to_type: str, to_id: str, link: LinkType, source: Source, *, removed: bool
    ) -> None:
        ends: dict[str, Any] = {"from_type": from_type, "from_id": from_id, "to_type": to_type, "to_id": to_id}
        self.log("association", **ends, type_id=link.type_id, category=link.category, removed=removed)
        if self.webhook_sink is not None:
            event = change_event(from_type, from_id, "associationChange", source, self.clock.ms())
            event |= {"fromObjectId": int(from_id), "toObjectId": int(to_id), "associationRemoved": removed}
            event["associationType"] = f"{SINGULAR[from_type]}_to_{SINGULAR[to_type]}".upper()
            self.emit(event | {"isPrimaryAssociation": link.label == "Primary"})

    def emit(self, event: dict[str, Any]) -> None:
        """Hand a change to webhooks; dropped where none are configured, and while seeding."""
        if self.webhook_sink is not None and not self.quiet:
            self.webhook_sink(event)

    def _store(self, name: str) -> ObjectStore:
        def lag_ms(key: int) -> int:
            switches = self.switches
            if not switches.lag_seconds and not switches.lag_jitter_seconds:
                return 0
            jitter = crc32(str(key).encode()) % (switches.lag_jitter_seconds + 1)
            return round((switches.lag_seconds + jitter) * 1000)

        def on_change(
            record: Record, prop: str, before: str | None, after: str | None, source: Source, at: int
        ) -> None:
            if self.quiet:
                return
            entry = {
                "seq": len(self.journal) + 1, "at": iso(at), "kind": "property", "object": name, "id": record.id,
                "name": prop, "before": before, "after": after, "source": source.type,
            }  # fmt: skip
            self.journal.append(entry)
            for function in _LISTENERS.get("property", ()):
                function(self, entry)
            if self.webhook_sink is not None:
                event = change_event(name, record.id, "propertyChange", source, at)
                self.emit(event | {"propertyName": prop, "propertyValue": after or ""})

        return ObjectStore(name, self.clock.ms, lag_ms=lag_ms, on_change=on_change)


def change_event(name: str, record_id: str, what: str, source: Source, at: int) -> dict[str, Any]:
    """Build the facts of one webhook event (webhooks.py adds eventId, subscriptionId, portalId, attemptNumber)."""
    event: dict[str, Any] = {
        "subscriptionType": f"{SINGULAR[name]}.{what}",
        "objectId": int(record_id),
        "objectTypeId": TYPE_NUMBERS[name],
        "occurredAt": at,
        "changeSource": source.type,
    }
    return event | ({"sourceId": source.id} if source.id else {})


@dataclass(slots=True)
class Grant:
    """What one token opens; scopes None = all; expires in epoch ms of the sandbox clock, None = never."""

    token: str
    portal: Portal
    scopes: tuple[str, ...] | None = None
    oauth: bool = False
    expires: int | None = None


@dataclass(slots=True)
class Sandbox:
    """All portals behind one address, their tokens, the one clock and the fault script."""

    clock: Clock = field(default_factory=Clock)
    portals: dict[int, Portal] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    script: FaultScript = field(default_factory=FaultScript)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def add_portal(
        self, portal_id: int | None = None, token: str | None = None, scopes: tuple[str, ...] | None = None
    ) -> Portal:
        """Make an empty portal with a token that opens it.

        Raises:
            ValueError: the id or the token is taken.
        """
        with self.lock:
            if portal_id is None:
                portal_id = max(self.portals, default=24_001_000) + 1
            token = token or f"pat-sandbox-{portal_id}"
            if portal_id in self.portals or token in self.grants:
                raise ValueError(f"portal {portal_id} or its token exists already; choose another portalId and token")
            portal = Portal(portal_id, token, self.clock, scopes=scopes)
            self.portals[portal_id] = portal
            self.grants[token] = Grant(token, portal, scopes)
            return portal

    def grant(
        self, token: str, portal: Portal, scopes: tuple[str, ...] | None, *, oauth: bool, expires: int | None
    ) -> Grant:
        """Let one more token open a portal (OAuth access tokens, a second key)."""
        with self.lock:
            self.grants[token] = found = Grant(token, portal, scopes, oauth, expires)
            return found

    def first(self) -> Portal | None:
        """Give the portal that was made first, None when there is none."""
        return next(iter(self.portals.values()), None)
