"""What must not be concluded while a stream of signals could not be read, by the rules alone (P7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from factories import DAY, HOUR, MINUTE, NOW, demo_request, make_activity, make_book, make_situation, pricing_view

from connector.domain.activity import Activity, ActivityKind
from connector.domain.decision import Action, Decision
from connector.rules.decide import decide
from connector.rules.rulebook import RuleBook
from connector.rules.unseen import RULE, Unseen, kinds_of, marks_wait, waiting, why_it_waits

CAREERS = {"activity": {"kind": "page_view", "url": "/careers*"}}
GUIDE = {"activity": {"kind": "form_submission", "name": "Guide*"}}


def book(**qualification: Any) -> RuleBook:
    return make_book(qualification={"key_pages": [], "triggers": [], "threshold": {"score": 900}, **qualification})


def decided(rules: RuleBook, unseen: Unseen, *did: Activity) -> Decision:
    """What becomes of Kim, who did this, while these streams are unread."""
    situation = make_situation(activities=sorted(did, key=lambda row: row.occurred_at))
    decision = decide(situation, rules, now=NOW)
    assert decision.action is Action.HAND_OVER, "without doubts it would go to sales"
    after = waiting(decision, situation, rules, unseen)
    assert after is decision or (after.action, after.route, after.verdicts[-1].rule) == (Action.NOTHING, None, RULE)
    return after


def sent(name: str) -> Activity:
    return make_activity(ActivityKind.FORM_SUBMISSION, NOW - MINUTE, stream="forms", name=name)


def trigger(when: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": "buyer", "say": "wants to buy", "when": when}]


def test_a_trigger_that_asks_that_something_did_not_happen_waits_for_that_stream_alone() -> None:
    """R05"""
    rules = book(triggers=trigger({"all": [GUIDE, {"not": CAREERS}]}))
    after = decided(rules, {"page_views": NOW - DAY}, sent("Guide to prices"))
    assert "page views could not be read, and the rule asks that there are none" in why_it_waits(after, RULE)
    assert decided(rules, {"forms": NOW - DAY, "emails": None}, sent("Guide to prices")).action is Action.HAND_OVER


def test_nothing_that_only_adds_waits() -> None:
    """R02, R05, R06: late and never wrong."""
    rules = book(triggers=trigger(GUIDE), key_pages=[{"say": "looked", "url": "/pricing*", "at_least": 2}])
    unseen: Unseen = dict.fromkeys(("page_views", "forms", "emails", "list:VIP"))
    assert decided(rules, unseen, sent("Guide to prices")).action is Action.HAND_OVER
    assert decided(rules, unseen, demo_request()).action is Action.HAND_OVER
    assert decided(rules, unseen, pricing_view(), pricing_view(NOW - 2 * HOUR)).action is Action.HAND_OVER


def test_a_filter_waits_whatever_it_asks_and_also_for_who_asks_for_sales() -> None:
    """R03"""
    own = {"name": "applicant", "say": "looks for a job", "then": "triage", "when": CAREERS}
    rules = book(filters={"rules": [own]})
    assert "a filter asks about them" in why_it_waits(decided(rules, {"page_views": None}, demo_request()), RULE)
    assert decided(rules, {"emails": None}, demo_request()).action is Action.HAND_OVER


def test_lists_are_told_apart_by_their_names() -> None:
    on_list = {"activity": {"kind": "list_joined", "name": "Partners"}}
    own = {"name": "partners-list", "say": "is a partner", "then": "hold", "when": on_list}
    rules = book(filters={"rules": [own]})
    assert decided(rules, {"list:Newsletter": None}, demo_request()).action is Action.HAND_OVER
    assert decided(rules, {"list:Partners": None}, demo_request()).action is Action.NOTHING


def test_points_that_are_taken_off_keep_the_threshold_back_and_nothing_else() -> None:
    """R04"""
    off = {"say": "looked for a job", "points": -30, "kind": "page_view", "url": "/careers*"}
    form = {"say": "sent a form", "points": 60, "kind": "form_submission"}
    base = book(threshold={"score": 50}).qualification.model_dump(by_alias=True)
    rules = make_book(qualification=base, scoring={"engagement": {"rules": [off, form]}})
    assert "take points off" in why_it_waits(decided(rules, {"page_views": None}, sent("Any")), RULE)
    assert decided(rules, {"page_views": None}, sent("Any"), demo_request()).action is Action.HAND_OVER


@pytest.mark.parametrize(("ago", "waits"), [(MINUTE, True), (HOUR * 30, False)])
def test_a_click_of_late_counts_once_its_mail_can_have_come(ago: Any, waits: bool) -> None:
    """R09: what broke off may hold what shows that a scanner clicked."""
    clicked = {"say": "clicked", "points": 60, "kind": "email_click"}
    base = book(threshold={"score": 50}).qualification.model_dump(by_alias=True)
    rules = make_book(qualification=base, scoring={"engagement": {"rules": [clicked]}})
    click = make_activity(ActivityKind.EMAIL_CLICK, NOW - ago, stream="emails", name="Spring", ref="9")
    after = decided(rules, {"emails": NOW - HOUR}, click)
    assert bool(why_it_waits(after, RULE)) is waits


def test_marks_wait_for_views_and_forms() -> None:
    """R08"""
    assert [marks_wait({stream: None}) for stream in ("forms", "page_views", "emails", "list:VIP")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert ActivityKind.FORM_SUBMISSION in kinds_of("a stream of another CRM"), "it may bring anything"
