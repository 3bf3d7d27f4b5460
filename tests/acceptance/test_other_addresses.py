"""Whoever asks for sales under another address than the one that the CRM shows first is no less heard (R02, P2)."""

from __future__ import annotations

from typing import Any

from commands import Handoff
from portal_world import World

FIRST, OTHER = "kim@acme.example", "kim.private@home.example"


def asks_under(world: World, email: str) -> None:
    """HubSpot hangs the form on the contact that has the address, whichever of its addresses that is."""
    world.later(hours=1)
    world.asks(email)
    assert world.sync().counts.handed_off == 1


def told(world: World) -> list[Any]:
    return [notice["data"]["contact_id"] for notice in world.receiver.of("lead.handed_off")]


def test_a_form_under_a_second_address(world: World) -> None:
    contact = world.contact(FIRST, hs_additional_emails=f"{OTHER};kim@old.example")
    world.sync()
    asks_under(world, OTHER.upper())
    assert told(world) == [contact]


def test_a_form_under_the_address_of_one_who_was_merged_away_since_or_before(world: World) -> None:
    kept, lost = world.contact(FIRST), world.contact(OTHER)
    older, gone = world.contact("lou@acme.example"), world.contact("lou@old.example")
    world.act("merge", contact=older, other=gone)
    world.sync()
    world.later(hours=1)
    world.act("merge", contact=kept, other=lost)
    world.sync()
    asks_under(world, OTHER)
    asks_under(world, "lou@old.example")
    assert told(world) == [kept, older]


def test_a_form_that_came_just_before_its_address_was_corrected(world: World) -> None:
    contact = world.contact(FIRST)
    world.sync()
    world.later(hours=1)
    world.asks(FIRST)
    world.edit(contact, email="kim@acme-corrected.example")
    assert world.sync().counts.handed_off == 1
    assert told(world) == [contact]


def test_an_address_that_somebody_else_shows_first_is_theirs(world: World) -> None:
    world.contact(FIRST)
    world.sync()
    world.edit(world.log("created")[-1]["id"], email="kim@elsewhere.example")
    other = world.contact(FIRST)
    world.sync()
    asks_under(world, FIRST)
    assert told(world) == [other]


def test_it_is_erased_with_the_person_who_is_found_by_it(world: World, handoff: Handoff) -> None:
    """I11, R37: also what waited under it for a contact."""
    contact = world.contact(FIRST, hs_additional_emails=OTHER)
    world.sync()
    assert handoff("erase", OTHER, "--yes").code == 0
    for path in world.folder.glob("handoff.db*"):
        assert OTHER.encode() not in path.read_bytes()
    assert "no such" in handoff("explain", contact).err or handoff("explain", contact).code != 0
