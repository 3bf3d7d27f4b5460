"""The store of one portal: opens the database, hands out transactions, and keeps another portal's token out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, inspect, select

from connector.domain.contact import PortalId
from connector.engine.ports import PortalInfo
from connector.errors import SettingsError
from connector.store.database import Database
from connector.store.key import Key
from connector.store.lease import BEAT_SECONDS, STALE_SECONDS, Lease
from connector.store.migrate import migrate
from connector.store.outbox import SqlOutbox
from connector.store.part import Part
from connector.store.place import check_file, parse_url, prepare_file
from connector.store.tables import portal as portal_table
from connector.store.unit_of_work import SqlUnitOfWork


def open_store(
    url: str,
    portal: PortalId | None,
    *,
    holder: str,
    wall_clock: Callable[[], datetime],
    key: str | None = None,
    make: bool = True,
) -> SqlStore:
    """Open the database, make or renew its tables, and find the portal it belongs to.

    Args:
        url: `sqlite:///path`, `sqlite://` (in memory, for tests) or `postgresql://…`.
        portal: None takes the one that the database knows already; `bind_portal` sets it later.
        holder: who we are, for the lease; `this_process()`.
        wall_clock: aware UTC; the lease's clock on SQLite.
        key: what HANDOFF_KEY says; None takes the file beside a SQLite database.
        make: False where a file that is missing is a mistake.
    Raises:
        SettingsError: no such place, not writable, damaged, another program's, or another portal's.
        StoreBusyError: locked for longer than 30 s.
    """
    parsed = parse_url(url)
    database = Database(parsed, wall_clock=wall_clock)
    try:
        if database.path is not None:
            prepare_file(database.path, make=make)
        database.probe()
        migrate(database)
        return SqlStore(database, _settle(database, portal), holder=holder, key=key_beside(database, key))
    except BaseException:
        database.close()
        raise


def check_store(url: str, portal: PortalId, *, wall_clock: Callable[[], datetime], key: str | None = None) -> None:
    """Whether `open_store` would find its place for that portal, and a run its key; makes nothing and changes nothing.

    Raises:
        SettingsError, StoreBusyError: as `open_store`; the key is not set where it must be.
    """
    database = Database(parse_url(url), wall_clock=wall_clock)
    try:
        key_beside(database, key).check()
        if database.path is not None:
            check_file(database.path)
            if not database.path.exists():
                return
        database.probe()
        with database.reading() as connection:
            known = portals_of(connection) if inspect(connection).has_table(portal_table.name) else []
        _refuse_another(database, known, portal)
    finally:
        database.close()


class SqlStore:
    """Fulfils ports.Store for one portal."""

    def __init__(
        self, database: Database, portal: PortalId | None, *, holder: str, key: Key | None = None,
        beat_seconds: float = BEAT_SECONDS, stale_seconds: float = STALE_SECONDS,
    ) -> None:
        self.database = database
        self.holder = holder
        self.key = key or Key()
        self._portal = portal
        self._beat, self._stale = beat_seconds, stale_seconds
        self._lease: Lease | None = None

    @property
    def portal(self) -> PortalId:
        if self._portal is None:
            raise SettingsError(
                f"The database {self.database.place} does not know its portal yet",
                advice="Run handoff check or handoff sync first: they ask the CRM.",
            )
        return self._portal

    def bind_portal(self, info: PortalInfo) -> None:
        """Tie the database to the token's portal, for good. Raises SettingsError where it is another's."""
        _settle(self.database, info.id)
        self._portal = info.id
        known = {"portal": info.id, "time_zone": info.time_zone, "ui_domain": info.ui_domain}
        with self.reading() as unit:
            state = unit.portal_state()
        if state is not None and (state.time_zone, state.ui_domain) == (info.time_zone, info.ui_domain):
            return
        with self.database.writing() as connection:
            _refuse_another(self.database, portals_of(connection), info.id)
            unset: dict[str, object] = dict.fromkeys(("handoff_since", "as_of", "ready_at"))
            unset |= {"fingerprint": "", "shadow": False, "adopting": {}}
            Part(connection, info.id).upsert(portal_table, [{**known, **unset}], keep=tuple(unset))

    @contextmanager
    def transaction(self) -> Iterator[SqlUnitOfWork]:
        """Where we hold no lease, one that another process holds raises AlreadyRunningError."""
        with self.database.writing() as connection:
            self._check(connection)
            unit = self._unit(connection)
            yield unit
            unit.flush()

    @contextmanager
    def reading(self) -> Iterator[SqlUnitOfWork]:
        with self.database.reading() as connection:
            yield self._unit(connection)

    def _unit(self, connection: Connection) -> SqlUnitOfWork:
        unit = SqlUnitOfWork(connection, self.portal)
        unit.key = self.key
        unit.clock = partial(self.database.now, connection)
        return unit

    @contextmanager
    def lease(self) -> Iterator[int]:
        taken = self._new_lease()
        epoch = taken.take()
        self._lease = taken
        try:
            yield epoch
        finally:
            self._lease = None
            taken.give_back()

    def hold_lease(self, seconds: float) -> None:
        """See that our lease lasts for so long; without one there is nothing to lose. Raises LeaseLostError (I8)."""
        lease = self._lease  # a thread that delivers asks while another of ours gives it back
        if lease is not None:
            lease.hold(seconds)

    def lease_seconds_left(self) -> float:
        """How long the lease is ours for certain; a write outside must take less (I8)."""
        lease = self._lease
        return lease.seconds_left() if lease else 0.0

    @property
    def outbox(self) -> SqlOutbox:
        return SqlOutbox(self.database, self.portal, self.holder, self._check)

    def scrub(self) -> bool:
        return self.database.scrub()

    def close(self) -> None:
        self.database.close()

    def _check(self, connection: Connection) -> None:
        (self._lease or self._new_lease()).check(connection)

    def _new_lease(self) -> Lease:
        return Lease(self.database, self.portal, self.holder, beat=self._beat, stale=self._stale)


def key_beside(database: Database, given: str | None) -> Key:
    """The key of this database: as the setting says, else the file beside it."""
    file = database.path.with_name(f"{database.path.name}.key") if database.path is not None else None
    return Key(given, file, passing=database.in_memory)


def portals_of(connection: Connection) -> list[PortalId]:
    """The portals that the database belongs to: one, once it was synced into."""
    return list(connection.execute(select(portal_table.c.portal).order_by(portal_table.c.portal)).scalars())


def _settle(database: Database, wanted: PortalId | None) -> PortalId | None:
    with database.reading() as connection:
        known = portals_of(connection)
    if wanted is None:
        return known[0] if len(known) == 1 else None
    _refuse_another(database, known, wanted)
    return wanted


def _refuse_another(database: Database, known: list[PortalId], wanted: PortalId) -> None:
    if known and wanted not in known:
        raise SettingsError(
            f"The database {database.place} belongs to portal {', '.join(known)}, the token to portal {wanted}",
            advice="Use that portal's token, or give this portal a database of its own by HANDOFF_DATABASE_URL.",
        )
