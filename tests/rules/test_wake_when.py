"""Return conditions that a change of the record fulfils (R21): the company grew, the title is another one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from factories import DAY, HOUR, NOW, demo_request, make_book, make_contact, make_episode, make_situation, pricing_view
from pydantic import ValidationError

from connector.domain.decision import Action, Decision
from connector.domain.episode import State
from connector.rules.decide import decide
from connector.rules.recycling import Wake
from connector.rules.words import day

GREW = {"when": {"field": "employees", "op": "at_least", "value": 100}, "then": "hand_over"}
ENDED = NOW - 10 * DAY


def back_with(wake: dict[str, Any], *, employees: int, changed: timedelta, **more: Any) -> Decision:
    """What is decided of a lead that came back ten days ago; `changed`: how long ago its size did."""
    rules = {"verdicts": {"recycle": "recycled"}, "reasons": {"too_small": {"label": "too small", "wake": wake}}}
    book = make_book(recycling={**rules, "when_unsaid": {"recycled": "too_small"}})
    changed_at = {"employees": NOW - changed}
    contact = make_contact(employees=employees, verdict_reason="too_small", changed_at=changed_at)
    wakes_at = more.pop("wakes_at", None)
    ended = make_episode(state=State.RECYCLED, exit_reason="too_small", ended_at=ENDED)
    return decide(
        make_situation(contact=contact, episodes=[replace(ended, wakes_at=wakes_at)], **more), book, now=NOW
    )


def test_a_company_that_grew_since_the_hand_back_goes_to_sales_by_itself() -> None:
    decision = back_with(GREW, employees=200, changed=HOUR)
    assert (decision.action, decision.episode and decision.episode.lane) == (Action.HAND_OVER, "return")
    assert decision.sentence == (
        "Back because number of employees is at least 100. "
        f"Sales handed this lead back to marketing on {day(ENDED)}: too small."
    )


def test_one_that_comes_back_on_its_day_says_which_day_that_was() -> None:
    decision = back_with({"after": "9d", "then": "hand_over"}, employees=20, changed=HOUR, wakes_at=NOW - DAY)
    assert decision.sentence == (
        f"Back because the day for it has come, {day(NOW - DAY)}. "
        f"Sales handed this lead back to marketing on {day(ENDED)}: too small."
    )


@pytest.mark.parametrize(("employees", "changed"), [(200, 11 * DAY), (20, HOUR)])
def test_one_that_was_large_before_or_is_small_still_does_not(employees: int, changed: timedelta) -> None:
    """What sales knew when it handed the lead back is no news; and until then interest does not count either."""
    looks = [pricing_view(NOW - 2 * HOUR), pricing_view(NOW - HOUR)]
    decision = back_with(GREW, employees=employees, changed=changed, activities=looks)
    assert decision.action is Action.NOTHING
    assert "waits until" in decision.sentence and "number of employees" in decision.sentence


def test_a_raised_hand_does_not_wait_for_it() -> None:
    assert back_with(GREW, employees=20, changed=HOUR, activities=[demo_request()]).action is Action.HAND_OVER


def test_with_a_day_besides_whichever_comes_first_counts() -> None:
    wake = GREW | {"after": "30d"}
    assert back_with(wake, employees=200, changed=HOUR, wakes_at=NOW + 20 * DAY).action is Action.HAND_OVER
    assert back_with(wake, employees=20, changed=HOUR, wakes_at=NOW - HOUR).action is Action.HAND_OVER
    assert back_with(wake, employees=20, changed=HOUR, wakes_at=NOW + HOUR).action is Action.NOTHING


def test_where_it_only_makes_eligible_new_interest_must_come_too() -> None:
    wake, looks = GREW | {"then": "eligible"}, [pricing_view(NOW - 2 * HOUR), pricing_view(NOW - HOUR)]
    assert back_with(wake, employees=200, changed=HOUR).action is Action.NOTHING
    assert back_with(wake, employees=200, changed=HOUR, activities=looks).action is Action.HAND_OVER


def test_what_a_lead_does_is_no_such_condition() -> None:
    wake = {"when": {"activity": {"kind": "page_view", "at_least": 2, "within": "7d"}}}
    with pytest.raises(ValidationError, match="goes by fields alone"):
        Wake.model_validate(wake)
