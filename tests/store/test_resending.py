"""What people do to the outbox: pause, resume, retry, replay; the same ids and the same bytes (P2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from conftest import Opener
from values import ANA, BEN, NOW, entry, hours

from connector.delivery.backoff import next_try
from connector.engine.ports import Entry, Try
from connector.store import Queries, SqlStore
from connector.store.resending import Resending


def queue(store: SqlStore, *rows: Entry) -> None:
    with store.transaction() as unit:
        unit.put_entries(rows)


def claim(store: SqlStore, hour: float = 0) -> list[Entry]:
    return store.outbox.claim(hours(hour), 99)


def record(store: SqlStore, name: str, status: str, at: float = 0, due: float | None = None) -> None:
    due_at = None if due is None else hours(due)
    error = "" if status == "sent" else "503"
    store.outbox.record([Try(entry=name, at=hours(at), status=status, due_at=due_at, error=error, seconds=0.5)])


def ended(store: SqlStore, **how: Any) -> None:
    """Each of these tried once, at its hour, to its end."""
    for name, (status, hour) in how.items():
        record(store, name, status, hour)


@pytest.fixture
def desk(store: SqlStore) -> Resending:
    return Resending(store)


def test_a_paused_destination_keeps_its_notices_and_goes_on_in_order(store: SqlStore, desk: Resending) -> None:
    queue(store, entry("a"), entry("b", BEN), entry("c", "9", due_at=hours(20)), entry("d", "10", destination="desk"))
    assert desk.pause("crm-desk").off_at is None
    assert [one.id for one in claim(store)] == ["d"]
    queue(store, entry("e", "11"))
    done = desk.resume("crm-desk")
    assert (done.before.off_by, done.waiting, done.again) == ("person", 4, 0)
    assert [one.id for one in claim(store)] == ["a", "b", "c", "e"], "what was to wait for its next try goes, too"


def test_pausing_needs_no_lease(open_it: Opener, store: SqlStore) -> None:
    """A run under way obeys with its next claim."""
    queue(store, entry("a"))
    with store.lease():
        Resending(open_it(holder="elsewhere:2")).pause("crm-desk")
        assert claim(store) == []
        Resending(open_it(holder="elsewhere:2")).resume("crm-desk")
        assert [one.id for one in claim(store)] == ["a"]


def test_one_that_switched_itself_off_is_not_paused_on_top(store: SqlStore, desk: Resending) -> None:
    store.outbox.learn("crm-desk", lambda state: replace(state, off_at=NOW, off_by="gone", times_off=1))
    assert desk.pause("crm-desk").off_by == "gone"
    assert store.outbox.destinations()["crm-desk"].off_by == "gone"


def test_resuming_forgets_the_failures_and_sends_what_was_given_up_in_their_time(
    store: SqlStore, desk: Resending
) -> None:
    """P2: one command brings everything back."""
    names = ("before", "during", "digest")
    queue(store, *(entry(name, str(number)) for number, name in enumerate((*names, "waits"))))
    with store.transaction() as unit:
        unit.put_digest(entry("digest", None), [])
        unit.put_entries([entry("told", BEN)])
        unit.put_digest(entry("digest2", None, kind="lead.digest"), ["told"])
    claim(store)
    ended(store, before=("exhausted", -9), during=("exhausted", 1), digest2=("exhausted", 2))
    store.outbox.learn(
        "crm-desk",
        lambda state: replace(state, off_at=hours(120), off_by="failing", failing_since=NOW, failures=9, unanswered=3),
    )
    done = desk.resume("crm-desk")
    assert (done.before.off_by, done.again) == ("failing", 2)
    state = store.outbox.destinations()["crm-desk"]
    assert (state.off_at, state.failing_since, state.failures, state.unanswered) == (None, None, 0, 0)
    statuses = {str(row["id"]): row["status"] for row in Queries(store).outbox_rows(limit=99)}
    assert statuses == {
        "before": "exhausted", "during": "due", "digest": "due", "waits": "due", "digest2": "due", "told": "digested",
    }


def test_what_is_sent_again_keeps_id_and_body_and_gets_ten_tries_anew(store: SqlStore, desk: Resending) -> None:
    """P2"""
    queue(store, entry("a", tries=10, status="exhausted", body="as it was"))
    assert desk.send_again(["a"], hours(5)) == 1
    (again,) = claim(store, 5)
    assert (again.id, again.body, again.tries, again.spent, again.due_at) == ("a", "as it was", 10, 10, hours(5))
    assert next_try("a", again.tries + 1 - again.spent, NOW) is not None
    record(store, "a", "due", due=6)
    found = Queries(store).outbox_entry("a")
    assert found is not None and found["tries"] == 11


def test_one_that_only_waits_goes_on_in_its_schedule(store: SqlStore, desk: Resending) -> None:
    queue(store, entry("a", tries=4, due_at=hours(5)))
    assert desk.retry("a", NOW)
    assert [(one.tries, one.spent) for one in claim(store)] == [(4, 0)]


def test_a_sent_one_stays_known_as_sent_though_it_is_sent_again(store: SqlStore, desk: Resending) -> None:
    """Its receiver had it once; when the second sending fails, that is not forgotten."""
    queue(store, entry("a"))
    claim(store)
    record(store, "a", "sent", at=1)
    assert desk.find("sent") == ["a"] and desk.send_again(["a"], hours(2)) == 1
    claim(store, 2)
    record(store, "a", "due", at=2, due=3)
    found = Queries(store).outbox_entry("a")
    assert found is not None and (found["status"], found["sent_at"]) == ("due", hours(1))


def test_a_range_is_of_the_last_try_one_destination_and_one_end(store: SqlStore, desk: Resending) -> None:
    names = ("early", "middle", "late", "good")
    queue(store, *(entry(name, str(number)) for number, name in enumerate(names)), entry("x", "8", destination="desk"))
    claim(store)
    ended(
        store, early=("exhausted", 1), middle=("exhausted", 2), late=("exhausted", 3), good=("sent", 2),
        x=("exhausted", 2),
    )  # fmt: skip
    assert desk.find("exhausted") == ["early", "middle", "late", "x"]
    assert desk.find("exhausted", "crm-desk") == ["early", "middle", "late"]
    assert desk.find("exhausted", since=hours(2)) == ["middle", "late", "x"]
    assert desk.find("exhausted", until=hours(2)) == ["early"]
    assert desk.find("exhausted", "crm-desk", hours(2), hours(3)) == ["middle"]
    assert desk.find("sent", None, hours(2), hours(2) + timedelta(seconds=1)) == ["good"]
    assert desk.find("sent", "desk") == []


def test_each_one_that_cannot_be_sent_again_says_why(store: SqlStore, desk: Resending) -> None:
    queue(
        store, entry("held", "1", status="held"), entry("gone", "2", status="cancelled", last_error="deleted"),
        entry("empty", "3", status="sent", body=""), entry("fine", "4", status="sent"), entry("waits", "5"),
    )  # fmt: skip
    found, refused = desk.look_up(["held", "gone", "empty", "fine", "waits", "fine", "nobody"])
    assert found == ["fine", "waits"]
    why = {one.entry: one.why for one in refused}
    assert why["gone"] == "it was cancelled: deleted" and "no such notice" in why["nobody"]
    assert "body was removed" in why["empty"] and "its write" in why["held"]
    assert desk.find("sent") == ["fine"]


def test_one_that_stands_in_a_digest_means_its_digest(store: SqlStore, desk: Resending) -> None:
    queue(store, entry("a", ANA), entry("b", BEN))
    with store.transaction() as unit:
        unit.put_digest(entry("d", None, kind="lead.digest"), ["a", "b"])
    claim(store)
    record(store, "d", "sent")
    assert desk.find("sent") == ["d"] and desk.look_up(["a", "b", "d"]) == (["d"], [])
    assert not desk.retry("a", NOW), "it arrived"
    assert desk.send_again(["d"], NOW) == 1 and desk.sent(["d", "a", "b"]) == 0
    record(store, "d", "exhausted")
    assert desk.retry("a", NOW) and [one.id for one in claim(store)] == ["d"]


def test_whom_nothing_was_ever_queued_for_is_not_known(store: SqlStore, desk: Resending) -> None:
    queue(store, entry("a"))
    assert desk.knows("crm-desk") and not desk.knows("reps")


def test_an_instant_is_understood_in_any_zone(store: SqlStore, desk: Resending) -> None:
    queue(store, entry("a"))
    claim(store)
    ended(store, a=("exhausted", 0))
    assert desk.find("exhausted", since=datetime.fromisoformat("2026-03-02T10:00:00+01:00")) == ["a"]
    assert desk.find("exhausted", since=datetime.fromisoformat("2026-03-02T10:01:00+01:00")) == []
