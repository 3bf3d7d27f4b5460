"""An old copy of the database is put back while the CRM went on: what was done since is not done again (P3, I2, P7)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from factories import DAY, HOUR, MINUTE, demo_request, make_owner

from connector.domain.episode import State
from connector.domain.run import RunStatus
from engine.world import World


def asks(world: World, contact: str) -> None:
    world.crm.happen(demo_request(world.clock.now(), contact=contact, id=f"{contact}-{world.clock.now().isoformat()}"))


@pytest.fixture
def world() -> World:
    """Known before the copy is made: 101 in sales' hands, 102 a lead that has not asked yet."""
    made = World().begin()
    made.crm.add("101", email="kim@firm101.example")
    made.crm.add("102", email="kim@firm102.example")
    asks(made, "101")
    made.run()
    made.clock.pass_by(HOUR)
    return made


def copy_of(world: World) -> bytes:
    with world.store.database.reading() as connection:
        copy: bytes = connection.connection.driver_connection.serialize()  # type: ignore[union-attr]
    return copy


def put_back(world: World, copy: bytes) -> None:
    """A day later."""
    with world.store.database.engine.connect() as connection:
        connection.connection.driver_connection.deserialize(copy)  # type: ignore[union-attr]
    world.clock.pass_by(DAY)
    world.delivery.sent.clear()
    world.crm.forget()


def told_of_leads(world: World) -> list[str]:
    """Without the clocks of 101, which run on."""
    return [kind for kind in world.kinds() if kind.startswith("lead.")]


def new_lead(world: World) -> str:
    """One whom the copy knows nothing of."""
    world.crm.add("103", email="kim@firm103.example")
    asks(world, "103")
    return "103"


def known_lead(world: World) -> str:
    """One who was there before, and asks only after the copy was made."""
    asks(world, "102")
    return "102"


LEADS = pytest.mark.parametrize("lead", [new_lead, known_lead])


@LEADS
@pytest.mark.parametrize("meanwhile", ["nothing", "another owner", "a later stage", "an answer"])
def test_who_was_handed_over_since_is_not_handed_over_again(
    world: World, lead: Callable[[World], str], meanwhile: str
) -> None:
    """P3, I2: whatever people did with the lead since stands, and is followed as ever."""
    copy = copy_of(world)
    contact = lead(world)
    world.run()
    handed = world.episode(contact)
    world.clock.pass_by(HOUR)
    said: dict[str, dict[str, str]] = {
        "nothing": {},
        "another owner": {"owner": "7" if handed.owner == "8" else "8"},
        "a later stage": {"stage": "opportunity"},
        "an answer": {"verdict": "accepted"},
    }
    world.crm.edit(contact, **said[meanwhile])
    before = {name: world.crm.value(contact, name) for name in ("stage", "status", "owner", "episode", "reason")}
    put_back(world, copy)
    report = world.run()
    assert {name: world.crm.value(contact, name) for name in before} == before
    again = world.episode(contact)
    assert (again.id, again.ordinal) == (handed.id, 1)
    assert again.handed_off_at - handed.handed_off_at < MINUTE, "by the CRM's history: when it was written"
    assert (again.lane, again.opened_at) == (handed.lane, handed.opened_at)
    assert again.owner == before["owner"] and again.marketing_held and world.stored(contact).on_list
    assert "lead.handed_off" not in world.kinds()
    assert [line for line in report.troubles if "older than what the CRM shows" in line and contact in line]
    assert report.counts.handed_off == 0 and report.status is RunStatus.COMPLETED
    later = world.run_later(HOUR)
    assert not [line for line in later.troubles if "older" in line]
    assert world.crm.calls("add_to_list", "remove_from_list") == []


@LEADS
def test_who_came_back_from_sales_since_is_left_as_people_left_him(world: World, lead: Callable[[World], str]) -> None:
    """I2, I3: a stage that somebody set after the hand-back is not taken back by doing that once more."""
    copy = copy_of(world)
    contact = lead(world)
    world.run_later(HOUR)
    world.crm.edit(contact, verdict="recycle", verdict_reason="not_ready")
    world.run_later(HOUR)
    ended = world.episode(contact)
    world.clock.pass_by(HOUR)
    world.crm.edit(contact, stage="opportunity", owner="8")
    put_back(world, copy)
    world.run()
    assert (world.crm.value(contact, "stage"), world.crm.value(contact, "owner")) == ("opportunity", "8")
    again = world.episode(contact)
    assert (again.state, again.exit_reason, again.wakes_at) == (State.RECYCLED, "not_ready", ended.wakes_at)
    assert told_of_leads(world) == [] and not world.stored(contact).on_list
    world.clock.pass_by(HOUR)
    asks(world, contact)
    world.run()
    assert [one.ordinal for one in world.episodes(contact)] == [1, 2]
    assert told_of_leads(world) == ["lead.handed_off"]


def test_who_was_in_hand_when_the_copy_was_made_and_came_back_since_is_not_told_of_again(world: World) -> None:
    """I2: its hand-back stands in the CRM already."""
    copy = copy_of(world)
    world.crm.edit("101", verdict="recycle")
    world.run_later(HOUR)
    assert world.crm.listed == set()
    world.clock.pass_by(HOUR)
    world.crm.edit("101", stage="subscriber")
    put_back(world, copy)
    world.run()
    assert world.crm.value("101", "stage") == "subscriber"
    assert (world.episode().state, told_of_leads(world), world.crm.listed) == (State.RECYCLED, [], set())
    assert not world.stored("101").on_list and world.timers("101") == []


def test_who_came_back_and_was_handed_over_once_more_has_one_open_episode(world: World) -> None:
    """P3, R24: the attempt that the copy holds open is over."""
    copy = copy_of(world)
    world.crm.edit("101", verdict="recycle")
    world.run_later(HOUR)
    world.clock.pass_by(HOUR)
    asks(world, "101")
    world.run()
    second = world.episode()
    assert second.ordinal == 2
    put_back(world, copy)
    world.run()
    assert [(one.ordinal, one.is_open) for one in world.episodes()] == [(1, False), (2, True)]
    assert (world.episode().id, world.episode().owner) == (second.id, second.owner)
    assert "lead.handed_off" not in world.kinds() and world.crm.listed == {"101"}


def test_a_lead_of_the_past_that_was_adopted_since_is_not_silent_again(world: World) -> None:
    """R41"""
    past = world.clock.now() - 900 * HOUR
    world.crm.add("200", stage="marketingqualifiedlead", owner="7", created_at=past)
    world.crm.edit("200", job_title="Buyer")
    world.run()
    assert world.episode("200").silent
    copy = copy_of(world)
    world.clock.pass_by(HOUR)
    asks(world, "200")
    world.run()
    assert not world.episode("200").silent
    put_back(world, copy)
    world.run()
    assert not world.episode("200").silent and world.timers("200")
    assert "lead.handed_off" not in world.kinds()


def test_a_first_touch_between_the_copy_and_now_counts(world: World) -> None:
    """R17: the instant of the handover is read from the CRM's history, so nobody is said to have done nothing."""
    copy = copy_of(world)
    new_lead(world)
    world.run()
    touched = world.clock.pass_by(HOUR)
    world.crm.edit("103", first_touch_at=touched.isoformat(), last_touch_at=touched.isoformat())
    world.crm.edit("103", job_title="Buyer")
    put_back(world, copy)
    world.run()
    assert world.episode("103").touched_at == touched


def test_a_lead_whom_the_owner_left_meanwhile_is_rescued_as_ever(world: World) -> None:
    """R12"""
    copy = copy_of(world)
    contact = new_lead(world)
    world.run()
    gone = world.episode(contact).owner
    put_back(world, copy)
    world.crm.people = [make_owner(one, archived=one == gone) for one in ("7", "8")]
    world.run()
    assert world.episode(contact).owner not in (None, gone)
    assert "lead.handed_off" not in world.kinds()


def test_a_mark_that_a_person_wrote_is_no_handover(world: World) -> None:
    """Only what Handoff itself wrote tells of what it did."""
    world.crm.edit("102", episode="ep_somebodys", state="handed_off")
    world.run()
    assert world.episodes("102") == []
    asks(world, "102")
    report = world.run_later(HOUR)
    assert report.counts.handed_off == 1 and not report.troubles


def test_a_handover_that_was_refused_in_part_is_tried_again(world: World) -> None:
    """P5: its marks stand in the CRM, and the database knows why."""
    asks(world, "102")
    world.crm.after("update_contacts", lambda: world.crm.edit("102", by_person=False, stage="lead"))
    world.run()
    report = world.run_later(HOUR)
    assert not [line for line in report.troubles if "older" in line]
    assert world.kinds().count("lead.handed_off") == 2


def test_a_copy_made_in_the_middle_of_a_run_goes_on_and_hands_over_once(world: World) -> None:
    """I7, I9: its open writes are found done, or beyond."""
    new_lead(world)
    copies: list[bytes] = []
    world.crm.before("add_to_list", lambda: copies.append(copy_of(world)))
    world.run()
    world.crm.edit("103", verdict="recycle")
    world.run_later(HOUR)
    world.crm.edit("103", stage="opportunity")
    put_back(world, copies[0])
    world.run()
    world.run_later(HOUR)
    assert world.crm.value("103", "stage") == "opportunity"
    assert (world.episode("103").state, world.crm.listed) == (State.RECYCLED, {"101"})
    assert "lead.handed_off" not in world.kinds()
