"""Clocks that are paused while sales waits for the customer, from the CRM's field to the reminders (R17)."""

from __future__ import annotations

import json
from dataclasses import replace

from factories import DAY, HOUR, MINUTE, demo_request, make_book, pricing_view

from connector.engine.undo import undo
from engine.test_telequalification import CLOCKS, book, lead_of
from engine.world import World

SLA = {
    "calendars": {"office": {"zone": "UTC", "hours": {"mon-fri": ["09:00-18:00"]}}},
    "waiting": {"field": "status", "op": "in", "value": ["waiting"]},
    "clocks": {"answer": {"label": "answer", "until": "verdict", "limit": "48h", "pauses": True, "warn_at": [50]}},
}
ABROAD = SLA | {"waiting": {"field": "country", "op": "is", "value": "DE"}}
"""Sales waits, as a field says that Handoff never writes."""


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
    clocks = [entry for entry in world.delivery.sent if entry.kind.startswith("sla.")]
    assert [json.loads(entry.body)["level"] for entry in clocks] == ["at_risk_50", "breach"]


def test_where_sales_waits_from_the_handover_on_the_clocks_stand_still_from_the_next_run() -> None:
    """R17: nothing was heard of the lead between."""
    world = World(make_book(sla=ABROAD)).begin()
    world.crm.add(country="DE")
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.delivery.sent.clear()
    world.run_later()
    world.run_later(9 * DAY)
    assert (world.kinds(), world.episode().waiting_since is None) == ([], False)


def test_what_the_handover_itself_overwrites_stops_no_clock() -> None:
    """R17: a status that was left from before is no wish of whoever gets the lead."""
    world = World(make_book(sla=SLA)).begin()
    world.crm.add(status="waiting")
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.run_later()
    assert world.crm.value("101", "status") == "NEW"
    assert [timer.paused_at is None for timer in world.timers()] == [True, True]


def test_a_second_hand_raise_while_sales_waits_starts_a_clock_that_stands_still() -> None:
    """R40, R17: also where only hand-raisers have a limit, and this lead came by score."""
    clock = {"label": "first call", "until": "touch", "lanes": {"hand_raiser": "2h"}, "pauses": True, "warn_at": []}
    world = World(make_book(sla=ABROAD | {"clocks": {"first_touch": clock}})).begin()
    world.crm.add()
    for minutes in (1, 0):
        world.crm.happen(pricing_view(world.clock.now() - minutes * MINUTE))
    world.run()
    world.crm.edit(country="DE")
    world.run_later()
    world.crm.happen(demo_request(world.clock.now()))
    world.run_later()
    assert [timer.paused_at is None for timer in world.timers()] == [False]
    world.delivery.sent.clear()
    world.run_later(DAY)
    world.crm.edit(country="US")
    world.run_later()
    world.run_later(HOUR)
    assert world.kinds() == []
    world.run_later(HOUR)
    assert world.kinds() == ["sla.breached"]


def test_a_hop_that_is_undone_while_sales_waits_leaves_the_former_clocks_standing_still() -> None:
    """R36, R17: the time of waiting is not counted against whoever has the lead again."""
    rules = book()
    pausing = {name: clock | {"pauses": True} for name, clock in CLOCKS.items()}
    world = lead_of(replace(rules, sla=make_book(sla=ABROAD | {"clocks": pausing}).sla))
    world.clock.pass_by(30 * MINUTE)
    world.crm.edit(country="DE")
    world.run()
    world.clock.pass_by(DAY)
    world.crm.edit(verdict="qualified")
    run = world.run().run
    world.delivery.sent.clear()
    world.clock.pass_by(MINUTE)
    undo(world.ports, world.book, world.crm.portal(), run.id)
    assert {(timer.name, timer.paused_at is None) for timer in world.timers()} == {("call", False), ("qualify", False)}
    world.run_later()
    assert "sla.breached" not in world.kinds()
