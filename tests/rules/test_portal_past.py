"""Examples from before Handoff: nothing from after the instant is in them, and nothing is guessed (R25)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from factories import (
    DAY,
    HOUR,
    KIM,
    MINUTE,
    NOW,
    demo_request,
    make_activity,
    make_book,
    make_deal,
    pricing_view,
    shipped_book,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.activity import Activity, ActivityKind
from connector.domain.deal import Deal, DealState
from connector.domain.episode import State
from connector.domain.record import Edit, Record
from connector.rules.reporting.portal_outcome import outcome
from connector.rules.reporting.portal_past import (
    CALCULATED,
    ReadyAt,
    addresses,
    as_it_was,
    as_seen,
    became_ready,
    lacking,
    told_of,
)

BOOK = shipped_book()
AT = NOW - 100 * DAY
CREATED = NOW - 300 * DAY
KEPT = 20
VALUES: Mapping[str, tuple[str, ...]] = {
    "email": ("kim@acme.example", "Kim@Other.example", ""),
    "country": ("DE", "US", "FR", ""),
    "numemployees": ("25-50", "500-1000", "7", ""),
    "industry": ("Logistics", "Farming", ""),
    "jobtitle": ("Head of Marketing", "Intern", ""),
    "lifecyclestage": ("lead", "marketingqualifiedlead", "opportunity", "customer", ""),
    "hs_analytics_num_page_views": ("1", "90", ""),
    "hs_analytics_last_url": ("https://www.acme.example/pricing", ""),
    "hs_analytics_last_timestamp": (AT.isoformat(), (AT + DAY).isoformat()),
    "hubspot_owner_id": ("7", "8", ""),
}
MQL = "marketingqualifiedlead"


def edit(value: str | None, at: datetime, source: str = "CRM_UI") -> Edit:
    return Edit(value=value, at=at, source=source, by_person=True)


def record(history: Mapping[str, list[Edit]], **more: Any) -> Record:
    """A contact with these histories, in any order, and nothing else."""
    dated = {name: tuple(sorted(edits, key=lambda one: one.at, reverse=True)) for name, edits in history.items()}
    present = dict.fromkeys(rule.property for rule in BOOK.fields.fields.values() if rule.property)
    present |= {name: edits[0].value for name, edits in dated.items() if edits}
    last = max((one.at for edits in dated.values() for one in edits), default=CREATED)
    given_more = {"properties": present, "history": dated, "created_at": CREATED, "modified_at": last, **more}
    return Record(id=KIM, asked_id=KIM, **given_more)


def seconds(first: datetime, last: datetime) -> st.SearchStrategy[datetime]:
    return st.integers(0, int((last - first).total_seconds())).map(lambda number: first + timedelta(seconds=number))


Histories = dict[str, list[Edit]]


def histories(first: datetime, last: datetime, most: int = 12) -> st.SearchStrategy[Histories]:
    """Up to so many edits, at instants of their own."""
    written = st.sampled_from([(name, value) for name in VALUES for value in VALUES[name]])
    edits = st.tuples(written, seconds(first, last))

    def by_name(rows: list[tuple[tuple[str, str], datetime]]) -> Histories:
        return {name: [edit(value, at) for (one, value), at in rows if one == name] for name in VALUES}

    return st.lists(edits, max_size=most, unique_by=lambda row: row[1]).map(by_name)


def activities(first: datetime, last: datetime) -> st.SearchStrategy[list[Activity]]:
    kinds = st.sampled_from((ActivityKind.EMAIL_SENT, ActivityKind.EMAIL_CLICK, ActivityKind.EMAIL_OPEN))
    one = st.one_of(
        seconds(first, last).map(pricing_view),
        seconds(first, last).map(demo_request),
        st.builds(make_activity, kinds, seconds(first, last), automatic=st.booleans()),
    )
    return st.lists(one, max_size=5).map(lambda rows: sorted(rows, key=lambda row: row.occurred_at))


LATER = AT + timedelta(seconds=1)
PAST, FUTURE = histories(CREATED, AT), histories(LATER, NOW)


@settings(max_examples=25)
@given(PAST, activities(CREATED, AT), FUTURE, activities(LATER, NOW), FUTURE, activities(LATER, NOW))
def test_nothing_from_after_the_instant_changes_a_feature(
    past: Histories,
    done: list[Activity],
    future: Histories,
    doing: list[Activity],
    another: Histories,
    doing_else: list[Activity],
) -> None:
    """R25: two futures of one past give one example, line of the score by line; only today's values differ."""
    seen = []
    for coming, acts in (({}, []), (future, doing), (another, doing_else)):
        whole = record({name: [*past[name], *coming.get(name, ())] for name in past})
        then = as_it_was(whole, AT, BOOK.fields, kept=KEPT)
        seen.append((then.record.properties, then.record.modified_at, addresses(then, BOOK.fields), then.unknown,
                     as_seen(replace(then, dated=True), [*done, *acts], AT, BOOK)))  # fmt: skip
    assert seen[0] == seen[1] == seen[2]


@settings(max_examples=25)
@given(PAST, histories(LATER, NOW, most=20), st.integers(1, 4))
def test_a_history_that_was_cut_off_hides_values_and_never_alters_them(
    past: Histories, future: Histories, kept: int
) -> None:
    """R25: the CRM forgets the oldest versions first."""
    whole = record({name: [*past[name], *future[name]] for name in past})
    cut = replace(whole, history={name: edits[:kept] for name, edits in whole.history.items()})
    right = as_it_was(whole, AT, BOOK.fields, kept=1_000)
    left = as_it_was(cut, AT, BOOK.fields, kept=kept)
    for name, rule in BOOK.fields.fields.items():
        if rule.property is not None and name not in left.unknown:
            assert left.record.properties.get(rule.property) == right.record.properties.get(rule.property)


@settings(max_examples=25)
@given(PAST, FUTURE, st.lists(seconds(CREATED, NOW), max_size=3))
def test_what_comes_later_does_not_move_the_instant(
    past: Histories, future: Histories, made: list[datetime]
) -> None:
    stage, deals = "lifecyclestage", [make_deal(at=at, id=f"d{place}") for place, at in enumerate(made)]
    earlier = [deal for deal in deals if deal.created_at <= AT]
    first = became_ready(record(past).history[stage], earlier, BOOK.stages, created_at=CREATED, kept=KEPT)
    both = record({stage: [*past[stage], *future[stage]]}).history[stage]
    again = became_ready(both, deals, BOOK.stages, created_at=CREATED, kept=KEPT)
    assert first is None or first == again
    assert again is None or again.at >= CREATED


def ready(*edits: Edit, deals: tuple[Deal, ...] = (), kept: int = KEPT) -> ReadyAt | None:
    return became_ready(tuple(reversed(edits)), deals, BOOK.stages, created_at=CREATED, kept=kept)


def test_a_contact_is_ready_from_its_first_entry_or_its_first_deal_whichever_was_first() -> None:
    lead, entered, again = edit("lead", CREATED), edit(MQL, AT), edit("salesqualifiedlead", AT + DAY)
    assert ready(lead, entered, edit("lead", AT + HOUR), again) == (AT, True)
    assert ready(lead, again) == (AT + DAY, True)
    assert ready(lead, edit("customer", AT)) is None, "nobody knows when it was ready"
    assert ready(lead) is None and ready() is None and ready(edit("a stage of nobody's", AT)) is None
    assert ready(lead, deals=(make_deal(at=AT), make_deal(at=AT + DAY))) == (AT, True)
    assert ready(lead, entered, deals=(make_deal(at=AT - DAY),)) == (AT - DAY, True)
    assert ready(lead, deals=(make_deal(at=CREATED - DAY),)) == (CREATED, True), "not before it was there"
    assert ready(lead, entered, kept=2) == (AT, False), "what is as long as the CRM keeps may have been longer"


def test_stages_are_known_by_the_name_that_the_portal_gives_them() -> None:
    book = make_book(stages={"stages": {"70001": "lead", "70002": "mql", "customer": "customer"}})
    edits = (edit("70002", AT), edit("70001", CREATED))
    assert became_ready(edits, (), book.stages, created_at=CREATED, kept=KEPT) == (AT, True)


def test_what_the_history_does_not_tell_is_unknown_and_what_was_never_set_is_empty() -> None:
    often = [edit("7", AT + HOUR * place) for place in range(1, 21)]
    later = {"country": [edit("DE", AT + DAY)], "numemployees": often}
    found = record({**later, "industry": [], "hs_analytics_num_page_views": [edit("9", NOW, CALCULATED)]})
    found = replace(found, properties={**found.properties, "industry": "Logistics"})
    then = as_it_was(found, AT, BOOK.fields, kept=KEPT)
    assert then.unknown & told_of(BOOK) == {"employees", "industry", "page_views"}
    assert "country" not in then.record.properties and then.record.properties.get("lifecyclestage") is None
    assert lacking(then, ReadyAt(AT, False), True, ["page views"], BOOK) == (
        "earlier stages", "merged contacts", "employees", "industry", "page_views", "page views",
    )  # fmt: skip


def test_the_move_itself_is_no_feature() -> None:
    found = record({"lifecyclestage": [edit("lead", CREATED), edit(MQL, AT)], "country": [edit("DE", AT)]})
    then = as_it_was(found, AT, BOOK.fields, kept=KEPT)
    assert (then.record.properties["lifecyclestage"], then.record.properties["country"]) == ("lead", "DE")


def test_a_contact_without_any_history_has_no_score_and_says_so() -> None:
    bare = record({})
    then = as_it_was(replace(bare, properties={**bare.properties, "country": "DE"}), AT, BOOK.fields, kept=KEPT)
    seen = as_seen(then, [pricing_view(AT - DAY)], AT, BOOK)
    assert (seen.score, seen.points, seen.contact.fields) == (None, {}, {})
    assert lacking(then, ReadyAt(AT, True), False, (), BOOK) == ("history",)


def test_properties_of_the_company_and_those_that_the_portal_lacks_are_unknown_unless_they_never_were() -> None:
    fields = BOOK.fields.model_dump(by_alias=True)["fields"]
    book = make_book(fields={"fields": {**fields, "employees": {"property": "company.size", "type": "number"}}})
    found = record({"lifecyclestage": [edit("lead", CREATED)]})
    asked = {name: value for name, value in found.properties.items() if name not in ("country", "handoff_verdict")}
    then = as_it_was(replace(found, properties=asked), AT, book.fields, kept=KEPT, never_there=("handoff_verdict",))
    assert then.unknown == {"employees", "country"}


def told(edits: Mapping[str, list[Edit]], *deals: Deal, credited: tuple[str, ...] = ("d1",)) -> Any:
    return outcome(record(edits), deals, AT, BOOK, credited=credited)


STAGE, STATUS = "lifecyclestage", "hs_lead_status"


@pytest.mark.parametrize(
    ("edits", "deals", "state", "days"),
    [
        ({}, (), None, None),
        ({STAGE: [edit("lead", CREATED), edit(MQL, AT)]}, (), None, None),
        ({STATUS: [edit("UNQUALIFIED", AT - DAY)]}, (), None, None),
        ({STATUS: [edit("UNQUALIFIED", AT + DAY)]}, (), State.JUNK, 1),
        ({STATUS: [edit("BAD_TIMING", AT + DAY), edit("CONNECTED", AT + 2 * DAY)]}, (), State.ACCEPTED, None),
        ({STAGE: [edit(MQL, AT), edit("", AT + DAY), edit("lead", AT + DAY + MINUTE)]}, (), State.RECYCLED, 1),
        ({STAGE: [edit(MQL, AT), edit("lead", AT + DAY), edit(MQL, AT + 2 * DAY)]}, (), State.HANDED_OFF, None),
        ({STAGE: [edit("salesqualifiedlead", AT)]}, (), State.SALES_QUALIFIED, None),
        ({STAGE: [edit(MQL, AT), edit("customer", AT + 3 * DAY)]}, (), State.WON, 3),
        ({}, (make_deal(at=AT + DAY),), State.OPPORTUNITY, None),
        ({}, (make_deal(DealState.LOST, at=AT + DAY), make_deal(at=AT + 2 * DAY, id="d2")), State.OPPORTUNITY, None),
        ({}, (make_deal(DealState.LOST, at=AT + DAY),), State.LOST, 1),
        ({}, (make_deal(DealState.LOST, at=AT + DAY), make_deal(DealState.WON, at=AT + 4 * DAY)), State.WON, 4),
        ({STATUS: [edit("UNQUALIFIED", AT + 9 * DAY)]}, (make_deal(DealState.WON, at=AT + DAY),), State.WON, 1),
    ],
)  # fmt: skip
def test_the_outcome_is_what_was_said_and_silence_is_no_loss(
    edits: Mapping[str, list[Edit]], deals: tuple[Deal, ...], state: State | None, days: int | None
) -> None:
    found = told(edits, *deals)
    ended = (found.ended_at - AT) // DAY if found.ended_at is not None else None
    assert (found.state, ended) == (state, days)
    assert (found.won_at is not None) == (state is State.WON)


@settings(max_examples=25)
@given(FUTURE, PAST, st.lists(st.tuples(st.sampled_from(DealState), seconds(CREATED, NOW)), max_size=3))
def test_no_outcome_lies_before_the_instant(
    future: Histories, past: Histories, deals: list[tuple[DealState, datetime]]
) -> None:
    made = [make_deal(state, at=at, id=f"d{place}") for place, (state, at) in enumerate(deals)]
    found = told({name: [*past[name], *future[name]] for name in past}, *made)
    dates = (found.accepted_at, found.opportunity_at, found.won_at, found.ended_at, found.touched_at)
    assert all(at >= AT for at in dates if at is not None)
    assert (found.ended_at is not None) == (found.state is not None and found.state.is_end)
    assert found.state is not State.LOST or all(state is DealState.LOST for state, _ in deals)


def test_money_counts_where_the_deal_is_put_down_and_dates_entered_ahead_do_not() -> None:
    won = make_deal(DealState.WON, at=AT + DAY, amount=500.0, closed_at=NOW + 90 * DAY, modified_at=AT + 5 * DAY)
    assert (told({}, won).revenue, told({}, won).won_at) == (500.0, AT + 5 * DAY)
    assert told({}, won, credited=()).revenue is None
    assert told({}, make_deal(DealState.WON, at=AT - DAY)).undated and not told({}, won).undated


def test_the_first_touch_counts_as_an_outcome_where_it_came_later() -> None:
    for at, seen in ((AT + DAY, AT + DAY), (AT - DAY, None)):
        found = told({"hs_sa_first_engagement_date": [edit(at.isoformat(), at)]})
        assert found.touched_at == seen
    assert told({"hs_sa_first_engagement_date": [edit("soon", AT)]}).touched_at is None
