"""Brings a database to the tables of this version, by the steps in migrations/. Imports Alembic only for work."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from connector.errors import SettingsError
from connector.store.database import Database
from connector.store.tables import metadata

HEAD = "0009"
"""The newest step; a test keeps it true."""

VERSION_TABLE = "handoff_version"
LOCK = 0x48414E44       # any number that other programs on the server are unlikely to lock by


def migrate(database: Database) -> None:
    """Safe to call at every start and by several processes at once. Raises SettingsError for tables not ours."""
    if database.in_memory:
        # New each time and gone with the process: no history to keep, and tests open many.
        with database.writing() as connection:
            metadata.create_all(connection)
        return
    with database.reading() as connection:
        found = version(connection)
        _refuse_strangers(connection, found, database.place)
    if found == HEAD:
        return
    with database.writing() as connection:
        if database.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        if version(connection) != HEAD:         # another process may have been faster
            upgrade(connection)


def version(connection: Connection) -> str | None:
    """None: no table of ours yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # a constant  # noqa: S608  # nosec B608


def _refuse_strangers(connection: Connection, found: str | None, place: str) -> None:
    if found is None:
        if taken := sorted(set(inspect(connection).get_table_names()) & set(metadata.tables)):
            raise SettingsError(
                f"The database {place} holds tables of another program ({', '.join(taken[:3])})",
                advice="Give Handoff a database, or on PostgreSQL a schema, of its own.",
            )
    elif found > HEAD:
        raise SettingsError(
            f"The database {place} was made by a newer version of Handoff (tables {found}, this one knows {HEAD})",
            advice="Install the newer version again, or restore the backup made before it.",
        )


def upgrade(connection: Connection, to: str = "head") -> None:
    """Take the steps up to `to`; earlier than the newest for tests alone."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "connector.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, to)
