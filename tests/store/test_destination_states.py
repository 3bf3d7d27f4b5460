"""What is kept of each destination, and whom a claim passes by (reliability.md, section 3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from conftest import PORTAL, Opener
from values import ANA, BEN, NOW, entry, hours

from connector.engine.ports import DestinationState, Entry, Try
from connector.errors import AlreadyRunningError, LeaseLostError
from connector.store import SqlStore
from connector.store.destinations import look_at_destinations


def queue(store: SqlStore, *rows: Entry) -> None:
    with store.transaction() as unit:
        unit.put_entries(rows)


def claim(store: SqlStore, hour: float = 0, limit: int = 99, destination: str | None = None) -> list[str]:
    return [one.id for one in store.outbox.claim(hours(hour), limit, destination)]


def test_a_state_is_kept_as_it_was_learnt(store: SqlStore, open_it: Opener) -> None:
    state = DestinationState(
        name="desk", off_at=NOW, off_by="failing", rests_until=hours(1), failing_since=hours(-120), failures=7,
        unanswered=3, times_off=2, secrets="ab12", secrets_since=hours(-2),
    )
    assert store.outbox.destinations() == {}
    assert store.outbox.learn("desk", lambda _: state) == state
    assert open_it().outbox.destinations() == {"desk": state}
    with store.reading() as unit:
        assert unit.destinations() == {"desk": state}


def test_a_try_and_what_it_teaches_are_written_together(store: SqlStore) -> None:
    queue(store, entry("a", destination="desk"))
    claim(store)
    failed = Try(
        entry="a", at=NOW, status="due", due_at=hours(1), error="500", seconds=0.1,
        learn=lambda state: replace(state, failing_since=NOW, failures=state.failures + 1),
    )
    (learnt,) = store.outbox.record([failed])
    assert learnt == DestinationState(name="desk", failing_since=NOW, failures=1) == store.outbox.destinations()["desk"]

    def refuse(_: DestinationState) -> DestinationState:
        raise RuntimeError

    claim(store, 1)
    with pytest.raises(RuntimeError):
        store.outbox.record([Try(entry="a", at=NOW, status="sent", learn=refuse)])
    assert store.outbox.destinations()["desk"].failures == 1
    assert claim(store, 2) == ["a"], "neither of the two"


def test_nothing_of_a_destination_that_is_off_or_rests_is_claimed(store: SqlStore) -> None:
    queue(store, *(entry(name, destination=name) for name in ("off", "rests", "rested", "on")))
    store.outbox.learn("off", lambda state: replace(state, off_at=NOW, off_by="gone"))
    store.outbox.learn("rests", lambda state: replace(state, rests_until=hours(2)))
    store.outbox.learn("rested", lambda state: replace(state, rests_until=NOW))
    assert claim(store) == ["rested", "on"]
    assert claim(store, 2) == ["rests", "rested", "on"], "claims of five minutes ran out"
    assert claim(store, 400, destination="off") == []


def test_each_destination_has_its_own_batch(store: SqlStore) -> None:
    """Fault row "receiver down": two thousand that wait for one hide nobody else's."""
    queue(store, *(entry(f"slow{number}", str(number), destination="slow") for number in range(2_000)))
    queue(store, entry("quick", destination="quick"))
    found = claim(store, limit=50)
    assert len(found) == 51 and found[-1] == "quick"
    assert claim(store, limit=50, destination="quick") == []
    assert claim(store, limit=2, destination="slow") == ["slow50", "slow51"]


def test_what_waits_is_counted_for_each(store: SqlStore) -> None:
    queue(store, entry("a"), entry("b", BEN), entry("c", "9", destination="desk"), entry("d", "9", status="held"))
    with store.reading() as unit:
        assert unit.backlog(["crm-desk", "desk", "nobody"]) == {"crm-desk": 2, "desk": 1, "nobody": 0}
        assert unit.backlog([]) == {}


def test_looking_makes_no_database_and_leaves_an_earlier_one_alone(store: SqlStore, url: str, tmp_path: Path) -> None:
    """For `handoff check`, which changes nothing."""
    missing = tmp_path / "missing.db"
    found = look_at_destinations(f"sqlite:///{missing}", PORTAL, wall_clock=lambda: NOW)
    assert found == ({}, {}) and not missing.exists()
    queue(store, entry("a"))
    store.outbox.learn("crm-desk", lambda state: replace(state, off_at=NOW, off_by="person"))
    states, backlog = look_at_destinations(url, PORTAL, wall_clock=lambda: NOW)
    assert states["crm-desk"].off_by == "person" and backlog == {"crm-desk": 1}
    with store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE handoff_version SET version_num = '0006'")
    assert look_at_destinations(url, PORTAL, wall_clock=lambda: NOW) == ({}, {})


def test_who_has_lost_the_lease_claims_nothing_more_but_writes_down_what_arrived(open_it: Opener) -> None:
    """I8, I6: the epoch is asked before anything is claimed; a 2xx happened, whoever tells it."""
    clock = [datetime.fromisoformat("2026-03-02T09:00:00+00:00")]
    frozen = open_it(holder="elsewhere:1", now=lambda: clock[0])
    queue(frozen, entry("a"), entry("b", BEN))
    if frozen.database.dialect == "postgresql":
        pytest.skip("the server's own clock is the lease's there")
    other = open_it(holder="elsewhere:2", now=lambda: clock[0])
    with frozen.lease():
        assert claim(frozen, limit=1) == ["a"]
        clock[0] += timedelta(minutes=1)
        with other.lease():
            with pytest.raises(LeaseLostError):
                claim(frozen)
            frozen.outbox.record([Try(entry="a", at=NOW, status="sent")])
            assert claim(other) == ["b"]
            with pytest.raises(AlreadyRunningError):
                claim(open_it(holder="elsewhere:3", now=lambda: clock[0]))


def test_what_was_taken_stays_taken_for_ana(store: SqlStore) -> None:
    """A destination's state is no entry's: a 2xx stands though its destination was switched off meanwhile."""
    queue(store, entry("a", ANA))
    claim(store)
    store.outbox.learn("crm-desk", lambda state: replace(state, off_at=NOW, off_by="person"))
    (state,) = store.outbox.record([Try(entry="a", at=NOW, status="sent", learn=lambda known: known)])
    assert state.off_by == "person"
    store.outbox.learn("crm-desk", lambda state: replace(state, off_at=None, off_by=""))
    assert claim(store, 9) == []


def test_when_the_next_one_is_due_is_known_of_what_waits_for_destinations_that_are_on(store: SqlStore) -> None:
    """P2: so somebody can wake up then."""
    assert store.outbox.next_due(NOW) is None
    queue(store, entry("a", destination="desk", due_at=hours(3)), entry("b", destination="chat", due_at=hours(2)))
    queue(store, entry("held", destination="chat", status="held", due_at=NOW))
    assert store.outbox.next_due(NOW) == hours(2)
    store.outbox.learn("chat", lambda state: replace(state, rests_until=hours(4)))
    assert store.outbox.next_due(NOW) == hours(3)
    store.outbox.learn("desk", lambda state: replace(state, off_at=NOW, off_by="person"))
    assert store.outbox.next_due(NOW) == hours(4)
    assert claim(store, 5) == ["b"]
    assert store.outbox.next_due(hours(5)) == hours(5) + timedelta(minutes=5), "once the claim has run out"
    store.outbox.record([Try(entry="b", at=hours(5), status="sent")])
    assert store.outbox.next_due(hours(5)) is None
