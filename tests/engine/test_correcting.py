"""Correcting: what sales says of a hand-back after it was taken up (R20, R21, R26)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from factories import DAY, HOUR, demo_request

from connector.domain.contact import ContactId
from connector.domain.episode import State
from connector.domain.run import RunId
from connector.engine.explain import as_text, explain
from connector.engine.undo import undo
from engine.world import World

handed_back: list[str] = []
"""The run that took the hand-back up."""


@pytest.fixture
def world() -> World:
    """A lead that sales handed back without a reason, an hour ago."""
    made = World().begin()
    made.crm.add()
    made.crm.happen(demo_request(made.clock.now()))
    made.run()
    made.crm.edit(verdict="recycle")
    handed_back[:] = [made.run_later().run.id]
    made.clock.pass_by(HOUR)
    made.delivery.sent.clear()
    return made


def say(world: World, **fields: Any) -> None:
    world.crm.edit(**fields)
    world.run_later()


def told(world: World, **more: Any) -> str:
    with world.store.reading() as uow:
        found = explain(uow, ContactId("101"), world.book, **more)
    assert found is not None
    return as_text(found)


def test_reason_track_and_day_follow_and_marketing_hears_of_the_reason(world: World) -> None:
    """R21, R22"""
    say(world, verdict_reason="bad_fit")
    assert (world.episode().exit_reason, world.crm.value("101", "nurture_track")) == ("bad_fit", "awareness")
    say(world, verdict_reason="locked_in_contract", return_on="2026-09-01")
    assert (world.episode().exit_reason, world.crm.value("101", "nurture_track")) == (
        "locked_in_contract", "consideration",
    )  # fmt: skip
    say(world, return_on="2026-10-01")
    (wake,) = world.timers()
    assert (f"{wake.due_at:%Y-%m-%d}", world.episode().wakes_at) == ("2026-09-01", wake.due_at)
    assert world.kinds() == ["lead.recycled", "lead.recycled"]
    world.crm.forget()
    world.run_later()
    assert (world.crm.calls("update_contacts"), world.kinds()) == ([], ["lead.recycled", "lead.recycled"])


def test_what_was_emptied_counts_as_unsaid(world: World) -> None:
    """R21: the day that the rep took out is no day; without a reason the one for the unsaid is assumed."""
    say(world, verdict_reason="locked_in_contract", return_on="2026-09-01")
    ended_at = world.episode().ended_at
    assert ended_at is not None
    say(world, return_on="")
    assert world.episode().wakes_at == ended_at + 180 * DAY
    say(world, verdict_reason="")
    assert (world.episode().exit_reason, world.episode().wakes_at, world.timers()) == ("not_ready", None, [])


def test_a_day_that_is_past_brings_it_back_once_and_all_stands_as_in_any_handover(world: World) -> None:
    """P2, I1"""
    say(world, verdict_reason="locked_in_contract", return_on="2026-01-01")
    world.run_later()
    assert [one.state for one in world.episodes()] == [State.RECYCLED, State.HANDED_OFF]
    assert world.kinds() == ["lead.recycled", "lead.handed_off"]
    assert (world.crm.value("101", "nurture_track"), world.crm.value("101", "verdict")) == ("", "")
    assert world.crm.listed == {"101"}


def test_another_answer_counts_too(world: World) -> None:
    """R20, R24: what was junk after all goes to the triage desk when it asks again."""
    say(world, verdict="junk")
    assert (world.episode().state, world.crm.value("101", "state")) == (State.JUNK, "junk")
    world.crm.happen(demo_request(world.clock.now(), id="again"))
    world.run_later()
    assert (len(world.episodes()), world.kinds()[-1]) == (1, "lead.triaged")


def test_a_day_in_the_first_year_of_all_is_a_day_that_is_past(world: World) -> None:
    """P5"""
    say(world, verdict_reason="locked_in_contract", return_on="0001-01-05")
    assert world.episodes()[0].exit_reason == "locked_in_contract"


def test_rules_that_changed_meanwhile_move_nobody(world: World) -> None:
    """P6: nobody said anything."""
    say(world, verdict_reason="bad_fit")
    before, reasons = world.episode(), dict(world.book.recycling.reasons)
    wake = reasons["bad_fit"].wake.model_copy(update={"after": 10 * DAY})
    reasons["bad_fit"] = reasons["bad_fit"].model_copy(update={"wake": wake})
    recycling = world.book.recycling.model_copy(update={"reasons": reasons})
    world.book = replace(world.book, recycling=recycling)
    say(world, job_title="Head of IT")
    assert world.episode() == before


def test_the_past_is_told_as_it_stood(world: World) -> None:
    """R34, P6"""
    then = world.clock.now()
    say(world, verdict_reason="locked_in_contract", return_on="2026-09-01")
    assert "new interest brings this lead back" in told(world, as_of=then)
    assert "2 August 2026" not in told(world, as_of=then)
    now = told(world)
    assert "on 2 August 2026" in now and "Sales said more of why this lead came back." in now


def test_the_hand_back_can_be_undone_and_the_correction_stays_the_reps_word(world: World) -> None:
    """R36"""
    world.crm.edit(verdict_reason="bad_fit")
    corrected = world.run_later().run.id
    world.clock.pass_by(HOUR)
    left = undo(world.ports, world.book, world.crm.portal(), RunId(corrected))
    assert [line.why for line in left.lines] == ["sales itself corrected why the lead came back; change it in HubSpot"]
    report = undo(world.ports, world.book, world.crm.portal(), RunId(handed_back[0]))
    assert (report.contacts, world.episode().state) == (1, State.HANDED_OFF)


def test_the_day_that_sales_named_is_told_wherever_the_portal_is(world: World) -> None:
    """R22: in New York midnight in UTC is the evening before."""
    say(world, verdict_reason="locked_in_contract", return_on="2026-09-01")
    assert "on 2 August 2026 it goes back to sales" in told(world, time_zone="America/New_York")
