"""Values survive being stored."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.contact import Value
from connector.domain.json_text import dumps, loads
from connector.store.codec import decode_times, decode_values, encode_times, encode_values, to_iso
from connector.store.types import clean

INSTANTS = st.datetimes(timezones=st.just(UTC))
WORDS = st.text(st.characters())        # half surrogate pairs and NUL included
VALUES: st.SearchStrategy[Value] = st.one_of(
    WORDS, st.booleans(), st.none(), st.floats(allow_nan=False), st.integers(-(10**15), 10**15), INSTANTS, st.dates(),
    st.lists(WORDS, max_size=4).map(tuple),
)


@given(st.dictionaries(WORDS, VALUES, max_size=8))
def test_values_come_back_as_they_were(values: dict[str, Value]) -> None:
    found = decode_values(encode_values(values))
    assert found == values
    assert {name: type(value) for name, value in found.items()} == {name: type(value) for name, value in values.items()}


@given(st.dictionaries(WORDS, INSTANTS, max_size=4))
def test_instants_by_field_come_back_as_they_were(times: dict[str, datetime]) -> None:
    assert decode_times(encode_times(times)) == times


@given(st.lists(INSTANTS, min_size=2, max_size=2))
def test_text_order_is_time_order(pair: list[datetime]) -> None:
    assert (to_iso(pair[0]) < to_iso(pair[1])) == (pair[0] < pair[1])


@given(WORDS)
def test_cleaned_text_can_be_stored_and_stays_clean(text: str) -> None:
    found = clean(text)
    assert "\0" not in found and found.encode("utf-8").decode("utf-8") == found == clean(found)


def test_what_is_stored_is_json_that_both_databases_hold() -> None:
    text = encode_values({"name": "Zoë \0", "half": "\ud83d", "on": date(2026, 3, 2)})
    assert "\0" not in text and text.encode() and json.loads(text)["on"] == {"$d": "2026-03-02"}


@given(st.dictionaries(WORDS, WORDS, max_size=8))
def test_the_fast_way_and_the_slow_one_say_the_same(values: dict[str, str]) -> None:
    text = dumps(values, in_order=True)
    assert json.loads(text) == loads(text) == loads(json.dumps(values)) == values
    assert list(loads(text)) == sorted(values)


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        encode_values({"at": datetime(2026, 3, 2)})
