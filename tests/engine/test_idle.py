"""Idle (P6, R34): of whom nothing could come nothing is stored, and the same is said of them as if it had been."""

from __future__ import annotations

from dataclasses import replace

import pytest
from factories import DAY, demo_request, pricing_view

from connector.domain.contact import ContactId
from connector.engine import consider
from connector.engine.explain import Explanation, explain
from engine.world import World

PEOPLE: dict[str, dict[str, str]] = {
    "a buyer": {"job_title": "Buyer", "employees": "40"},
    "a head of a large company": {"job_title": "CEO", "employees": "2000"},
    "somebody without an address": {"email": ""},
    "a private mailbox": {"email": "kim@gmail.com"},
    "not to be contacted": {"do_not_contact": "true"},
    "an unknown stage": {"stage": "evangelist"},
}


def explained(world: World, **more: object) -> Explanation:
    with world.store.reading() as uow:
        found = explain(uow, ContactId("101"), world.book, **more)  # type: ignore[arg-type] - as_of alone
    assert found is not None
    return found


def lived(values: dict[str, str]) -> World:
    world = World().begin()
    world.crm.add(**values)
    world.run()
    return world


@pytest.mark.parametrize("who", sorted(PEOPLE))
def test_what_is_said_is_what_would_have_been_stored(who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    idle = lived(PEOPLE[who])
    monkeypatch.setattr(consider, "of_whom_nothing_comes", lambda *_: frozenset())
    stored = lived(PEOPLE[who])
    assert (idle.decisions(), stored.decisions()) == ([], ["nothing"])
    assert explained(idle) == explained(stored)


def test_of_a_past_day_it_is_said_by_the_rules_of_that_day() -> None:
    """P6: the threshold rises later; on the first day the lead was short of the old one."""
    world = lived(PEOPLE["a buyer"])
    then = world.clock.now()
    threshold = world.book.qualification.threshold
    harder = threshold.model_copy(update={"score": threshold.score + 30})
    world.book = replace(world.book, qualification=world.book.qualification.model_copy(update={"threshold": harder}))
    world.run_later(DAY)
    assert world.decisions() == []
    before, today = explained(world, as_of=then), explained(world)
    assert before.rules != today.rules and before.missing != today.missing


def test_who_was_decided_about_once_is_decided_about_ever_after() -> None:
    """A stored answer is not left standing while others come to be."""
    world = lived(PEOPLE["a buyer"])
    world.crm.happen(pricing_view(world.clock.now()))
    world.run_later()
    world.crm.edit(job_title="Head of purchasing")
    world.run_later(400 * DAY)
    assert world.decisions() == ["nothing", "nothing"]


@pytest.mark.parametrize("values", [{"request": "hand_over"}, {"stage": "marketingqualifiedlead"}])
def test_who_asks_or_is_in_hand_already_is_decided_about(values: dict[str, str]) -> None:
    """P1"""
    assert lived(values).decisions() != []


def test_who_was_idle_is_handed_over_when_it_asks() -> None:
    """P1, P3"""
    world = lived(PEOPLE["a buyer"])
    world.crm.happen(demo_request(world.clock.now()))
    world.run_later()
    assert world.decisions() == ["hand_over"] and world.kinds() == ["lead.handed_off"]
