"""Durations (R18): every span says whose clock it means."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from connector.rules.durations import AnyDuration, Duration, DurationKind, WallDuration, in_words, parse_duration


@pytest.mark.parametrize(
    ("text", "kind", "amount"),
    [
        ("30m", DurationKind.WALL, 1_800),
        ("48h", DurationKind.WALL, 172_800),
        ("14d", DurationKind.WALL, 14 * 86_400),
        ("2w", DurationKind.WALL, 14 * 86_400),
        ("1.5h", DurationKind.WALL, 5_400),
        ("45bm", DurationKind.BUSINESS_HOURS, 2_700),
        ("16bh", DurationKind.BUSINESS_HOURS, 57_600),
        (" 2 BD ", DurationKind.BUSINESS_DAYS, 2),
    ],
)
def test_a_duration_says_its_clock(text: str, kind: DurationKind, amount: int) -> None:
    assert parse_duration(text) == Duration(kind=kind, amount=amount)


@pytest.mark.parametrize("text", ["48", 48, 1.5, "2"])
def test_a_bare_number_is_refused_with_advice(text: object) -> None:
    """R18"""
    with pytest.raises(ValueError, match=r"has no unit.*48h"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text",
    ["", "h", "1 day", "-2h", "2x", "5ſ", "1h30m", True, None, "0h", "0.5bd", "0.01bm", "4000d", "9999bd", "1e3h", [1]],
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError):
        parse_duration(text)


def test_business_time_has_no_wall_length() -> None:
    assert parse_duration("2d").wall() == timedelta(days=2)
    with pytest.raises(ValueError, match="business time"):
        parse_duration("2bd").wall()


@given(st.sampled_from(["s", "m", "h", "d", "bm", "bh", "bd"]), st.integers(1, 3_000))
def test_the_one_spelling_reads_back_as_the_same_duration(unit: str, count: int) -> None:
    duration = parse_duration(f"{count}{unit}")
    assert parse_duration(str(duration)) == duration


def test_durations_are_told_in_words() -> None:
    texts = ["1h", "48h", "14d", "1bh", "45bm", "2bd"]
    words = ["1 hour", "48 hours", "14 days", "1 business hour", "45 business minutes", "2 business days"]
    assert [parse_duration(text).words() for text in texts] == words


def test_measured_spans_are_told_in_two_units() -> None:
    spans = [
        timedelta(seconds=20),
        timedelta(hours=3, minutes=5, seconds=59),
        timedelta(days=2),
        timedelta(days=1, minutes=7),
    ]
    assert [in_words(span) for span in spans] == ["less than a minute", "3 hours 5 minutes", "2 days", "1 day"]


def test_rule_models_take_durations_and_dump_the_one_spelling() -> None:
    class Model(BaseModel):
        any: AnyDuration
        wall: WallDuration

    model = Model.model_validate({"any": "2bd", "wall": "48h"})
    assert model.wall == timedelta(days=2)
    assert model.model_dump(mode="json") == {"any": "2bd", "wall": "2d"}
    with pytest.raises(ValidationError, match="wall-clock time is needed"):
        Model.model_validate({"any": "2bd", "wall": "2bd"})
