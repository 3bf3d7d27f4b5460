"""Suppression (R11): three different things that are never mixed."""

from __future__ import annotations

import pytest
from factories import make_book, make_contact, make_episode, shipped_book
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.episode import ENDS, State
from connector.rules.rulebook import LANES
from connector.rules.suppression import allow, forbid, holds

RULES = shipped_book().suppression


def test_do_not_contact_holds_with_its_words() -> None:
    """I0"""
    verdict = forbid(make_contact(do_not_contact=True), RULES)
    assert not verdict.passed
    assert verdict.then == "hold"
    assert verdict.reasons == ("asked not to be contacted at all",)


@pytest.mark.parametrize("fields", [{}, {"do_not_contact": False}, {"marketing_opt_out": True, "email_bounced": True}])
def test_nothing_else_forbids_contact(fields: dict[str, bool]) -> None:
    assert forbid(make_contact(**fields), RULES).passed


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({}, (True, True, True)),
        ({"marketing_opt_out": True}, (False, True, True)),
        ({"email_bounced": True}, (False, False, True)),
        ({"do_not_contact": True}, (False, False, False)),
    ],
)
def test_an_opt_out_stops_mails_but_not_the_call(fields: dict[str, bool], allowed: tuple[bool, bool, bool]) -> None:
    """R11"""
    found = allow(make_contact(**fields), RULES, asked_for_contact=True)
    assert (found.marketing_mail, found.personal_mail, found.call) == allowed


def test_the_rep_reads_on_what_basis_contact_is_allowed() -> None:
    contact = make_contact(marketing_opt_out=True)
    assert allow(contact, RULES, asked_for_contact=True).reasons == (
        "opted out of marketing e-mail", "asked to be contacted",
    )  # fmt: skip
    assert allow(contact, RULES, asked_for_contact=False).reasons[-1].startswith("showed interest")


@given(lane=st.sampled_from(LANES), state=st.sampled_from(State))
def test_a_silent_episode_never_holds_marketing_back(lane: str, state: State) -> None:
    """R41"""
    assert not holds(make_episode(lane=lane, state=state, silent=True), RULES)


@given(lane=st.sampled_from(LANES), state=st.sampled_from([s for s in State if s not in ENDS]))
def test_a_lead_in_sales_hands_is_held_unless_its_lane_says_none(lane: str, state: State) -> None:
    held = state is not State.QUALIFIED and lane != "customer"
    assert holds(make_episode(lane=lane, state=state), RULES) is held


@pytest.mark.parametrize(
    ("state", "held"),
    [
        (State.WON, False),
        (State.RECYCLED, False),
        (State.UNREACHABLE, False),
        (State.LOST, False),
        (State.JUNK, True),
    ],
)
def test_the_table_says_what_becomes_of_the_hold_at_the_end(state: State, held: bool) -> None:
    """R11"""
    assert holds(make_episode(state=state), RULES) is held


def test_a_lost_deal_may_hold_by_its_reason() -> None:
    hold = RULES.marketing_hold.model_dump() | {"lost": {"closed_lost": "on"}}
    rules = make_book(suppression={"marketing_hold": hold}).suppression
    assert holds(make_episode(state=State.LOST, exit_reason="closed_lost"), rules)
    assert not holds(make_episode(state=State.LOST, exit_reason="not_ready"), rules)


def test_an_end_that_the_table_does_not_name_lets_go() -> None:
    hold = RULES.marketing_hold.model_dump() | {"after": {}}
    rules = make_book(suppression={"marketing_hold": hold}).suppression
    assert not holds(make_episode(state=State.JUNK), rules)
