"""One process at a time works on a portal, and one that lost it writes nothing more (I8)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from conftest import PORTAL, Opener
from sqlalchemy import update
from values import ANA, NOW, entry

from connector.errors import AlreadyRunningError, LeaseLostError
from connector.store import SqlStore, this_process
from connector.store.process import is_dead
from connector.store.tables import lease

ELSEWHERE = "other-host:7:1:x-1"


def age(store: SqlStore, seconds: float) -> None:
    """Let the heartbeat be so old."""
    with store.database.writing() as connection:
        then = store.database.now(connection) - timedelta(seconds=seconds)
        connection.execute(update(lease).values(heartbeat_at=then))


def dead_process() -> str:
    """A holder that ran on this machine and does no more."""
    code = "from connector.store import this_process; print(this_process())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_second_process_is_told_within_a_second_by_whom_and_since_when(open_it: Opener) -> None:
    first, second = open_it(holder=ELSEWHERE), open_it()
    with first.lease():
        began = time.monotonic()
        with pytest.raises(AlreadyRunningError, match="process 7 on host other-host, since 20") as caught:
            second.lease().__enter__()
        assert time.monotonic() - began < 1 and "30 seconds" in caught.value.advice
        with pytest.raises(AlreadyRunningError), second.transaction():
            pass
    with second.lease(), second.transaction() as unit:
        unit.mark_dirty([ANA], "test")


def test_it_is_told_within_a_second_even_while_the_other_is_writing(open_it: Opener) -> None:
    first, second = open_it(holder=ELSEWHERE), open_it()
    with first.lease(), first.transaction() as unit:
        unit.mark_dirty([ANA], "test")
        began = time.monotonic()
        with pytest.raises(AlreadyRunningError), second.lease():
            pass
        assert time.monotonic() - began < 1


def test_the_epoch_rises_with_each_holder(store: SqlStore) -> None:
    epochs = []
    for _ in range(3):
        with store.lease() as epoch:
            epochs.append(epoch)
            assert 25 < store.lease_seconds_left() <= 30
    assert epochs == [1, 2, 3]
    assert store.lease_seconds_left() == 0


def test_a_stale_lease_is_taken_over_and_its_late_writer_is_fenced_off(open_it: Opener) -> None:
    sleeper, successor = open_it(holder=ELSEWHERE), open_it()
    with sleeper.lease():
        age(sleeper, 29)
        with pytest.raises(AlreadyRunningError), successor.lease():
            pass
        age(sleeper, 31)
        with successor.lease() as epoch:
            assert epoch == 2
            with pytest.raises(LeaseLostError) as caught, sleeper.transaction() as unit:
                unit.mark_dirty([ANA], "too late")
            assert caught.value.exit_code == 5
    with successor.reading() as unit:
        assert unit.dirty(1) == []


def test_the_late_one_does_not_give_back_what_is_not_its_own(open_it: Opener) -> None:
    sleeper, successor = open_it(holder=ELSEWHERE), open_it()
    with sleeper.lease():
        age(sleeper, 31)
        held = successor.lease()
        held.__enter__()
    with successor.transaction() as unit:
        unit.mark_dirty([ANA], "still ours")
    with pytest.raises(AlreadyRunningError), open_it().lease():
        pass
    held.__exit__(None, None, None)


def test_a_holder_killed_on_this_machine_is_replaced_at_once_with_its_claims(open_it: Opener) -> None:
    """P1: a plain restart right after kill -9 does not wait."""
    killed = open_it(holder=dead_process())
    with killed.transaction() as unit:
        unit.put_entries([entry("a")])
    left_open = killed.lease()
    left_open.__enter__()
    assert len(killed.outbox.claim(NOW, 9)) == 1
    restarted = open_it()
    assert restarted.outbox.claim(NOW, 9) == []
    with restarted.lease() as epoch:
        assert epoch == 2
        assert [one.id for one in restarted.outbox.claim(NOW, 9)] == ["a"]
    left_open.__exit__(None, None, None)


def test_the_heartbeat_keeps_a_long_run_alive(url: str, open_it: Opener) -> None:
    first, second = open_it(holder=ELSEWHERE), open_it()
    quick = SqlStore(first.database, PORTAL, holder=ELSEWHERE, beat_seconds=0.05, stale_seconds=0.5)
    impatient = SqlStore(second.database, PORTAL, holder=this_process(), stale_seconds=0.5)
    with quick.lease():
        for _ in range(8):
            time.sleep(0.1)
            with pytest.raises(AlreadyRunningError), impatient.lease():
                pass


def test_a_process_counts_as_dead_only_where_it_certainly_is() -> None:
    host, pid, start, space = this_process().split(":")
    assert (host, pid) == (socket.gethostname(), str(os.getpid()))
    assert not is_dead(this_process())
    assert is_dead(dead_process())
    assert is_dead(f"{host}:{pid}:1{start}:{space}")                # its number has come round to us
    assert not is_dead(f"elsewhere:{pid}:1{start}:{space}")
    assert not is_dead(f"{host}:{pid}:1{start}:another-boot-1")
    assert not is_dead("a name without a number")


def test_on_sqlite_the_clock_is_the_one_given(open_it: Opener) -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    first, second = open_it(holder=ELSEWHERE, now=lambda: at), open_it(now=lambda: at + timedelta(seconds=31))
    if first.database.dialect != "sqlite":
        return
    with first.lease(), second.lease() as epoch:
        assert epoch == 2
