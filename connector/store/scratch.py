"""A private copy of the store for `handoff preview`: a whole run may write to it, and nothing of it remains.

Always a SQLite file of mode 0600 in a folder of its own among the system's temporary ones, removed afterwards; what a
preview that was killed left there, the next one removes. PostgreSQL is copied too, this portal's rows from one
snapshot: a preview takes as long as a sync, and one long transaction on the server would hold the rows that the real
sync needs.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from filelock import FileLock, Timeout
from sqlalchemy import select

from connector.errors import FatalError
from connector.store.database import Database
from connector.store.migrate import migrate
from connector.store.place import parse_url
from connector.store.store import SqlStore
from connector.store.tables import lease, login, metadata

PREFIX, LOCK = "handoff-preview-", "lock"
_BATCH = 1000
_NOT_COPIED = (lease, login)        # a copy is held by nobody, and asks the CRM nothing


@contextmanager
def scratch(store: SqlStore) -> Iterator[SqlStore]:
    """The store as it stands, to play with. Raises FatalError where the disk has no room for the copy."""
    _remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))      # mkdtemp: mode 0700
    with FileLock(folder / LOCK, mode=0o600):
        path = folder / "preview.db"
        path.touch(mode=0o600)
        database = Database(parse_url(f"sqlite:///{path}"), wall_clock=lambda: datetime.now(UTC), durable=False)
        try:
            _copy(store, database)
            yield SqlStore(database, store.portal, holder=store.holder, key=store.key)
        finally:
            database.close()
            shutil.rmtree(folder)


def _remove_leftovers() -> None:
    """Copies whose process is gone: nobody holds their lock. Those of other users are not ours to touch."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError, Timeout):
            if folder.stat().st_uid == os.getuid() and (folder / LOCK).exists():
                with FileLock(folder / LOCK, timeout=0):
                    shutil.rmtree(folder)


def _copy(store: SqlStore, target: Database) -> None:
    try:
        if store.database.dialect == "sqlite":
            _copy_file(store.database, target)
        else:
            migrate(target)
            _copy_rows(store, target)
    except sqlite3.Error as error:
        raise FatalError(
            f"A copy of the database cannot be made in {tempfile.gettempdir()}: {error}",
            advice="Free some space there, or set TMPDIR to a folder on a larger disk.",
        ) from error


def _copy_file(source: Database, target: Database) -> None:
    """All pages by SQLite's own backup, while others go on writing."""
    with source.reading() as reader, target.engine.connect() as writer:
        driver = cast(sqlite3.Connection, reader.connection.driver_connection)
        driver.backup(cast(sqlite3.Connection, writer.connection.driver_connection))
    with target.writing() as connection:
        for table in _NOT_COPIED:
            connection.execute(table.delete())


def _copy_rows(store: SqlStore, target: Database) -> None:
    with store.database.reading() as reader, target.writing() as writer:
        for table in metadata.sorted_tables:
            if table in _NOT_COPIED:
                continue
            found = select(table).where(table.c.portal == store.portal)
            for rows in reader.execution_options(yield_per=_BATCH).execute(found).mappings().partitions():
                writer.execute(table.insert(), [dict(row) for row in rows])
