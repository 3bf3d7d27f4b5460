"""What every part of a unit of work has: a connection, the portal, and upserts for both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Delete, Dialect, Executable, Row, Table, Update, bindparam
from sqlalchemy.dialects import postgresql, sqlite

from connector.domain.contact import PortalId

Rows = list[dict[str, Any]]
Insert = sqlite.Insert | postgresql.Insert
Write = Insert | Update | Delete

PORTAL: BindParameter[Any] = bindparam("portal_", None)
"""The portal in prepared statements; `Part.select` and `Part.change` fill it in."""

IDS: BindParameter[Any] = bindparam("ids", expanding=True)
"""Ids in prepared statements; at most CHUNK at once."""

CHUNK = 500


class Part:
    """One subject's tables within one transaction."""

    def __init__(self, connection: Connection, portal: PortalId) -> None:
        self.connection = connection
        self.portal = portal
        self.dialect = connection.dialect.name

    def flush(self) -> None:
        """Writes out what a part has gathered so far; called before the commit and before reads that must see it."""

    def select(self, statement: Executable, **values: Any) -> Sequence[Row[Any]]:
        return self.connection.execute(statement, {"portal_": self.portal, **values}).all()

    def select_by_id(self, statement: Executable, ids: Sequence[str], **values: Any) -> Iterator[Row[Any]]:
        """The statement with IDS in it, over any number of ids."""
        for piece in chunks(ids):
            yield from self.select(statement, ids=piece, **values)

    def change(self, statement: Executable, **values: Any) -> int:
        """An UPDATE, DELETE or INSERT … SELECT; gives how many rows it touched."""
        counted = {"preserve_rowcount": True}       # an INSERT … SELECT would not tell otherwise
        given = {"portal_": self.portal, **values}
        return self.connection.execute(statement, given, execution_options=counted).rowcount

    def change_by_id(self, statement: Executable, ids: Sequence[str], **values: Any) -> int:
        return sum(self.change(statement, ids=piece, **values) for piece in chunks(ids))

    def upsert(self, table: Table, rows: Rows, *, keep: tuple[str, ...] = ()) -> None:
        """Insert, or overwrite all columns but the key and those in `keep`."""
        self.write(_upsert(table, self.dialect, keep), rows)

    def insert_new(self, table: Table, rows: Rows) -> None:
        """Insert; what has its key already stays as it is."""
        self.write(_insert_new(table, self.dialect), rows)

    def change_each(self, statement: Write, rows: Rows) -> None:
        """An UPDATE, DELETE or INSERT … SELECT once for each row of values, in their order."""
        self.write(statement, [{"portal_": self.portal, **row} for row in rows])

    def write(self, statement: Write, rows: Rows) -> None:
        """One INSERT for many rows, each with all of its columns.

        On SQLite the driver is given finished tuples: SQLAlchemy's own way with many rows costs more than the database.
        """
        if not rows:
            return
        if self.dialect == "sqlite":
            prepared = _prepare(statement, self.connection.dialect)
            self.connection.exec_driver_sql(prepared.text, prepared.tuples(rows))
        else:
            self.connection.execute(statement, rows)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement as the driver wants it, and how each of its parameters is turned into what the driver knows."""

    text: str
    columns: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    constants: dict[str, Any]

    def tuples(self, rows: Rows) -> list[tuple[Any, ...]]:
        columns = self.columns
        if self.constants:
            rows = [self.constants | row for row in rows]
        return [
            tuple([row[name] if turn is None else turn(row[name]) for name, turn in columns])   # a list is faster
            for row in rows
        ]


@cache
def _prepare(statement: Write, dialect: Dialect) -> _Prepared:
    compiled = statement.compile(dialect=dialect)
    turns = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()}
    constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    return _Prepared(str(compiled), tuple((name, turns[name]) for name in compiled.positiontup or ()), constants)


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def insert_into(table: Table, dialect: str) -> Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def key_of(table: Table) -> list[str]:
    return [column.name for column in table.primary_key.columns]


@cache
def _upsert(table: Table, dialect: str, keep: tuple[str, ...]) -> Insert:
    statement = insert_into(table, dialect)
    written = {c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key and c.name not in keep}
    return statement.on_conflict_do_update(index_elements=key_of(table), set_=written)


@cache
def _insert_new(table: Table, dialect: str) -> Insert:
    return insert_into(table, dialect).on_conflict_do_nothing(index_elements=key_of(table))


def per_dialect(build: Callable[[str], Insert]) -> Callable[[str], Insert]:
    """Builds a statement once for each database: putting one together costs more than running it."""
    return cache(build)
