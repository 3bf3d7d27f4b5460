"""Transactions: nothing lost between threads, nothing half-written after a kill."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import PORTAL, Opener
from sqlalchemy.exc import DBAPIError
from values import ANA, BEN, NOW, REP, RUN, decision, entry, episode, stored

from connector.domain.contact import Contact, ContactId, OwnerId
from connector.domain.owner import Owner
from connector.rules.routing import Lead, RoutingRules, route
from connector.rules.situation import Desk
from connector.store import SqlStore, scratch


def test_threads_lose_no_update(open_it: Opener) -> None:
    """dependencies.md, section 3: the driver's own way lost three of four."""
    stores = [open_it(holder="host:1") for _ in range(4)]
    with stores[0].transaction() as unit:
        unit.put_quarantine(ANA, "counted", NOW)

    def count(store: SqlStore) -> None:
        for _ in range(25):
            with store.transaction() as unit:
                row = unit.quarantined()[0]
                assert row["tries"]
                unit.put_quarantine(ANA, "counted", NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, stores))
    with stores[0].reading() as unit:
        assert unit.quarantined()[0]["tries"] == 101


def test_read_and_write_back_loses_nothing_on_sqlite(tmp_path: Path, open_it: Opener) -> None:
    """BEGIN IMMEDIATE: whoever reads in a writing transaction reads what nobody else is changing."""
    stores = [open_it(holder="host:1") for _ in range(4)]
    if stores[0].database.dialect != "sqlite":
        return
    with stores[0].transaction() as unit:
        unit.move_rotation("desk", {REP: 1})

    def count(store: SqlStore) -> None:
        for _ in range(25):
            with store.transaction() as unit:
                stands = unit.rotation()["desk"][REP]
                unit.move_rotation("desk", {REP: (stands + 1) - stands})
                assert unit.rotation()["desk"][REP] == stands + 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, stores))
    with stores[0].reading() as unit:
        assert unit.rotation() == {"desk": {REP: 101}}


def test_two_workers_at_once_never_give_two_owners(tmp_path: Path, open_it: Opener) -> None:
    """R12: the pointer moves in the assignment's transaction, so that the turns are spread as if one had worked."""
    stores = [open_it(holder="host:1") for _ in range(2)]
    if stores[0].database.dialect != "sqlite":
        return
    leads = [ContactId(str(number)) for number in range(100, 124)]
    owners = [Owner(id=OwnerId(name), name=name, email="") for name in ("7", "8", "9")]
    rules = RoutingRules.model_validate({"pools": {"p": {"everyone": True}}, "default_pool": "p"})

    def work(store: SqlStore) -> None:
        for lead in leads:
            with store.transaction() as unit:
                if unit.episodes([lead])[lead]:
                    continue
                contact = Contact(id=lead, created_at=NOW, modified_at=NOW, fields={})
                desk = Desk(owners=owners, rotation=unit.rotation(), open_leads={})
                found = route(Lead(contact=contact), desk, rules, now=NOW)
                assert found is not None and found.rotation is not None
                unit.put_episode(episode(f"ep_{lead}", lead, owner=found.owner), at=NOW, cause="hand_over")
                unit.move_rotation(found.pool, found.rotation)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, stores))
    with stores[0].reading() as unit:
        given = [one.owner for one in unit.all_episodes()]
        assert sorted(Counter(given).values()) == [8, 8, 8] and unit.rotation() == {}


def test_a_block_that_fails_leaves_nothing(store: SqlStore) -> None:
    """I4: decision, episode and waiting notices stand together or not at all."""
    with pytest.raises(RuntimeError), store.transaction() as unit:
        unit.put_contacts([stored()])
        unit.put_decision(RUN, decision())
        unit.put_episode(episode(), at=NOW, cause="x")
        assert unit.episodes([ANA])[ANA]
        unit.put_entries([entry("a")])
        raise RuntimeError
    with store.reading() as unit:
        assert unit.contacts([ANA]) == {} and unit.decisions(ANA) == [] and unit.all_episodes() == []
    assert store.outbox.claim(NOW, 9) == []


def test_a_reading_sees_one_moment_and_cannot_write(store: SqlStore) -> None:
    with store.transaction() as unit:
        unit.mark_dirty([ANA], "x")
    with store.reading() as reader:
        assert reader.dirty(9) == [ANA]
        with store.transaction() as unit:
            unit.mark_dirty([BEN], "x")
        assert reader.dirty(9) == [ANA]
    with pytest.raises(DBAPIError), store.reading() as reader:
        reader.mark_dirty([BEN], "x")


def test_an_error_of_the_database_repeats_no_values(store: SqlStore) -> None:
    """I10."""
    with pytest.raises(DBAPIError) as caught, store.transaction() as unit:
        row = unit.contacts  # noqa: F841 - the unit is live
        unit.connection.exec_driver_sql("INSERT INTO owner (portal, owner, name) VALUES ('1', 'x', 'secret-name')")
    assert "parameters" not in str(caught.value) or "hidden" in str(caught.value)


def test_a_kill_amid_a_transaction_leaves_the_last_commit(url: str, open_it: Opener) -> None:
    """P1: nothing half-written, the database sound, and the next process goes on at once."""
    store = open_it()
    with store.transaction() as unit:
        unit.mark_dirty([ANA], "committed")
    code = f"""
        import os, signal
        from datetime import UTC, datetime
        from connector.store import open_store, this_process
        store = open_store({url!r}, {str(PORTAL)!r}, holder=this_process(), wall_clock=lambda: datetime.now(UTC))
        with store.lease(), store.transaction() as unit:
            unit.mark_dirty([str(number) for number in range(20_000)], "never committed")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    again = open_it()
    with again.lease() as epoch, again.transaction() as unit:
        assert epoch == 2
        assert unit.dirty(9) == [ANA]
    if store.database.dialect == "sqlite":
        with again.database.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_a_preview_sees_everything_and_leaves_nothing(store: SqlStore) -> None:
    """R33: a whole run on a private copy."""
    with store.transaction() as unit:
        unit.put_contacts([stored(fields={"first_name": "Zoë"})])
        unit.put_episode(episode(), at=NOW, cause="x")
        unit.put_decision(RUN, decision())
        unit.put_entries([entry("a")])
    with store.lease(), scratch(store) as copy:
        path = copy.database.path
        assert path is not None and path.stat().st_mode & 0o777 == 0o600
        with copy.lease(), copy.transaction() as unit:
            assert unit.contacts([ANA]) == {ANA: stored(fields={"first_name": "Zoë"})}
            assert unit.episodes([ANA])[ANA] == [episode()]
            assert len(unit.decisions(ANA)) == 1
            unit.mark_dirty([ANA], "preview")
            assert unit.put_entries([entry("a"), entry("b")]) == 1
    assert not path.exists()
    with store.reading() as unit:
        assert unit.dirty(9) == []


def test_what_a_killed_preview_left_is_removed_by_the_next_one(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S14: a copy holds people's data; one that is in use stays."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / "handoff-preview-left"
    left.mkdir(mode=0o700)
    for name in ("preview.db", "lock"):
        (left / name).touch(mode=0o600)
    with scratch(store) as first, scratch(store) as second:
        paths = [first.database.path, second.database.path]
        assert all(path is not None and path.exists() for path in paths)
        assert not left.exists()
    assert list(tmp_path.glob("handoff-preview-*")) == []


def test_portals_in_one_database_do_not_see_each_other(store: SqlStore) -> None:
    """design.md, section 5."""
    other = SqlStore(store.database, type(PORTAL)("99"), holder="host:2")
    with store.lease(), other.lease():
        for each in (store, other):
            with each.transaction() as unit:
                unit.put_contacts([stored()])
                unit.put_episode(episode(), at=NOW, cause="x")
                unit.put_entries([entry("a")])
        with other.transaction() as unit:
            unit.merge_contact(ANA, BEN)
            unit.mark_all_dirty("x")
            unit.cancel_contact_entries([BEN], "x")
    with store.reading() as unit:
        assert unit.contacts([ANA])[ANA].merged_into is None and unit.dirty(9) == []
    assert [one.id for one in store.outbox.claim(NOW, 9)] == ["a"]
