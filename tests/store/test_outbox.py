"""The outbox as delivery sees it, and as people do (P2, P3, I6)."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from conftest import Opener
from values import ANA, BEN, NOW, entry, hours

from connector.engine.ports import Entry, Try
from connector.store import Queries, SqlStore
from connector.store.resending import Resending


def queue(store: SqlStore, *rows: Entry) -> None:
    with store.transaction() as unit:
        unit.put_entries(rows)


def claim(store: SqlStore, hour: float = 0, limit: int = 99) -> list[str]:
    return [one.id for one in store.outbox.claim(hours(hour), limit)]


def record(store: SqlStore, name: str, status: str, due: float | None = None, at: float = 0) -> None:
    due_at = None if due is None else hours(due)
    error = "" if status == "sent" else "503"
    store.outbox.record([Try(entry=name, at=hours(at), status=status, due_at=due_at, error=error, seconds=0.5)])


def test_entries_are_claimed_in_the_order_they_were_queued(store: SqlStore) -> None:
    queue(store, *(entry(f"n{number}", str(number)) for number in range(5)))
    assert claim(store, limit=2) == ["n0", "n1"]
    assert claim(store) == ["n2", "n3", "n4"]
    assert claim(store) == []


def test_tries_are_recorded_together_each_as_it_went(store: SqlStore) -> None:
    """I6"""
    queue(store, entry("a"), entry("b", BEN), entry("c", "9"), entry("d", "8"))
    claim(store)
    store.outbox.record([
        Try(entry="a", at=hours(1), status="sent", seconds=0.1),
        Try(entry="b", at=hours(2), status="due", due_at=hours(5), error="503", seconds=0.2),
        Try(entry="c", at=hours(3), status="exhausted", error="500", seconds=0.3),
        Try(entry="nobody", at=hours(3), status="sent"),
    ])
    rows = {name: Queries(store).outbox_entry(name) for name in "abcd"}
    assert [row and (row["status"], row["tries"]) for row in rows.values()] == [
        ("sent", 1), ("due", 1), ("exhausted", 1), ("due", 0)
    ]
    attempts = [row["attempts"] for row in rows.values() if row is not None]
    assert [[(one["at"], one["status"]) for one in each] for each in attempts if isinstance(each, list)] == [
        [(hours(1), "sent")], [(hours(2), "due")], [(hours(3), "exhausted")], []
    ]
    assert claim(store, 4) == ["d"] and claim(store, 6) == ["b", "d"]


def test_only_what_is_due_is_claimed(store: SqlStore) -> None:
    queue(store, entry("a", due_at=hours(1)), entry("b", BEN, due_at=None), entry("c", "9", status="held"))
    assert claim(store) == ["b"]
    record(store, "b", "sent")
    assert claim(store, 1) == ["a"]


def test_a_claim_runs_out_after_five_minutes(store: SqlStore) -> None:
    queue(store, entry("a"))
    assert claim(store) == ["a"]
    assert claim(store, 4.9 / 60) == []
    assert claim(store, 5 / 60) == ["a"]


def test_a_contacts_later_notice_waits_for_the_earlier_one_to_the_same_destination(store: SqlStore) -> None:
    """reliability.md, section 3: first sends per contact keep their order; others are not held up."""
    queue(
        store, entry("a1", status="held", intent="i", due_at=None), entry("a2"), entry("a3", destination="chat"),
        entry("b1", BEN), entry("none1", None), entry("none2", None),
    )
    others = ["a3", "b1", "none1", "none2"]
    assert claim(store) == others
    for name in others:
        record(store, name, "sent")
    with store.transaction() as unit:
        unit.release_entries(["i"], NOW)
    assert claim(store) == ["a1"]
    record(store, "a1", "due", due=2)
    assert claim(store, 1) == []
    record(store, "a1", "exhausted")
    assert claim(store, 1) == ["a2"]


def test_a_repeated_try_does_not_wait_for_its_turn(store: SqlStore) -> None:
    queue(store, entry("a1"), entry("a2"))
    claim(store)
    record(store, "a1", "exhausted")
    claim(store)
    record(store, "a2", "due", due=1)
    assert Resending(store).retry("a1", hours(1))
    assert claim(store, 1) == ["a1", "a2"]


def test_a_sent_notice_stays_sent(store: SqlStore) -> None:
    """I6: and a claim that ran out may send twice, never mark it unsent."""
    queue(store, entry("a"))
    claim(store)
    record(store, "a", "sent", at=1)
    record(store, "a", "due", due=2, at=2)
    found = Queries(store).outbox_entry("a")
    assert found is not None and (found["status"], found["sent_at"], found["tries"]) == ("sent", hours(1), 2)
    assert claim(store, 9) == []


def test_a_notice_taken_by_the_receiver_is_sent_though_it_was_cancelled_meanwhile(store: SqlStore) -> None:
    queue(store, entry("a"), entry("b", BEN))
    claim(store)
    with store.transaction() as unit:
        unit.cancel_contact_entries([ANA, BEN], "deleted")
    record(store, "a", "sent")
    record(store, "b", "due", due=1)
    counts = Queries(store).outbox_counts()
    assert counts == {"sent": 1, "cancelled": 1}


def test_the_body_of_a_tried_notice_is_never_rebuilt(store: SqlStore) -> None:
    """P2: the same id, the same bytes."""
    queue(store, entry("a", body="first"))
    claim(store)
    record(store, "a", "due", due=1)
    with store.transaction() as unit:
        unit.cancel_contact_entries([ANA], "overtaken")
        assert unit.put_entries([entry("a", body="second")]) == 1
    found = Queries(store).outbox_entry("a")
    assert found is not None and (found["body"], found["status"], found["tries"]) == ("first", "due", 1)


def test_two_workers_never_claim_the_same_entry(open_it: Opener) -> None:
    """P3, I6: an entry is owned by whoever changed its row."""
    workers = [open_it(holder=f"host:{number}") for number in range(4)]
    queue(workers[0], *(entry(f"n{number}", str(number)) for number in range(120)))

    def work(worker: SqlStore) -> list[str]:
        mine: list[str] = []
        while found := claim(worker, limit=7):
            mine += found
        return mine

    with ThreadPoolExecutor(4) as pool:
        counted = Counter(name for names in pool.map(work, workers) for name in names)
    # PostgreSQL skips rows that another worker holds, so one may stop early; none is taken twice.
    assert set(counted.values()) == {1}
    rest = claim(workers[0])
    assert len(counted) + len(rest) == 120


def test_people_see_notices_with_their_tries(store: SqlStore) -> None:
    queue(store, entry("a"), entry("b", BEN))
    claim(store)
    record(store, "a", "due", due=1)
    rows = Queries(store).outbox_rows(limit=9)
    assert [row["id"] for row in rows] == ["b", "a"] and "body" not in rows[0]
    assert [row["id"] for row in Queries(store).outbox_rows(status="due", limit=1)] == ["b"]
    found = Queries(store).outbox_entry("a")
    assert found is not None and found["body"] == '{"id":"a"}'
    assert found["attempts"] == [{"at": NOW, "status": "due", "error": "503", "seconds": 0.5}]
    assert Queries(store).outbox_entry("zz") is None


def test_only_what_waits_or_was_given_up_can_be_sent_again(store: SqlStore) -> None:
    queue(store, entry("a"), entry("b", BEN, status="held"), replace(entry("c", "9"), status="exhausted"))
    claim(store)
    record(store, "a", "sent")
    assert [Resending(store).retry(name, NOW) for name in ("a", "b", "c", "zz")] == [False, False, True, False]
    assert claim(store) == ["c"]
