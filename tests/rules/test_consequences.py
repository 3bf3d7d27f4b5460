"""What it means for a lead that another rule book decides otherwise (R35)."""

from __future__ import annotations

from typing import Any

from factories import (
    ANA,
    MINUTE,
    NOW,
    demo_request,
    make_activity,
    make_book,
    make_contact,
    make_episode,
    make_situation,
)

from connector.domain.contact import OwnerId
from connector.domain.episode import State
from connector.rules.consequences import MOVING, WORDS, Consequence, answer, consequences
from connector.rules.decide import decide
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Situation

LAX = make_book(qualification={"threshold": {"score": 5, "engagement": 0}})
STRICT = make_book()


def between(situation: Situation, before: RuleBook, after: RuleBook) -> frozenset[Consequence]:
    old, new = (
        answer(decide(situation, book, now=NOW), situation.contact, book, on_list=False) for book in (before, after)
    )
    return consequences(old, new)


def lead(**fields: Any) -> Situation:
    contact = make_contact(email="kim@acme.example", stage="lead", job_title="CEO", employees=200.0, **fields)
    return make_situation(contact=contact)


def test_every_kind_has_its_words() -> None:
    assert set(WORDS) == set(Consequence) and len(set(WORDS.values())) == len(WORDS)
    assert Consequence.SCORE not in MOVING


def test_a_lower_threshold_sends_a_lead_to_sales_and_a_higher_one_keeps_it() -> None:
    assert between(lead(), STRICT, LAX) == {Consequence.STAGE, Consequence.TO_SALES}
    assert between(lead(), LAX, STRICT) == {Consequence.STAGE, Consequence.NOT_TO_SALES}
    assert between(lead(), LAX, LAX) == between(lead(), STRICT, STRICT) == frozenset()


def test_a_lead_leaves_sales_where_a_status_means_another_thing_now() -> None:
    """Its episode is open: the threshold says nothing of it any more, but what its rep wrote is read anew."""
    episode = make_episode(state=State.WORKING, owner=OwnerId(ANA))
    contact = make_contact(stage="mql", status="PAUSED", owner=ANA, changed_at={"status": NOW - MINUTE})
    situation = make_situation(contact=contact, episodes=[episode])
    reads = dict(STRICT.stages.model_dump(mode="json")["statuses"])
    after = make_book(stages={"statuses": {**reads, "paused": "recycled"}})
    found = between(situation, STRICT, after)
    assert Consequence.LEAVES_SALES in found and Consequence.STAYS_IN_SALES not in found
    assert Consequence.STAYS_IN_SALES in between(situation, after, STRICT)


def test_a_competitor_who_asks_goes_to_triage_and_not_to_sales() -> None:
    rivals = make_book(qualification={"filters": {"competitors": {"domains": ["acme.example"]}}})
    asks = make_situation(contact=lead().contact, activities=[demo_request()])
    found = between(asks, STRICT, rivals)
    assert {Consequence.TRIAGE, Consequence.NOT_TO_SALES} <= found
    assert {Consequence.NO_TRIAGE, Consequence.TO_SALES} <= between(asks, rivals, STRICT)


def test_points_alone_move_nobody() -> None:
    found = between(lead(), STRICT, make_book(scoring={"fit": {"rules": []}}))
    assert found == {Consequence.SCORE} and found.isdisjoint(MOVING)


def test_who_qualified_before_handoff_began_is_counted_and_moves_nobody() -> None:
    """R41: taken in silently; a look at the prices before that day is enough for the lax book alone."""
    contact = lead().contact
    looked = [make_activity(at=NOW - MINUTE)]
    before = make_situation(contact=contact, activities=looked, since=NOW)
    assert between(before, STRICT, LAX) == {Consequence.TAKEN_IN}
    assert between(before, LAX, STRICT) == {Consequence.NOT_TAKEN_IN}
    assert MOVING.isdisjoint({Consequence.TAKEN_IN, Consequence.NOT_TAKEN_IN})
