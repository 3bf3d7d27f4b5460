"""Scoring: every point is accounted for, and the score stays in bounds (R04, R09)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector.config.mappings import load_part, shipped_folder
from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact, ContactId, Value
from connector.domain.decision import Score
from connector.rules.scorecard import MOST_LINES, decayed, score, tally
from connector.rules.scoring import ScoringRules, whole

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ME = ContactId("1")
RULES = load_part("scoring", (shipped_folder() / "scoring.yaml").read_bytes())
assert isinstance(RULES, ScoringRules)


def act(kind: str, ago: timedelta = timedelta(0), **more: object) -> Activity:
    return Activity(stream="s", id=f"{kind}{ago}", contact=ME, kind=ActivityKind(kind), occurred_at=NOW - ago, **more)


def pricing(ago: timedelta = timedelta(0), **more: object) -> Activity:
    return act("page_view", ago, url="https://acme.example/pricing", **more)


def points(*activities: Activity, rules: ScoringRules = RULES, since: datetime | None = None, **fields: Value) -> Score:
    contact = Contact(id=ME, created_at=NOW, modified_at=NOW, fields=fields, changed_at={"email_domain": NOW})
    return score(contact, activities, rules, now=NOW, since=since)


def test_fit_adds_up_in_words_with_its_dates() -> None:
    found = points(employees=100.0, job_title="VP Sales", email_domain="acme.example", country="DE")
    assert (found.fit, found.engagement, found.grade) == (4000, 0, "A3")
    lines = {line.label: line for line in found.contributions}
    assert lines["company of 50 to 1,000 people"].points == 1500
    assert lines["writes from a company's e-mail address"].occurred_at == NOW


def test_points_halve_with_every_half_life() -> None:
    assert points(pricing()).engagement == 2500
    assert points(pricing(timedelta(days=14))).engagement == 1250
    assert points(pricing(timedelta(days=28))).engagement == 625
    assert decayed(0.5, NOW - timedelta(days=1), timedelta(days=1), NOW) == 25
    assert decayed(0.05, NOW - timedelta(days=1), timedelta(days=1), NOW) == 2  # 2.5 hundredths, half to even


def test_an_activity_counts_for_the_first_rule_that_it_fits() -> None:
    assert [line.label for line in points(pricing()).contributions] == ["viewed the pricing page"]
    assert points(act("page_view", url="/features")).engagement == 100


def test_caps_are_lines_of_their_own() -> None:
    found = points(pricing(), pricing(timedelta(seconds=1)), pricing(timedelta(seconds=2)))
    assert found.engagement == 5000
    assert found.contributions[-1].points == -2500
    assert found.contributions[-1].label == "counts 50 points at most: viewed the pricing page"
    more = points(pricing(), pricing(timedelta(seconds=1)), act("form_submission", name="The guide to leads"))
    assert more.engagement == 6000
    assert more.contributions[-1].label == "engagement counts 60 points at most"


def test_many_activities_are_folded_into_one_line() -> None:
    rows = [act("page_view", timedelta(minutes=place), url="/features") for place in range(500)]
    found = points(*rows)
    assert len(found.contributions) == MOST_LINES + 2
    assert found.contributions[MOST_LINES].label == f"viewed a page, {500 - MOST_LINES} times before"


def test_points_against_a_lead_never_take_it_below_nothing() -> None:
    student = {"field": "job_title", "op": "is", "value": "Student"}
    rule = {"say": "is a student", "points": -20, "when": student}
    rules = ScoringRules.model_validate({"fit": {"rules": [rule]}})
    found = points(rules=rules, job_title="student")
    assert found.total == 0
    assert [line.points for line in found.contributions] == [-2000, 2000]


def test_clicks_of_scanners_are_worth_nothing() -> None:
    """R09."""
    assert points(act("email_click", automatic=True)).total == 0


def test_only_what_came_after_the_last_answer_counts() -> None:
    """R24: and nothing older than the look-back."""
    rows = (pricing(timedelta(days=2)), pricing(timedelta(days=1)))
    assert len(points(*rows, since=NOW - timedelta(days=2)).contributions) == 1
    assert points(pricing(timedelta(days=181))).total == 0


def test_fields_stand_in_where_a_portal_gives_no_page_views() -> None:
    seen: dict[str, Value] = {"last_url": "https://acme.example/pricing", "last_visit_at": NOW, "page_views": 2.0}
    assert points(**seen).engagement == 2500
    assert points(act("page_view", url="/x"), **seen).engagement == 2500  # of both the greater
    assert points(since=NOW, **seen).engagement == 0


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"say": "x", "points": 1}, "either `kind`"),
        ({"say": "x", "points": 1, "when": {"field": "x", "op": "filled"}}, "needs `at`"),
        ({"say": "x", "points": 1, "kind": "email_sent"}, "shows no interest"),
        ({"say": "x", "points": 1, "kind": "page_view", "at": "x"}, "belong to rules with `when`"),
        ({"say": "x", "points": 1, "at": "x", "when": {"activity": {"kind": "page_view"}}}, "`when` reads fields"),
        ({"say": "x", "points": 1.005, "kind": "page_view"}, "two decimals"),
        ({"say": "x", "points": 1, "kind": "page_view", "half_life": 30}, "no unit"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ScoringRules.model_validate({"engagement": {"rules": [rule]}})


ACTIVITIES = st.builds(
    act,
    st.sampled_from([kind.value for kind in ActivityKind]),
    st.timedeltas(min_value=timedelta(days=-1), max_value=timedelta(days=200)),
    url=st.sampled_from([None, "/pricing", "/x"]),
    name=st.sampled_from(["", "A guide", "News"]),
    automatic=st.booleans(),
)


@given(st.lists(ACTIVITIES, max_size=60), st.booleans(), st.one_of(st.none(), st.floats(0, 2000)))
def test_lines_sum_to_the_score_and_the_score_stays_in_bounds(
    rows: list[Activity], known: bool, employees: float | None
) -> None:
    rows.sort(key=lambda row: row.occurred_at)
    found = points(*rows, employees=employees, country="DE" if known else None)
    assert sum(line.points for line in found.contributions) == found.total == found.fit + found.engagement
    assert 0 <= found.fit <= whole(RULES.fit.cap)
    assert 0 <= found.engagement <= whole(RULES.engagement.cap)
    assert found.grade in {f"{letter}{figure}" for letter in "ABC" for figure in "123"}


def counting(frequency: object, **more: object) -> ScoringRules:
    rule = {"say": "viewed the prices", "kind": "page_view", "points": 10, "frequency": frequency, **more}
    return ScoringRules.model_validate({"engagement": {"half_life": "30d", "rules": [rule]}})


def test_a_rule_counts_each_time_once_or_so_many_times_by_the_newest() -> None:
    """R04"""
    views = [pricing(timedelta(days=30 * ago)) for ago in (3, 2, 1, 0)]
    totals = [points(*views, rules=counting(often)).total for often in ("each", "first", 2, 9)]
    assert totals == [1875, 1000, 1500, 1875]
    told = [line.label for line in points(*views, rules=counting(2)).contributions if not line.points]
    assert told == ["counts twice at most: viewed the prices, twice more"]


def test_the_whole_score_can_be_capped_in_a_line_of_its_own() -> None:
    rules = ScoringRules.model_validate({**RULES.model_dump(by_alias=True), "cap": 50})
    views = [pricing(timedelta(hours=ago)) for ago in range(4)]
    found = points(*views, rules=rules, country="DE", email_domain="acme.example")
    assert (found.total, found.fit + found.engagement > 5000) == (5000, True)
    assert found.contributions[-1].label == "the score counts 50 points at most"


@pytest.mark.parametrize("wrong", ["twice", 0, -1, 2.5])
def test_a_frequency_that_makes_no_sense_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        counting(wrong)


KINDS_SCORED = ["page_view", "form_submission", "email_open", "email_click", "meeting"]
SCORE_RULES = st.fixed_dictionaries(
    {
        "say": st.sampled_from(["did this", "did that"]), "kind": st.sampled_from(KINDS_SCORED),
        "points": st.integers(-30, 60), "frequency": st.one_of(st.sampled_from(["each", "first"]), st.integers(1, 4)),
        "half_life": st.sampled_from(["1d", "14d", "90d"]), "cap": st.sampled_from([None, 5, 40]),
        "url": st.sampled_from([None, "/pricing"]),
    }
)  # fmt: skip
FILES = st.fixed_dictionaries(
    {
        "cap": st.sampled_from([None, 30, 80]),
        "engagement": st.fixed_dictionaries({"rules": st.lists(SCORE_RULES, max_size=5), "cap": st.just(60)}),
    }
)


FIELD_RULES = st.fixed_dictionaries(
    {
        "say": st.just("was seen"), "when": st.just({"field": "job_title", "op": "filled"}),
        "at": st.sampled_from(["last_visit_at", "last_form_at"]), "points": st.integers(-20, 60),
        "instead_of": st.sampled_from([None, "page_view", "form_submission"]),
        "half_life": st.sampled_from(["1d", "14d", "90d"]), "cap": st.sampled_from([None, 5, 40]),
    }
)  # fmt: skip
STAND_INS = st.fixed_dictionaries(
    {
        "cap": st.sampled_from([None, 30, 80]),
        "engagement": st.fixed_dictionaries(
            {"rules": st.lists(st.one_of(SCORE_RULES, FIELD_RULES), max_size=6), "cap": st.sampled_from([60, 500])}
        ),
    }
)


@given(st.one_of(FILES, STAND_INS), st.lists(ACTIVITIES, max_size=12), ACTIVITIES)
def test_by_any_rules_lines_sum_and_one_more_signal_never_takes_away_unless_its_points_are_negative(
    file: dict[str, object], rows: list[Activity], more: Activity
) -> None:
    """R04: the lines sum to the score, what is counted without lines is the same, and the score only grows."""
    rules = ScoringRules.model_validate(file)
    fields = {"job_title": "CEO", "last_visit_at": NOW - timedelta(days=3), "last_form_at": NOW - timedelta(days=9)}
    contact = Contact(id=ME, created_at=NOW, modified_at=NOW, fields=fields, changed_at={})
    before = sorted(rows, key=lambda row: row.occurred_at)
    after = sorted([*rows, more], key=lambda row: row.occurred_at)
    scores = [score(contact, done, rules, now=NOW, since=None) for done in (before, after)]
    for done, found in zip((before, after), scores, strict=True):
        assert sum(line.points for line in found.contributions) == found.total
        assert tally(contact, done, rules, now=NOW, since=None) == (
            found.total, found.fit, found.engagement, found.grade,
        )  # fmt: skip
    counts_for = next((rule for rule in rules.engagement.rules if rule.pattern and rule.pattern.fits(more)), None)
    if counts_for is None or counts_for.points >= 0:
        assert scores[1].total >= scores[0].total


# -- what stands in for activities -------------------------------------------------------------------------------------


def seen_on_the_site(*activities: Activity, points_of_a_view: float = 4) -> Score:
    """A rule about a field that stands in for page views, and a rule that counts them."""
    by_field = {
        "say": "was seen on the site", "when": {"field": "page_views", "op": "at_least", "value": 5},
        "at": "last_visit_at", "instead_of": "page_view", "points": 10, "half_life": "90d",
    }  # fmt: skip
    view = {"say": "viewed a page", "kind": "page_view", "points": points_of_a_view, "half_life": "90d"}
    rules = ScoringRules.model_validate({"engagement": {"rules": [by_field, view], "cap": 500}})
    return points(*activities, rules=rules, page_views=9.0, last_visit_at=NOW)


def test_of_what_stands_in_for_activities_and_these_the_greater_counts() -> None:
    """R04, R06: one page view more never lowers a score."""
    views = [act("page_view", timedelta(seconds=second)) for second in range(4)]
    assert [seen_on_the_site(*views[:seen]).total for seen in range(5)] == [1000, 1000, 1000, 1200, 1600]
    assert [line.label for line in seen_on_the_site(*views[:2]).contributions] == [
        "was seen on the site", "page views count instead: was seen on the site", "viewed a page", "viewed a page",
    ]  # fmt: skip
    assert {line.label for line in seen_on_the_site(*views[:3]).contributions} == {"viewed a page"}
    assert seen_on_the_site(*views[:2], points_of_a_view=-4).total == 200


# -- points by range ---------------------------------------------------------------------------------------------------

SIZES = [{"from": 1, "to": 50, "points": 5}, {"from": 51, "to": 200, "points": 10}, {"from": 201, "points": -2.5}]


def sized(*ranges: dict[str, object]) -> ScoringRules:
    rule = {"say": "company size", "field": "employees", "ranges": ranges}
    return ScoringRules.model_validate({"fit": {"rules": [{"say": "has a title", "points": 5, "when": {
        "field": "job_title", "op": "filled"}}, rule]}})  # fmt: skip


def test_a_number_gives_the_points_of_the_range_that_it_lies_in() -> None:
    """R04"""
    totals = {
        employees: points(rules=sized(*SIZES), employees=employees).total
        for employees in (None, 0.0, 1.0, 50.0, 50.5, 51.0, 200.0, 201.0, 1e9)
    }
    assert totals == {None: 0, 0.0: 0, 1.0: 500, 50.0: 500, 50.5: 500, 51.0: 1000, 200.0: 1000, 201.0: 0, 1e9: 0}
    (line,) = points(rules=sized(*SIZES), employees=60.0).contributions
    assert (line.label, line.points) == ("company size: 51 to 200", 1000)
    large = points(rules=sized(*SIZES), employees=300.0, job_title="CEO")
    assert [line.label for line in large.contributions] == ["has a title", "company size: 201 and more"]
    assert large.total == 250


def test_ranges_may_say_only_where_they_begin() -> None:
    rules = sized({"to": 0.5, "points": 1}, {"from": 0.6, "points": 2}, {"from": 3, "to": 4, "points": 3})
    labels = [points(rules=rules, employees=at).contributions for at in (-9.0, 0.5, 0.7, 3.0, 4.0, 4.1)]
    assert [line.label.removeprefix("company size: ") for lines in labels for line in lines] == [
        "up to 0.5", "up to 0.5", "0.6 to below 3", "3 to 4", "3 to 4",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ranges", "said"),
    [
        ([{"from": 1, "to": 50, "points": 5}, {"from": 50, "points": 9}], "overlaps the range before, which ends at"),
        ([{"from": 1, "to": 50, "points": 5}, {"from": 60, "points": 9}], "leaves a gap after 50; begin at 51"),
        ([{"from": 51, "points": 5}, {"from": 1, "points": 9}], "write the ranges in rising order"),
        ([{"from": 51, "to": 5, "points": 5}], "lies below `from`, which is 51"),
        ([{"points": 5}], "needs `from`, `to` or both"),
        ([{"from": 1, "to": 5, "points": 5}, {"to": 9, "points": 5}], "only the first range may begin anywhere"),
    ],
)
def test_ranges_that_do_not_meet_are_told(ranges: list[dict[str, object]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        sized(*ranges)


@given(st.floats(-10, 400), st.floats(-10, 400))
def test_of_ranges_whose_points_rise_more_is_never_less(one: float, other: float) -> None:
    rising = sized(*SIZES[:2], {"from": 201, "points": 20})
    less, more = sorted((one, other))
    assert points(rules=rising, employees=less).total <= points(rules=rising, employees=more).total
