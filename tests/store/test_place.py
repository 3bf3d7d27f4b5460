"""Where the database is, and what is said when it cannot be there (reliability.md, section 7)."""

from __future__ import annotations

import os
import sqlite3
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from values import ANA, stored

from connector.domain.contact import PortalId
from connector.engine.ports import PortalInfo
from connector.errors import FatalError, SettingsError, StoreBusyError
from connector.store import SqlStore, open_store, scratch, this_process
from connector.store.migrate import HEAD


def wall() -> datetime:
    return datetime.now(UTC)


def open_at(path: Path | str, portal: str | None = "4711") -> SqlStore:
    url = path if isinstance(path, str) else f"sqlite:///{path}"
    return open_store(url, PortalId(portal) if portal else None, holder=this_process(), wall_clock=wall)


def info(portal: str) -> PortalInfo:
    return PortalInfo(id=PortalId(portal), time_zone="Europe/Paris", ui_domain="app.crm.example", now=wall())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_all_files_of_the_database_are_private(tmp_path: Path) -> None:
    """S14: whatever the umask says."""
    before = os.umask(0)
    try:
        store = open_at(tmp_path / "handoff.db")
        with store.transaction() as unit:
            unit.put_contacts([stored()])
            found = {path.name: mode(path) for path in tmp_path.iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert found == {"handoff.db": 0o600, "handoff.db-wal": 0o600, "handoff.db-shm": 0o600}


def test_a_file_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    """S14."""
    path = tmp_path / "handoff.db"
    path.touch(0o644)
    open_at(path).close()
    assert mode(path) == 0o600


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "no database address"),
        ("mysql://u:secret@h/d", "does not know"),
        ("sqlite:////no/such/folder/handoff.db", "/no/such/folder"),
        ("sqlite:////tmp", "not a file"),
        ("sqlite:///a%00b", "no file's name"),
        ("postgresql://u:secret@127.0.0.1:1/d", "cannot be opened"),
    ],
)
def test_an_address_that_cannot_be_used_is_named_with_what_to_do(url: str, said: str) -> None:
    """I10: a password is never repeated."""
    with pytest.raises(SettingsError, match=said) as caught:
        open_at(url)
    assert caught.value.advice and "secret" not in f"{caught.value} {caught.value.advice}"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "handoff.db"
    open_at(path).close()
    # Root may write anywhere, so the answer of the system is given here.
    monkeypatch.setattr(os, "access", lambda place, way: Path(place) != path)
    with pytest.raises(SettingsError, match=str(path)):
        open_at(path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "handoff.db"
    path.write_text("this is a letter, not a database\n" * 50)
    with pytest.raises(SettingsError, match="damaged or no database") as caught:
        open_at(path)
    assert "backup" in caught.value.advice


def test_a_damaged_database_refuses_to_start(tmp_path: Path) -> None:
    path = tmp_path / "handoff.db"
    store = open_at(path)
    with store.transaction() as unit:
        unit.put_contacts([stored(str(number), {"note": "x" * 900}) for number in range(200)])
    store.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 20_000)
    with pytest.raises(SettingsError, match="damaged"):
        open_at(path)


def test_a_full_disk_is_one_clear_error_and_nothing_is_half_written(tmp_path: Path) -> None:
    store = open_at(tmp_path / "handoff.db")
    with store.database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")      # the pool gives this connection again
    with pytest.raises(FatalError, match="full") as caught, store.transaction() as unit:
        unit.put_contacts([stored(str(number), {"note": "x" * 5000}) for number in range(50)])
    assert caught.value.advice
    with store.reading() as unit:
        assert unit.contacts([ANA]) == {}
    store.close()


def test_another_programs_tables_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE contact (id INTEGER)")
    connection.close()
    with pytest.raises(SettingsError, match="another program"):
        open_at(path)


def test_a_newer_versions_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "handoff.db"
    open_at(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE handoff_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(SettingsError, match=rf"newer version.*{HEAD}"):
        open_at(path)


def test_a_lock_that_lasts_is_told_with_advice(tmp_path: Path) -> None:
    store = open_at(tmp_path / "handoff.db")
    with store.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(tmp_path / "handoff.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusyError, match="locked") as caught, store.transaction():
        pass
    assert caught.value.advice
    with store.reading() as unit:
        assert unit.watermark("contacts") is None       # readers wait for nobody
    other.close()
    store.close()


def test_a_database_refuses_another_portals_token(tmp_path: Path) -> None:
    path = tmp_path / "handoff.db"
    store = open_at(path, None)
    with pytest.raises(SettingsError, match="does not know its portal"), store.reading():
        pass
    store.bind_portal(info("4711"))
    store.bind_portal(info("4711"))
    with store.reading() as unit:
        state = unit.portal_state()
    assert state is not None and state.time_zone == "Europe/Paris"
    with pytest.raises(SettingsError, match=r"belongs to portal 4711.*portal 99"):
        store.bind_portal(info("99"))
    with pytest.raises(SettingsError, match="belongs to portal 4711"):
        open_at(path, "99")
    found = open_at(path, None)
    assert found.portal == "4711"
    found.close()
    store.close()


def test_in_memory_a_reading_may_stand_within_a_transaction() -> None:
    store = open_at("sqlite://")
    with store.lease(), store.transaction() as unit:
        unit.put_contacts([stored()])
        with store.reading() as reader:
            assert ANA in reader.contacts([ANA])
    with store.reading() as reader:
        assert ANA in reader.contacts([ANA])
    store.close()


def test_in_memory_a_preview_leaves_no_trace() -> None:
    store = open_at("sqlite://")
    with store.transaction() as unit:
        unit.put_contacts([stored()])
    with scratch(store) as copy, copy.transaction() as unit:
        assert ANA in unit.contacts([ANA])
        unit.mark_dirty([ANA], "preview")
    with store.reading() as unit:
        assert unit.dirty(1) == []
    store.close()
