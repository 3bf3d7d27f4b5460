"""Booked meetings and their hosts, read from the local HubSpot in both API versions (R12)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from test_touches_on_sandbox import portal  # noqa: F401 - the same portal

from connector.crm.hubspot.gateway import HubSpotGateway
from connector.domain.activity import MEETINGS
from connector.engine.ports import ActivityPage, Window


def test_a_booked_meeting_names_its_host(portal: tuple[HubSpotGateway, Any]) -> None:  # noqa: F811 - the fixture
    """A meeting that was called off is none; one without an owner has no host."""
    gateway, act = portal
    before = gateway.portal().now
    one, other = [record.id for page in gateway.pull_all_contacts(["email"], cursor=None) for record in page.records]
    owner = gateway.owners()[0].id
    act(kind="meeting", contact=one, owner=owner, starts_at=(before + timedelta(days=3)).isoformat())
    act(kind="meeting", contact=other, owner=owner, properties={"hs_meeting_outcome": "CANCELED"})
    window = Window(since=before - timedelta(seconds=1), until=before + timedelta(hours=1))
    pages = list(gateway.pull_activities(MEETINGS, window, cursor=None))
    rows = [row for page in pages if isinstance(page, ActivityPage) for row in page.rows]
    assert [(row.contact, row.kind, row.ref) for row in rows] == [(one, "meeting", owner)]
    assert abs(rows[0].occurred_at - before) < timedelta(hours=1)  # when it was booked, not when it takes place
