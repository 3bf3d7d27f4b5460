"""Adopt: what a living portal had before comes to life by cohort and at a pace (R41)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from factories import DAY, HOUR, demo_request, make_book, make_deal, make_owner, pricing_view, shipped_book

from connector.domain.contact import ContactId
from connector.domain.deal import DealState
from connector.domain.episode import State
from engine.world import World


def living(**cohorts: int) -> World:
    """A portal that lives: so many leads per owner at MQL, so many that raised a hand before Handoff came."""
    world = World()
    long_ago = world.clock.now() - 90 * DAY
    for number in range(cohorts.get("mql", 0)):
        for owner in ("7", "8"):
            contact = f"{owner}{number:03}"
            world.crm.add(contact, stage="marketingqualifiedlead", owner=owner, created_at=long_ago)
    for number in range(cohorts.get("unowned", 0)):
        contact = str(5000 + number)
        world.crm.add(contact, stage="marketingqualifiedlead", created_at=long_ago, email=f"kim@u{contact}.example")
    for number in range(cohorts.get("qualified", 0)):
        contact = str(9000 + number)
        world.crm.add(contact, email=f"kim@firm{contact}.example", created_at=long_ago)
        world.crm.happen(demo_request(world.clock.now() - DAY, contact=contact, id=contact))
    world.run()
    return world


def adopt(world: World, **paces: int) -> None:
    with world.store.transaction() as uow:
        state = uow.portal_state()
        assert state is not None
        uow.put_portal_state(replace(state, adopting=paces))


def handed(world: World) -> Counter[str | None]:
    return Counter(owner for kind, owner in world.told() if kind == "lead.handed_off")


def test_nothing_is_adopted_before_somebody_says_so() -> None:
    world = living(mql=3, qualified=3)
    world.run_later(9 * DAY)
    assert (world.kinds(), world.crm.listed, world.crm.calls("update_contacts")) == ([], set(), [])


@pytest.mark.parametrize("cohort", ["mql", "qualified", "unowned"])
def test_so_many_come_to_life_per_rep_and_day_and_no_more(cohort: str) -> None:
    """R41: however often a day the connector runs."""
    world = living(**{cohort: 12 if cohort != "mql" else 6})
    adopt(world, **{"qualified" if cohort == "qualified" else "mql": 2})
    for _ in range(3):
        world.run_later(HOUR)
    assert sum(handed(world).values()) == 4
    assert handed(world) == {"7": 2, "8": 2}
    world.run_later(DAY)
    assert sum(handed(world).values()) == 8
    assert len(world.crm.listed) == 8


def test_an_adopted_lead_has_a_clock_a_list_entry_and_its_notice() -> None:
    world = living(mql=1)
    adopt(world, mql=5)
    world.run_later()
    episode = world.episode("7000")
    assert (episode.silent, episode.owner, episode.state) == (False, "7", State.HANDED_OFF)
    assert world.timers("7000")
    assert "7000" in world.crm.listed
    assert world.crm.value("7000", "state") == "handed_off"


def test_a_pace_of_one_cohort_leaves_the_others_silent() -> None:
    world = living(mql=2, qualified=2)
    adopt(world, qualified=5)
    world.run_later()
    assert sum(handed(world).values()) == 2
    assert world.episode("7000").silent


def test_a_silent_lead_that_asks_for_sales_does_not_wait_for_its_turn() -> None:
    world = living(mql=1)
    world.clock.pass_by(DAY)
    world.crm.happen(demo_request(world.clock.now(), contact="7000"))
    world.run()
    assert world.told() == [("lead.handed_off", "7")]
    assert (world.episode("7000").lane, world.episode("8000").silent) == ("hand_raiser", True)


def test_leads_of_somebody_who_left_go_to_somebody_who_is_there() -> None:
    """R12"""
    world = living(mql=1)
    world.crm.people = [make_owner("7", archived=True), make_owner("8")]
    adopt(world, mql=5)
    world.run_later()
    assert handed(world) == {"8": 2}


def test_news_is_handed_over_at_any_pace() -> None:
    """Issue 2: on the next day 25 newly qualifying contacts give exactly 25 handoffs."""
    world = living(mql=10, qualified=10)
    world.clock.pass_by(DAY)
    for number in range(25):
        contact = str(20000 + number)
        world.crm.add(contact, email=f"kim@new{contact}.example")
        world.crm.happen(demo_request(world.clock.now(), contact=contact, id=contact))
    world.run()
    assert sum(handed(world).values()) == len(world.crm.listed) == 25


def test_who_was_taken_in_is_counted_once_however_often_everybody_is_decided_again() -> None:
    world = living(mql=1, qualified=3)
    with world.store.transaction() as uow:
        uow.mark_all_dirty("a property is back")
    assert world.run_later(HOUR).counts.taken_in == 0


def test_who_qualifies_by_rules_that_ask_for_less_is_counted_whatever_was_said_of_it_before() -> None:
    """R41: as many as `handoff adopt` then shows."""
    world = World(make_book(qualification={"threshold": {"score": 99}, "key_pages": []}))
    world.crm.add(created_at=world.clock.now() - 90 * DAY)
    for number in range(3):
        world.crm.happen(pricing_view(world.clock.now() - (number + 1) * HOUR, id=str(number)))
    world.run()
    world.book = shipped_book()
    assert world.run_later(HOUR).counts.taken_in == 1
    assert world.decisions() == ["nothing", "predates"]


def test_what_sales_had_finished_before_handoff_came_is_not_offered_for_adoption() -> None:
    """R41: its deal is long lost; the first run sees both."""
    world = World()
    long_ago = world.clock.now() - 90 * DAY
    world.crm.add(stage="opportunity", owner="7", created_at=long_ago)
    world.crm.deals.append(make_deal(DealState.LOST, at=long_ago + DAY, contacts=(ContactId("101"),)))
    assert world.run().counts.taken_in == 0
    assert world.episode().state is State.LOST and world.decisions() == ["infer", "infer"]
