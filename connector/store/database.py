"""The database: which one, how its transactions begin, and how its differences stay in here.

SQLite: WAL, synchronous=FULL, foreign keys on, 30 s of patience, and transactions begun by us: the driver's own way
begins none at a SELECT and silently loses updates. PostgreSQL: psycopg 3, synchronous commits.
Tables and their versions are migrate.py's, the place of the file is place.py's.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from connector.errors import SettingsError
from connector.store.failures import DAMAGED_ADVICE, explain
from connector.store.turns import turns_of

PATIENCE_SECONDS = 30
CHECKED_BYTES = 64 * 2**20      # a whole check of more would delay every start; SQLite reports damage where it meets it
_WRITES = "handoff_writes"


class Database:
    """One database, of any number of portals.

    Attributes:
        dialect: `sqlite` or `postgresql`.
        path: the file; None on a server and in memory.
        in_memory: SQLite without a file: one connection for all threads, one transaction at a time. For tests.
        place: what people call it; no password.
    """

    def __init__(
        self, url: URL, *, wall_clock: Callable[[], datetime], durable: bool = True,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Args:
            durable: false for a copy to throw away, which need not reach the disk.
            patience_seconds: how long a transaction waits for another's lock.
        """
        self.dialect = url.get_backend_name()
        named = url.database not in (None, "", ":memory:")
        self.path = Path(str(url.database)) if self.dialect == "sqlite" and named else None
        self.in_memory = self.dialect == "sqlite" and not named
        self.place = str(self.path or ("(in memory)" if self.in_memory else url.render_as_string(hide_password=True)))
        self._wall_clock = wall_clock
        self._one_at_a_time = threading.RLock()
        self._shared: Connection | None = None
        self._turns = turns_of(self.path) if self.path is not None else None
        self._patience_seconds = patience_seconds
        self.engine = (
            _sqlite_engine(url, self.in_memory, durable, patience_seconds)
            if self.dialect == "sqlite"
            else server_engine(url, patience_seconds)
        )

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that may write; it commits when its block ends well. Raises StoreBusyError and its like."""
        with self._transaction(writes=True) as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One unchanging view; it waits for nobody and nobody waits for it."""
        with self._transaction(writes=False) as connection:
            yield connection

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Connection]:
        try:
            if self.in_memory:
                with self._one_at_a_time:
                    yield from self._share(writes)
            else:
                turn = self._turns.turn(self._patience_seconds) if writes and self._turns else nullcontext()
                with turn, self.engine.connect() as connection, _options(connection, self.dialect, writes).begin():
                    yield connection
        except (DBAPIError, sqlite3.Error) as error:
            # Writing where only reading was asked for is a mistake of ours, no fault of the file.
            ours = None if not writes and "readonly" in str(error) else explain(error, self.place)
            if ours is None:
                raise
            raise ours from error

    def _share(self, writes: bool) -> Iterator[Connection]:
        if self._shared is not None:
            yield self._shared      # within another transaction of this thread: there is one connection only
            return
        with self.engine.connect() as connection, _options(connection, self.dialect, writes).begin():
            self._shared = connection
            try:
                yield connection
            finally:
                self._shared = None

    def now(self, connection: Connection) -> datetime:
        """The one clock that all holders of a lease share: the server's, or on one machine its own."""
        if self.dialect == "postgresql":
            moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
            return moment.astimezone(UTC)
        return self._wall_clock()

    def probe(self) -> None:
        """See that it answers and is sound. Raises SettingsError, with the driver's reason but no password."""
        try:
            # As a reader: a question to the file must not wait for whoever writes to it.
            with self.engine.connect() as opened:
                connection = _options(opened, self.dialect, writes=False)
                if self.dialect == "sqlite" and self._is_small():
                    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
                    if found != "ok":
                        raise SettingsError(f"The file {self.place} is damaged ({found})", advice=DAMAGED_ADVICE)
        except DBAPIError as error:
            if self.dialect == "sqlite" and (ours := explain(error, self.place)) is not None:
                raise ours from error
            reason = str(error.orig).strip().partition("\n")[0][:200]
            raise SettingsError(
                f"The database {self.place} cannot be opened: {reason}",
                advice="See that the server runs and HANDOFF_DATABASE_URL names its host, database, user and password.",
            ) from error

    def scrub(self) -> bool:
        """Bring the log into the file and cut it to nothing: it holds pages as they were before (I11).

        False where another connection still reads from it; the next scrub, or the last close, does it then. A server
        cleans up after itself.
        """
        if self.path is None:
            return True
        with self.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    def _is_small(self) -> bool:
        return self.path is not None and self.path.stat().st_size <= CHECKED_BYTES

    def close(self) -> None:
        self.engine.dispose()


def _options(connection: Connection, dialect: str, writes: bool) -> Connection:
    if dialect == "sqlite":
        return connection.execution_options(**{_WRITES: writes})
    if writes:
        return connection
    return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _sqlite_engine(url: URL, in_memory: bool, durable: bool, patience: float) -> Engine:
    pool: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {}
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": patience, "check_same_thread": False}, **pool
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: object) -> None:
        connection.isolation_level = None       # transactions are ours to begin
        connection.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")     # what is erased is overwritten, not only let go (I11)
        if not in_memory:
            connection.execute(f"PRAGMA journal_mode = {'WAL' if durable else 'MEMORY'}")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        # In kibibytes, of each connection; 16 MB were no faster than 4 MB at 20,000 contacts.
        connection.execute("PRAGMA cache_size = -3000")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, True)
        driver: Any = connection.connection.driver_connection   # SQLAlchemy's own way costs more than the statements
        if connection.info.get(_WRITES) != writes:
            driver.execute(f"PRAGMA query_only = {int(not writes)}")
            connection.info[_WRITES] = writes
        driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def server_engine(url: URL, patience: float) -> Engine:
    """Of PostgreSQL; `patience`: seconds that a statement waits for another's lock."""
    engine = create_engine(url, hide_parameters=True, pool_pre_ping=True)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'")
            cursor.execute("SET synchronous_commit = on")
            cursor.execute(f"SET lock_timeout = '{int(patience * 1000)}ms'")
        connection.commit()

    return engine
