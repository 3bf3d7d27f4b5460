"""The deliverer: sends in a thread of its own; what could not be sent is tried again (P2)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from connector.errors import StoreBusyError
from connector.jobs import deliverer
from connector.jobs.deliverer import Deliverer

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Sending:
    """Remembers what it was asked; `trouble` is raised the next time."""

    def __init__(self) -> None:
        self.sent: list[datetime] = []
        self.opened = 0
        self.trouble: Exception | None = None
        self.due: list[datetime] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self.done, self.again = threading.Event(), threading.Event()

    def deliver(self, now: datetime) -> int:
        self.meanwhile()
        if self.trouble is not None:
            trouble, self.trouble = self.trouble, None
            raise trouble
        self.sent.append(now)
        self.done.set()
        if len(self.sent) == 2:
            self.again.set()
        return 1

    def next_due(self, now: datetime) -> datetime | None:
        return self.due.pop(0) if self.due else None

    @contextmanager
    def open(self) -> Iterator[Sending]:
        self.opened += 1
        yield self


@pytest.fixture
def sending() -> Sending:
    return Sending()


@pytest.fixture
def make(sending: Sending) -> Iterator[Callable[[], Deliverer]]:
    made: list[Deliverer] = []
    yield lambda: made.append(Deliverer(sending.open)) or made[-1]
    for one in made:
        one.close()


def test_it_sends_soon_and_holds_nobody_up(sending: Sending, make: Callable[[], Deliverer]) -> None:
    assert make().deliver(NOW) == 0
    assert sending.done.wait(10)
    assert sending.sent == [NOW]


@pytest.mark.parametrize("trouble", [StoreBusyError("busy"), ZeroDivisionError()])
def test_what_could_not_be_sent_is_tried_again(
    sending: Sending, make: Callable[[], Deliverer], trouble: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P2"""
    monkeypatch.setattr(deliverer, "AGAIN_SECONDS", 0.01)
    sending.trouble = trouble
    make().deliver(NOW)
    assert sending.done.wait(10)
    assert sending.sent == [NOW]


def test_new_rules_open_a_new_sender(sending: Sending, make: Callable[[], Deliverer]) -> None:
    one = make()
    one.deliver(NOW)
    assert sending.done.wait(10)
    sending.done.clear()
    one.renew()
    one.deliver(NOW)
    assert sending.done.wait(10)
    assert sending.opened == 2


def test_a_sending_that_fails_does_not_make_a_later_one_too_early(
    sending: Sending, make: Callable[[], Deliverer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """P2: what became due in between would wait for whatever happens next."""
    monkeypatch.setattr(deliverer, "AGAIN_SECONDS", 0.01)
    sending.trouble = StoreBusyError("busy")
    one, later = make(), NOW + timedelta(seconds=1)

    def more_comes() -> None:
        sending.meanwhile = lambda: None
        one.deliver(later)

    sending.meanwhile = more_comes
    one.deliver(NOW)
    assert sending.done.wait(10)
    assert sending.sent == [later]


def test_what_is_due_later_is_sent_then_though_nothing_new_happens(
    sending: Sending, make: Callable[[], Deliverer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """P2: a try that failed comes again after seconds, whenever the next run is."""
    monkeypatch.setattr(deliverer, "AGAIN_SECONDS", 0.01)
    due = NOW + timedelta(milliseconds=20)
    sending.due = [due]
    make().deliver(NOW)
    assert sending.again.wait(10)
    assert sending.sent[0] == NOW
    assert due <= sending.sent[1]
