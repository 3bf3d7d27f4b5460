"""Types and options of the portal against the rules: what can never fit, and what was hardly meant (R32)."""

from __future__ import annotations

import pytest
from factories import make_book, shipped_book

from connector.rules.fields import FieldType
from connector.rules.named_values import Options, unknown_values
from connector.rules.portal_types import KNOWN, READS, SUITS, WRITES, wrong_types
from connector.rules.rulebook import RuleBook

INDUSTRY = {"industry": Options(("COMPUTER_SOFTWARE", "RETAIL"), ("Computer Software", "Retail"))}


def scored(condition: dict[str, object]) -> RuleBook:
    rule = {"say": "Industry", "when": condition, "points": 5}
    return make_book(scoring={"fit": {"cap": 50, "rules": [rule]}})


@pytest.mark.parametrize(
    ("prop", "kind", "words"),
    [
        ("numemployees", "date", "`numemployees` is of type date, which cannot be read as number"),
        ("hs_email_optout", "datetime", "cannot be read as bool"),
        ("handoff_due_at", "date", "cannot be written from a field of type instant"),
        ("handoff_score", "enumeration", "cannot be written from a field of type number"),
        ("handoff_reason", "number", "cannot be written from a field of type text"),
    ],
)
def test_a_type_that_can_never_fit_is_told_at_its_field(prop: str, kind: str, words: str) -> None:
    (found,) = wrong_types(shipped_book(), {prop: kind})
    assert words in found.message and found.file == "fields" and found.path[-1] == "type"
    assert found.advice == "name another property under `property`", "the code counts on the type of these"


def test_a_field_of_ones_own_may_change_its_type() -> None:
    fields = {**shipped_book().fields.model_dump()["fields"], "seats": {"property": "seats", "type": "bool"}}
    (found,) = wrong_types(make_book(fields={"fields": fields}), {"seats": "date"})
    assert found.advice.startswith("write `type: date`, or ")


def test_what_some_values_pass_and_what_the_portal_lacks_is_not_complained_of() -> None:
    """Sizes are ranges in some portals, yes and no a choice in others."""
    kinds = {"numemployees": "enumeration", "hs_email_optout": "enumeration", "jobtitle": "number", "phone": "json"}
    assert list(wrong_types(shipped_book(), kinds)) == []
    assert list(wrong_types(shipped_book(), {})) == []


def test_the_table_knows_every_type_and_what_suits_best_fits() -> None:
    assert set(READS) == set(WRITES) == set(FieldType) and set(SUITS) == KNOWN
    assert all(kind in READS[best] and kind in WRITES[best] for kind, best in SUITS.items())


@pytest.mark.parametrize(
    ("condition", "path", "advice"),
    [
        ({"field": "industry", "op": "is", "value": "RETAI"}, ("value",), "did you mean `RETAIL`?"),
        ({"field": "industry", "op": "in", "value": ["retail", "Computer Software"]}, ("value", 1),
         "that is its label; write `COMPUTER_SOFTWARE`"),
        ({"not": {"any": [{"field": "industry", "op": "is_not", "value": "x"}]}}, ("not", "any", 0, "value"),
         "use one of `COMPUTER_SOFTWARE`, `RETAIL`"),
    ],
)  # fmt: skip
def test_a_value_that_is_no_option_is_told_at_its_place(
    condition: dict[str, object], path: tuple[object, ...], advice: str
) -> None:
    found = [one for one in unknown_values(scored(condition), INDUSTRY) if one.file == "scoring"]
    assert [(one.path[-len(path) :], one.advice) for one in found] == [(path, advice)]
    assert "`industry`" in found[0].message


def test_patterns_other_types_and_properties_that_take_anything_are_left_alone() -> None:
    pattern = {"field": "industry", "op": "contains", "value": "soft"}
    country = {"field": "country", "op": "is", "value": "DE"}
    options = {**INDUSTRY, "country": Options(("Germany",))}
    assert [one for one in unknown_values(scored(pattern), options) if one.file == "scoring"] == []
    assert [one for one in unknown_values(scored(country), options) if one.file == "scoring"] == []
    assert list(unknown_values(scored({"field": "industry", "op": "is", "value": "x"}), {})) == []


def test_several_choices_are_compared_one_by_one() -> None:
    fields = {**shipped_book().fields.model_dump()["fields"], "topics": {"property": "topics", "type": "choices"}}
    book = make_book(
        fields={"fields": fields},
        scoring={"fit": {"cap": 50, "rules": [{"say": "T", "points": 5,
                 "when": {"field": "topics", "op": "contains", "value": ["api", "ap"]}}]}},
    )  # fmt: skip
    (found,) = unknown_values(book, {"topics": Options(("api",))})
    assert found.path[-1] == 1 and found.advice == "did you mean `api`?"


def test_an_answer_that_no_rep_can_give_is_told_once() -> None:
    names = list(shipped_book().stages.statuses)
    found = list(unknown_values(shipped_book(), {"hs_lead_status": Options(tuple(names[1:]))}))
    assert [(one.file, one.path) for one in found] == [("stages", ("statuses",))]
    assert f"the answer {names[0]}:" in found[0].message
