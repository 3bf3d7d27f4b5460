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
from connector.domain.deal import Deal, DealState
from connector.rules.condition import Condition, Facts, Finding, check_condition
from connector.rules.fields import FieldRules
from connector.rules.operators import OPERATORS_BY_TYPE, Operator
from connector.rules.patterns import glob, page_words, path_glob, path_of
from connector.rules.rulebook import PARTS, find_conditions
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
        ("within", "7d", NOW + timedelta(days=1), False),
        ("coming_within", "7d", NOW + timedelta(days=7), True),
        ("coming_within", "7d", NOW + timedelta(days=8), False),
        ("coming_within", "7d", NOW - timedelta(days=1), False),
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
        Operator.WITHIN: "7d", Operator.COMING_WITHIN: "7d", Operator.OLDER_THAN: "7d",
        Operator.BEFORE: "2026-01-01", Operator.AFTER: "2026-01-01",
        Operator.PATH: "/x", Operator.FILLED: None, Operator.EMPTY: None,
        Operator.AT_LEAST: 1, Operator.AT_MOST: 1, Operator.MORE_THAN: 1, Operator.LESS_THAN: 1,
    }  # fmt: skip
    tree = {"field": "x", "op": op.value, "value": samples.get(op, "a")}
    assert find(tree).holds is (op in (Operator.IS_NOT, Operator.NOT_IN, Operator.EMPTY))


def test_activities_are_counted_within_a_span_and_by_days() -> None:
    twice = {"activity": {"kind": "page_view", "url": "*/pricing*", "at_least": 2, "within": "7d"}}
    rows = (view("https://a.example/pricing", timedelta(days=6)), view("/pricing?plan=team"))
    assert find(twice, rows)[:2] == (True, ("viewed the pricing page twice in 7 days",))
    assert find(twice, rows[:1])[:2] == (False, ("viewed the pricing page once in 7 days, not yet twice",))
    assert find(twice)[:2] == (False, ("never viewed the pricing page in 7 days",))
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
    assert find({"not": land}, country="FR")[:2] == (True, ("country is not Germany or Austria",))
    assert find({**tree, "say": "fits"}, country="DE", employees=60.0).reasons == ("fits",)


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({}, "exactly one of"),
        ({"all": [], "field": "x"}, "at least 1"),
        ({"field": "x"}, "is missing; it is one of is, is_not"),
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
        ({"op": "is", "value": 1, "activity": {"kind": "page_view"}}, "belongs beside `field`"),
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
    (misfit,) = check_condition(Condition.model_validate(tree), FIELDS)
    assert misfit.path == path
    assert misfit.advice.startswith(advice)


def test_a_condition_knows_whether_it_looks_at_fields_alone() -> None:
    field = {"field": "x", "op": "filled"}
    assert Condition.model_validate({"any": [field, {"not": field}]}).fields_only
    assert not Condition.model_validate({"any": [field, {"not": {"deal": {}}}]}).fields_only
    assert not Condition.model_validate({"all": [field, {"activity": {"kind": "meeting"}}]}).fields_only


def test_every_clause_is_told_with_its_label_and_what_was_seen() -> None:
    """R34: and nothing of a person, for verdicts are kept for ever."""
    tree = {
        "any": [
            {"field": "employees", "op": "at_least", "value": 50},
            {"field": "country", "op": "is", "value": "DE"},
            {"field": "job_title", "op": "contains", "value": "ceo"},
            {"field": "last_visit_at", "op": "within", "value": "7d"},
            {"field": "do_not_contact", "op": "is", "value": True},
            {"field": "industry", "op": "filled"},
        ]
    }
    values: dict[str, Value] = {
        "employees": 1200.0, "country": "FR", "job_title": "CEO of my own life", "last_visit_at": NOW,
        "do_not_contact": False,
    }  # fmt: skip
    contact = Contact(id=ME, created_at=NOW, modified_at=NOW, fields=values)
    found = Condition.model_validate(tree).find(Facts(contact=contact, now=NOW, field_rules=FIELDS))
    assert found.reasons[0] == "number of employees is at least 50"
    assert found.clauses == (
        ("number of employees is at least 50", True, "1,200"),
        ("country is Germany", False, "France"),
        ("job title contains “ceo”", True, ""),
        ("last visit was within the last 7 days", True, "2 March 2026"),
        ("do not contact is yes", False, "no"),
        ("industry is known", False, ""),
    )
    unknown = Condition.model_validate(tree).find(Facts(contact=contact, now=NOW))
    assert [clause.seen for clause in unknown.clauses] == [""] * 6


def test_what_is_personal_is_the_admins_word_where_the_type_does_not_tell() -> None:
    fields = {name: rule.model_dump() for name, rule in FIELDS.fields.items()}
    fields["industry"]["personal"], fields["employees"]["personal"] = False, True
    rules = FieldRules.model_validate({**FIELDS.model_dump(), "fields": fields})
    contact = Contact(id=ME, created_at=NOW, modified_at=NOW, fields={"industry": "Mining", "employees": 2.0})
    tree = {"all": [{"field": "industry", "op": "filled"}, {"field": "employees", "op": "filled"}]}
    found = Condition.model_validate(tree).find(Facts(contact=contact, now=NOW, field_rules=rules))
    assert [clause.seen for clause in found.clauses] == ["Mining", ""]


def test_activities_may_be_asked_for_since_sales_handed_the_lead_back() -> None:
    """R24."""
    rows = (view("/pricing", timedelta(days=3)), view("/pricing", timedelta(days=1)))
    contact = Contact(id=ME, created_at=NOW, modified_at=NOW, fields={})
    clause = {"kind": "page_view", "url": "*/pricing*", "at_least": 2, "since": "hand_back"}
    condition = Condition.model_validate({"activity": clause})
    never = Facts(contact, NOW, rows)
    back = never._replace(handed_back_at=NOW - timedelta(days=2))
    assert (condition.holds(never), condition.holds(back)) == (True, False)
    assert condition.find(back).reasons == ("viewed the pricing page once since the hand-back, not yet twice",)
    assert condition.find(never).clauses == (
        ("viewed the pricing page twice since the hand-back", True, "twice, last on 1 March 2026"),
    )


def deal(state: str, ago: timedelta = timedelta(days=1), amount: float | None = None) -> Deal:
    at = NOW - ago
    closed = None if state == "open" else at
    return Deal(
        id=f"{state}{ago}{amount}", contacts=(ME,), state=DealState(state), created_at=at, modified_at=at,
        closed_at=closed, amount=amount,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("clause", "deals", "holds", "words"),
    [
        ({"state": "won"}, [deal("won")], True, "has a won deal"),
        ({"state": "won"}, [deal("open")], False, "not so: has a won deal"),
        ({"state": "open", "amount_at_least": 9}, [deal("open", amount=9)], True, "has an open deal of 9 or more"),
        ({"amount_at_least": 5000}, [deal("won")], False, "not so: has a deal of 5,000 or more"),
        ({"within": "30d"}, [deal("lost", timedelta(days=31))], False, "not so: has a deal in 30 days"),
        ({"at_least": 2}, [deal("lost"), deal("open")], True, "has 2 deals"),
    ],
)
def test_deals_are_counted_by_state_amount_and_age(
    clause: dict[str, object], deals: list[Deal], holds: bool, words: str
) -> None:
    contact = Contact(id=ME, created_at=NOW, modified_at=NOW, fields={})
    condition, facts = Condition.model_validate({"deal": clause}), Facts(contact, NOW, deals=deals)
    assert condition.holds(facts) is holds
    assert (condition.find(facts).holds, condition.find(facts).reasons) == (holds, (words,))


def test_every_condition_that_ships_compiles() -> None:
    book = load_rulebook(shipped_folder())
    trees = [tree for name in PARTS for _, tree in find_conditions(book.part(name), ())]
    assert trees
    for tree in trees:
        assert check_condition(tree, book.fields) == []
        tree.find(Facts(contact=Contact(id=ME, created_at=NOW, modified_at=NOW, fields={}), now=NOW))


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
