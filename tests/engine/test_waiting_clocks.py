"""Clocks that are paused while sales waits for the customer, from the CRM's field to the reminders (R17)."""

from __future__ import annotations

import json

from factories import DAY, HOUR, demo_request, make_book

from engine.world import World

SLA = {
    "calendars": {"office": {"zone": "UTC", "hours": {"mon-fri": ["09:00-18:00"]}}},
    "waiting": {"field": "status", "op": "in", "value": ["waiting"]},
    "clocks": {"answer": {"label": "answer", "until": "verdict", "limit": "48h", "pauses": True, "warn_at": [50]}},
}


def test_nothing_is_told_while_sales_waits_and_the_rest_of_the_time_runs_afterwards() -> None:
    """R17: at risk after 24 of 48 hours, ten of which were spent when the pause began."""
    world = World(make_book(sla=SLA)).begin()
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.delivery.sent.clear()
    world.clock.pass_by(10 * HOUR)
    world.crm.edit(status="waiting")
    world.run()
    assert [timer.paused_at is None for timer in world.timers()] == [False, False]
    world.run_later(9 * DAY)
    assert world.kinds() == []
    world.crm.edit(status="")
    world.run()
    world.run_later(13 * HOUR)
    assert world.kinds() == []
    world.run_later(HOUR)
    world.run_later(DAY)
    assert [json.loads(entry.body)["level"] for entry in world.delivery.sent] == ["at_risk_50", "breach"]
