"""The steps in migrations/ make the tables of tables.py, on both databases."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from conftest import PORTAL, Opener
from sqlalchemy import Engine, UniqueConstraint, create_engine
from values import ANA, NOW, episode, stored, timer

from connector.domain.account import Accounts
from connector.store import SqlStore, open_store
from connector.store.database import Database
from connector.store.migrate import HEAD, VERSION_TABLE, upgrade, version
from connector.store.place import parse_url
from connector.store.tables import metadata


def test_the_steps_lead_to_the_tables_as_they_are_described(store: SqlStore) -> None:
    with store.database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_sqlite_gets_the_very_same_tables_and_indexes(tmp_path: Path, store: SqlStore) -> None:
    """What the comparison above does not see: conditions of indexes, keys, foreign keys."""
    if store.database.dialect != "sqlite":
        return
    described = create_engine(f"sqlite:///{tmp_path / 'described.db'}")
    metadata.create_all(described)

    def shape(engine: Engine) -> set[tuple[str, ...]]:
        """Each part that makes a table or an index, in any order: columns that came later stand in a line's middle."""
        with engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
        between = re.compile(r",?\s*\n\s*|, (?=\w+ (?:TEXT|VARCHAR|INTEGER|BOOLEAN)\b)")
        return {
            (name, *sorted(part.strip(" )") for part in between.split(sql)))
            for name, sql in rows
            if name != VERSION_TABLE
        }

    assert shape(store.database.engine) == shape(described)
    described.dispose()


def test_the_newest_step_is_the_one_that_is_looked_for() -> None:
    config = Config()
    config.set_main_option("script_location", "connector.store:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_opening_again_changes_nothing(open_it: Opener) -> None:
    for _ in range(2):
        with open_it().database.reading() as connection:
            assert version(connection) == HEAD


def test_the_portal_leads_every_key() -> None:
    """design.md, section 5."""
    for table in metadata.tables.values():
        unique = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
        for one in (table.primary_key, *unique, *table.indexes):
            assert next(iter(one.columns)).name == "portal", f"{table.name}: {one.name}"


def test_what_stands_in_a_database_of_the_second_step_reads_as_before(tmp_path: Path) -> None:
    """Nothing is lost, and what later steps add is as if it had never been."""
    today, before = tmp_path / "today.db", tmp_path / "before.db"
    with opened(today) as store, store.transaction() as unit:
        unit.put_contacts([stored()])
        unit.put_episode(episode(), at=NOW, cause="handed_off")
        unit.put_timers([timer()])
    database = Database(parse_url(f"sqlite:///{before}"), wall_clock=lambda: NOW)
    with closing(database), database.writing() as connection:
        upgrade(connection, "0002")
    copy_rows(today, before)
    with opened(today) as now, opened(before) as then, now.reading() as one, then.reading() as other:
        assert one.episodes([ANA])[ANA] == other.episodes([ANA])[ANA] != []
        assert one.timers(ANA) == other.timers(ANA) != []
        assert one.accounts(["firm.example"]) == other.accounts(["firm.example"]) != Accounts()


def opened(path: Path) -> closing[SqlStore]:
    return closing(open_store(f"sqlite:///{path}", PORTAL, holder="me", wall_clock=lambda: NOW))


def copy_rows(source: Path, target: Path) -> None:
    """Tables and columns that both have."""
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("ATTACH ? AS source", [str(source)])
        for table in metadata.tables:
            ours, theirs = (
                {name for _, name, *_ in connection.execute(f"PRAGMA {schema}.table_info({table})")}
                for schema in ("main", "source")
            )
            if names := ", ".join(sorted(ours & theirs)):
                connection.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM source.{table}")
        connection.commit()
