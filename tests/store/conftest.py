"""Stores to test: SQLite in a file, and PostgreSQL wherever a server is to be had.

PostgreSQL comes from HANDOFF_TEST_POSTGRES_URL, else from the machine's own binaries, started in a folder of its own on
a socket. Without either its tests are skipped, and say so.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import compiled_sql
import pytest
from postgres_server import ABSENT, can_serve, served
from sqlalchemy import URL, create_engine, make_url, text

from connector.domain.contact import PortalId
from connector.store import SqlStore, open_store, this_process
from connector.store.database import Database
from connector.store.migrate import migrate
from connector.store.place import parse_url, prepare_file

compiled_sql.share()

PORTAL = PortalId("4711")

Opener = Callable[..., SqlStore]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a server's database for administration."""
    if not can_serve():
        pytest.skip(ABSENT, allow_module_level=True)
    with served() as address:
        yield address


def migrated(url: str) -> str:
    """The database of that address with the tables that the steps of migrations/ make, and nothing in them."""
    database = Database(parse_url(url), wall_clock=lambda: datetime.now(UTC))
    if database.path is not None:
        prepare_file(database.path)
    migrate(database)
    database.close()
    return url


@pytest.fixture(scope="session")
def made_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once by the steps: each test has a copy."""
    path = tmp_path_factory.mktemp("made") / "handoff.db"
    migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def made_database(postgres: str) -> str:
    """The like on the server: its name, for others to be made from."""
    name = f"handoff_made_{uuid4().hex[:12]}"
    server = make_url(postgres)
    on_server(server, f"CREATE DATABASE {name}")
    migrated(server.set(database=name).render_as_string(hide_password=False))
    return name


def on_server(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of its own, without a row."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("made_file"), tmp_path / "handoff.db")
        yield f"sqlite:///{tmp_path / 'handoff.db'}"
        return
    server = make_url(request.getfixturevalue("postgres"))
    name = f"handoff_{uuid4().hex[:12]}"
    on_server(server, f"CREATE DATABASE {name} TEMPLATE {request.getfixturevalue('made_database')}")
    yield server.set(database=name).render_as_string(hide_password=False)
    on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def open_it(url: str) -> Iterator[Opener]:
    """Opens stores on the one database; closed afterwards."""
    opened: list[SqlStore] = []

    def opener(*, holder: str = "", now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> SqlStore:
        store = open_store(url, PORTAL, holder=holder or this_process(), wall_clock=now)
        opened.append(store)
        return store

    yield opener
    for store in opened:
        store.close()


@pytest.fixture
def store(open_it: Opener) -> SqlStore:
    return open_it()
