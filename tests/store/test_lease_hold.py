"""A worker that was frozen and wakes up writes nothing, neither to the CRM nor to receivers nor here (I8)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import PORTAL, Opener
from sqlalchemy import select, update

from connector.errors import LeaseLostError
from connector.store import SqlStore, open_store, this_process
from connector.store.lease import Lease
from connector.store.tables import lease

ELSEWHERE = "other-host:7:1:x-1"

SLEEPER = """
import sys, time
from datetime import UTC, datetime
from connector.store import SqlStore, open_store
opened = open_store(sys.argv[1], "4711", holder="other-host:7:1:x-1", wall_clock=lambda: datetime.now(UTC))
store = SqlStore(opened.database, "4711", holder=opened.holder, beat_seconds=0.1, stale_seconds=2.0)
with store.lease():
    print("held", flush=True)
    sys.stdin.readline()
    try:
        store.hold_lease(1.0)
        print("wrote", flush=True)
    except Exception as error:
        print(type(error).__name__, flush=True)
"""


def test_holding_on_is_free_while_the_heartbeat_answers_for_it(store: SqlStore) -> None:
    with store.lease():
        store.hold_lease(17)
    store.hold_lease(17)        # without a lease there is nothing to lose


def test_a_heartbeat_that_fell_behind_is_made_up_for_before_a_write(open_it: Opener) -> None:
    """Nobody took the portal meanwhile: it stays ours."""
    first = open_it(holder=ELSEWHERE)
    slow = SqlStore(first.database, PORTAL, holder=ELSEWHERE, beat_seconds=60, stale_seconds=0.5)
    with slow.lease():
        time.sleep(0.6)
        assert slow.lease_seconds_left() == 0
        slow.hold_lease(0.01)
        assert slow.lease_seconds_left() > 0


def test_a_thread_that_still_asks_for_a_lease_that_we_gave_back_lost_nothing(store: SqlStore) -> None:
    """The thread that delivers goes on between two runs; were it told otherwise, its notices would wait (P2)."""
    given_back = Lease(store.database, PORTAL, store.holder)
    given_back.take()
    given_back.give_back()
    given_back.hold(15)
    with store.database.writing() as connection:
        given_back.check(connection)


def test_a_write_that_may_take_longer_than_any_lease_is_refused(open_it: Opener) -> None:
    first = open_it(holder=ELSEWHERE)
    with first.lease(), pytest.raises(LeaseLostError):
        first.hold_lease(31)


def test_whoever_lost_the_portal_is_told_before_the_write(open_it: Opener) -> None:
    sleeper, successor = open_it(holder=ELSEWHERE), open_it()
    slow = SqlStore(sleeper.database, PORTAL, holder=ELSEWHERE, beat_seconds=60, stale_seconds=0.5)
    quick = SqlStore(successor.database, PORTAL, holder=this_process(), stale_seconds=0.5)
    with slow.lease():
        with sleeper.database.writing() as connection:
            then = sleeper.database.now(connection) - timedelta(seconds=31)
            connection.execute(update(lease).values(heartbeat_at=then))
        with quick.lease() as epoch:
            time.sleep(0.5)
            with pytest.raises(LeaseLostError):
                slow.hold_lease(0.1)
            with quick.database.reading() as connection:
                assert connection.execute(select(lease.c.epoch)).scalar() == epoch


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no such signal here")
def test_a_process_that_was_stopped_longer_than_its_lease_writes_nothing_when_it_wakes(tmp_path: Path) -> None:
    """SIGSTOP, takeover, SIGCONT: with a lease of two seconds instead of thirty."""
    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    command = [sys.executable, "-c", SLEEPER, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sleeper:
        assert sleeper.stdin and sleeper.stdout
        assert sleeper.stdout.readline() == "held\n"
        os.kill(sleeper.pid, signal.SIGSTOP)
        opened = open_store(url, PORTAL, holder=this_process(), wall_clock=lambda: datetime.now(UTC))
        mine = SqlStore(opened.database, PORTAL, holder=this_process(), stale_seconds=2.0)
        time.sleep(2.3)
        with mine.lease() as epoch:
            assert epoch == 2
            os.kill(sleeper.pid, signal.SIGCONT)
            sleeper.stdin.write("go\n")
            sleeper.stdin.flush()
            assert sleeper.stdout.readline() == "LeaseLostError\n"
        opened.close()
    assert sleeper.returncode == 0
