"""A look at the database as it lies there, for `handoff check`: makes nothing and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection

from connector.store.database import Database
from connector.store.migrate import HEAD, version
from connector.store.place import parse_url


@contextmanager
def looking(url: str, *, wall_clock: Callable[[], datetime]) -> Iterator[Connection | None]:
    """To read its tables. None where there is no database, or one of an earlier version: the next run brings it up.

    For a database that `check_store` found no fault with.
    """
    database = Database(parse_url(url), wall_clock=wall_clock)
    try:
        if database.path is not None and not database.path.exists():
            yield None
            return
        with database.reading() as connection:
            yield connection if version(connection) == HEAD else None
    finally:
        database.close()
