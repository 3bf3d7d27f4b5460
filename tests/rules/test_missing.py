"""What is missing: what is told to be enough was tried, and is enough (R34)."""

from __future__ import annotations

from typing import Any

import pytest
from factories import DAY, HOUR, NOW, make_activity, make_book, make_contact, make_situation, pricing_view, shipped_book
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact
from connector.domain.decision import Action
from connector.rules.case import Case
from connector.rules.condition import Condition
from connector.rules.decide import decide
from connector.rules.imagined import noun_of, values_for
from connector.rules.missing import Way, missing, ways
from connector.rules.patterns import ActivityPattern
from connector.rules.rulebook import RuleBook
from connector.rules.words import plural

BOOK = shipped_book()


def told(contact: Contact, *activities: Activity, book: RuleBook = BOOK) -> tuple[str, ...]:
    return missing(make_situation(contact, activities=activities), book, now=NOW)


def click(ago: int = 1) -> Activity:
    return make_activity(ActivityKind.EMAIL_CLICK, NOW - ago * HOUR, name="Spring mailing")


# -- in words ------------------------------------------------------------------------------------------------------


def test_the_smallest_way_comes_first_and_other_ways_after_it() -> None:
    assert told(make_contact(country=None), pricing_view(NOW - 6 * DAY)) == (
        "21.43 points short",
        "one more pricing view would do, or two more guide downloads",
    )


def test_who_did_nothing_yet_hears_what_would_be_enough() -> None:
    assert told(make_contact(country=None)) == ("40 points short", "two more pricing views would do")


def test_who_qualifies_lacks_nothing() -> None:
    assert told(make_contact(), pricing_view(NOW - DAY), pricing_view()) == ()


def test_where_only_interest_is_short_that_is_said() -> None:
    contact = make_contact(job_title="CEO", employees=200.0)
    assert told(contact, *(click(hours) for hours in range(1, 9)))[0] == "15 points of interest short"


def test_two_different_things_are_told_where_neither_is_enough_alone() -> None:
    """A trigger that asks for a form and a click."""
    both = {"all": [{"activity": {"kind": kind}} for kind in ("form_submission", "email_click")]}
    book = make_book(
        qualification={"triggers": [{"name": "both", "when": both}], "key_pages": [], "threshold": {"score": 90}},
        scoring={"engagement": {"rules": [{"say": "clicked", "noun": "click", "kind": "email_click", "points": 1}]}},
    )
    assert told(make_contact(), book=book)[-1] == "one more click and one more form submission would do"


def test_what_nobody_knows_yet_may_be_found_out_and_what_is_known_stays() -> None:
    book = make_book(qualification={"threshold": {"score": 20, "fit": 20, "engagement": 0}, "key_pages": []})
    unknown = told(make_contact(country=None), book=book)[-1]
    assert unknown == (
        "finding out “company of 50 to 1,000 people” would do, or finding out “decides about marketing or sales”"
    )
    known = told(make_contact(country=None, employees=3.0, job_title="Intern"), book=book)
    assert known == ("10 points short", "10 points of fit short, which no interest makes up for")


def test_nothing_is_told_to_do_that_a_filter_then_stops() -> None:
    book = make_book(
        qualification={
            "threshold": {"score": 15, "fit": 15, "engagement": 0},
            "key_pages": [],
            "filters": {"countries": {"not_served": ["US"]}, "rules": []},
        },
        scoring={
            "fit": {"rules": [{"say": "here", "points": 15, "when": {"field": "country", "op": "is", "value": "US"}}]}
        },
    )
    assert told(make_contact(country=None), book=book)[1:] == (
        "15 points of fit short, which no interest makes up for",
    )


def test_a_rule_that_takes_points_is_no_advice() -> None:
    book = make_book(
        scoring={"engagement": {"rules": [{"say": "left", "noun": "exit", "kind": "page_view", "points": -5}]}},
        qualification={"key_pages": []},
    )
    assert not any("exit" in part for part in told(make_contact(), book=book))


@pytest.mark.parametrize(
    ("noun", "many"),
    [
        ("pricing view", "pricing views"),
        ("click in an e-mail", "clicks in an e-mail"),
        ("view of the pricing page", "views of the pricing page"),
        ("inquiry", "inquiries"),
        ("visit to the branch", "visits to the branch"),
        ("webinar pass", "webinar passes"),
    ],
)
def test_nouns_have_a_plural(noun: str, many: str) -> None:
    assert plural(noun) == many


@pytest.mark.parametrize("kind", ActivityKind)
def test_every_kind_of_activity_has_a_noun_with_and_without_a_name(kind: ActivityKind) -> None:
    if kind is ActivityKind.LIST_JOINED:  # a list is named in full, or by its id
        assert noun_of(ActivityPattern(kind=kind, name="Webinar")) == "entry in the list “Webinar”"
        assert noun_of(ActivityPattern(kind=kind, ref="31")) == "entry in the list “31”"
        return
    assert noun_of(ActivityPattern(kind=kind))
    assert noun_of(ActivityPattern(kind=kind, name="*webinar*")) or kind is ActivityKind.MEETING


@pytest.mark.parametrize(
    "tree",
    [
        {"field": "industry", "op": "in", "value": ["Steel", "Glass"]},
        {"field": "employees", "op": "more_than", "value": 10},
        {"field": "employees", "op": "less_than", "value": 10},
        {"field": "company", "op": "matches", "value": "*works*"},
        {"field": "last_url", "op": "path", "value": "*/pricing*"},
        {"all": [{"field": "company", "op": "filled"}, {"field": "industry", "op": "empty"}]},
        {"any": [{"field": "last_visit_at", "op": "within", "value": "9d"}, {"field": "company", "op": "filled"}]},
        {"all": [{"not": {"field": "company", "op": "is", "value": "x"}}, {"field": "industry", "op": "filled"}]},
    ],
)
def test_values_are_found_by_which_a_condition_holds(tree: dict[str, Any]) -> None:
    assert values_for(Condition.model_validate(tree))


def test_no_value_is_found_for_what_depends_on_the_day() -> None:
    assert values_for(Condition.model_validate({"field": "last_visit_at", "op": "within", "value": "9d"})) is None


# -- always --------------------------------------------------------------------------------------------------------

ACTIVITIES = st.lists(
    st.builds(
        lambda kind, hours, url, name: make_activity(
            kind, NOW - hours * HOUR, url=url, name=name, id=f"{kind}{hours}{url}{name}"
        ),
        st.sampled_from([ActivityKind.PAGE_VIEW, ActivityKind.EMAIL_CLICK, ActivityKind.EMAIL_SENT]),
        st.integers(1, 24 * 60),
        st.sampled_from(["/pricing", "/blog/one", "/demo", "/"]),
        st.sampled_from(["", "Nurture 1", "A guide"]),
    ),
    max_size=6,
    unique_by=lambda row: row.id,
).map(lambda rows: sorted(rows, key=lambda row: row.occurred_at))
CONTACTS = st.builds(
    lambda fields: make_contact(**fields),
    st.fixed_dictionaries({
        "country": st.sampled_from([None, "US", "DE"]),
        "email_domain": st.sampled_from([None, "acme.example"]),
        "job_title": st.sampled_from([None, "Intern", "CEO"]),
        "employees": st.sampled_from([None, 3.0, 20.0, 200.0]),
    }),
)  # fmt: skip


def _book(score: int, fit: int, engagement: int, views: int, page_fit: int, points: list[int], cap: int) -> RuleBook:
    pricing, guide, any_click, view = points
    rules: list[dict[str, Any]] = [
        {"say": "viewed prices", "noun": "pricing view", "kind": "page_view", "url": "*/pricing*", "points": pricing},
        {"say": "sent a form", "kind": "form_submission", "name": "*guide*", "points": guide, "cap": cap},
        {"say": "clicked", "noun": "click in an e-mail", "kind": "email_click", "points": any_click, "cap": cap},
        {"say": "viewed a page", "noun": "page view", "kind": "page_view", "points": view},
    ]
    page = {"say": "viewed prices", "url": "*/pricing*", "at_least": views, "fit_at_least": page_fit}
    return make_book(
        qualification={"threshold": {"score": score, "fit": fit, "engagement": engagement}, "key_pages": [page]},
        scoring={"engagement": {"cap": 60, "half_life": "30d", "rules": rules}},
    )


BOOKS = st.builds(
    _book,
    st.integers(5, 90), st.integers(0, 40), st.integers(0, 50), st.integers(1, 4), st.integers(0, 30),
    st.lists(st.integers(-5, 40), min_size=4, max_size=4), st.integers(5, 50),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(book=BOOKS, contact=CONTACTS, activities=ACTIVITIES)
def test_whatever_is_told_to_be_missing_does_qualify_once_it_happens(
    book: RuleBook, contact: Contact, activities: list[Activity]
) -> None:
    """R34: each way, applied, is handed over by the whole decision; one step less of the same would not do."""
    situation = make_situation(contact, activities=activities)
    for way in () if Case(situation, book, NOW).qualified.passed else ways(situation, book, now=NOW):
        decision = decide(way.apply(situation, now=NOW), book, now=NOW)
        assert decision.action is Action.HAND_OVER, (way.words, decision.sentence)
        ((move, times), *others) = way.moves
        if times > 1 and not others:
            less = Way(((move, times - 1),)).apply(situation, now=NOW)
            assert decide(less, book, now=NOW).action is Action.NOTHING


@settings(max_examples=20, deadline=None)
@given(book=BOOKS, contact=CONTACTS, activities=ACTIVITIES)
def test_the_stored_shortfall_is_the_one_that_explain_tells(
    book: RuleBook, contact: Contact, activities: list[Activity]
) -> None:
    """P6: decided once; the search for what would do begins with the same words."""
    situation = make_situation(contact, activities=activities)
    decision = decide(situation, book, now=NOW)
    if decision.action is Action.NOTHING:
        assert missing(situation, book, now=NOW)[: len(decision.missing)] == decision.missing
