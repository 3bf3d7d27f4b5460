"""HubSpot as the engine sees it: fulfils MarketingSource and Crm of engine/ports.py by the modules beside it.

Holds no knowledge of its own: each method names the module that does the work.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from connector.crm.hubspot import (
    account,
    activities,
    companies,
    contacts,
    forms,
    full_pull,
    owned,
    owners,
    properties,
    scopes,
    tasks,
)
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.companies import Companies
from connector.crm.hubspot.credentials import StaticToken, TokenSource
from connector.crm.hubspot.deals import DealReader
from connector.crm.hubspot.joined import Joined, missing
from connector.crm.hubspot.lists import ListInfo, Lists
from connector.crm.hubspot.naps import nap
from connector.crm.hubspot.pacing import Buckets, Pacing, Sleep
from connector.crm.hubspot.properties import PropertyDefinition
from connector.crm.hubspot.spans import LIST, SEARCH
from connector.crm.hubspot.transport import PURPOSE, Transport
from connector.crm.hubspot.writes import update
from connector.domain.activity import LIST_NAMED, LIST_NUMBERED, Activity
from connector.domain.contact import ContactId
from connector.domain.deal import Deal
from connector.domain.owner import Owner
from connector.domain.quota import Purpose, Spent
from connector.domain.record import COMPANY, Record
from connector.engine.ports import (
    ActivityPage,
    Beside,
    ContactPage,
    DealPage,
    Form,
    Note,
    PortalInfo,
    Presence,
    Schema,
    StreamOff,
    Task,
    Window,
    Write,
    WriteResult,
)
from connector.errors import ScopeError

FORMS_KEPT_SECONDS = 300.0
BASE_URL = "https://api.hubapi.com"


class HubSpotGateway:
    """One portal of HubSpot. Safe to use from several threads.

    Args:
        token: a service key or private app's token, or a TokenSource such as OAuthToken.
        portal_id: checked against the token's portal; its only source where the token cannot tell.
        rate_per_10s, search_per_second: calls allowed to ourselves; 0 for no limit.
        learns_rate: `rate_per_10s` is only where to begin: then goes what the portal's answers say that it takes.
        searches_too: a long full pull reads by the search beside the list.
        pacing_file: a SQLite file through which processes with the same token share these limits; None for none.
        pacing_buckets: shares them in another way.
        streams: activity streams that the rules need, of activities.STREAMS.
        plain_hosts: hosts besides this machine to which plain http is allowed.
        daily_reserve: share of the portal's daily calls that is left to others (P8).
        sleep, rng: for tests.
    """

    def __init__(
        self,
        *,
        token: str | TokenSource,
        base_url: str = BASE_URL,
        api_version: str = "v3",
        portal_id: str | None = None,
        rate_per_10s: int = 190,
        search_per_second: int = 5,
        learns_rate: bool = False,
        searches_too: bool = True,
        pacing_file: Path | None = None,
        pacing_buckets: Buckets | None = None,
        streams: Collection[str] = activities.STREAMS,
        plain_hosts: Collection[str] = (),
        ca_file: Path | None = None,
        daily_reserve: float = 0.2,
        sleep: Sleep = nap,
        rng: random.Random | None = None,
    ) -> None:
        self._transport = Transport(
            base_url=base_url,
            credentials=StaticToken(token) if isinstance(token, str) else token,
            pacing=Pacing(
                per_10_seconds=rate_per_10s,
                searches_per_second=search_per_second,
                learns=learns_rate,
                file=pacing_file,
                buckets=pacing_buckets,
                sleep=sleep,
            ),
            api_version=api_version,
            plain_hosts=plain_hosts,
            ca_file=ca_file,
            daily_reserve=daily_reserve,
            sleep=sleep,
            rng=rng,
        )
        self._client = Client(self._transport)
        self._lists = Lists(self._client)
        self._joined = Joined(self._client, self._lists)
        self._companies = Companies(self._client)
        self._deals = DealReader(self._client)
        self._portal_id, self._searches_too = portal_id, searches_too
        self._records = ""
        self._forms: tuple[Form, ...] = ()
        self._forms_at: float | None = None
        self._streams = tuple(stream for stream in activities.STREAMS if stream in streams)

    def hold_before_writes(self, hold: Callable[[float], None]) -> None:
        """Ask `hold` before each try of a call that writes, with the seconds that it may take; it may raise (I8)."""
        self._transport.before_write = hold

    # -- MarketingSource -----------------------------------------------------------------------------------------

    def pull_changed_contacts(
        self, window: Window, properties: Sequence[str], *, cursor: str | None
    ) -> Iterator[ContactPage]:
        return self._companies.pages(
            properties, lambda own: contacts.pull_changed(self._client, window, own, cursor)
        )

    def pull_all_contacts(
        self, properties: Sequence[str], *, cursor: str | None, by_search: bool = True
    ) -> Iterator[ContactPage]:
        doors = (LIST, SEARCH) if by_search and self._searches_too else (LIST,)
        return self._companies.pages(properties, lambda own: full_pull.pull(self._client, own, cursor, doors=doors))

    def pull_contacts_of_changed_companies(
        self, window: Window, properties: Sequence[str], *, cursor: str | None
    ) -> Iterator[ContactPage]:
        return self._companies.contacts_of_changed(window, properties, cursor)

    def pull_archived_contacts(self, since: datetime) -> Iterator[tuple[ContactId, ...]]:
        return contacts.pull_archived(self._client, since)

    def streams(self) -> tuple[str, ...]:
        return self._streams

    def pull_activities(
        self, stream: str, window: Window, *, cursor: str | None
    ) -> Iterator[ActivityPage | StreamOff]:
        if stream.startswith((LIST_NAMED, LIST_NUMBERED)):
            return self._joined.pull(stream, window, cursor)
        return activities.pull(self._client, stream, window, cursor)

    def pull_views(self, contact: ContactId, window: Window) -> Iterator[ActivityPage | StreamOff]:
        return activities.pull_views(self._client, contact, window)

    def forms(self) -> tuple[Form, ...]:
        """Asked for every five minutes, however often it is called; a new form asks for sales a little later."""
        now = time.monotonic()
        if self._forms_at is None or now - self._forms_at > FORMS_KEPT_SECONDS:
            try:
                self._forms = tuple([Form(ref=form.guid, name=form.name) for form in forms.pull_forms(self._client)])
            except ScopeError:
                self._forms = ()
            self._forms_at = now
        return self._forms

    def listed_forms(self) -> tuple[Form, ...]:
        return tuple(Form(ref=form.guid, name=form.name) for form in self._client.listed_forms)

    def recent_submissions(self, form: Form, since: datetime) -> Iterator[Sequence[Activity]]:
        return activities.pull_recent(self._client, forms.Form(guid=form.ref, name=form.name), since)

    # -- Crm -----------------------------------------------------------------------------------------------------

    def portal(self) -> PortalInfo:
        portal = account.read_portal(self._transport, self._portal_id)
        self._records = account.records_url(portal)
        return portal

    def owners(self) -> tuple[Owner, ...]:
        return owners.pull(self._client)

    def pull_deals(self, window: Window, *, cursor: str | None) -> Iterator[DealPage]:
        return self._deals.pull(window, cursor)

    def read_contacts(
        self, ids: Sequence[ContactId], properties: Sequence[str], *, history: Sequence[str] = ()
    ) -> Mapping[ContactId, Record]:
        dated, _ = companies.split(history)
        return self._companies.records(properties, lambda own: contacts.read(self._client, ids, own, dated))

    def gone_for_good(self, ids: Sequence[ContactId]) -> frozenset[ContactId]:
        return contacts.gone_for_good(self._client, ids)

    def look_at(self, ids: Sequence[ContactId], properties: Sequence[str]) -> Presence:
        return contacts.look_at(self._client, ids, properties)

    def update_contacts(self, writes: Sequence[Write]) -> tuple[WriteResult, ...]:
        return update(self._client, writes)

    def add_to_list(self, list_name: str, ids: Sequence[ContactId]) -> frozenset[ContactId]:
        return self._lists.add(list_name, ids)

    def remove_from_list(self, list_name: str, ids: Sequence[ContactId]) -> frozenset[ContactId]:
        return self._lists.remove(list_name, ids)

    def list_id(self, list_name: str, *, fresh: bool = False) -> str | None:
        return self._lists.identify(list_name, fresh=fresh)

    def leave_list(self, list_id: str, ids: Sequence[ContactId]) -> bool:
        return self._lists.leave(list_id, ids)

    def ensure_tasks(self, wanted: Sequence[Task]) -> Beside:
        return tasks.ensure_tasks(self._client, wanted)

    def finish_tasks(self, wanted: Mapping[str, ContactId]) -> Beside:
        return tasks.finish_tasks(self._client, wanted)

    def ensure_notes(self, wanted: Sequence[Note]) -> Beside:
        return tasks.ensure_notes(self._client, wanted)

    def record_url(self, contact: ContactId) -> str:
        return f"{self._records}/{contact}" if self._records else ""

    def schema(self, *, companies: bool = False) -> Schema:
        found = properties.read_schema(self._client)
        if not companies:
            return found
        theirs = properties.read_schema(self._client, "companies").properties
        return Schema(properties={**found.properties, **{f"{COMPANY}{name}": info for name, info in theirs.items()}})

    def lacking_scopes(self) -> Mapping[str, str]:
        return scopes.lacking(self.scopes())

    def api_calls(self) -> Mapping[str, int]:
        return self._transport.calls()

    def throttled(self) -> int:
        return self._transport.throttled()

    @contextmanager
    def spend(self, purpose: Purpose) -> Iterator[None]:
        former = PURPOSE.set(purpose)
        try:
            yield
        finally:
            PURPOSE.reset(former)

    def spent(self) -> Spent:
        return self._transport.spent()

    def count_anew(self) -> None:
        """A run begins: what `api_calls` and `throttled` say is of this run alone."""
        self._transport.count_anew()

    # -- PortalPast ----------------------------------------------------------------------------------------------

    @property
    def versions_kept(self) -> int:
        return contacts.FEWEST_VERSIONS

    def pull_dated_contacts(self, history: Sequence[str], *, cursor: str | None) -> Iterator[ContactPage]:
        return contacts.pull_dated(self._client, history, cursor)

    def deals_of(self, ids: Sequence[ContactId]) -> Mapping[ContactId, tuple[Deal, ...]]:
        return self._deals.of_contacts(ids)

    # -- for `handoff auth`, `handoff check` and `handoff init` --------------------------------------------------

    def exchange_token(self, form: Mapping[str, str]) -> object:
        """Ask the token endpoint itself. Raises AuthenticationError where it refuses."""
        return self._transport.exchange_token(form)

    def has_list(self, name: str) -> bool:
        """Whether the portal has a contact list of that name that takes members."""
        found = self._lists.find(name)
        return found is not None and found.is_writable

    def scopes(self) -> frozenset[str] | None:
        """What the token may do (S2); None where HubSpot does not tell of this kind of token."""
        return account.read_scopes(self._transport)

    def find_list(self, name: str) -> ListInfo | None:
        """The contact list of that name, whether it takes members or not; None where the portal has none."""
        return self._lists.find(name)

    def missing_lists(self, streams: Sequence[str]) -> tuple[str, ...]:
        """A sentence for each list of these streams that the portal lacks; a call for each that was not read before."""
        return tuple(missing(stream) for stream in streams if self._joined.find(stream) is None)

    def ensure_owned(
        self,
        definitions: Sequence[PropertyDefinition],
        list_name: str,
        *,
        group: str = owned.GROUP,
        group_label: str = owned.GROUP_LABEL,
    ) -> tuple[str, ...]:
        """Make the group, properties and list where they lack; a sentence for each; safe to repeat."""
        return properties.ensure_owned(self._client, self._lists, group, group_label, definitions, list_name)

    def close(self) -> None:
        """Close the connections; the gateway is not to be used afterwards."""
        self._transport.close()
