"""The agreement: the rules in plain words, and when they are to be looked at again (R10)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from factories import NOW, make_book, make_situation, shipped_book
from pydantic import ValidationError

from connector.cli.agreement_page import agreement_page
from connector.rules.agreement import Agreement, agreement, as_text
from connector.rules.asked import asked
from connector.rules.condition import Condition
from connector.rules.decide import decide
from connector.rules.definition import Definition, review
from connector.rules.lanes import limit_in_words
from connector.rules.sla import Until

TODAY = date(2026, 3, 2)
AGREED = {
    "text": "Asks for sales, or fits & looked <twice>.", "version": 3, "agreed_on": "2026-01-15",
    "agreed_by": ["head of marketing", "head of sales"], "in_force_since": "2026-02-01",
}  # fmt: skip


def lines(found: Agreement, title: str) -> tuple[str, ...]:
    return next(section.lines for section in found.sections if section.title.startswith(title))


def words(tree: dict[str, Any]) -> str:
    return asked(Condition.model_validate(tree), shipped_book().fields)


def test_it_names_version_roles_and_dates() -> None:
    found = agreement(make_book(qualification={"definition": AGREED}), TODAY)
    assert dict(found.facts) == {
        "version": "3",
        "agreed on": "15 January 2026",
        "agreed by": "head of marketing, head of sales",
        "in force since": "1 February 2026",
        "review by": "16 July 2026",
    }
    assert found.review == ""


def test_every_part_of_the_rules_has_its_line() -> None:
    found = agreement(shipped_book(), TODAY)
    assert "whoever sends the form “Request a demo” (asked for a demo)" in lines(found, "Who goes to sales at once")
    kept = lines(found, "Who is kept from sales")
    assert "whoever uses a private e-mail address: stays with marketing until it asks for sales" in kept
    enough = lines(found, "What is enough interest")
    assert enough[0] == "50 points in all, at least 10 of them for who the lead is and 30 of them for what it does"
    fit = shipped_book().scoring.fit.rules
    assert len(lines(found, "Points for who a lead is")) == len(fit)
    assert any(line.startswith("+25 viewed the pricing page, 50 at most") for line in lines(found, "Points for what"))
    assert any("1 business hour for who asked for sales" in line for line in lines(found, "How fast sales reacts"))
    assert any("goes back to sales 30 days before the day" in line for line in lines(found, "What sales may answer"))
    assert lines(found, "Who gets a lead")[-1] == "everybody else: one after the other of “all active owners”"


@pytest.mark.parametrize("until", Until)
def test_whatever_stops_a_clock_is_told(until: Until) -> None:
    """R10, R17"""
    asked_for = {"touches": 5, "at_least": {"call": 2}} if until is Until.TOUCHES else {}
    book = make_book(sla={"clocks": {"one": {"label": "one clock", "until": until.value, "limit": "7d", **asked_for}}})
    (line, _) = lines(agreement(book, TODAY), "How fast sales reacts")
    assert line.startswith("one clock, until ") and line.endswith(": 7 days") and "{" not in line
    if until is Until.TOUCHES:
        assert "5 calls, mails or meetings, at least 2 by call, or sales says" in line


def test_changed_rules_are_another_agreement() -> None:
    """Worked out from the rules: territories, members, competitors, countries."""
    book = make_book(
        routing={
            "territories": [{"when": {"field": "country", "op": "in", "value": ["DE", "AT"]}, "pool": "dach"}],
            "pools": {"dach": {"label": "DACH", "members": [{"owner": "ana@company.example", "weight": 2}]}},
            "default_pool": "dach",
            "stickiness": [],
        },
        qualification={
            "filters": {"competitors": {"domains": ["rival.example"]}, "countries": {"served": ["DE", "AT"]}},
            "abandoned_forms": [],
        },
    )
    found = agreement(book, TODAY)
    assert lines(found, "Who gets a lead") == (
        "where country is Germany or Austria: one after the other of “DACH” (ana@company.example twice as often)",
        "everybody else: one after the other of “DACH” (ana@company.example twice as often)",
    )
    kept = "\n".join(lines(found, "Who is kept from sales"))
    assert "competitor (rival.example)" in kept and "in another country than Germany, Austria" in kept
    assert not any(section.title.startswith("Forms") for section in found.sections)


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ({"field": "country", "op": "is", "value": "DE", "say": "is at home"}, "is at home"),
        ({"field": "job_title", "op": "contains_word", "value": ["ceo"]}, "job title contains “ceo”"),
        ({"field": "employees", "op": "between", "value": [5, 9]}, "number of employees is between 5 and 9"),
        ({"activity": {"kind": "page_view", "url": "*/demo*", "at_least": 2}}, "viewed the demo page twice"),
        ({"not": {"field": "company", "op": "filled"}}, "not so: company is known"),
        ({"deal": {"state": "won"}}, "has a won deal"),
        (
            {"all": [{"field": "company", "op": "filled"}, {"any": [
                {"field": "country", "op": "is", "value": "DE"}, {"activity": {"kind": "meeting"}},
            ]}]},
            "company is known and (country is Germany or booked a meeting)",
        ),
    ],
)  # fmt: skip
def test_a_condition_reads_as_a_sentence(tree: dict[str, Any], told: str) -> None:
    assert words(tree) == told


def test_no_list_is_cut_short() -> None:
    """Two departments agree on every word of it."""
    titles = [f"title {number}" for number in range(12)]
    told = words({"field": "job_title", "op": "contains_word", "value": titles})
    assert all(f"“{title}”" in told for title in titles) and told.endswith("“title 10” or “title 11”")


def test_a_review_that_is_due_is_said_with_what_to_do() -> None:
    definition = Definition.model_validate(AGREED)
    assert review(definition, date(2026, 7, 15)) == ""
    assert review(definition, date(2026, 7, 16)) == (
        "Version 3 of the definition, agreed on 15 January 2026, was to be reviewed by 16 July 2026: "
        "see `handoff rules agreement`."
    )
    named = definition.model_copy(update={"review_by": date(2026, 3, 1)})
    assert "by 1 March 2026" in review(named, TODAY)


def test_a_limit_is_said_by_whom_it_is_for_and_not_by_the_key_of_a_lane() -> None:
    """R17: in the agreement and in `report sla` alike."""
    clocks = {"first": {"label": "first call", "until": "touch", "limit": "8h", "lanes": {"hand_raiser": "1h"}}}
    clock = make_book(sla={"clocks": clocks}).sla.clocks["first"]
    assert limit_in_words(clock) == "1 hour for who asked for sales, 8 hours for all others"


def test_the_agreement_itself_says_what_to_write_where() -> None:
    found = agreement(make_book(qualification={"definition": {"text": "x"}}), TODAY)
    assert found.review.endswith("then write the day to definition.agreed_on in qualification.yaml.")


def test_what_nobody_agreed_to_is_due_at_once_and_no_definition_is_never() -> None:
    assert review(Definition(text="x"), TODAY).startswith("Version 1 of the definition is not agreed yet: ")
    assert review(None, TODAY) == ""


@pytest.mark.parametrize(
    "more",
    [
        {"agreed_by": ["head of sales"]},
        {"review_by": "2026-01-01"},
        {"agreed_on": "2026-02-01", "review_by": "2026-02-01"},
    ],
)
def test_dates_that_cannot_be_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Definition.model_validate({"text": "x", **more})


def test_a_decision_bears_the_version_by_which_it_was_made() -> None:
    book = make_book(qualification={"definition": AGREED})
    assert decide(make_situation(), book, now=NOW).definition == 3
    assert decide(make_situation(), make_book(qualification={"definition": None}), now=NOW).definition == 0


def test_text_and_page_say_the_same_and_the_page_escapes_what_it_says() -> None:
    found = agreement(make_book(qualification={"definition": AGREED}), date(2026, 8, 1))
    text, page = as_text(found), agreement_page(found)
    assert found.text in text and "&lt;twice&gt;" in page and "<twice>" not in page
    assert "Due: Version 3" in text and "Due: Version 3" in page
    for section in found.sections:
        assert section.title in text and section.title in page
    assert "<script" not in page and "http://" not in page and "https://" not in page
