"""The portal's clock steps back, between runs and within one: nothing is missed, nothing done twice (I4, I9)."""

from __future__ import annotations

from copy import deepcopy

import pytest
from factories import DAY, HOUR, MINUTE, demo_request

from connector.domain.episode import State
from connector.engine.context import Options
from connector.engine.run import sync
from engine.world import World


@pytest.fixture
def world() -> World:
    """A lead in sales' hands."""
    made = World().begin()
    made.clock.pass_by(DAY)
    asks(made, "101")
    made.run_later()
    return made


def asks(world: World, contact: str) -> None:
    world.crm.add(contact, email=f"kim@firm{contact}.example")
    world.crm.happen(demo_request(world.clock.now(), contact=contact, id=f"demo-{contact}"))


@pytest.mark.parametrize("back", [2 * MINUTE, 3 * HOUR])
def test_who_asks_by_the_clock_that_went_back_is_handed_over(world: World, back: object) -> None:
    """I4: the window follows the portal's own clock."""
    before = world.run_later().run.as_of
    world.clock.at -= back  # type: ignore[operator]
    asks(world, "102")
    report = world.run()
    assert report.run.as_of == before
    assert world.episode("102").is_open and world.kinds().count("lead.handed_off") == 2
    world.clock.at += 2 * back  # type: ignore[operator]
    world.run()
    assert world.kinds().count("lead.handed_off") == 2


def test_what_people_say_by_the_clock_that_went_back_counts(world: World) -> None:
    """I2: the edit's stamp lies before what was read already, and is news all the same."""
    world.clock.at -= 3 * HOUR
    world.crm.edit("101", verdict="recycle")
    world.run_later()
    assert (world.episode().state, world.crm.value("101", "stage")) == (State.RECYCLED, "lead")
    world.clock.pass_by(DAY)
    world.run()
    assert world.kinds().count("lead.recycled") == 1


def test_clocks_of_sales_do_not_run_twice(world: World) -> None:
    """I5: a reminder that was told is not told again when its hour comes again."""
    world.run_later(9 * HOUR)
    told = world.kinds()
    assert any(kind.startswith("sla.") for kind in told)
    world.clock.at -= 8 * HOUR
    world.run()
    world.run_later(8 * HOUR)
    assert world.kinds() == told


@pytest.mark.parametrize("call", ["pull_activities", "add_to_list", "update_contacts"])
def test_a_clock_that_goes_back_within_a_run_changes_nothing_of_it(world: World, call: str) -> None:
    """I9: the run keeps its time; what is written meanwhile is ours whatever its stamp says."""

    def back() -> None:
        world.clock.at -= HOUR

    asks(world, "102")
    world.crm.before(call, back)
    first = world.run_later()
    assert world.episode("102").handed_off_at == first.run.as_of
    world.crm.forget()
    again = world.run_later()
    assert again.run.as_of == first.run.as_of
    assert world.kinds().count("lead.handed_off") == 2
    assert world.crm.calls("update_contacts", "add_to_list", "remove_from_list") == []
    assert (world.dirty(), world.intents("open")) == ([], [])


def test_a_person_who_edits_right_after_our_write_by_a_clock_that_went_back_is_heard(world: World) -> None:
    """I2: between the write and the read-back, an hour earlier by its stamp."""

    def back() -> None:
        world.clock.at -= HOUR
        world.crm.edit("102", owner="8")

    asks(world, "102")
    world.crm.after("update_contacts", back)
    world.run_later()
    world.run_later()
    assert (world.crm.value("102", "owner"), world.episode("102").owner) == ("8", "8")


def test_a_hint_by_the_clock_that_went_back_is_looked_at(world: World) -> None:
    """P4, I9: its run is not before those that were."""
    world.run_later()
    world.clock.at -= 2 * HOUR
    world.crm.add("102", email="kim@firm102.example", request="hand_over")
    world.hint("102")
    assert world.run_hints() == 1
    assert world.episode("102").is_open
    starts = [row["as_of"] for row in world.runs()]
    assert starts == sorted(starts, reverse=True)


def test_a_time_far_ahead_that_the_crm_told_once_is_no_secret(world: World) -> None:
    """I9: time never goes back, so every run says why new interest looks old."""
    world.clock.pass_by(200 * DAY)
    world.run()
    world.clock.at -= 200 * DAY
    for _ in range(2):
        (said,) = world.run_later().troubles
        assert said.startswith("an earlier run was told by the CRM that it was 20") and "put back a copy" in said


def test_who_stood_still_before_it_had_the_lease_asks_again_what_time_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P3, I9: others worked meanwhile; by the old time, what a lagging index shows would pass for the latest."""
    before, shown = world.crm.portal(), deepcopy(list(world.crm.rows.values()))
    world.clock.pass_by(3 * HOUR)
    world.crm.edit("101", verdict="recycle")
    ended = world.run()
    monkeypatch.setattr(world.crm, "_living", lambda: shown)
    woken = sync(world.ports, world.book, before, Options())
    assert woken.run.started_at >= ended.run.started_at and woken.counts.decided == 0
    assert world.stored().contact.text("state") == "recycled"
