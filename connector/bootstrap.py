"""The one place that picks real adapters and joins them.

Which CRM it is, and by which token it is asked, is gateways.py's.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime

from connector.config.answering import answering
from connector.config.mappings import load_rulebook
from connector.config.settings import Settings
from connector.crm.hubspot import owned
from connector.crm.hubspot.gateway import HubSpotGateway
from connector.crm.hubspot.properties import PropertyDefinition
from connector.delivery.answer_links import AnswerLinks
from connector.delivery.destinations import Destination, present, resolve
from connector.delivery.doors import open_doors
from connector.delivery.payload import build_body
from connector.delivery.receivers import Receivers
from connector.delivery.sender import Sender
from connector.domain.contact import PortalId
from connector.domain.episode import Hop, State
from connector.domain.notice import Notice
from connector.domain.quota import Purpose
from connector.domain.run import RunId
from connector.engine.context import Options, Ports
from connector.engine.deep import deep_check
from connector.engine.deep_report import DeepReport
from connector.engine.hint_run import Answers, ask, has_hints, sync_hints
from connector.engine.named import Names, named
from connector.engine.ports import Delivery, NoProgress, PortalInfo, Progress, Schema, Store
from connector.engine.ports.past import Notebook
from connector.engine.report import RunReport, UndoReport
from connector.engine.reports.portal_history import Past, PortalHistory, portal_history
from connector.engine.run import sync
from connector.engine.standing import why_switched_off
from connector.engine.undo import undo
from connector.errors import ConnectorError, SettingsError
from connector.gateways import gateway_of, wall_clock
from connector.rules.answers import offered
from connector.rules.notifications import switched_on
from connector.rules.recycling import Track
from connector.rules.rulebook import RuleBook
from connector.store import (
    Queries,
    SqlDesk,
    SqlInbox,
    SqlStore,
    open_desk,
    open_inbox,
    open_store,
    scratch,
    this_process,
)
from connector.store.destinations import look_at_destinations


@dataclass(slots=True)
class Connector:
    """A portal's connector, ready to run. Made by `connect`; use it from one thread at a time.

    `reload_rules()` reads mappings/ again; where they are wrong, the old ones stay active.
    """

    settings: Settings
    book: RuleBook
    gateway: HubSpotGateway
    _stores: dict[str, SqlStore]
    _answers: Answers | None = None

    def sync(self, options: Options | None = None, progress: Progress | None = None) -> RunReport:
        """One run. Raises what engine.run.sync raises."""
        options = options or self.options()
        if options.dry_run:
            return self.preview(options, progress)[0]
        self.gateway.count_anew()
        portal = self.gateway.portal()
        return self._run(self.store(portal), portal, options, progress)

    def preview(self, options: Options, progress: Progress | None = None) -> tuple[RunReport, Names]:
        """A dry run on a copy of the database, and the names of those that it speaks of (R33)."""
        self.gateway.count_anew()
        portal = self.gateway.portal()
        with scratch(self.store(portal)) as copy:
            report = self._run(copy, portal, options, progress)
            with copy.reading() as uow:
                return report, named(uow, report)

    def take_hints(self, delivery: Delivery, progress: Progress | None = None) -> int | None:
        """Look at the hints that wait, after a first `sync`; gives how many, None where a whole run is due first.

        Costs no call where none waits. Raises what engine.hint_run.sync_hints raises.
        """
        store = next(iter(self._stores.values()), None)
        if store is None:
            return None
        if not has_hints(store):
            return 0
        self.gateway.count_anew()
        if self._answers is None or not self._answers.are_fresh:
            self._answers = ask(self.gateway, companies=self.book.fields.reads_companies)
        _refuse_another_portal(store, self._answers.portal)
        destinations = resolve(self.book.notifications, lookup(self.settings))
        ports = self._ports(store, delivery, destinations)
        return sync_hints(ports, self.book, self._answers, self.options(), progress)

    def calls(self) -> int:
        """Calls of the CRM in the last run, or the last look at hints."""
        return sum(self.gateway.api_calls().values())

    @contextmanager
    def sender(self) -> Iterator[Sender]:
        """A sender of its own for another thread, by the rules as they are now; after a first `sync`."""
        (store,) = self._stores.values()
        with _sender(self.settings, self.book, store) as (sender, _):
            yield sender

    def options(self, *, dry_run: bool = False, full: bool = False, release_mass_change: bool = False) -> Options:
        """What the settings say, and what the command line asks on top."""
        return Options(
            dry_run=dry_run,
            full=full,
            release_mass_change=release_mass_change,
            shadow=self.settings.shadow,
            since=self.settings.since,
        )

    def portal(self) -> PortalInfo:
        """Who the token belongs to: one call."""
        return self.gateway.portal()

    def schema(self) -> Schema:
        """The portal's properties, as far as the rules may name them: one call, or two."""
        return self.gateway.schema(companies=self.book.fields.reads_companies)

    def store(self, portal: PortalInfo, *, make: bool = True) -> SqlStore:
        """The database of this portal; `make`: also where it is missing, for who begins something."""
        if portal.id not in self._stores:
            self._stores[portal.id] = open_database(self.settings, portal, make=make)
        return self._stores[portal.id]

    def reload_rules(self) -> None:
        self.book = load_rulebook(self.settings.mappings_dir)

    def make_owned(self) -> tuple[str, ...]:
        """Make our properties, their group and the list in the portal; a sentence for each; safe to repeat (R41)."""
        return self.gateway.ensure_owned(self._owned(), self.book.suppression.marketing_hold.list)

    def _owned(self) -> tuple[PropertyDefinition, ...]:
        recycling = self.book.recycling
        return owned.definitions(
            states={state.value: _label(state.value) for state in State},
            tracks={track.value: _label(track.value) for track in Track},
            verdicts={name: _label(name) for name in recycling.verdicts},
            reasons={name: _label(reason.label) for name, reason in recycling.reasons.items()},
            requests={"hand_over": "Hand over to sales", "hold": "Hold back"},
        )

    def portal_history(
        self,
        portal: PortalInfo,
        notes: Notebook,
        since: datetime | None,
        until: datetime | None,
        progress: Progress | None = None,
    ) -> PortalHistory:
        """Examples from the portal's past, at most up to where Handoff began; writes nothing to the CRM (R25)."""
        store = self.store(portal)
        with store.reading() as uow:
            state, seen = uow.portal_state(), uow.first_sight()
        began = [one for one in (seen, state.handoff_since if state is not None else None) if one is not None]
        past = Past(
            portal=portal.id,
            since=since,
            until=min(until or portal.now, max(began, default=portal.now)),
            now=portal.now,
            never_there=[one.name for one in self._owned()],
        )
        with self.gateway.spend(Purpose.BACKFILL):
            return portal_history(self.gateway, store, notes, self.book, past, progress)

    def deep_check(self, sample: int | None, progress: Progress | None = None) -> DeepReport:
        """What differs between the portal and the database; `sample` None: all. Raises what engine.deep raises."""
        self.gateway.count_anew()
        portal = self.gateway.portal()
        gateway, store = self.gateway, self.store(portal, make=False)
        with gateway.spend(Purpose.BACKFILL):
            return deep_check(
                gateway, gateway, store, self.book, portal,
                sample=sample, rng=random.SystemRandom(), progress=progress or NoProgress(),
            )  # fmt: skip

    def deliver(self, now: datetime, store: SqlStore) -> int:
        """Send what is due without a run."""
        with _sender(self.settings, self.book, store) as (sender, _):
            return sender.deliver(now)

    def undo(self, run: str, *, dry_run: bool = False, progress: Progress | None = None) -> UndoReport:
        """Put back what one run wrote (R36). Raises what engine.undo.undo raises."""
        self.gateway.count_anew()
        portal = self.gateway.portal()
        store = self.store(portal, make=False)
        with _sender(self.settings, self.book, store) as (sender, destinations):
            ports = self._ports(store, sender, destinations)
            return undo(ports, self.book, portal, RunId(run.strip()), dry_run=dry_run, progress=progress)

    def _run(self, store: SqlStore, portal: PortalInfo, options: Options, progress: Progress | None) -> RunReport:
        with _sender(self.settings, self.book, store) as (sender, destinations):
            return sync(self._ports(store, sender, destinations), self.book, portal, options, progress)

    def _ports(self, store: SqlStore, delivery: Delivery, destinations: Mapping[str, Destination]) -> Ports:
        self.gateway.hold_before_writes(store.hold_lease)
        return Ports(
            source=self.gateway,
            crm=self.gateway,
            store=store,
            delivery=delivery,
            build_body=_bodies(destinations, answer_links(self.settings, store.portal, self.book)),
            destinations=switched_on(
                self.book.notifications, present(self.book.notifications, lookup(self.settings))
            ),
        )


@contextmanager
def connect(settings: Settings) -> Iterator[Connector]:
    """A connector for the portal that the settings name.

    Raises:
        SettingsError, RuleBookError: before anything is asked of the CRM.
    """
    book = load_rulebook(settings.mappings_dir)
    gateway = gateway_of(settings)
    connector = Connector(settings, book, gateway, {})
    gc.freeze()  # program and rules stay to the end; the collector need not walk over them
    try:
        yield connector
    finally:
        gateway.close()
        for store in connector._stores.values():
            store.close()


def open_database(settings: Settings, portal: PortalInfo | None, *, make: bool = True) -> SqlStore:
    """The database without the CRM, for commands that only read.

    `portal` None takes the one that the database belongs to, which must be there already. Who names one is about to
    write, and may have to erase somebody at any moment: for that there must be a key. `make`: and begins something.
    """
    store = open_store(
        settings.database_url.get_secret_value(),
        portal.id if portal else None,
        holder=this_process(),
        wall_clock=wall_clock,
        key=settings.given_key(),
        make=make and portal is not None,
    )
    if portal is not None:
        try:
            store.key.check()
        except ConnectorError:
            store.close()
            raise
    return store


def receivers(settings: Settings) -> Receivers:
    """The destinations of notices, to look at and to try; asks nothing of the CRM and makes no database."""
    url = settings.database_url.get_secret_value()
    try:
        states, _ = look_at_destinations(url, None, wall_clock=wall_clock)
    except ConnectorError:
        states = {}     # whether there is one that can be used is what `check` says
    return Receivers(
        rules=load_rulebook(settings.mappings_dir).notifications,
        variable=lookup(settings),
        allow_hosts=settings.allow_hosts,
        ca_file=settings.ca_file,
        switched_off={name: why_switched_off(state) for name, state in states.items() if state.off_at},
    )


def known_portal(settings: Settings) -> PortalId | None:
    """The portal that the database belongs to; None where it knows none yet."""
    store = open_database(settings, None)
    try:
        return store.portal
    except SettingsError:
        return None
    finally:
        store.close()


def answer_links(settings: Settings, portal: PortalId, book: RuleBook | None = None) -> AnswerLinks | None:
    """Makes and reads the links of notices; None where the settings ask for none. To read them no book is needed."""
    told = answering(settings)
    if told is None:
        return None
    kinds = {hop: offered(book, hop) for hop in Hop} if book is not None else {}
    return AnswerLinks(base_url=told.base_url, portal=portal, secrets=told.secrets, offered=kinds)


def desk(settings: Settings, portal: PortalId) -> SqlDesk:
    """Where answers by link are taken in, once the database is made ready; it does not wait for long."""
    return open_desk(settings.database_url.get_secret_value(), portal, wall_clock=wall_clock)


def inbox(settings: Settings, portal: PortalId) -> SqlInbox:
    """The receiver's way into the database, once it is made ready; it does not wait for long."""
    return open_inbox(settings.database_url.get_secret_value(), portal, wall_clock=wall_clock)


def _refuse_another_portal(store: SqlStore, portal: PortalInfo) -> None:
    if store.portal != portal.id:
        raise SettingsError(
            f"The token now belongs to portal {portal.id}, the database to portal {store.portal}",
            advice="Use that portal's token again, or start anew with a database of its own.",
        )


def queries(settings: Settings) -> AbstractContextManager[Queries]:
    """What the commands that only read ask of the database."""
    return _reading(settings)


@contextmanager
def _reading(settings: Settings) -> Iterator[Queries]:
    store = open_database(settings, None)
    try:
        yield Queries(store)
    finally:
        store.close()


def _label(word: str) -> str:
    """A value as people read it: `hand_over` is `Hand over`."""
    text = word.replace("_", " ")
    return text[:1].upper() + text[1:]


def lookup(settings: Settings) -> Callable[[str], str | None]:
    def variable(name: str) -> str | None:
        secret = settings.secret(name)
        return secret.get_secret_value() if secret is not None else None

    return variable


@contextmanager
def _sender(settings: Settings, book: RuleBook, store: SqlStore) -> Iterator[tuple[Sender, Mapping[str, Destination]]]:
    destinations = resolve(book.notifications, lookup(settings))
    doors = open_doors(destinations, allow_hosts=settings.allow_hosts, ca_file=settings.ca_file)
    sender = Sender(store.outbox, destinations, doors, hold=store.hold_lease)
    try:
        yield sender, destinations
    finally:
        sender.close()


def _bodies(
    destinations: Mapping[str, Destination], links: AnswerLinks | None
) -> Callable[[str, Notice, str], str]:
    def build(name: str, notice: Notice, entry_id: str) -> str:
        return build_body(destinations[name], notice, entry_id, links)

    return build


__all__ = ["Connector", "Store", "connect", "open_database", "queries", "receivers"]
