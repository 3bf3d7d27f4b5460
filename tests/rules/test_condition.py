"""Conditions: one closed set of operators, reasons in words, and complaints instead of surprises."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector.config.mappings import load_part, load_rulebook, shipped_folder
from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact, ContactId, Value
from connector.rules.condition import Condition, Facts, Finding, check_condition, compile_condition
from connector.rules.fields import FieldRules
from connector.rules.operators import OPERATORS_BY_TYPE, Operator
from connector.rules.patterns import glob, page_words, path_glob, path_of
from connector.rules.rulebook import PARTS, _find_conditions
from connector.rules.values import FieldType

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ME = ContactId("1")
FIELDS = load_part("fields", (shipped_folder() / "fields.yaml").read_bytes())
assert isinstance(FIELDS, FieldRules)


def view(url: str, ago: timedelta = timedelta(hours=1), *, automatic: bool = False) -> Activity:
    return Activity(
        stream="pages", id=f"{url}{ago}", contact=ME, kind=ActivityKind.PAGE_VIEW, occurred_at=NOW - ago, url=url,
        automatic=automatic,
    )  # fmt: skip


def find(tree: dict[str, object], activities: tuple[Activity, ...] = (), **fields: Value) -> Finding:
    contact = Contact(id=ME, created_at=NOW, modified_at=NOW, fields=fields)
    return Condition.model_validate(tree).find(Facts(contact=contact, activities=activities, now=NOW))


@pytest.mark.parametrize(
    ("op", "value", "found", "holds"),
    [
        ("is", "Berlin", "BERLIN", True),
        ("is_not", "Berlin", "Bonn", True),
        ("in", ["a", "b"], "B", True),
        ("not_in", ["a", "b"], "b", False),
        ("in", [1, 2], 2.0, True),
        ("is", True, True, True),
        ("is", 1, True, False),
        ("contains", "sales", "Head of Sales", True),
        ("contains", ["x", "sal"], "Head of Sales", True),
        ("contains", "a", ("b", "A"), True),
        ("contains_word", "vp", "Svp Sales", False),
        ("contains_word", ["vp", "head of sales"], "Regional Head of Sales, EMEA", True),
        ("starts_with", "ex", "Example", True),
        ("ends_with", "le", "Example", True),
        ("matches", "*guide*", "The Guide to leads", True),
        ("path", "*/pricing*", "https://www.acme.example/de/pricing/?x=1", True),
        ("at_least", 50, 50.0, True),
        ("at_most", 50, 51.0, False),
        ("more_than", 50, 50.0, False),
        ("less_than", 50, 49.0, True),
        ("between", [50, 1000], 1000.0, True),
        ("at_least", 1, True, False),
        ("within", "7d", NOW - timedelta(days=7), True),
        ("older_than", "7d", NOW - timedelta(days=7), False),
        ("older_than", "7d", NOW - timedelta(days=8), True),
        ("before", "2026-01-01", date(2025, 12, 31), True),
        ("after", "2026-01-01", date(2026, 1, 1), False),
        ("at_least", 50, "a text", False),
    ],
)
def test_an_operator_holds_or_not(op: str, value: object, found: Value, holds: bool) -> None:
    assert find({"field": "x", "op": op, "value": value}, x=found).holds is holds


@pytest.mark.parametrize("op", list(Operator))
def test_an_empty_field_makes_only_the_negative_operators_hold(op: Operator) -> None:
    samples: dict[Operator, object] = {
        Operator.IN: ["a"], Operator.NOT_IN: ["a"], Operator.BETWEEN: [1, 2],
        Operator.WITHIN: "7d", Operator.OLDER_THAN: "7d", Operator.BEFORE: "2026-01-01", Operator.AFTER: "2026-01-01",
        Operator.PATH: "/x", Operator.FILLED: None, Operator.EMPTY: None,
        Operator.AT_LEAST: 1, Operator.AT_MOST: 1, Operator.MORE_THAN: 1, Operator.LESS_THAN: 1,
    }  # fmt: skip
    tree = {"field": "x", "op": op.value, "value": samples.get(op, "a")}
    assert find(tree).holds is (op in (Operator.IS_NOT, Operator.NOT_IN, Operator.EMPTY))


def test_activities_are_counted_within_a_span_and_by_days() -> None:
    twice = {"activity": {"kind": "page_view", "url": "*/pricing*", "at_least": 2, "within": "7d"}}
    rows = (view("https://a.example/pricing", timedelta(days=6)), view("/pricing?plan=team"))
    assert find(twice, rows) == (True, ("viewed the pricing page twice in 7 days",))
    assert find(twice, rows[:1]) == (False, ("viewed the pricing page once in 7 days, not yet twice",))
    assert find(twice) == (False, ("never viewed the pricing page in 7 days",))
    assert not find(twice, (view("/pricing", timedelta(days=8)), view("/pricing"))).holds
    days = {"activity": {"kind": "page_view", "url": "*/pricing*", "days": 2}}
    assert not find(days, (view("/pricing", timedelta(hours=1)), view("/pricing", timedelta(hours=2)))).holds


def test_what_a_machine_did_never_counts() -> None:
    """R09."""
    assert not find({"activity": {"kind": "page_view"}}, (view("/pricing", automatic=True),)).holds


def test_reasons_are_those_that_decided() -> None:
    land = {"field": "country", "op": "in", "value": ["DE", "AT"]}
    tree: dict[str, object] = {"all": [land, {"field": "employees", "op": "at_least", "value": 50}]}
    both = ("country is Germany or Austria", "employees is at least 50")
    assert find(tree, country="DE", employees=60.0).reasons == both
    assert find(tree, country="DE", employees=6.0).reasons == ("employees is below 50",)
    assert find({"any": tree["all"]}, country="DE").reasons == ("country is Germany or Austria",)
    assert find({"not": land}, country="FR") == (True, ("country is not Germany or Austria",))
    assert find({**tree, "say": "fits"}, country="DE", employees=60.0).reasons == ("fits",)


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({}, "exactly one of"),
        ({"all": [], "field": "x"}, "at least 1"),
        ({"field": "x"}, "`op` is missing"),
        ({"field": "x", "op": "is"}, "needs a `value`"),
        ({"field": "x", "op": "filled", "value": 1}, "takes no `value`"),
        ({"field": "x", "op": "in", "value": "a"}, "needs a list"),
        ({"field": "x", "op": "is", "value": ["a", "b"]}, "takes one value"),
        ({"field": "x", "op": "between", "value": [2, 1]}, "smaller first"),
        ({"field": "x", "op": "at_least", "value": "many"}, "compares numbers"),
        ({"field": "x", "op": "within", "value": 7}, "has no unit"),
        ({"field": "x", "op": "within", "value": "2bd"}, "wall-clock"),
        ({"field": "x", "op": "before", "value": "soon"}, "not a day"),
        ({"field": "x", "op": "path", "value": "pricing"}, "begins with / or"),
        ({"activity": {"kind": "page_view", "url": "https://a.example/x"}}, "path of the address alone"),
        ({"activity": {"kind": "page_view", "url": "pricing"}}, "must begin with"),
        ({"activity": {"kind": "page_view", "name": "*"}}, "match everything"),
        ({"activity": {"kind": "page_view", "within": "3bd"}}, "wall-clock"),
        ({"op": "is", "value": 1, "activity": {"kind": "page_view"}}, "belong beside"),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused(tree: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Condition.model_validate(tree)


def test_conditions_cannot_be_nested_without_end() -> None:
    tree: dict[str, object] = {"field": "x", "op": "filled"}
    for _ in range(12):
        tree = {"not": tree}
    with pytest.raises(ValidationError, match="nested"):
        Condition.model_validate(tree)


@pytest.mark.parametrize(
    ("tree", "path", "advice"),
    [
        ({"field": "contry", "op": "filled"}, ("field",), "did you mean `country`?"),
        ({"field": "country", "op": "at_least", "value": 3}, ("op",), "use one of is, is_not"),
        ({"all": [{"field": "country", "op": "is", "value": "Germny"}]}, ("all", 0, "value"), "did you mean `Germany`"),
        ({"not": {"field": "country", "op": "is", "value": "germany"}}, ("not", "value"), "write DE"),
        ({"field": "stage", "op": "is", "value": "mqll"}, ("value",), "did you mean `mql`?"),
        ({"field": "do_not_contact", "op": "is", "value": "yes"}, ("value",), "write true or false, without quotes"),
        ({"field": "employees", "op": "is", "value": "50"}, ("value",), "write it without quotes and units"),
    ],
)
def test_what_does_not_suit_a_fields_type_is_told_with_advice(
    tree: dict[str, object], path: tuple[str | int, ...], advice: str
) -> None:
    condition = Condition.model_validate(tree)
    (misfit,) = check_condition(condition, FIELDS)
    assert misfit.path == path
    assert misfit.advice.startswith(advice)
    with pytest.raises(ValueError, match=r"no field|suit"):
        compile_condition(condition, FIELDS)


def test_compiling_with_fields_uses_their_labels() -> None:
    condition = Condition.model_validate({"field": "employees", "op": "at_least", "value": 50})
    contact = Contact(id=ME, created_at=NOW, modified_at=NOW, fields={"employees": 60.0})
    finding = compile_condition(condition, FIELDS)(Facts(contact=contact, now=NOW))
    assert finding.reasons == ("number of employees is at least 50",)


def test_every_condition_that_ships_compiles() -> None:
    book = load_rulebook(shipped_folder())
    trees = [tree for name in PARTS for _, tree in _find_conditions(book.part(name), ())]
    assert trees
    for tree in trees:
        compile_condition(tree, book.fields)


def test_every_type_has_its_operators() -> None:
    assert set(OPERATORS_BY_TYPE) == set(FieldType)
    assert set().union(*OPERATORS_BY_TYPE.values()) == set(Operator)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://www.acme.example/de/pricing/?a=1#x", "/de/pricing"),
        ("acme.example/pricing", "/pricing"),
        ("/pricing/", "/pricing"),
        ("https://acme.example", "/"),
        ("", "/"),
    ],
)
def test_only_the_path_of_an_address_counts(url: str, path: str) -> None:
    assert path_of(url) == path


def test_patterns_know_one_sign_only() -> None:
    assert path_glob("/pricing/")("/pricing")
    assert glob("a*b*c")("aXbYc")
    assert not glob("a*b")("ab c")
    assert not glob("ab*ba")("aba")
    assert not glob("a.c")("abc")
    assert page_words("*/price-list*") == "the price list page"


@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
def test_a_pattern_matches_as_if_written_out(pattern: str, text: str) -> None:
    """Against the plain meaning of `*`, worked out by splitting in every way."""

    def means(p: str, t: str) -> bool:
        if not p:
            return not t
        if p[0] == "*":
            return any(means(p[1:], t[at:]) for at in range(len(t) + 1))
        return bool(t) and p[0] == t[0] and means(p[1:], t[1:])

    assert glob(pattern)(text) is means(pattern, text)
