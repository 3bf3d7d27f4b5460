"""Hosts of meetings, caps per day (R12): what routing asks for is read, in scheduled runs and for hints alike."""

from __future__ import annotations

import pytest
from factories import MINUTE, make_activity, make_book

from connector.domain.activity import MEETINGS, ActivityKind
from connector.domain.contact import ContactId
from engine.world import World

POOLS = {"everyone": {"everyone": True, "max_per_day": 2}}


@pytest.fixture
def world() -> World:
    return World(make_book(routing={"stickiness": ["meeting_host"], "pools": POOLS})).begin()


def books(world: World, contact: str, host: str) -> None:
    """A meeting with `host`, as HubSpot shows it: in the contact's field, and as a record of its own."""
    at = world.clock.now()
    world.crm.add(contact, meeting_booked_at=at.isoformat())
    kind = ActivityKind.MEETING
    world.crm.happen(make_activity(kind, at, stream=MEETINGS, id=contact, contact=ContactId(contact), ref=host))


def test_the_host_gets_the_lead_in_a_scheduled_run(world: World) -> None:
    books(world, "101", "8")
    world.run()
    assert (world.episode().owner, world.episode().lane) == ("8", "hand_raiser")


def test_the_host_gets_the_lead_of_a_hint(world: World) -> None:
    books(world, "101", "8")
    world.hint("101")
    world.clock.pass_by(MINUTE)
    world.run_hints()
    assert world.episode().owner == "8"


def test_a_cap_per_day_counts_what_each_got_since_midnight_whichever_run_it_was(world: World) -> None:
    for number in range(5):
        world.crm.add(str(200 + number), request="hand_over")
        world.run_later(MINUTE)
    owners = [world.episode(str(200 + number)).owner for number in range(5)]
    assert (sorted(owners[:4]), owners[4]) == (["7", "7", "8", "8"], "7")
    with world.store.reading() as uow:
        assert uow.given_since(world.clock.now().replace(hour=0)) == {"7": 3, "8": 2}
        assert uow.given_since(world.clock.now()) == {}


def test_leads_that_went_by_turns_are_told_with_who_was_passed_over(world: World) -> None:
    """R13: the log, as the fairness table reads it; a sticky lead took no turn."""
    books(world, "101", "8")
    world.crm.add("102", request="hand_over")
    world.run()
    with world.store.reading() as uow:
        (found,) = uow.routed(None, world.clock.now() + MINUTE)
        assert list(uow.routed(world.clock.now() + MINUTE, world.clock.now() + 2 * MINUTE)) == []
    assert (found.pool, found.owner, found.passed_over) == ("everyone", "7", {"8": "has a turn after this one"})
