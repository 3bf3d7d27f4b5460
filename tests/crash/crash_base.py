"""A world's database from outside: copied as it stands, read by SQL, checked for damage."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import make_url

FILE = "handoff.db"


class SqliteBase:
    """A file in the world's folder; opened for each look only, since open files and forks go ill together."""

    _NAMES = "SELECT name FROM sqlite_master WHERE type = 'table'"

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self.url = f"sqlite:///{FILE}"  # relative: the runner stands in its world's folder, and the engine stays warm

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self._opened() as connection:
            return [dict(row) for row in connection.execute(sql)]

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Every table with all of its rows, in one look."""
        with self._opened() as connection:
            names = [row["name"] for row in connection.execute(self._NAMES)]
            return {name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}"')] for name in names}

    def exists(self) -> bool:
        return self._file.exists()

    def change(self, sql: str) -> None:
        with closing(sqlite3.connect(self._file)) as connection:
            connection.execute(sql)
            connection.commit()

    def tables(self) -> list[str]:
        return [row["name"] for row in self.rows(self._NAMES)]

    def check(self) -> list[str]:
        said = [row["integrity_check"] for row in self.rows("PRAGMA integrity_check")]
        orphans = self.rows("PRAGMA foreign_key_check")
        return [f"damage: {line}" for line in said if line != "ok"] + [f"orphan: {row}" for row in orphans]

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection


class PostgresBase:
    """A database of its own on the proof's server; a world is copied by the server, from the mould's as a template."""

    def __init__(self, server: str, name: str) -> None:
        self._server, self._name = make_url(server), name
        self.url = self._server.set(database=name).render_as_string(hide_password=False)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self._connect(self._name) as connection:
            return _rows(connection, sql)

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        with self._connect(self._name) as connection:
            return {name: _rows(connection, f'SELECT * FROM "{name}"') for name in self._names(connection)}

    def change(self, sql: str) -> None:
        with self._connect(self._name) as connection:
            connection.execute(sql.encode())

    def tables(self) -> list[str]:
        with self._connect(self._name) as connection:
            return self._names(connection)

    @staticmethod
    def _names(connection: psycopg.Connection[Any]) -> list[str]:
        """Without the count of calls, which is left out beside SQLite too."""
        found = _rows(connection, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return [row["tablename"] for row in found if row["tablename"] != "handoff_pacing"]

    def exists(self) -> bool:
        return True

    def check(self) -> list[str]:
        """The server checks its own pages; keys and references it never lets go."""
        return []

    def copy_from(self, template: str | None) -> None:
        with self._connect("postgres") as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{self._name}" WITH (FORCE)'.encode())
            origin = f' TEMPLATE "{template}" STRATEGY file_copy' if template else ""
            connection.execute(f'CREATE DATABASE "{self._name}"{origin}'.encode())

    def _connect(self, name: str) -> psycopg.Connection[Any]:
        url = self._server.set(drivername="postgresql", database=name)
        return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


def _rows(connection: psycopg.Connection[Any], sql: str) -> list[dict[str, Any]]:
    return list(connection.cursor(row_factory=dict_row).execute(sql.encode()).fetchall())


def copy_folder(source: Path, target: Path) -> None:
    """A world at rest; logs are not taken along."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o700)
    for path in source.iterdir():
        if path.name != "run.log":
            shutil.copy(path, target / path.name)
