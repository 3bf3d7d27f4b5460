"""The outcome alone is what the verdicts come to, and what a decision on somebody without a past says (R02-R07)."""

from __future__ import annotations

from datetime import timedelta
from math import floor

from factories import NOW, make_activity, make_book, make_contact, make_situation, shipped_book
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact
from connector.domain.decision import Action
from connector.rules import scorecard
from connector.rules.condition import Facts
from connector.rules.decide import decide
from connector.rules.judgement import HAND_OVER, NOTHING, TRIAGE, judge, outcome

BOOK = make_book(
    qualification={
        "filters": {
            "competitors": {"domains": ["rival.example"]},
            "rules": [
                {
                    "name": "in-talks", "say": "is in talks", "then": "nurture",
                    "when": {"all": [{"activity": {"kind": "meeting"}}, {"field": "employees", "op": "empty"}]},
                }
            ],
        },
        "hand_raisers": {"forms": [{"form": "Request a demo"}], "meetings": False},
        "triggers": [
            {"name": "clicks", "when": {"activity": {"kind": "email_click", "at_least": 2, "days": 2, "within": "30d"}}}
        ],
    }
)  # fmt: skip

CONTACTS = st.builds(
    make_contact,
    email=st.sampled_from(["kim@acme.example", "pat-nobody@gmail.com", "lee@rival.example"]),
    email_domain=st.sampled_from([None, "acme.example"]),
    job_title=st.sampled_from([None, "VP Sales", "Engineer"]),
    employees=st.sampled_from([None, 5.0, 20.0, 200.0]),
    do_not_contact=st.sampled_from([None, False, False, True]),
)
ROWS = st.builds(
    lambda kind, hours, url, name, automatic: make_activity(
        kind, NOW - timedelta(hours=hours, microseconds=hours), url=url, name=name, automatic=automatic
    ),
    st.sampled_from(ActivityKind),
    st.integers(0, 24 * 200),
    st.sampled_from([None, "/pricing", "https://acme.example/blog", "/de/pricing?a=1"]),
    st.sampled_from(["", "Request a demo", "A guide", "Nurture 1"]),
    st.sampled_from([False, False, True]),
)
ACTIVITIES = st.lists(ROWS, max_size=8).map(lambda rows: sorted(rows, key=lambda row: row.occurred_at))
ACTIONS = {HAND_OVER: Action.HAND_OVER, TRIAGE: Action.TRIAGE}


@settings(max_examples=150)
@given(CONTACTS, ACTIVITIES)
def test_with_reasons_or_without_the_answer_is_one(contact: Contact, activities: list[Activity]) -> None:
    facts = Facts(contact, NOW, activities)
    told = judge(facts, BOOK)
    assert outcome(facts, BOOK) == told.outcome
    assert told.reasons
    human = [row for row in activities if not row.automatic]
    decision = decide(make_situation(contact, activities=human), BOOK, now=NOW)
    assert decision.action is ACTIONS.get(told.outcome, Action.NOTHING)
    assert decision.score is not None
    assert told.score == (decision.score.total, decision.score.fit, decision.score.engagement, decision.score.grade)


@settings(max_examples=150)
@given(CONTACTS, ACTIVITIES, st.one_of(st.none(), st.integers(0, 4_000)))
def test_a_tally_is_what_the_lines_of_the_score_sum_to(
    contact: Contact, activities: list[Activity], hours: int | None
) -> None:
    """R04."""
    since = None if hours is None else NOW - timedelta(hours=hours)
    rules = shipped_book().scoring
    score = scorecard.score(contact, activities, rules, now=NOW, since=since)
    tally = scorecard.tally(contact, activities, rules, now=NOW, since=since)
    assert tally == (score.total, score.fit, score.engagement, score.grade)


@given(st.floats(-1e9, 1e9))
def test_points_are_rounded_half_to_even_as_python_does(points: float) -> None:
    for one in (points, floor(points) + 0.5):
        assert one + scorecard.EVEN - scorecard.EVEN == round(one)


def test_do_not_contact_beats_a_raised_hand() -> None:
    """I0."""
    rows = [make_activity(ActivityKind.FORM_SUBMISSION, name="Request a demo")]
    facts = Facts(make_contact(do_not_contact=True), NOW, rows)
    assert (outcome(facts, BOOK), judge(facts, BOOK).outcome) == (NOTHING, NOTHING)
