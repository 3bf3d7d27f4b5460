"""Explain (R34): the stored decision is what is told, in words a rep understands."""

from __future__ import annotations

import re

import pytest
from factories import DAY, HOUR, MINUTE, NOW, demo_request, make_book, pricing_view

from connector.domain.contact import ContactId
from connector.domain.decision import Action
from connector.engine.explain import ANSWERS, Explanation, as_text, explain
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


def test_a_day_before_handoff_knew_the_lead_is_said_to_be_one(world: World) -> None:
    world.crm.add()
    world.run()
    found = explained(world, as_of=NOW - 400 * DAY)
    assert found.answer == "Handoff did not know this lead on that day."
    assert found.why == "The first run that looked at this lead was on 2 March 2026."
    assert (found.history, found.written, found.path) == ((), (), ())


def test_a_filtered_lead_names_its_filter(world: World) -> None:
    world.crm.add(email="pat-nobody@gmail.com")
    world.crm.happen(pricing_view(world.clock.now()))
    world.run()
    found = explained(world)
    assert (found.answer, found.why) == ("No, not handed to sales.", "Uses a private e-mail address.")
    assert not all(passed for passed, _ in found.path)


def test_a_lead_that_came_back_and_is_filtered_now_is_promised_no_return(world: World) -> None:
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.crm.edit(verdict="recycle", verdict_reason="other")
    world.run_later()
    assert "new interest brings this lead back to sales" in as_text(explained(world))
    world.crm.edit(email="pat-nobody@gmail.com")
    world.run_later()
    assert "new interest brings" not in as_text(explained(world))
    assert "when this lead asks for sales, it goes to a rep at once" in as_text(explained(world))


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


def test_what_was_missing_is_tried_on_the_facts_and_rules_of_that_day(world: World) -> None:
    """R34, P6: what the lead did later, and rules of today, change nothing of it."""
    world.crm.add()
    world.crm.happen(pricing_view(world.clock.now()))
    first = world.run().run.as_of
    told = explained(world).missing
    assert told[-1].startswith("one more pricing view would do")
    world.crm.happen(pricing_view(world.clock.now() + HOUR, id="later"))
    world.book = make_book(qualification={"threshold": {"score": 90}, "key_pages": []})
    world.run_later(DAY)
    assert explained(world, as_of=first).missing == told
    assert explained(world).missing != told


def test_what_was_written_and_when_is_told_with_values_before_and_after(world: World) -> None:
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.crm.edit(verdict="recycle", verdict_reason="bad_fit")
    world.run_later(HOUR)
    (_, handed), (_, back) = explained(world).written
    assert "put on the list" in handed and "stage: lead → mql" in handed and "owner: Ana Sample" in handed
    assert "taken off the list" in back and "state: handed off → recycled" in back and "ep_" not in handed + back


def test_a_past_day_shows_episode_owner_clocks_and_writes_as_they_stood(world: World) -> None:
    """R34: `--as-of` works for all of it."""
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    first = world.run().run.as_of
    world.crm.edit(verdict="recycle", verdict_reason="bad_fit")
    world.run_later(DAY)
    then, now = explained(world, as_of=first), explained(world)
    assert (then.answer, now.answer[:13]) == ("Yes, handed to sales.", "It was handed")
    assert "nobody in sales has reacted yet" in then.history[0] and "handed back" in now.history[0]
    assert then.clocks[0].startswith("first call or e-mail: due on") and "late" not in then.clocks[0]
    assert (len(then.written), len(now.written)) == (1, 2)
    assert "as it stood on" in as_text(then) and then.owner == "Ana Sample"


def test_it_names_the_version_of_the_definition_that_let_the_lead_in(world: World) -> None:
    """R10: the version of that day, also when another one is in force."""
    agreed = {"text": "x", "version": 4, "agreed_on": "2026-01-15"}
    world.book = make_book(qualification={"definition": agreed})
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.book = make_book(qualification={"definition": {**agreed, "version": 5}})
    world.run_later(HOUR)
    assert explained(world).definition == "by version 4 of the definition, agreed on 15 January 2026"


def test_what_a_rule_of_the_admins_own_saw_is_told(world: World) -> None:
    """R34: every clause with what stood there; nothing personal."""
    rule = {"name": "small", "say": "is too small", "then": "nurture", "when": {"any": [
        {"field": "employees", "op": "less_than", "value": 10},
        {"activity": {"kind": "email_click", "at_least": 2}},
    ]}}  # fmt: skip
    filters = {**world.book.qualification.filters.model_dump(by_alias=True), "rules": [rule]}
    world.book = make_book(qualification={"filters": filters})
    world.crm.add(employees="4")
    world.run()
    found = explained(world)
    assert found.seen[0] == (True, "number of employees is less than 10 (4)")
    assert "What was seen:\n  yes   number of employees is less than 10 (4)" in as_text(found)


def test_a_form_that_was_opened_and_not_sent_says_when_it_is_marked(world: World) -> None:
    """R08, R34: what is to come, what stands, and nothing once it is sent."""
    form = {"mark": "Demo", "page": "*/demo*", "form": "Request a demo", "after": "30m", "cool_down": "30d"}
    world.book = make_book(qualification={"abandoned_forms": [form]})
    world.crm.add()
    world.run()
    opened = world.clock.pass_by(MINUTE)
    world.crm.happen(pricing_view(opened, url="https://www.acme.example/demo", id="d1"))
    world.run_later(MINUTE)
    assert explained(world).clocks[-1] == (
        "opened the form “Demo” and has not sent it: marked for it on 2 March 2026 at 09:41, unless it is sent"
    )
    world.run_later(HOUR)
    before = world.clock.now()
    stands = "marked for the form “Demo” until 1 April 2026, unless it is sent"
    assert explained(world).clocks[-1] == stands
    world.clock.pass_by(MINUTE)
    world.crm.happen(demo_request(world.clock.now()))
    world.run_later(MINUTE)
    assert not any("Demo" in line for line in explained(world).clocks)
    assert explained(world, as_of=before).clocks[-1] == stands


def test_who_got_a_lead_from_a_person_was_not_found_by_the_rules(world: World) -> None:
    """R34: neither the turns of before nor who was passed over then say why the new holder has it."""
    world.crm.add(last_name="Sample")
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    first = world.episode().owner
    other = next(one for one in ("7", "8") if one != first)
    world.crm.edit(owner=other)
    world.run_later(HOUR)
    found = explained(world)
    assert found.routed == "A person gave this lead to another owner." and found.candidates == ()
    assert found.owner not in found.history[0] and found.owner in found.history[1]
    assert "A person gave this lead" in found.history[1]


def test_every_decision_but_no_has_its_answer() -> None:
    """R34"""
    assert set(ANSWERS) == set(Action) - {Action.NOTHING}
