"""Calls, mails and meetings of sales, read from the local HubSpot in both API versions (R17)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from connector.crm.hubspot.gateway import HubSpotGateway
from connector.domain.activity import TOUCHES
from connector.engine.ports import ActivityPage, Window
from connector.sandbox.server import Server


@pytest.fixture(params=["v3", "2026-03"])
def portal(request: pytest.FixtureRequest, server: Server) -> Iterator[tuple[HubSpotGateway, Any]]:
    """A gateway to a portal of two contacts, and a door to its acts."""
    free = {"rate_per_10s": 0, "search_per_second": 0}
    spec = {"contacts": 2, "seed": 5, "switches": free}
    made = requests.post(f"{server.url}/_sandbox/portals", json=spec, timeout=60).json()
    gateway = HubSpotGateway(
        token=made["token"], base_url=server.url, api_version=request.param, rng=random.Random(1), **free
    )

    def act(**what: Any) -> None:
        where = {"portal": made["portalId"]}
        answer = requests.post(f"{server.url}/_sandbox/acts", json=[what], params=where, timeout=30)
        assert answer.status_code < 300, answer.text

    yield gateway, act
    gateway.close()


def test_what_sales_did_is_a_touch_by_its_channel_and_nothing_else_is(portal: tuple[HubSpotGateway, Any]) -> None:
    """R17: a sequence's mail, an answer, a call that came in or failed and a meeting called off are none."""
    gateway, act = portal
    before = gateway.portal().now
    one, other = [record.id for page in gateway.pull_all_contacts(["email"], cursor=None) for record in page.records]
    act(kind="call", contact=one)
    act(kind="call", contact=one, properties={"hs_call_status": "NO_ANSWER"})
    act(kind="call", contact=one, properties={"hs_call_direction": "INBOUND"})
    act(kind="call", contact=one, properties={"hs_call_status": "FAILED"})
    act(kind="email", contact=one)
    act(kind="email", contact=one, properties={"hs_sequence_id": "77"})
    act(kind="email_reply", contact=one)
    act(kind="meeting", contact=other)
    act(kind="meeting", contact=other, properties={"hs_meeting_outcome": "CANCELED"})
    act(kind="note", contact=one)
    window = Window(since=before - timedelta(seconds=1), until=before + timedelta(hours=1))
    pages = list(gateway.pull_activities(TOUCHES, window, cursor=None))
    assert all(isinstance(page, ActivityPage) for page in pages)
    rows = [row for page in pages if isinstance(page, ActivityPage) for row in page.rows]
    assert [(row.contact, row.kind, row.name) for row in rows] == [
        (one, "touch", "call"), (one, "touch", "call"), (one, "touch", "email"), (other, "touch", "meeting"),
    ]  # fmt: skip
    resumed = [row for page in gateway.pull_activities(TOUCHES, window, cursor="emails|") for row in page.rows]  # type: ignore[union-attr] - nothing is off here
    assert [row.name for row in resumed] == ["email", "meeting"]
