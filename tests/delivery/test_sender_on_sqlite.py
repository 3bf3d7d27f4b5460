"""The sender on the real outbox: what the fake promises, the database keeps (P2, I6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import responses
from fake_outbox import NOW, entry

from connector.delivery.destinations import Destination
from connector.delivery.doors import open_doors
from connector.delivery.sender import Sender
from connector.delivery.signature import new_secret
from connector.domain.contact import PortalId
from connector.store import SqlStore, open_store

CRM = Destination(name="crm", type="webhook", url="https://crm.example/in", secrets=(new_secret(),), personal=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    made = open_store(
        f"sqlite:///{tmp_path}/handoff.db", PortalId("62515"), holder="tests:1", wall_clock=lambda: NOW
    )
    yield made
    made.close()


@pytest.fixture
def sender(store: SqlStore) -> Iterator[Sender]:
    made = Sender(store.outbox, {"crm": CRM}, open_doors({"crm": CRM}))
    yield made
    made.close()


def test_due_entries_go_in_order_refused_ones_come_back_and_held_ones_stay(store: SqlStore, sender: Sender) -> None:
    rows = [entry(number, contact="7") for number in (1, 2)] + [replace(entry(3, contact="8"), status="held")]
    with store.lease(), store.transaction() as uow:
        assert uow.put_entries(rows) == 3
    with responses.RequestsMock() as mock:
        mock.post(CRM.url, status=503)
        assert sender.deliver(NOW) == 0
        assert sender.deliver(NOW + timedelta(seconds=1)) == 0
        assert len(mock.calls) == 1
        mock.replace(responses.POST, CRM.url, status=204)
        assert sender.deliver(NOW + timedelta(minutes=1)) == 2
        assert sender.deliver(NOW + timedelta(days=9)) == 0
        ids = [call.request.headers["webhook-id"] for call in mock.calls]
    assert ids == ["msg_1", "msg_1", "msg_2"]
