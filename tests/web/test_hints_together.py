"""The writer: requests that follow closely share a transaction, and none waits for company that does not come."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime

import pytest

from connector.domain.contact import ContactId
from connector.domain.hint import Hint, HintKind
from connector.web import writer
from connector.web.writer import MANY_REQUESTS, Writer
from web.served import MemoryInbox

AN_HOUR = 3_600.0


def hint(number: int) -> Hint:
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    return Hint(id=f"h{number}", contact=ContactId(str(number)), kind=HintKind.CHANGED, occurred_at=at)


def test_the_first_is_written_at_once_and_the_next_ones_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "APART_SECONDS", AN_HOUR)
    inbox = MemoryInbox()

    async def requests() -> None:
        with closing(Writer(inbox, arrived=lambda: None)) as one:
            assert await one.put([hint(0)])
            answers = [one.put([hint(number)]) for number in range(1, MANY_REQUESTS + 1)]
            assert all(await asyncio.gather(*answers))

    asyncio.run(requests())
    assert len(inbox.hints) == 1 + MANY_REQUESTS
    assert inbox.transactions == 2


def test_who_waits_for_company_is_written_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """P4: nothing that was taken in is left out."""
    monkeypatch.setattr(writer, "APART_SECONDS", AN_HOUR)
    inbox = MemoryInbox()

    async def requests() -> None:
        one = Writer(inbox, arrived=lambda: None)
        assert await one.put([hint(0)])
        last = one.put([hint(1)])
        one.close()
        assert await last

    asyncio.run(requests())
    assert set(inbox.hints) == {"h0", "h1"}


def test_it_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "APART_SECONDS", 0.01)
    inbox = MemoryInbox()

    async def requests() -> None:
        with closing(Writer(inbox, arrived=lambda: None)) as one:
            for number in range(3):
                assert await one.put([hint(number)])

    asyncio.run(requests())
    assert inbox.transactions == 3
