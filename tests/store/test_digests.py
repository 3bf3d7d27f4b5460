"""Digests in the outbox: who may stand in one, what becomes of those in it, and whose turn it is then (P2, P3, I6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from values import ANA, BEN, NOW, REP, entry, hours

from connector.domain.contact import ContactId
from connector.engine.ports import Entry, Try
from connector.store import Queries, SqlStore

CAT = "103"


def mine(name: str, contact: str | None = ANA, **only: Any) -> Entry:
    return entry(name, contact, **({"owner": REP, "queued_at": NOW} | only))


def queue(store: SqlStore, *rows: Entry) -> None:
    with store.transaction() as unit:
        unit.put_entries(rows)


def digest(store: SqlStore, name: str, *members: str) -> None:
    with store.transaction() as unit:
        unit.put_digest(mine(name, None, kind="lead.digest"), members)


def claim(store: SqlStore, hour: float = 0) -> list[str]:
    return [one.id for one in store.outbox.claim(hours(hour), 99)]


def record(store: SqlStore, name: str, status: str, due: float | None = None) -> None:
    due_at = None if due is None else hours(due)
    error = "" if status == "sent" else "503"
    store.outbox.record([Try(entry=name, at=NOW, status=status, due_at=due_at, error=error, seconds=1)])


def stands(store: SqlStore) -> dict[str, str]:
    return {str(row["id"]): str(row["status"]) for row in Queries(store).outbox_rows(limit=99)}


def crowd(store: SqlStore, hour: float = 0) -> list[str]:
    with store.transaction() as unit:
        return [one.id for one in unit.crowd("crm-desk", REP, hours(hour))]


def test_only_what_waits_untried_for_a_rep_and_is_not_urgent_may_stand_in_a_digest(store: SqlStore) -> None:
    queue(
        store, mine("a"), mine("tried", BEN, tries=1), mine("held", CAT, status="held"),
        mine("none", "104", owner=None), mine("elsewhere", "105", destination="desk"), mine("other", "106", owner="8"),
        mine("fresh", "107", alone_until=hours(3)), mine("stale", "108", alone_until=hours(-3)),
        mine("digest", None, kind="lead.digest"),
    )  # fmt: skip
    assert crowd(store) == ["a", "stale"]
    assert crowd(store, 3) == ["a", "fresh", "stale"]
    with store.reading() as unit:
        assert unit.crowds(NOW, 1) == [("crm-desk", REP)]
        assert unit.crowds(NOW, 2) == []
        assert unit.crowds(NOW, 0) == [("crm-desk", REP), ("crm-desk", "8"), ("desk", REP)]


def test_nothing_is_put_together_for_one_that_is_off_or_rests(store: SqlStore) -> None:
    queue(store, mine("a"))
    store.outbox.learn("crm-desk", lambda state: replace(state, off_at=NOW))
    with store.reading() as unit:
        assert unit.crowds(NOW, 0) == []


def test_one_that_waits_behind_another_of_its_contact_is_left_to_wait(store: SqlStore) -> None:
    """Section 3: first sends per contact keep their order."""
    queue(store, mine("a1", tries=2), mine("a2"), mine("b1", BEN), mine("b2", BEN), mine("c1", CAT, status="held"),
          mine("c2", CAT))  # fmt: skip
    assert crowd(store) == ["b1", "b2"]


def test_those_in_a_digest_are_sent_with_it_and_later_ones_of_their_contacts_wait_for_it(store: SqlStore) -> None:
    """I6"""
    queue(store, mine("a1"), mine("b1", BEN))
    digest(store, "d", "a1", "b1")
    queue(store, mine("a2"), mine("c1", CAT))
    assert stands(store) == {"a1": "digested", "b1": "digested", "d": "due", "a2": "due", "c1": "due"}
    assert claim(store) == ["d", "c1"] and crowd(store) == ["a2"], "which may stand in the next one"
    record(store, "d", "due", due=1)
    assert claim(store, 1) == ["d", "c1"]
    record(store, "d", "sent")
    found = Queries(store).outbox_entry("a1")
    assert found is not None and (found["status"], found["digest"], found["sent_at"]) == ("sent", "d", NOW)
    assert found["attempts"] == []
    told = Queries(store).outbox_entry("d")
    assert told is not None and told["tells_of"] == ["a1", "b1"]
    assert claim(store, 2) == ["a2", "c1"]


def test_a_reps_digests_are_sent_in_their_order_since_two_may_tell_of_one_contact(store: SqlStore) -> None:
    queue(store, mine("a1"), mine("b1", BEN))
    digest(store, "d1", "a1", "b1")
    queue(store, mine("a2"), mine("b2", BEN, owner="8"), mine("b3", BEN))
    assert crowd(store) == ["a2"], "Ben's next one is another rep's, and what comes after that waits for it"
    digest(store, "d2", "a2")
    assert claim(store) == ["d1"]
    record(store, "d1", "due", due=1)
    assert claim(store, 0.5) == [] and claim(store, 1) == ["d1"]
    record(store, "d1", "sent")
    assert claim(store, 2) == ["b2", "d2"]


def test_those_in_a_digest_that_is_given_up_are_given_up_with_it(store: SqlStore) -> None:
    """P2: shown, and replayed with it."""
    queue(store, mine("a1"), mine("a2"))
    digest(store, "d", "a1")
    claim(store)
    record(store, "d", "exhausted")
    assert stands(store) == {"a1": "exhausted", "d": "exhausted", "a2": "due"}
    assert claim(store, 1) == ["a2"]


def test_a_digest_that_tells_of_a_contact_who_is_gone_is_taken_back(store: SqlStore) -> None:
    """I11, fault row "contact archived": the others are told anew, by themselves or in another digest."""
    queue(store, mine("a1"), mine("b1", BEN), mine("c1", CAT))
    digest(store, "d", "a1", "b1")
    with store.transaction() as unit:
        unit.cancel_contact_entries([ContactId(ANA)], "deleted")
    assert stands(store) == {"a1": "cancelled", "b1": "due", "c1": "due", "d": "cancelled"}
    assert claim(store) == ["b1", "c1"]


def test_a_digest_that_arrived_stays_as_it_is(store: SqlStore) -> None:
    queue(store, mine("a1"), mine("b1", BEN))
    digest(store, "d", "a1", "b1")
    claim(store)
    record(store, "d", "sent")
    with store.transaction() as unit:
        unit.cancel_contact_entries([ContactId(ANA)], "deleted")
    assert set(stands(store).values()) == {"sent"}


def test_queueing_what_stands_in_a_digest_again_changes_nothing(store: SqlStore) -> None:
    """P3, I5"""
    queue(store, mine("a1"))
    digest(store, "d", "a1")
    digest(store, "d", "a1")
    queue(store, mine("a1"))
    assert stands(store) == {"a1": "digested", "d": "due"}
