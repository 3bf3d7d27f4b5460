"""A rep's quiet hours: nothing is sent in them but what may disturb, nothing is lost, and order is kept (R15)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from factories import DAY, HOUR, MINUTE, NOW, demo_request, make_activity, make_book, two_pricing_views

from connector.domain.run import RunId
from connector.engine.undo import undo
from engine.world import World

EVENING = NOW.replace(hour=20, minute=0)
MORNING = (EVENING + timedelta(days=1)).replace(hour=8)
EVERY_DAY = {"office": {"zone": "UTC", "hours": {"mon-sun": ["08:00-18:00"]}}}


def build(*unless: str) -> World:
    """A portal that is looked after for three days; it is eight in the evening now."""
    quiet = {"outside": "office", "unless": unless}
    alone = {"pools": {"everyone": {"members": [{"owner": "7"}]}}}
    book = make_book(notifications={"quiet_hours": quiet}, sla={"calendars": EVERY_DAY, "clocks": {}}, routing=alone)
    world = World(book)
    world.clock.at = EVENING - 3 * DAY
    world.begin()
    world.clock.at = EVENING
    return world


def scores(world: World, contact: str = "101") -> None:
    """Reaches the threshold by what it reads."""
    world.crm.add(contact)
    for row in two_pricing_views(world.clock.now()):
        world.crm.happen(make_activity(at=row.occurred_at, url=row.url, id=f"{contact}-{row.id}", contact=contact))


def asks(world: World, contact: str = "101") -> None:
    at = world.clock.now()
    world.crm.happen(demo_request(at, contact=contact, id=f"demo-{contact}-{at:%d%H%M}"))


def waiting(world: World) -> list[tuple[str, datetime | None]]:
    return [(entry.kind, entry.due_at) for entry in world.entries() if entry.status == "due"]


def heard(world: World) -> list[str]:
    """What the rep was told; others are told at any hour."""
    return [kind for kind in world.kinds() if kind.startswith("lead.")]


def statuses(world: World) -> set[str]:
    return {entry.status for entry in world.entries() if entry.owner is not None}


@pytest.fixture
def world() -> World:
    return build()


def test_a_lead_of_the_evening_is_handed_over_at_once_and_told_in_the_morning(world: World) -> None:
    scores(world)
    asks(world)
    world.run()
    assert world.episode().owner is not None and heard(world) == []
    assert waiting(world) == [("lead.handed_off", MORNING)]
    world.run_later(11 * HOUR)
    assert heard(world) == []
    world.clock.at = MORNING
    world.run()
    assert heard(world) == ["lead.handed_off"]


def test_a_hand_raise_that_may_disturb_goes_at_once_and_takes_along_what_waited_before_it() -> None:
    """The rep hears of the lead before they hear that it asks once more."""
    world = build("hand_raiser")
    scores(world)
    world.run()
    assert heard(world) == [] and waiting(world) == [("lead.handed_off", MORNING)]
    world.clock.pass_by(HOUR)
    asks(world)
    world.run()
    assert heard(world) == ["lead.handed_off", "lead.signal"]


def test_what_waits_for_others_is_left_in_peace_by_a_hand_raise() -> None:
    world = build("hand_raiser")
    scores(world, "102")
    world.run_later(MINUTE)
    world.crm.add("101")
    asks(world)
    world.run_later(MINUTE)
    assert [entry.contact for entry in world.delivery.sent if entry.owner] == ["101"]
    assert [entry.contact for entry in world.entries() if entry.status == "due"] == ["102"]


def test_a_crowd_of_notices_is_put_into_one_in_the_morning_and_not_before(world: World) -> None:
    for number in range(201, 253):
        scores(world, str(number))
    world.run()
    assert heard(world) == [] and statuses(world) == {"due"}
    world.clock.at = MORNING
    world.run()
    assert set(heard(world)) == {"lead.digest"}
    assert len(heard(world)) <= 2 and statuses(world) == {"sent"}


def test_who_loses_the_lead_before_the_morning_hears_nothing_of_it(world: World) -> None:
    """R36: what was not told is cancelled."""
    world.crm.add("101")
    asks(world)
    run = world.run().run.id
    undo(world.ports, world.book, world.crm.portal(), RunId(run))
    world.clock.at = MORNING
    world.run()
    assert heard(world) == [] and statuses(world) == {"cancelled"}


ANA, BEN = "7", "8"
TOUCH = {"label": "first call", "until": "touch", "limit": "2h", "warn_at": [], "reassign_at": 150, "calendar": "day"}


def ana_sleeps(clocks: dict[str, Any], *unless: str) -> World:
    """The lead is Ana's in her quiet hours; Ben has none."""
    day = {"day": {"zone": "UTC", "hours": {"mon-sun": ["00:00-24:00"]}}}
    people = [{"owner": BEN, "calendar": "day"}]
    book = make_book(
        notifications={
            "quiet_hours": {"outside": "office", "unless": unless},
            "destinations": {"reps": {"type": "slack", "to": "rep", "url_env": "SLACK_URL"}},
        },
        sla={"calendars": EVERY_DAY | day, "clocks": clocks},
        routing={"stickiness": ["existing_owner"], "people": people},
    )
    world = World(book)
    world.destinations = {"reps": True}
    world.clock.at = EVENING - 3 * DAY
    world.begin()
    world.clock.at = EVENING
    world.crm.add(owner=ANA)
    asks(world)
    world.run()
    assert world.episode().owner == ANA
    return world


def told(world: World) -> list[tuple[str, str | None]]:
    return [(entry.kind, entry.owner) for entry in world.delivery.sent if entry.owner is not None]


def test_a_person_gives_the_lead_away_at_night_and_its_new_holder_hears_at_once() -> None:
    """Who never heard of the lead does not hear of its loss either."""
    world = ana_sleeps({})
    world.crm.edit(owner=BEN)
    world.run_later(MINUTE)
    assert told(world) == [("lead.moved", BEN)]
    world.clock.at = MORNING
    world.run()
    assert told(world) == [("lead.moved", BEN)]
    assert [entry.status for entry in world.entries() if entry.owner == ANA] == ["cancelled", "cancelled"]


def test_a_clock_gives_the_lead_away_at_night_and_its_new_holder_hears_at_once() -> None:
    """R17: what the holder slept through is not told to them in the morning."""
    world = ana_sleeps({"first_touch": TOUCH})
    world.run_later(2 * HOUR)
    assert told(world) == [] and len(waiting(world)) == 2
    world.run_later(HOUR)
    assert world.episode().owner == BEN and told(world) == [("lead.moved", BEN)]
    world.run_later(2 * HOUR)
    assert told(world) == [("lead.moved", BEN), ("sla.breached", BEN)]
    world.clock.at = MORNING
    world.run()
    assert ANA not in {owner for _, owner in told(world)}


def test_who_heard_of_the_lead_hears_of_its_loss_before_its_new_holder_does() -> None:
    """Order is kept, and waits for nobody's quiet hours but the new holder's."""
    world = ana_sleeps({}, "hand_raiser")
    assert told(world) == [("lead.handed_off", ANA)]
    world.crm.edit(owner=BEN)
    world.run_later(MINUTE)
    assert told(world)[1:] == [("lead.withdrawn", ANA), ("lead.moved", BEN)]


def test_by_day_nothing_waits(world: World) -> None:
    world.clock.at = MORNING + timedelta(hours=2)
    world.crm.add("101")
    asks(world)
    world.run()
    assert heard(world) == ["lead.handed_off"]
