"""New interest of a lead in work (R40): its holder is told, then nothing more until the cool-down is over."""

from __future__ import annotations

import json

import pytest
from factories import DAY, HOUR, MINUTE, demo_request, make_owner, pricing_view

from engine.world import World


@pytest.fixture
def world() -> World:
    """A lead that Ana accepted, and has had for three days."""
    made = World().begin()
    made.crm.add()
    made.crm.happen(demo_request(made.clock.now()))
    made.run()
    made.crm.edit(verdict="accepted")
    made.run_later(3 * DAY)
    made.delivery.sent.clear()
    return made


def look_at_prices(world: World) -> None:
    world.crm.happen(pricing_view(world.clock.now() - MINUTE))


def test_the_holder_is_told_and_the_clocks_stay_as_they_are(world: World) -> None:
    before = [timer for timer in world.timers() if timer.kind == "sla"]
    look_at_prices(world)
    world.run()
    assert world.told() == [("lead.signal", "7")]
    assert [timer for timer in world.timers() if timer.kind == "sla"] == before
    assert (len(world.episodes()), world.crm.calls("update_contacts")) == (1, world.crm.calls("update_contacts"))


def test_within_the_cool_down_nothing_is_told_and_then_all_of_it_once(world: World) -> None:
    look_at_prices(world)
    world.run()
    world.clock.pass_by(2 * HOUR)
    look_at_prices(world)
    world.run()
    look_at_prices(world)
    world.run_later(HOUR)
    assert world.kinds() == ["lead.signal"]
    world.run_later(22 * HOUR)  # nothing new happens: the end of the cool-down is what makes it be looked at
    assert world.kinds() == ["lead.signal", "lead.signal"]
    world.run_later(2 * DAY)
    assert world.kinds() == ["lead.signal", "lead.signal"]


def test_whoever_got_the_lead_within_the_cool_down_is_told_when_it_is_over(world: World) -> None:
    """P3: nothing else happens to the lead, and its new holder has heard of nothing."""
    look_at_prices(world)
    world.run()
    world.crm.edit(owner="8")
    world.run_later(HOUR)
    look_at_prices(world)
    world.run_later(HOUR)
    world.run_later(22 * HOUR)
    assert world.told()[-1] == ("lead.signal", "8")


def test_interest_beside_an_answer_of_the_holder_is_told_all_the_same(world: World) -> None:
    """What moved the lead on must not swallow what the lead did meanwhile."""
    look_at_prices(world)
    world.crm.edit(verdict="qualified")
    world.run()
    assert world.told() == [("lead.signal", "7")]
    world.run_later(2 * DAY)
    assert world.kinds() == ["lead.signal"]


def test_a_second_hand_raise_beside_an_answer_of_the_holder_is_told_at_once(world: World) -> None:
    world.crm.happen(demo_request(world.clock.now() - MINUTE))
    world.crm.edit(verdict="qualified")
    world.run()
    assert world.told() == [("lead.signal", "7")]
    assert {timer.name for timer in world.timers() if timer.kind == "sla"} >= {"first_touch"}


def test_the_clock_of_a_second_hand_raise_runs_on_where_interest_follows(world: World) -> None:
    """R40, P3: what is told for once must not silence what is still to be done."""
    world.crm.happen(demo_request(world.clock.now() - MINUTE))
    world.run()
    set_anew = [timer for timer in world.timers() if timer.name == "first_touch"]
    world.clock.pass_by(MINUTE)
    look_at_prices(world)
    world.run()
    assert world.kinds() == ["lead.signal", "lead.signal"]
    assert [timer for timer in world.timers() if timer.name == "first_touch"] == set_anew != []
    world.run_later(DAY)
    assert "sla.breached" in world.kinds()


def test_the_breach_of_a_second_hand_raise_is_told_though_interest_is_heard_of_in_the_same_run() -> None:
    """R17, R40: nobody has reacted to it, so it is no clock that was met too late."""
    world = World().begin()
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.crm.edit(last_touch_at=(world.clock.now() + MINUTE).isoformat())
    world.run_later()
    world.crm.happen(demo_request(world.clock.now(), id="second"))
    world.run_later()
    world.delivery.sent.clear()
    (due,) = [timer.due_at for timer in world.timers() if (timer.name, timer.level) == ("first_touch", "breach")]
    world.clock.pass_by(due - world.clock.now() + MINUTE)
    look_at_prices(world)
    world.run()
    told = [json.loads(entry.body) for entry in world.delivery.sent if entry.kind == "sla.breached"]
    assert [one["level"] for one in told] == ["breach"]


def test_an_ended_lead_tells_nobody(world: World) -> None:
    look_at_prices(world)
    world.run()
    world.crm.edit(verdict="recycle")
    world.run_later(HOUR)
    assert [timer for timer in world.timers() if timer.kind == "signal"] == []


@pytest.mark.parametrize(("called", "anew"), [(False, False), (True, True)])
def test_a_third_hand_raise_starts_the_clock_anew_where_the_second_was_answered(
    world: World, called: bool, anew: bool
) -> None:
    """R40: else the clock that runs is the one that counts."""
    world.crm.happen(demo_request(world.clock.now() - MINUTE, id="second"))
    world.run()
    before = {timer.due_at for timer in world.timers() if timer.name == "first_touch"}
    world.clock.pass_by(5 * MINUTE)
    if called:
        world.crm.edit(last_touch_at=str(int(world.clock.now().timestamp() * 1000)))
    world.clock.pass_by(5 * MINUTE)
    world.crm.happen(demo_request(world.clock.now(), id="third"))
    world.run()
    after = {timer.due_at for timer in world.timers() if timer.name == "first_touch"}
    assert bool(after - before) is anew and (min(after) > min(before)) is anew


def test_a_lead_without_an_owner_that_shows_interest_goes_to_one_rep_alone(world: World) -> None:
    """P2: it is looked at once more when the new owner stands in the CRM, and not before."""
    world.crm.people += [make_owner("9"), make_owner("10")]
    look_at_prices(world)
    world.crm.edit(owner="")
    world.run()
    assert (world.episode().assignment, world.crm.value("101", "owner")) == (2, "8")
    assert world.told() == [("lead.withdrawn", "7"), ("lead.moved", "8"), ("lead.signal", "8")]
    world.crm.forget()
    world.run_later()
    assert (world.episode().assignment, world.crm.calls("update_contacts")) == (2, [])

