"""Idle (P6, R34): of whom nothing could come nothing is stored, and the same is said of them as if it had been."""

from __future__ import annotations

from dataclasses import replace

import pytest
from factories import DAY, demo_request, make_book, pricing_view, shipped_book
from fakes import kill

from connector.domain.contact import ContactId
from connector.engine import consider, intake
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
    monkeypatch.setattr(intake, "nothing_comes_at_first_sight", lambda *_: frozenset())
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


@pytest.mark.parametrize(
    "values",
    [
        {"request": "hand_over"},
        {"stage": "marketingqualifiedlead"},
        {"stage": " MarketingQualifiedLead"},
        {"stage": "mql"},
    ],
)
def test_who_asks_or_is_in_hand_already_is_decided_about(values: dict[str, str]) -> None:
    """P1"""
    assert lived(values).decisions() != []


def test_of_whom_nothing_can_come_does_not_come_on_the_work_list(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World().begin()
    monkeypatch.setattr(consider, "gather", lambda *_, **__: pytest.fail("somebody was looked at"))
    world.crm.add(**PEOPLE["a buyer"])
    assert world.run().as_dict()["decided"] == 1


def test_what_was_heard_before_the_contact_itself_is_not_forgotten() -> None:
    """P1: a page view may name somebody whom no page of contacts has shown yet."""
    world = World().begin()
    world.crm.happen(replace(demo_request(world.clock.now()), contact=ContactId("101"), email=""))
    world.run()
    world.crm.add(**PEOPLE["a buyer"])
    world.run_later()
    assert world.decisions() == ["hand_over"]


def test_who_was_idle_is_handed_over_when_it_asks() -> None:
    """P1, P3"""
    world = lived(PEOPLE["a buyer"])
    world.crm.happen(demo_request(world.clock.now()))
    world.run_later()
    assert world.decisions() == ["hand_over"] and world.kinds() == ["lead.handed_off"]


def test_after_days_without_a_run_the_rules_of_the_last_one_say_it() -> None:
    """P6: nobody ran it over a long weekend, and then the rules were others."""
    world = lived(PEOPLE["a buyer"])
    first = world.book.fingerprint
    world.clock.pass_by(3 * DAY)
    meanwhile = world.clock.now()
    threshold = world.book.qualification.threshold
    harder = threshold.model_copy(update={"score": threshold.score + 30})
    world.book = replace(world.book, qualification=world.book.qualification.model_copy(update={"threshold": harder}))
    world.run_later(3 * DAY)
    assert explained(world, as_of=meanwhile).rules == first


def test_one_that_was_archived_since_is_still_explained() -> None:
    world = lived(PEOPLE["a buyer"])
    world.crm.archive("101")
    world.run_later(DAY)
    assert explained(world).answer == "No, not handed to sales."


def test_a_phone_is_tried_with_its_country() -> None:
    """P1: alone, a national number could not be read, and the rule about it would seem not to hold."""
    fields = shipped_book().fields.model_dump(by_alias=True)
    fields["fields"]["trial_at"] = {"property": "trial_at", "type": "instant"}
    trial = {"say": "began a trial", "points": 45, "when": {"field": "phone", "op": "filled"}, "at": "trial_at"}
    book = make_book(
        fields=fields, scoring={"engagement": {"rules": [trial]}}, qualification={"threshold": {"score": 50}}
    )
    world = World(book=book).begin()
    began = (world.clock.now() - DAY).isoformat()
    world.crm.add(country="US", employees="2000", job_title="Head of Sales", phone="(212) 555-0123", trial_at=began)
    world.run()
    assert world.decisions() == ["hand_over"]


def test_of_whom_a_run_that_was_cut_off_has_seen_nothing_is_said_yet() -> None:
    """P6: that run had not read what the contact did."""
    world = World().begin()
    world.crm.add(**PEOPLE["a buyer"])
    world.crm.before("pull_deals", kill)
    world.run_and_die()
    assert explained(world).answer == "Not decided yet."
