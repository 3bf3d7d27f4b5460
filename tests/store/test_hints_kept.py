"""Hints in the database: put in without the lease, taken out in order, an event once (P4, I8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.contact import ContactId
from connector.domain.hint import Hint, HintKind
from connector.errors import StoreBusyError
from connector.store import SqlInbox, SqlStore, hints, open_inbox

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def hint(name: str, *, minutes: int = 0, contact: str = "501") -> Hint:
    at = NOW + timedelta(minutes=minutes)
    return Hint(id=name, contact=ContactId(contact), kind=HintKind.CHANGED, occurred_at=at)


@pytest.fixture
def inbox(store: SqlStore, url: str) -> Iterator[SqlInbox]:
    with closing(open_inbox(url, store.portal, wall_clock=lambda: NOW)) as made:
        yield made


def test_hints_are_taken_out_in_the_order_in_which_things_happened(store: SqlStore, inbox: SqlInbox) -> None:
    inbox.put([hint("b", minutes=1), hint("a", minutes=2), hint("c")])
    with store.reading() as unit:
        assert [one.id for one in unit.waiting_hints(2)] == ["c", "b"]
        assert unit.waiting_hints(9)[0] == hint("c")
    assert inbox.waiting() == 3


def test_a_copy_is_no_second_hint_not_even_when_it_is_done(store: SqlStore, inbox: SqlInbox) -> None:
    inbox.put([hint("a"), hint("a")])
    with store.lease(), store.transaction() as unit:
        unit.finish_hints(["a"], NOW)
    inbox.put([hint("a")])
    assert inbox.waiting() == 0


def test_of_people_who_were_erased_nothing_stays(store: SqlStore, inbox: SqlInbox) -> None:
    """I11"""
    inbox.put([hint("a")])
    with store.lease(), store.transaction() as unit:
        unit.drop_hints(["a"])
    inbox.put([hint("a")])
    assert inbox.waiting() == 1


def test_hints_go_in_while_another_process_holds_the_lease(
    open_it: Callable[..., SqlStore], inbox: SqlInbox
) -> None:
    """I8: an insert can hurt nobody."""
    with open_it(holder="another").lease():
        inbox.put([hint("a")])
    assert inbox.waiting() == 1


def test_a_long_transaction_makes_the_receiver_say_so_in_time(
    store: SqlStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not durable is not 200; SQLite has one writer."""
    if not url.startswith("sqlite"):
        pytest.skip("writers of PostgreSQL do not wait for each other here")
    monkeypatch.setattr(hints, "PATIENCE_SECONDS", 0.1)
    with closing(open_inbox(url, store.portal, wall_clock=lambda: NOW)) as inbox:
        with store.transaction(), pytest.raises(StoreBusyError):
            inbox.put([hint("a")])
        inbox.put([hint("a")])
        assert inbox.waiting() == 1
