"""What a compiled condition says is what it means: compared with an interpreter that is written for this test alone.

The interpreter walks the tree as the file has it, a step at a time, and shares no code with the rules but durations.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact, ContactId, Value
from connector.domain.deal import Deal, DealState
from connector.rules.condition import Condition, Facts
from connector.rules.durations import parse_duration

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ME = ContactId("1")
Tree = dict[str, Any]


# -- the interpreter -----------------------------------------------------------------------------------------------


def means(tree: Tree, facts: Facts) -> bool:
    if "all" in tree:
        return all(means(child, facts) for child in tree["all"])
    if "any" in tree:
        return any(means(child, facts) for child in tree["any"])
    if "not" in tree:
        return not means(tree["not"], facts)
    if "activity" in tree:
        return activity_means(tree["activity"], facts)
    if "deal" in tree:
        return deal_means(tree["deal"], facts)
    return field_means(tree["op"], tree.get("value"), facts.contact.fields.get(tree["field"]), facts.now)


def field_means(op: str, value: Any, found: Value, now: datetime) -> bool:
    if found is None or found == "":
        return op in ("is_not", "not_in", "empty")
    values = value if isinstance(value, list) else [value]
    if op in ("filled", "empty"):
        return op == "filled"
    if op in ("is", "in"):
        return any(same(found, one) for one in values)
    if op in ("is_not", "not_in"):
        return not any(same(found, one) for one in values)
    if op in ("at_least", "at_most", "more_than", "less_than", "between"):
        return number_means(op, values, found)
    if op in ("within", "older_than", "coming_within", "before", "after"):
        return time_means(op, value, found, now)
    if isinstance(found, tuple):
        return op == "contains" and any(option.lower() == one.lower() for option in found for one in values)
    return isinstance(found, str) and any(text_means(op, one.lower(), found.lower()) for one in values)


def same(found: Value, one: object) -> bool:
    if isinstance(found, bool) or isinstance(one, bool):
        return found is one
    if isinstance(found, str) and isinstance(one, str):
        return found.lower() == one.lower()
    return found == one


def number_means(op: str, values: list[float], found: Value) -> bool:
    if isinstance(found, bool) or not isinstance(found, int | float):
        return False
    match op:
        case "at_least":
            return found >= values[0]
        case "at_most":
            return found <= values[0]
        case "more_than":
            return found > values[0]
        case "less_than":
            return found < values[0]
    return values[0] <= found <= values[1]


def time_means(op: str, value: str, found: Value, now: datetime) -> bool:
    if not isinstance(found, date):
        return False
    at = found if isinstance(found, datetime) else datetime(found.year, found.month, found.day, tzinfo=UTC)
    if op in ("before", "after"):
        mark = datetime.fromisoformat(value).replace(tzinfo=UTC)
        return at < mark if op == "before" else at > mark
    span = parse_duration(value).wall()
    if op == "within":
        return now - span <= at <= now
    return at < now - span if op == "older_than" else now <= at <= now + span


def text_means(op: str, one: str, found: str) -> bool:
    match op:
        case "contains":
            return one in found
        case "starts_with":
            return found.startswith(one)
        case "ends_with":
            return found.endswith(one)
        case "contains_word":
            words, wanted = re.split(r"[\W_]+", found), [word for word in re.split(r"[\W_]+", one) if word]
            return any(words[at : at + len(wanted)] == wanted for at in range(len(words))) or not wanted
        case "matches":
            return like(one, found)
    return like(one.rstrip("/") or "/", path(found))


def like(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def path(url: str) -> str:
    rest = re.sub(r"[?#].*$", "", url, flags=re.DOTALL)
    with_host = re.fullmatch(r"(?:.*?://|(?!/))[^/]*(/.*)?", rest, re.DOTALL)
    return ((with_host[1] or "/") if with_host else rest).rstrip("/") or "/"


def activity_means(clause: Tree, facts: Facts) -> bool:
    found = []
    for row in facts.activities:
        if row.automatic or row.kind.value != clause["kind"]:
            continue
        if "name" in clause and not like(clause["name"].lower(), row.name.lower()):
            continue
        if "url" in clause and (row.url is None or not like(clause["url"].rstrip("/") or "/", path(row.url.lower()))):
            continue
        if "ref" in clause and row.ref.lower() != clause["ref"].lower():
            continue
        if "within" in clause and row.occurred_at < facts.now - parse_duration(clause["within"]).wall():
            continue
        if "since" in clause and facts.handed_back_at and row.occurred_at < facts.handed_back_at:
            continue
        found.append(row.occurred_at)
    days = {f"{at:%Y-%m-%d}" for at in found}
    return len(found) >= clause.get("at_least", 1) and len(days) >= clause.get("days", 1)


def deal_means(clause: Tree, facts: Facts) -> bool:
    found = list(facts.deals)
    if "state" in clause:
        found = [deal for deal in found if deal.state.value == clause["state"]]
    if "amount_at_least" in clause:
        found = [deal for deal in found if deal.amount is not None and deal.amount >= clause["amount_at_least"]]
    if "within" in clause:
        start = facts.now - parse_duration(clause["within"]).wall()
        found = [deal for deal in found if (deal.closed_at or deal.created_at) >= start]
    return len(found) >= clause.get("at_least", 1)


# -- what is tried -------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["x", "y", "z"])
WORDS = st.sampled_from(["a", "A b", "ab", "b", "a-b", "B_a", "a b a"])
URLS = st.sampled_from(["/a", "/a/b", "https://x.example/a", "x.example/a/b?c=1", "https://x.example", "/A/#b", "/"])
NUMBERS = st.sampled_from([0, 1, 1.5, 2, 3])
SPANS = st.sampled_from(["1d", "2d", "36h", "7d"])
INSTANTS = st.sampled_from([-200, -48, -36, -24, -1, 0, 1, 24, 48]).map(lambda hours: NOW + timedelta(hours=hours))
DAYS = INSTANTS.map(lambda at: at.date())
PATTERNS = st.sampled_from(["a*", "*b", "*a*", "a", "a*b"])
PATHS = st.sampled_from(["/a*", "*/b", "/", "/a/", "*a*"])
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.sampled_from([None, ""]),
    WORDS,
    URLS,
    NUMBERS,
    st.booleans(),
    INSTANTS,
    DAYS,
    st.lists(WORDS, min_size=1).map(tuple),
)
LISTS = st.lists(st.one_of(WORDS, NUMBERS, st.booleans()), min_size=1, max_size=3)
TEXTS = st.one_of(WORDS, st.lists(WORDS, min_size=1, max_size=2))
OPERATORS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("is", "is_not"), st.one_of(WORDS, NUMBERS, st.booleans())),
    **dict.fromkeys(("in", "not_in"), LISTS),
    **dict.fromkeys(("contains", "contains_word", "starts_with", "ends_with"), TEXTS),
    **dict.fromkeys(("at_least", "at_most", "more_than", "less_than"), NUMBERS),
    **dict.fromkeys(("within", "older_than", "coming_within"), SPANS),
    **dict.fromkeys(("before", "after"), st.sampled_from(["2026-03-01", "2026-03-02", "2026-03-03"])),
    "between": st.lists(NUMBERS, min_size=2, max_size=2).map(sorted),
    "matches": PATTERNS,
    "path": PATHS,
}
FIELDS = st.one_of(
    st.builds(lambda name, op: {"field": name, "op": op}, NAMES, st.sampled_from(["filled", "empty"])),
    st.sampled_from(sorted(OPERATORS)).flatmap(
        lambda op: st.builds(lambda name, value: {"field": name, "op": op, "value": value}, NAMES, OPERATORS[op])
    ),
)
KINDS = st.sampled_from([ActivityKind.PAGE_VIEW, ActivityKind.EMAIL_CLICK])
ACTIVITIES = st.fixed_dictionaries(
    {"kind": KINDS.map(str)},
    optional={
        "name": PATTERNS, "url": PATHS, "ref": WORDS, "at_least": st.integers(1, 3), "days": st.integers(1, 2),
        "within": SPANS, "since": st.just("hand_back"),
    },
)  # fmt: skip
DEALS = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(["open", "won", "lost"]), "amount_at_least": st.sampled_from([1, 2]),
        "at_least": st.integers(1, 2), "within": SPANS,
    },
)  # fmt: skip
LEAVES = st.one_of(FIELDS, ACTIVITIES.map(lambda clause: {"activity": clause}), DEALS.map(lambda one: {"deal": one}))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda children: {"all": children}),
        st.lists(inner, min_size=1, max_size=3).map(lambda children: {"any": children}),
        inner.map(lambda child: {"not": child}),
    ),
    max_leaves=6,
)


def row(kind: ActivityKind, at: datetime, name: str, url: str | None, ref: str, automatic: bool) -> Activity:
    return Activity(
        stream="s", id="1", contact=ME, kind=kind, occurred_at=at, name=name, url=url, ref=ref, automatic=automatic
    )


ROWS = st.builds(row, KINDS, INSTANTS, WORDS, st.one_of(st.none(), URLS), WORDS, st.sampled_from([False, False, True]))
SOME_DEALS = st.builds(
    lambda state, at, closed, amount: Deal(
        id="1", contacts=(ME,), state=state, created_at=at, modified_at=at, closed_at=closed, amount=amount
    ),
    st.sampled_from(list(DealState)), INSTANTS, st.one_of(st.none(), INSTANTS), st.sampled_from([None, 1.0, 2.0]),
)  # fmt: skip
FACTS = st.builds(
    lambda fields, rows, deals, back: Facts(
        contact=Contact(id=ME, created_at=NOW, modified_at=NOW, fields=fields), now=NOW, deals=deals,
        activities=sorted(rows, key=lambda one: one.occurred_at), handed_back_at=back,
    ),
    st.dictionaries(NAMES, VALUES), st.lists(ROWS, max_size=5), st.lists(SOME_DEALS, max_size=3),
    st.one_of(st.none(), INSTANTS),
)  # fmt: skip


@settings(max_examples=250)
@given(TREES, FACTS)
def test_a_compiled_condition_holds_where_its_tree_means_that_it_does(tree: Tree, facts: Facts) -> None:
    """Live run, explain, preview and replay ask the same functions (design.md, section 3)."""
    condition = Condition.model_validate(tree)
    assert condition.holds(facts) is means(tree, facts)
    finding = condition.find(facts)
    assert finding.holds is means(tree, facts)
    assert finding.reasons and all(finding.reasons)


@settings(max_examples=100)
@given(FIELDS, st.dictionaries(NAMES, VALUES))
def test_each_clause_says_whether_it_held(tree: Tree, fields: dict[str, Value]) -> None:
    facts = Facts(contact=Contact(id=ME, created_at=NOW, modified_at=NOW, fields=fields), now=NOW)
    (clause,) = Condition.model_validate({"any": [{"not": tree}]}).find(facts).clauses
    assert clause.held is means(tree, facts)
