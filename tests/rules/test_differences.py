"""Differences between rule books, key by key."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from connector.config.mappings import load_rulebook
from connector.rules.differences import Difference, differences

SHIPPED = load_rulebook(Path(__file__).resolve().parents[2] / "mappings").as_dict()


def changed() -> dict[str, dict[str, object]]:
    return deepcopy(SHIPPED)  # type: ignore[return-value]


def test_the_same_book_has_none() -> None:
    assert differences(SHIPPED, changed()) == []


def test_a_number_is_named_by_its_key() -> None:
    after = changed()
    after["qualification"]["threshold"]["score"] = 40  # type: ignore[index]
    assert differences(SHIPPED, after) == [
        Difference(file="qualification", key="threshold.score", before=50, after=40)
    ]


def test_a_rule_put_before_others_is_one_difference() -> None:
    after = changed()
    rules = after["scoring"]["engagement"]["rules"]  # type: ignore[index]
    rules.insert(0, {**rules[0], "say": "asked for prices"})
    found = differences(SHIPPED, after)
    assert [(one.key, one.before) for one in found] == [("engagement.rules[asked for prices]", None)]


def test_rules_that_changed_places_are_told_by_their_order() -> None:
    after = changed()
    after["scoring"]["fit"]["rules"].reverse()  # type: ignore[index]
    (one,) = differences(SHIPPED, after)
    assert one.key == "fit.rules (order)"


def test_a_rule_that_is_gone_is_shown_as_it_was() -> None:
    after = changed()
    gone = after["scoring"]["fit"]["rules"].pop(2)  # type: ignore[index]
    (one,) = differences(SHIPPED, after)
    assert (one.before, one.after) == (gone, None)


def test_examples_and_names_of_conditions_decide_nothing() -> None:
    after = changed()
    after["qualification"]["examples"] = []
    assert differences(SHIPPED, after) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "say", "a", "b"]), inner),
    max_leaves=8,
)


@given(before=JSON, after=JSON)
def test_there_are_some_wherever_books_differ(before: object, after: object) -> None:
    assert differences({"scoring": before}, {"scoring": after}) or _filled(before) == _filled(after)
    assert differences({"scoring": before}, {"scoring": before}) == []


def _filled(value: object) -> object:
    """A key without a value is as good as none."""
    if isinstance(value, dict):
        return {key: kept for key, inner in value.items() if (kept := _filled(inner)) is not None}
    return [_filled(inner) for inner in value] if isinstance(value, list) else value
