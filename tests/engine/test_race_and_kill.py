"""A write overtakes a person's edit, and the process dies before it can see that: theirs stands all the same (I2)."""

from __future__ import annotations

import pytest
from factories import HOUR, demo_request
from fakes import kill

from engine.world import World

MOMENTS = {
    "before the read-back": ("update_contacts", "after", 1),
    "after the read-back": ("read_contacts", "after", 2),
    "while theirs is put back": ("update_contacts", "before", 2),
    "half-way in putting theirs back": ("update_contacts", "after", 2),
    "when theirs is back": ("update_contacts", "after", 3),
    "before it is written down": ("read_contacts", "after", 3),
}
THEIRS = [("owner", "8", moment) for moment in MOMENTS] + [
    (field, value, moment)
    for field, value in (("status", "IN_PROGRESS"), ("stage", "subscriber"))
    for moment in ("before the read-back", "half-way in putting theirs back")
]


@pytest.fixture
def world() -> World:
    """One who asks for a demo, and of whom nobody has said anything yet."""
    made = World().begin()
    made.crm.add(stage="")
    made.crm.happen(demo_request(made.clock.now()))
    return made


def dies_after_a_lost_race(world: World, moment: str, field: str, value: str) -> None:
    """A person edits after our last look and before our write; the kill comes at `moment`."""
    call, phase, nth = MOMENTS[moment]
    world.crm.before("update_contacts", lambda: world.crm.edit(**{field: value}))
    getattr(world.crm, phase)(call, kill, nth=nth)
    world.run_and_die()
    assert value in world.crm.values_over_time("101", field)
    world.clock.pass_by(3 * HOUR)


@pytest.mark.parametrize(("field", "value", "moment"), THEIRS)
def test_the_persons_value_stands_and_the_lead_is_told_of_once(
    world: World, field: str, value: str, moment: str
) -> None:
    """I2, P3: found by the history when the process comes back, however late."""
    dies_after_a_lost_race(world, moment, field, value)
    world.run()
    world.run_later()
    assert world.crm.value("101", field) == value
    assert (world.kinds().count("lead.handed_off"), world.episode().ordinal) == (1, 1)
    told = [owner for kind, owner in world.told() if kind in ("lead.handed_off", "lead.moved")]
    assert told[-1] == world.crm.value("101", "owner") == world.episode().owner
    assert len({entry.id for entry in world.delivery.sent}) == len(world.delivery.sent)
    assert (world.dirty(), world.intents("open"), world.crm.listed) == ([], [], {"101"})


@pytest.mark.parametrize("moment", ["before the read-back", "half-way in putting theirs back"])
def test_what_the_person_says_next_while_we_are_dead_stands_too(world: World, moment: str) -> None:
    """I2: of two words of theirs the later one."""
    dies_after_a_lost_race(world, moment, "owner", "8")
    world.crm.edit(owner="9")
    world.clock.pass_by(HOUR)
    world.run()
    world.run_later()
    assert (world.crm.value("101", "owner"), world.episode().owner) == ("9", "9")
    assert world.kinds().count("lead.handed_off") == 1
