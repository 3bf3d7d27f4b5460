"""Explain (R34): the stored decision is what is told, in words a rep understands."""

from __future__ import annotations

import re

import pytest
from factories import DAY, HOUR, MINUTE, NOW, demo_request, make_book, pricing_view

from connector.domain.contact import ContactId
from connector.engine.explain import Explanation, as_text, explain
from engine.world import World


@pytest.fixture
def world() -> World:
    return World().begin()


def explained(world: World, contact: str = "101", **more: object) -> Explanation:
    with world.store.reading() as uow:
        found = explain(uow, ContactId(contact), world.book, **more)  # type: ignore[arg-type] - as_of alone
    assert found is not None
    return found


def test_a_handed_lead_says_why_and_why_this_rep(world: World) -> None:
    world.crm.add(last_name="Sample")
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    found = explained(world)
    assert (found.name, found.answer, found.why) == ("Kim Sample", "Yes, handed to sales.", "Asked for a demo.")
    assert "Ana Sample" in found.owner
    assert found.clocks
    assert len(found.history) == 1


def test_the_cause_stays_the_handover_while_sales_works_on(world: World) -> None:
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.crm.edit(verdict="accepted")
    world.run_later()
    found = explained(world)
    assert (found.answer, found.why) == ("Yes, in sales' hands.", "Asked for a demo.")


def test_a_filtered_lead_names_its_filter(world: World) -> None:
    world.crm.add(email="pat-nobody@gmail.com")
    world.crm.happen(pricing_view(world.clock.now()))
    world.run()
    found = explained(world)
    assert (found.answer, found.why) == ("No, not handed to sales.", "Uses a private e-mail address.")
    assert not all(passed for passed, _ in found.path)


def test_a_lead_with_too_little_interest_says_what_was_missing(world: World) -> None:
    world.crm.add()
    world.crm.happen(pricing_view(world.clock.now()))
    world.run()
    found = explained(world)
    assert found.answer == "No, not handed to sales."
    assert found.missing


def test_the_lines_sum_to_the_score(world: World) -> None:
    """R04, R34"""
    world.crm.add(job_title="CEO", employees="200")
    for days in (9, 4, 1):
        world.crm.happen(pricing_view(world.clock.now() - days * DAY))
    world.run()
    found = explained(world)
    assert round(sum(points for points, _, _ in found.lines), 2) == found.score


def test_a_past_day_is_explained_as_it_was_told_then(world: World) -> None:
    """P6: not decided again by today's rules."""
    world.crm.add()
    world.crm.happen(pricing_view(world.clock.now()))
    first = world.run().run.as_of
    world.book = make_book(qualification={"threshold": {"score": 1}})
    world.run_later(DAY)
    assert explained(world).answer == "Yes, handed to sales."
    assert explained(world, as_of=first).answer == "No, not handed to sales."


def test_a_contact_that_nobody_decided_on_yet_says_so(world: World) -> None:
    world.crm.add()
    world.run()
    assert explained(world, as_of=NOW - 9 * DAY).why == "It was not decided on yet; the next run will."


def test_a_contact_that_is_not_known_has_no_explanation(world: World) -> None:
    with world.store.reading() as uow:
        assert explain(uow, ContactId("404"), world.book) is None


def test_the_text_holds_no_ids_and_no_names_of_properties(world: World) -> None:
    """R34"""
    world.crm.add(last_name="Sample")
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.crm.edit(verdict="recycle", verdict_reason="bad_fit")
    world.run_later(HOUR)
    text = as_text(explained(world))
    assert "ep_" not in text
    assert not re.search(r"\b(handoff_|hs_|lifecyclestage|hubspot_)\w*", text)
    assert "does not fit for now" in text
    assert world.run_later(MINUTE).counts.decided == 0
