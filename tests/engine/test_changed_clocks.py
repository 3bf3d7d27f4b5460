"""Clocks that the rules name anew: leads in work get them with the first run of the new rules (R17, R35)."""

from __future__ import annotations

from typing import Any

from factories import HOUR, MINUTE, demo_request, make_book

from connector.rules.rulebook import RuleBook
from engine.world import World

CLOCK = {"label": "first call", "until": "touch", "limit": "2h", "warn_at": []}


def book(**clocks: dict[str, Any]) -> RuleBook:
    return make_book(sla={"clocks": clocks})


def lead_of(rules: RuleBook) -> World:
    world = World(rules).begin()
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.delivery.sent.clear()
    return world


def test_a_clock_under_another_name_is_due_when_the_former_one_was() -> None:
    world = lead_of(book(first_touch=CLOCK))
    before = world.timers()[0].due_at
    world.book = book(reaction=CLOCK)
    world.run_later()
    assert {timer.name: timer.due_at for timer in world.timers()}["reaction"] == before
    world.run_later(2 * HOUR)
    assert world.kinds() == ["sla.breached"]


def test_what_a_new_clock_would_have_told_before_is_not_told() -> None:
    world = lead_of(book(first_touch=CLOCK))
    world.run_later(3 * HOUR)
    assert world.kinds() == ["sla.breached"]
    world.book = book(reaction=CLOCK)
    world.run_later()
    world.run_later(3 * HOUR)
    assert (world.kinds(), world.timers()) == (["sla.breached"], [])


def test_a_clock_that_was_stopped_does_not_begin_again_by_new_rules() -> None:
    world = lead_of(book(first_touch=CLOCK))
    world.clock.pass_by(MINUTE)
    world.crm.edit(last_touch_at=world.clock.now().isoformat())
    world.run_later()
    world.book = book(first_touch=CLOCK, reaction=CLOCK)
    world.run_later()
    assert world.timers() == []
