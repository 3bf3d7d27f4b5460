"""Recycling (R20–R22, R24): what a rep's answer means, and on what condition a lead comes back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from factories import DAY, HOUR, NOW, make_contact, make_episode, shipped_book
from pydantic import ValidationError

from connector.domain.episode import State
from connector.rules.recycling import RecyclingRules, answer, corrected, recycle

RULES = shipped_book().recycling


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("recycle", State.RECYCLED),
        (" Recycle ", State.RECYCLED),
        ("qualified", State.SALES_QUALIFIED),
        ("something else", None),
        (None, None),
    ],
)
def test_the_reps_answer_stands_for_a_state(said: str | None, state: State | None) -> None:
    """R20"""
    assert answer(make_contact(verdict=said), RULES) is state


@pytest.mark.parametrize("reason", sorted(RULES.reasons))
def test_every_reason_has_a_label_a_track_and_its_own_condition(reason: str) -> None:
    """R21, R22"""
    back = recycle(make_contact(verdict_reason=reason), State.RECYCLED, RULES, ended_at=NOW)
    assert back.reason == reason
    assert back.label == RULES.reasons[reason].label
    assert back.track in ("awareness", "consideration", "decision")


@pytest.mark.parametrize(
    ("end", "reason"),
    [(State.RECYCLED, "not_ready"), (State.UNREACHABLE, "no_response"), (State.LOST, "closed_lost")],
)
@pytest.mark.parametrize("given", [None, "a reason nobody knows"])
def test_an_unsaid_or_unknown_reason_is_assumed_by_the_end(end: State, reason: str, given: str | None) -> None:
    assert recycle(make_contact(verdict_reason=given), end, RULES, ended_at=NOW).reason == reason


def test_the_reps_reason_goes_before_one_said_elsewhere() -> None:
    contact = make_contact(verdict_reason="no_buying_power")
    assert recycle(contact, State.LOST, RULES, ended_at=NOW, said="bad_fit").reason == "no_buying_power"
    assert recycle(make_contact(), State.LOST, RULES, ended_at=NOW, said=" Bad_Fit ").reason == "bad_fit"


def test_without_a_condition_any_new_interest_counts_at_once() -> None:
    """R24"""
    back = recycle(make_contact(), State.RECYCLED, RULES, ended_at=NOW)
    assert (back.wakes_at, back.hands_over) == (None, False)


def test_a_span_sets_the_day_from_which_interest_counts_again() -> None:
    back = recycle(make_contact(verdict_reason="bad_fit"), State.RECYCLED, RULES, ended_at=NOW)
    assert (back.wakes_at, back.hands_over) == (NOW + 90 * DAY, False)


def test_the_day_that_the_rep_named_hands_over_ahead_of_itself() -> None:
    contact = make_contact(verdict_reason="locked_in_contract", return_on=date(2026, 9, 1))
    back = recycle(contact, State.RECYCLED, RULES, ended_at=NOW)
    assert (back.wakes_at, back.hands_over) == (datetime(2026, 8, 2, tzinfo=UTC), True)


def test_a_day_nearer_than_the_time_ahead_is_kept_as_it_is() -> None:
    """R21: who asks for the day after tomorrow does not want the lead back at once."""
    contact = make_contact(verdict_reason="locked_in_contract", return_on=(NOW + 2 * DAY).date())
    midnight = datetime.combine((NOW + 2 * DAY).date(), time(), UTC)
    assert recycle(contact, State.RECYCLED, RULES, ended_at=NOW).wakes_at == midnight


@pytest.mark.parametrize(
    ("hours_ago", "said", "becomes"),
    [
        (1, {"verdict_reason": "bad_fit"}, ("bad_fit", "awareness", NOW + 89 * DAY)),
        (1, {"verdict_reason": "not_ready"}, ("not_ready", "consideration", None)),
        (48, {"verdict_reason": "bad_fit"}, ("not_ready", "consideration", None)),
        (1, {"return_on": date(2026, 9, 1)}, ("not_ready", "consideration", None)),
    ],
)
def test_what_sales_says_after_the_hand_back_corrects_it(
    hours_ago: int, said: dict[str, Any], becomes: tuple[str, str, datetime | None]
) -> None:
    """R21: but for what stood there before, and for a day that the reason does not go by."""
    ended = make_episode(state=State.RECYCLED, exit_reason="not_ready", track="consideration")
    contact = make_contact(**said, changed_at=dict.fromkeys(said, NOW - hours_ago * HOUR))
    after = corrected(ended, contact, RULES)
    assert (after.exit_reason, after.track, after.wakes_at) == becomes
    assert after.state is State.RECYCLED


def test_a_day_that_is_past_wakes_at_once_and_never_before_the_end() -> None:
    contact = make_contact(verdict_reason="locked_in_contract", return_on=date(2026, 1, 1))
    assert recycle(contact, State.RECYCLED, RULES, ended_at=NOW).wakes_at == NOW


def test_a_day_that_is_missing_falls_back_to_the_span() -> None:
    contact = make_contact(verdict_reason="locked_in_contract")
    assert recycle(contact, State.RECYCLED, RULES, ended_at=NOW).wakes_at == NOW + 180 * DAY


def test_an_instant_serves_as_the_day_too() -> None:
    day = NOW + timedelta(days=60)
    contact = make_contact(verdict_reason="locked_in_contract", return_on=day)
    assert recycle(contact, State.RECYCLED, RULES, ended_at=NOW).wakes_at == day - 30 * DAY


@pytest.mark.parametrize(
    "wrong",
    [
        {"verdicts": {"recycle": "recyceld"}},
        {"reasons": {}},
        {"reasons": {"x": {"label": "x", "track": "forever"}}},
        {"reasons": {"x": {"label": "x", "wake": {"after": "90"}}}},
        {"reasons": {"x": {"label": "x", "wake": {"after": "2bd"}}}},
        {"reasons": {"x": {"label": "x", "wake": {"then": "sometime"}}}},
    ],
)
def test_wrong_rules_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RecyclingRules.model_validate(RULES.model_dump() | wrong)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"verdicts": {"Recycle": "recycled"}}, "write `recycle`"),
        ({"verdicts": {"bought": "won"}}, "`won` comes by itself"),
        ({"reasons": {"Not Now": {"label": "not now"}}}, "write `not now`"),
        ({"reasons": {"later": {"label": "later", "wake": {"before": "60d"}}}}, "the day in `on_field`"),
        ({"reasons": {"later": {"label": "later", "wake": {"then": "hand_over"}}}}, "nothing says when"),
    ],
)
def test_what_would_do_nothing_or_harm_is_refused(change: dict[str, Any], says: str) -> None:
    """R20, R21"""
    with pytest.raises(ValidationError, match=says):
        RecyclingRules.model_validate(RULES.model_dump(mode="json", exclude_none=True) | change)
