"""Merged contacts in a run (I12): which lead goes on, who hears of it, and what the survivor's record shows."""

from __future__ import annotations

import pytest
from factories import DAY, MINUTE, pricing_view
from fakes import kill

from connector.domain.contact import ContactId
from connector.domain.episode import Hop, State
from engine.test_telequalification import book, heard, lead_of
from engine.world import World


@pytest.fixture
def two() -> World:
    """One person twice: 101 is with our callers (9), 102 was passed on to a rep (7)."""
    world = lead_of(book())
    world.crm.add("102")
    for minutes in (1, 0):
        at = world.clock.now() - minutes * MINUTE
        world.crm.happen(pricing_view(at, contact=ContactId("102"), id=f"other{minutes}"))
    world.run()
    world.crm.edit("102", verdict="qualified")
    world.run_later()
    assert (world.episode("101").hop, world.episode("102").hop) == (Hop.TELEQUALIFICATION, Hop.SALES)
    heard(world)
    return world


def test_the_reps_lead_goes_on_though_the_caller_said_more_and_the_caller_is_told(two: World) -> None:
    """I12, R12: nobody loses a lead silently."""
    kept = two.episode("102")
    two.crm.edit("101", verdict="accepted")
    two.run_later()
    assert two.episode("101").state is State.ACCEPTED
    heard(two)
    two.crm.merge("102", "101")
    two.run_later()
    ended, goes_on = two.episodes("101")
    assert (goes_on.id, goes_on.owner, goes_on.is_open) == (kept.id, "7", True)
    assert (ended.owner, ended.exit_reason) == ("9", "merged")
    assert heard(two) == [("callers", "lead.withdrawn", "9")]
    two.run_later(MINUTE)
    assert heard(two) == []


@pytest.mark.parametrize("by_hint", [False, True])
def test_the_survivors_owner_is_no_persons_edit_and_gives_way_to_the_holder(two: World, by_hint: bool) -> None:
    """I2, I12: the record still showed the lead that ended."""
    kept = two.episode("102")
    two.crm.merge("102", "101")
    if by_hint:
        two.hint("101")
        two.run_hints()
    else:
        two.run_later()
    assert (two.crm.value("101", "owner"), two.crm.value("101", "episode")) == ("7", kept.id)
    assert two.dirty() == []
    two.crm.edit("101", country="DE")
    two.run_later()
    after = two.episode("101")
    assert (after.id, after.owner, after.assignment) == (kept.id, "7", kept.assignment)
    assert [kind for _, kind, _ in heard(two)] == ["lead.withdrawn"]


def test_a_lead_that_comes_to_a_contact_with_another_owner_keeps_its_holder(two: World) -> None:
    """I12: who owned the survivor before has not taken the lead over."""
    two.crm.add("103", owner="8")
    two.run_later()
    two.crm.merge("102", "103")
    two.run_later()
    assert (two.episode("103").owner, two.crm.value("103", "owner")) == ("7", "7")
    assert heard(two) == []
    two.crm.edit("103", owner="8")
    two.run_later()
    assert two.episode("103").owner == "8"
    assert [(kind, owner) for _, kind, owner in heard(two)] == [("lead.withdrawn", "7"), ("lead.moved", "8")]


def test_a_merge_that_keeps_the_leads_own_record_writes_nothing(two: World) -> None:
    """P8, I2: a person's edit of the same hour stands."""
    two.crm.add("103", owner="8")
    two.run_later()
    two.crm.forget()
    two.crm.merge("103", "102")
    two.run_later()
    assert (two.crm.calls("update_contacts"), two.episode("102").owner) == ([], "7")
    two.crm.add("104")
    two.run_later()
    two.crm.merge("104", "102")
    two.crm.edit("102", owner="8")
    two.run_later()
    assert two.episode("102").owner == "8"


def test_a_kill_before_the_write_leaves_the_lead_with_its_holder(two: World) -> None:
    """I4, I7"""
    two.crm.merge("102", "101")
    two.crm.before("update_contacts", kill)
    two.clock.pass_by(DAY)
    two.run_and_die()
    two.run_later()
    assert (two.episode("101").owner, two.crm.value("101", "owner")) == ("7", "7")
