"""The tokens of a login by OAuth, encrypted; and the lock under which one process at a time renews them (S1).

AES-256-GCM under a key that is not in the database (key.py), bound to portal and app: a body that is copied to another
row opens nothing. A renewal waits for HubSpot, so its lock is none that writers wait for (a file beside SQLite's, an
advisory lock on a server), and it goes with the process that held it. What the tokens are for is crm/hubspot/'s.
"""

from __future__ import annotations

import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Row, delete, exists, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from connector.domain.contact import PortalId
from connector.domain.login import Login
from connector.errors import SettingsError, StoreBusyError
from connector.store.database import Database
from connector.store.failures import explain
from connector.store.key import BACK, Key
from connector.store.migrate import migrate
from connector.store.place import parse_url, prepare_file, refused
from connector.store.store import key_beside, portals_of
from connector.store.tables import erased
from connector.store.tables import login as table

PATIENCE_SECONDS = 60.0
"""A renewal takes less than 20 s, and may wait for its turn among the calls."""

LOCK = 0x48414E4C       # any number that other programs on the server are unlikely to lock by
PURPOSE = "login"
NONCE_BYTES = 12
AGAIN = "Or forget it and log in anew: `handoff auth login`."
BUSY = "Try again in a minute; see that no process of Handoff hangs."


class LoginVault:
    """Where one app's tokens are kept, of one portal at most. Opens the database for each question, and closes it.

    Args:
        url: as of `open_store`.
        key: what HANDOFF_KEY says; None takes the file beside a SQLite database.
    """

    def __init__(
        self, url: str, *, key: str | None, wall_clock: Callable[[], datetime],
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._url, self._given = url, key
        self._wall_clock, self._patience = wall_clock, patience_seconds

    def read(self) -> Login | None:
        """None where nobody is logged in, or no database is there; it makes none.

        Raises:
            SettingsError: the key is missing or another one, or the row is damaged: what to do is said.
        """
        with self._opened() as database:
            if database is None:
                return None
            with database.reading() as connection:
                row = connection.execute(select(table).order_by(table.c.changed_at.desc())).first()
            return None if row is None else _open(row, key_beside(database, self._given))

    def keep(self, login: Login, *, make: bool) -> bool:
        """Put it in place of what was there.

        Args:
            make: make database, tables and key where they lack; else False is given back where they do.
        Returns:
            Whether it is kept. Not in the database of another portal.
        """
        with self._opened(make=make) as database:
            if database is None:
                return False
            key = key_beside(database, self._given)
            with database.writing() as connection:
                known = portals_of(connection)
                if known and login.portal not in known:
                    return False
                if not self._has_key(key, connection, needed=make):
                    return False
                connection.execute(delete(table))
                row = {"portal": login.portal, "app": login.app, "key": key.mark(), "changed_at": self._wall_clock()}
                connection.execute(insert(table), [{**row, "body": _seal(login, key)}])
        return True

    def forget(self) -> bool:
        """Whether there was anything to forget. Needs no key. A renewal under way ends first, and is forgotten too."""
        with self._opened() as database:
            if database is None:
                return False
            with self.alone(), database.writing() as connection:
                return connection.execute(delete(table)).rowcount > 0

    def prepare(self) -> tuple[PortalId, ...]:
        """See that a login could be kept, before a person is sent to give it; the portals that the database knows.

        Raises:
            SettingsError, StoreBusyError: it could not.
        """
        with self._opened(make=True) as database:
            assert database is not None
            with database.writing() as connection:
                self._has_key(key_beside(database, self._given), connection, needed=True)
                return tuple(portals_of(connection))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While this lasts, no other process or thread is in here.

        Raises:
            StoreBusyError: after a minute of waiting.
            SettingsError: the server cannot be reached, or the lock's file not be made.
        """
        database = Database(parse_url(self._url), wall_clock=self._wall_clock, patience_seconds=self._patience)
        try:
            if database.dialect == "postgresql":
                database.probe()
                with _locked_on_server(database):
                    yield
            elif database.path is not None and database.path.absolute().parent.is_dir():
                with _locked_by_file(database.path, self._patience):
                    yield
            else:
                yield       # no place, nothing to share
        finally:
            database.close()

    def _has_key(self, key: Key, connection: Connection, *, needed: bool) -> bool:
        """Where somebody was erased, a key was made before: a new one would hide that it is lost."""
        anew = not connection.execute(select(exists(select(erased.c.digest)))).scalar()
        try:
            key.mark(make=anew)
        except SettingsError:
            if needed:
                raise
            return False
        return True

    @contextmanager
    def _opened(self, *, make: bool = False) -> Iterator[Database | None]:
        """None where the table is not there; with `make` it is."""
        database = Database(parse_url(self._url), wall_clock=self._wall_clock)
        try:
            if make and database.path is not None:
                prepare_file(database.path)
            if database.path is not None and not database.path.exists():
                yield None
                return
            if database.dialect == "postgresql":
                database.probe()        # says what is wrong with its address
            if make:
                migrate(database)
            with database.reading() as connection:
                there = inspect(connection).has_table(table.name)
            yield database if there else None
        finally:
            database.close()


def _seal(login: Login, key: Key) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # for those who log in alone

    plain = {
        "access": login.access_token,
        "refresh": login.refresh_token,
        "expires_at": login.expires_at.isoformat(),
        "scopes": login.scopes,
        "seed": login.seed,
    }
    nonce = secrets.token_bytes(NONCE_BYTES)
    hidden = AESGCM(key.derive(PURPOSE)).encrypt(nonce, json.dumps(plain).encode(), _bound(login.portal, login.app))
    return b64encode(nonce + hidden).decode()


def _open(row: Row[Any], key: Key) -> Login:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        mark = key.mark()
    except SettingsError as error:
        raise SettingsError(
            f"The login in the database cannot be read: {error}", advice=f"{error.advice} {AGAIN}"
        ) from error
    if mark != row.key:
        raise SettingsError(
            "The login in the database was encrypted under another key than today's", advice=f"{BACK} {AGAIN}"
        )
    try:
        sealed = b64decode(row.body, validate=True)
        opened = AESGCM(key.derive(PURPOSE)).decrypt(
            sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound(row.portal, row.app)
        )
    except (InvalidTag, ValueError):
        raise SettingsError(
            "The login in the database is damaged", advice="Log in anew: `handoff auth login`."
        ) from None
    plain = json.loads(opened)
    return Login(
        portal=PortalId(row.portal),
        app=row.app,
        access_token=plain["access"],
        refresh_token=plain["refresh"],
        expires_at=datetime.fromisoformat(plain["expires_at"]),
        scopes=tuple(plain["scopes"]),
        seed=plain["seed"],
    )


def _bound(portal: str, app: str) -> bytes:
    return "\x1f".join(("handoff login", portal, app)).encode()


@contextmanager
def _locked_by_file(path: Path, patience: float) -> Iterator[None]:
    file = path.with_name(f"{path.name}.login.lock")
    lock = FileLock(file, timeout=patience, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise StoreBusyError("Another process has been renewing the login for too long", advice=BUSY) from None
    except OSError as error:
        raise refused(file, error.strerror or type(error).__name__) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _locked_on_server(database: Database) -> Iterator[None]:
    with database.engine.connect() as connection, connection.begin():
        try:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        except DBAPIError as error:
            ours = explain(error, database.place)
            if ours is None:
                raise
            raise ours from error
        yield
