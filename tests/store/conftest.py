"""Stores to test: SQLite in a file, and PostgreSQL wherever a server is to be had.

PostgreSQL comes from HANDOFF_TEST_POSTGRES_URL, else from the machine's own binaries, started in a folder of its own on
a socket. Without either its tests are skipped, and say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from postgres_server import ABSENT, can_serve, served
from sqlalchemy import create_engine, make_url, text

from connector.domain.contact import PortalId
from connector.store import SqlStore, open_store, this_process

PORTAL = PortalId("4711")

Opener = Callable[..., SqlStore]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a server's database for administration."""
    if not can_serve():
        pytest.skip(ABSENT, allow_module_level=True)
    with served() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of its own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'handoff.db'}"
        return
    server = make_url(request.getfixturevalue("postgres"))
    name = f"handoff_{uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


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
