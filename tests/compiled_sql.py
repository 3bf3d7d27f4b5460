"""SQL that is compiled once in a process of tests, not once more for each database that a test makes.

A database of its own for each test means an engine of its own, and with it a cache that begins empty: a fifth of what a
run in a small world costs. All are asked the same questions, so that they share one cache.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

import connector.store.database as database

_COMPILED: dict[Any, Any] = {}
_create_engine = database.create_engine


def share() -> None:
    """From now on all databases of this process."""
    for dialect in (PGDialect_psycopg, SQLiteDialect_pysqlite):
        # What is compiled is found by its dialect, too: those of one class are made alike, by database.py.
        dialect.__eq__ = lambda one, other: type(one) is type(other)  # type: ignore[method-assign]
        dialect.__hash__ = lambda one: hash(type(one))  # type: ignore[method-assign]
    database.create_engine = _sharing  # type: ignore[assignment]


def _sharing(*given: Any, **named: Any) -> Engine:
    return _create_engine(*given, execution_options={"compiled_cache": _COMPILED}, **named)
