"""Plan: what the CRM must show and does not show yet; planning what was just written gives nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from factories import (
    ANA,
    BEN,
    DAY,
    HOUR,
    NOW,
    PORTAL,
    demo_request,
    make_book,
    make_contact,
    make_episode,
    make_score,
    make_situation,
    shipped_book,
)
from hypothesis import given
from hypothesis import strategies as st
from test_decide import situations

from connector.domain.change import Change, ChangeKind, Plan
from connector.domain.contact import Contact, Value
from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode, State, episode_id
from connector.domain.record import Record
from connector.domain.stage import Stage
from connector.rules.decide import decide
from connector.rules.fields import normalise, property_of, to_wire
from connector.rules.plan import RESCUED, WRITING, plan
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Situation


def make_decision(episode: Episode | None, action: Action = Action.HAND_OVER, **more: Any) -> Decision:
    return Decision(
        contact=make_contact().id, as_of=NOW, fingerprint="f", action=action, sentence="Why.", episode=episode, **more
    )


def planned(
    decision: Decision, contact: Contact | None = None, *, on_list: bool = False, book: RuleBook | None = None
) -> Plan:
    return plan(decision, contact or make_contact(), book or shipped_book(), on_list=on_list, now=NOW)


def fields(found: Plan) -> dict[str, Value]:
    return {change.field: change.after for change in found.changes if change.kind is ChangeKind.FIELD}


def lists(found: Plan) -> list[ChangeKind]:
    return [change.kind for change in found.changes if change.kind is not ChangeKind.FIELD]


def stage_change(found: Plan) -> Change | None:
    return next((change for change in found.changes if change.field == "stage"), None)


# -- what is written -------------------------------------------------------------------------------------------------


def test_a_handover_writes_the_list_first_then_stage_status_owner_and_ours() -> None:
    """I1: the hold stands before anything else."""
    found = planned(make_decision(make_episode(), score=make_score(61.5)))
    assert lists(found) == [ChangeKind.LIST_ADD]
    assert found.changes[0].kind is ChangeKind.LIST_ADD
    assert fields(found) == {
        "stage": "mql", "status": "NEW", "owner": ANA, "episode": make_episode().id, "state": "handed_off",
        "score": 61.5, "grade": "B1", "reason": "Viewed the pricing page twice.",
        "qualified_at": NOW - 2 * DAY, "due_at": fields(found)["due_at"],
    }  # fmt: skip
    assert fields(found)["due_at"]


def test_a_new_episode_empties_what_the_rep_said_of_the_last_one() -> None:
    """R20: so that the next answer is seen as new."""
    contact = make_contact(verdict="recycle", verdict_reason="not_ready", return_on=date(2026, 9, 1), comment="later")
    found = fields(planned(make_decision(make_episode()), contact))
    assert {name: found[name] for name in ("verdict", "verdict_reason", "return_on", "comment")} == {
        "verdict": None, "verdict_reason": None, "return_on": None, "comment": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "action", [Action.NOTHING, Action.TRIAGE, Action.SIGNAL, Action.INFER, Action.PREDATES]
)
def test_what_asks_for_no_write_plans_none(action: Action) -> None:
    """R41, R40: silent, past and signalled leads are left as they are in the CRM."""
    assert planned(make_decision(make_episode(silent=True), action)).changes == ()


def test_a_hand_back_shows_the_lead_as_a_lead_again_and_lets_marketing_go_on() -> None:
    """R01, R11, R22"""
    ended = make_episode(state=State.RECYCLED, track="awareness", exit_reason="bad_fit")
    contact = make_contact(stage="mql", status="NEW", due_at=NOW)
    found = planned(make_decision(ended, Action.END), contact, on_list=True)
    change = stage_change(found)
    assert change is not None
    assert (change.after, change.backward) == ("lead", True)
    assert fields(found)["status"] == "BAD_TIMING"
    assert (fields(found)["due_at"], fields(found)["nurture_track"]) == (None, "awareness")
    assert lists(found) == [ChangeKind.LIST_REMOVE]


def test_junk_stays_on_the_list_and_keeps_its_stage() -> None:
    """R11"""
    ended = make_episode(state=State.JUNK, exit_reason="bad_fit", marketing_held=True)
    found = planned(make_decision(ended, Action.END), make_contact(stage="mql", status="NEW"), on_list=True)
    assert (stage_change(found), lists(found)) == (None, [])
    assert fields(found)["status"] == "UNQUALIFIED"


@pytest.mark.parametrize("stage", ["customer", "evangelist"])
def test_a_customer_who_does_not_buy_again_stays_a_customer(stage: str) -> None:
    """R16, I3"""
    ended = make_episode(state=State.RECYCLED, exit_reason="not_ready", lane="customer")
    assert stage_change(planned(make_decision(ended, Action.END), make_contact(stage=stage))) is None


def test_a_status_of_the_reps_own_that_means_the_same_end_stays() -> None:
    book = make_book(stages={"statuses": {"NOT_NOW": "recycled", "BAD_TIMING": "recycled"}})
    ended = make_episode(state=State.RECYCLED, exit_reason="not_ready")
    assert "status" not in fields(planned(make_decision(ended, Action.END), make_contact(status="NOT_NOW"), book=book))


def test_a_status_that_a_person_chose_stands_while_nothing_changes_that_it_could_tell() -> None:
    """I2: that sales waits for the customer is no state of ours, and the pause that it begins does not take it back."""
    before = make_episode()
    waits = replace(before, waiting_since=NOW)
    contact = make_contact(stage="mql", status="WAITING", owner=ANA, episode=before.id, state="handed_off", due_at=NOW)
    assert "status" not in fields(planned(make_decision(waits, Action.ADVANCE, before=before), contact, on_list=True))
    moved = replace(before, owner=BEN, assignment=2)
    assert "status" in fields(planned(make_decision(moved, Action.ADVANCE, before=before), contact, on_list=True))


def test_a_new_owner_gets_a_new_date_and_the_owner_field_is_left_to_the_person() -> None:
    before = make_episode()
    moved = replace(before, owner=BEN, assignment=2)
    contact = make_contact(stage="mql", status="NEW", owner=BEN, episode=before.id, state="handed_off")
    found = planned(make_decision(moved, Action.ADVANCE, before=before), contact, on_list=True)
    assert set(fields(found)) == {"due_at"}


def test_a_touched_lead_is_no_longer_due() -> None:
    episode = make_episode(state=State.WORKING, touched_at=NOW - HOUR)
    contact = make_contact(stage="mql", owner=ANA, episode=episode.id, state="working", due_at=NOW)
    assert fields(planned(make_decision(episode, Action.ADVANCE), contact, on_list=True)) == {"due_at": None}


def test_what_was_answered_without_a_touch_is_due_no_more() -> None:
    """Nobody must call first a lead that its rep accepted: views of what is due do not show it."""
    episode = make_episode(state=State.ACCEPTED)
    contact = make_contact(owner=ANA, episode=episode.id, state="handed_off", due_at=NOW)
    found = fields(planned(make_decision(episode, Action.ADVANCE), contact, on_list=True))
    assert found["due_at"] is None and found["state"] == "accepted"


def test_fields_that_the_admin_keeps_from_us_are_left_alone() -> None:
    """R32: `never`, and `if_empty` where something stands."""
    rules = shipped_book().fields.model_dump()["fields"]
    changed = {"owner": rules["owner"] | {"write": "if_empty"}, "status": rules["status"] | {"write": "never"}}
    book = make_book(fields={"fields": rules | changed})
    decision = make_decision(make_episode())
    assert {"owner", "status"}.isdisjoint(fields(planned(decision, make_contact(owner=BEN), book=book)))
    assert fields(planned(decision, make_contact(), book=book))["owner"] == ANA


# -- what must hold always -------------------------------------------------------------------------------------------


def shown(contact: Contact, book: RuleBook) -> Record:
    """The contact as the CRM would send it."""
    wire = {
        rule.property: to_wire(name, contact.get(name), book.fields, book.stages.values) or None
        for name, rule in book.fields.fields.items()
        if rule.property is not None
    }
    return Record(
        id=contact.id, asked_id=contact.id, properties=wire, created_at=contact.created_at, modified_at=NOW
    )


def written(found: Plan, contact: Contact, book: RuleBook) -> Contact:
    """The contact after the CRM took every change."""
    record = shown(contact, book)
    wire = {
        property_of(change.field, book.fields): to_wire(change.field, change.after, book.fields, book.stages.values)
        for change in found.changes
        if change.kind is ChangeKind.FIELD
    }
    return normalise(
        replace(record, properties={**record.properties, **wire}), book.fields, book.stages.values
    )


@given(situations, st.booleans())
def test_planning_what_was_just_written_gives_nothing(situation: Situation, on_list: bool) -> None:
    """I3: our own echo ends here."""
    book = shipped_book()
    contact = normalise(shown(situation.contact, book), book.fields, book.stages.values)
    dated = replace(contact, changed_at=situation.contact.changed_at)
    decision = decide(replace(situation, contact=dated), book, now=NOW)
    first = plan(decision, contact, book, on_list=on_list, now=NOW)
    held = decision.episode.marketing_held if first.episode and decision.episode else on_list
    assert plan(decision, written(first, contact, book), book, on_list=held, now=NOW).changes == ()


@given(situations)
def test_a_stage_goes_back_by_recycling_alone(situation: Situation) -> None:
    """I3"""
    book = shipped_book()
    decision = decide(situation, book, now=NOW)
    change = stage_change(plan(decision, situation.contact, book, on_list=False, now=NOW))
    if change is not None and isinstance(change.before, str) and isinstance(change.after, str):
        back = Stage(change.after).rank < Stage(change.before).rank
        assert change.backward == back
        if back:
            assert decision.episode is not None
            assert decision.episode.state in (State.RECYCLED, State.UNREACHABLE)


@given(situations)
def test_only_fields_that_are_ours_to_write_are_written(situation: Situation) -> None:
    """I3: answers are emptied when an episode begins, or when they were those of somebody before; never filled."""
    book = shipped_book()
    decision = decide(situation, book, now=NOW)
    for change in plan(decision, situation.contact, book, on_list=False, now=NOW).changes:
        if change.kind is ChangeKind.FIELD and not book.fields.fields[change.field].may_write():
            assert change.after is None
            others = decision.passes_on or decision.evidence == RESCUED
            assert decision.action in (Action.HAND_OVER, Action.ADOPT) or others


@given(situations)
def test_what_plans_a_write_belongs_to_an_episode(situation: Situation) -> None:
    book = shipped_book()
    decision = decide(situation, book, now=NOW)
    found = plan(decision, situation.contact, book, on_list=False, now=NOW)
    if found.changes:
        assert decision.action in WRITING
        assert decision.episode is not None
        assert found.episode == decision.episode.id


def test_the_whole_way_from_a_form_to_the_fields() -> None:
    """P3: the CRM shows which episode it is, in the same request as stage and owner."""
    situation = make_situation(activities=[demo_request()])
    decision = decide(situation, shipped_book(), now=NOW)
    found = fields(planned(decision, situation.contact))
    assert found["episode"] == episode_id(PORTAL, situation.contact.id, 1)
    assert found["reason"] == "Asked for a demo."
    assert {"stage", "owner", "episode"} <= set(found)
