"""A world's database from outside: copied as it stands, read by SQL, checked for damage."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

FILE = "handoff.db"


class SqliteBase:
    """A file in the world's folder; opened for each look only, since open files and forks go ill together."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self.url = f"sqlite:///{FILE}"  # relative: the runner stands in its world's folder, and the engine stays warm

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self._file)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql)]

    def change(self, sql: str) -> None:
        with closing(sqlite3.connect(self._file)) as connection:
            connection.execute(sql)
            connection.commit()

    def tables(self) -> list[str]:
        return [row["name"] for row in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def check(self) -> list[str]:
        said = [row["integrity_check"] for row in self.rows("PRAGMA integrity_check")]
        orphans = self.rows("PRAGMA foreign_key_check")
        return [f"damage: {line}" for line in said if line != "ok"] + [f"orphan: {row}" for row in orphans]


def copy_folder(source: Path, target: Path) -> None:
    """A world at rest; logs are not taken along."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o700)
    for path in source.iterdir():
        if path.name != "run.log":
            shutil.copyfile(path, target / path.name)
