"""Reach: where it says "certainly nothing", the rules themselves decide nothing (R35)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from factories import DAY, HOUR, NOW, PORTAL, make_book, make_desk, shipped_book
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import ContactId
from connector.domain.decision import Action, Decision
from connector.domain.record import Record
from connector.rules.decide import decide
from connector.rules.fields import normalise
from connector.rules.reach import MarkKey, Reach, Tally
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Situation

ME = ContactId("101")
FIRST = NOW - 80 * DAY
STRICT = make_book(
    qualification={
        "threshold": {"score": 30, "fit": 0, "engagement": 6},
        "key_pages": [{"say": "viewed the prices", "url": "*/pricing*", "at_least": 3, "within": "5d"}],
        "triggers": [
            {
                "name": "reader",
                "when": {
                    "any": [
                        {"activity": {"kind": "email_click", "at_least": 3, "within": "20d"}},
                        {"all": [
                            {"field": "job_title", "op": "filled"},
                            {"activity": {"kind": "form_submission", "name": "*guide*", "at_least": 2}},
                        ]},
                    ]
                },
            }
        ],
    }
)  # fmt: skip
BOOKS = {"shipped": shipped_book(), "strict": STRICT}

deeds = st.sampled_from(
    [
        ("page_view", "", "https://www.acme.example/blog/a"),
        ("page_view", "", "https://www.acme.example/pricing"),
        ("email_click", "Nurture 1", "https://www.acme.example/blog/a"),
        ("email_sent", "Nurture 2", None),
        ("email_open", "Nurture 2", None),
        ("form_submission", "The guide to leads", None),
        ("form_submission", "Newsletter", None),
        ("form_submission", "Request a demo", None),
    ]
)
spans = st.integers(0, 60 * 24)
people = st.fixed_dictionaries(
    {
        "email": st.sampled_from(["kim@acme.example", "kim@gmail.com", ""]),
        "lifecyclestage": st.sampled_from(
            ["lead", "subscriber", "marketingqualifiedlead", " MarketingQualifiedLead", "mql", "customer", "what", ""]
        ),
        "numemployees": st.sampled_from(["", "20", "200"]),
        "jobtitle": st.sampled_from(["", "CEO", "Buyer"]),
        "country": st.sampled_from(["", "US"]),
        "hs_analytics_last_url": st.sampled_from(["", "https://www.acme.example/pricing"]),
        "hs_analytics_last_timestamp": st.sampled_from(["", (NOW - 30 * DAY).isoformat()]),
        "hs_analytics_num_page_views": st.sampled_from(["", "9"]),
        "handoff_request": st.sampled_from(["", "", "", "hand_over", "hold"]),
        "handoff_do_not_contact": st.sampled_from(["", "", "", "true"]),
    }
)


@pytest.mark.parametrize("name", list(BOOKS))
@settings(max_examples=60, deadline=None)
@given(raw=people, done=st.lists(st.tuples(spans, deeds), max_size=25), looks=st.lists(spans, min_size=1, max_size=5))
def test_where_nothing_can_come_nothing_new_is_decided(
    name: str, raw: dict[str, str], done: list[tuple[int, tuple[str, str, str | None]]], looks: list[int]
) -> None:
    """A request that went to the triage desk goes there again with each decision; it is no news (R02)."""
    book, told = BOOKS[name], set[str]()
    reach = Reach(book)
    tally = Tally(reach)
    reach.first_sight(tally, raw)
    rows = [_row(number, *row) for number, row in enumerate(sorted(done))]
    to_come = list(rows)
    for moment in sorted({FIRST + hour * HOUR for hour in looks}):
        while to_come and to_come[0].occurred_at <= moment:
            row = to_come.pop(0)
            _add(reach, tally, (row.kind.value, row.name, row.ref, row.url), row.occurred_at, moment)
        seen = [row for row in rows if row.occurred_at <= moment]
        found = _decided(book, raw, seen, moment)
        perhaps = reach.perhaps(tally, moment.timestamp(), in_work=False)
        again = found.action is Action.TRIAGE and found.evidence in told
        assert perhaps or again or found.action is Action.NOTHING
        told.add(found.evidence)
        if found.action is Action.HAND_OVER:
            return
        if perhaps:
            reach.was_decided(tally, found, moment.timestamp(), has_deals=False)


def _add(reach: Reach, tally: Tally, key: MarkKey, at: datetime, now: datetime) -> None:
    """As engine/replay/passing.py does it for many at once."""
    mark = reach.mark(key)
    reach.bring(tally, now.timestamp())
    tally.scored += bool(mark.points)
    tally.sums[mark.slot] += mark.points * reach.worth((now - at).total_seconds())[mark.slot]
    if mark.rare is not None:
        reach.add_rare(tally, mark.rare, at.timestamp())


def _row(number: int, hour: int, deed: tuple[str, str, str | None]) -> Activity:
    kind, name, url = deed
    return Activity(
        stream="s", id=str(number), contact=ME, kind=ActivityKind(kind), occurred_at=FIRST + hour * HOUR, name=name,
        url=url,
    )  # fmt: skip


def _decided(book: RuleBook, raw: dict[str, str], seen: list[Activity], moment: datetime) -> Decision:
    record = Record(id=ME, asked_id=ME, properties=raw, created_at=FIRST, modified_at=FIRST)
    contact = normalise(record, book.fields, book.stages.values)
    situation = Situation(
        portal=PORTAL, contact=contact, activities=seen, since=FIRST - timedelta(days=1), desk=make_desk()
    )
    return decide(situation, book, now=moment)


def test_most_of_what_people_do_costs_no_decision() -> None:
    """A reader of the blog who opens every mail is passed over; a demo, or a look at prices too many, is not."""
    reach = Reach(shipped_book())
    tally = Tally(reach)
    for number in range(30):
        blog, opened = ("page_view", "", "", "https://www.acme.example/blog"), ("email_open", "News", "", None)
        _add(reach, tally, blog if number % 3 else opened, FIRST + number * DAY, FIRST + number * DAY)
    assert not reach.perhaps(tally, NOW.timestamp(), in_work=False)
    prices = ("page_view", "", "", "https://www.acme.example/pricing")
    _add(reach, tally, prices, NOW, NOW)
    _add(reach, tally, prices, NOW, NOW)
    assert reach.perhaps(tally, NOW.timestamp(), in_work=False)
    tally.forget(reach)
    assert not reach.perhaps(tally, NOW.timestamp(), in_work=False)
    _add(reach, tally, ("form_submission", "Request a demo", "", None), NOW, NOW)
    assert reach.perhaps(tally, NOW.timestamp(), in_work=True)


@pytest.mark.parametrize(("looks", "age", "wanted"), [(8, timedelta(days=11, hours=11), 25.76), (1, 10 * DAY, 3.71)])
def test_what_rounding_adds_to_each_activity_is_reckoned_with(looks: int, age: timedelta, wanted: float) -> None:
    """R35: old points are rounded up like new ones."""
    rules = [{"say": "viewed a page", "kind": "page_view", "points": 10}]
    book = make_book(
        scoring={"engagement": {"cap": 60, "half_life": "7d", "rules": rules}, "fit": {"cap": 40, "rules": []}},
        qualification={"threshold": {"score": wanted, "fit": 0, "engagement": wanted}, "key_pages": [], "triggers": []},
    )
    reach, page = Reach(book), ("page_view", "", "https://www.acme.example/blog/a")
    tally = Tally(reach)
    rows = [replace(_row(number, 0, page), occurred_at=NOW - age) for number in range(looks)]
    for row in rows:
        _add(reach, tally, ("page_view", "", "", row.url), row.occurred_at, row.occurred_at)
    decided = _decided(book, {"email": "kim@acme.example", "lifecyclestage": "lead"}, rows, NOW)
    assert decided.action is Action.HAND_OVER
    assert reach.perhaps(tally, NOW.timestamp(), in_work=False)


@pytest.mark.parametrize("name", ["verdict", "verdict_reason", "return_on"])
def test_what_sales_corrects_after_a_hand_back_is_asked_in_full(name: str) -> None:
    """R21, R35"""
    reach = Reach(shipped_book())
    tally = Tally(reach)
    reach.changed(tally, name, "junk", in_work=False)
    assert reach.perhaps(tally, NOW.timestamp(), in_work=False)
