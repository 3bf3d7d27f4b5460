"""Stages (R01, I3): one order, forward only, and what a portal's stage and status say about an episode."""

from __future__ import annotations

import pytest
from factories import make_book, make_contact, shipped_book
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector.domain.episode import State
from connector.domain.stage import Stage
from connector.rules.stages import StageRules, inferred_state, may_move, reported_state, stage_of

RULES = shipped_book().stages
stages = st.sampled_from(Stage)


@given(before=stages, after=stages)
def test_a_stage_moves_forward_only_unless_told_backward(before: Stage, after: Stage) -> None:
    """I3"""
    assert may_move(before, after, backward=False) == (after.rank > before.rank)
    assert may_move(before, after, backward=True) == (after is not before)


@given(after=stages)
def test_any_stage_may_follow_none(after: Stage) -> None:
    assert may_move(None, after, backward=False)


@pytest.mark.parametrize("text", [None, "", "stage-of-another-portal"])
def test_a_stage_that_the_rules_do_not_name_is_none(text: str | None) -> None:
    assert stage_of(make_contact(stage=text)) is None


@pytest.mark.parametrize(
    ("status", "stage", "said"),
    [
        ("IN_PROGRESS", "mql", State.WORKING),
        ("in_progress", "mql", State.WORKING),
        ("UNQUALIFIED", "mql", State.JUNK),
        ("UNQUALIFIED", "opportunity", State.JUNK),
        ("OPEN_DEAL", "opportunity", State.OPPORTUNITY),
        ("CONNECTED", "sql", State.SALES_QUALIFIED),
        (None, "customer", State.WON),
        ("A STATUS OF THEIR OWN", "lead", None),
        (None, None, None),
    ],
)
def test_status_and_stage_say_what_the_rep_means(status: str | None, stage: str | None, said: State | None) -> None:
    """R20: the further of the two counts, but an end that the rep set stands."""
    assert reported_state(make_contact(status=status, stage=stage), RULES) is said


def test_a_value_from_before_the_episode_is_left_out_by_itself() -> None:
    contact = make_contact(status="UNQUALIFIED", stage="customer")
    assert reported_state(contact, RULES, by_status=False) is State.WON
    assert reported_state(contact, RULES, by_stage=False) is State.JUNK
    assert reported_state(contact, RULES, by_status=False, by_stage=False) is None


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"stage": "lead", "owner": "7"}, None),
        ({"stage": "customer"}, None),
        ({"stage": "mql"}, State.QUALIFIED),
        ({"stage": "mql", "owner": "7"}, State.HANDED_OFF),
        ({"stage": "mql", "owner": "7", "status": "IN_PROGRESS"}, State.WORKING),
        ({"stage": "mql", "status": "UNQUALIFIED"}, None),
        ({"stage": "sql"}, State.SALES_QUALIFIED),
        ({"stage": "opportunity", "status": "IN_PROGRESS"}, State.OPPORTUNITY),
    ],
)
def test_what_sales_had_before_handoff_is_inferred(fields: dict[str, str], state: State | None) -> None:
    """R41"""
    assert inferred_state(make_contact(**fields), RULES) is state


def test_a_portal_value_is_found_for_a_stage_and_none_where_the_portal_has_none() -> None:
    rules = make_book(stages={"stages": {"1234": "mql", "5678": "mql", "lead": "lead"}}).stages
    assert rules.portal_value(Stage.MQL) == "1234"
    assert rules.portal_value(Stage.SQL) is None
    assert rules.values == {"1234": "mql", "5678": "mql", "lead": "lead"}


@pytest.mark.parametrize("wrong", [{"stages": {}}, {"stages": {"lead": "leed"}}, {"stages": {"lead": "lead"}, "x": 1}])
def test_wrong_rules_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        StageRules.model_validate(wrong)
