"""Ranges: points by where a number lies, such as 5 for 1 to 50 employees and 10 for 51 to 200. Part of scoring.yaml.

Ranges rise, do not overlap and leave nothing out, so that every number has one answer. A value between two whole
numbers, such as 50.5, belongs to the range below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from connector.rules.misplaced import MisplacedError

WHOLE = 1
"""By so much may the next range begin above the end of the one before: 50, then 51."""


def in_hundredths(points: float) -> float:
    """The points as they are; ValueError where they are finer than the arithmetic."""
    if round(points * 100, 6) != round(points * 100):
        raise ValueError("points may have two decimals at most; round them")
    return points


Points = Annotated[float, Field(ge=-1_000, le=1_000), AfterValidator(in_hundredths)]


class Range(BaseModel):
    """From one number to another, both within it; the first may lack `from`, and any may lack `to`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    begin: float | None = Field(default=None, alias="from", allow_inf_nan=False)
    to: float | None = Field(default=None, allow_inf_nan=False)
    points: Points


def check_ranges(ranges: Sequence[Range]) -> None:
    """Raise MisplacedError at the first that is out of order, overlaps the one before or leaves a gap after it."""
    for place, one in enumerate(ranges):
        if one.begin is None and one.to is None:
            raise MisplacedError(("ranges", place), "needs `from`, `to` or both")
        if one.begin is not None and one.to is not None and one.to < one.begin:
            raise MisplacedError(("ranges", place, "to"), f"lies below `from`, which is {one.begin:g}; swap them")
        if place:
            _follows(ranges[place - 1], one, place)


def _follows(before: Range, one: Range, place: int) -> None:
    where = ("ranges", place, "from")
    if one.begin is None:
        raise MisplacedError(where, "is missing; only the first range may begin anywhere")
    if before.begin is not None and one.begin <= before.begin:
        words = f"comes after the range that begins at {before.begin:g}; write the ranges in rising order"
        raise MisplacedError(where, words)
    if before.to is None:
        return
    if one.begin <= before.to:
        words = f"overlaps the range before, which ends at {before.to:g}; begin at {before.to + WHOLE:g}"
        raise MisplacedError(where, words)
    if one.begin > before.to + WHOLE:
        words = f"leaves a gap after {before.to:g}; begin at {before.to + WHOLE:g}, or add a range with `points: 0`"
        raise MisplacedError(where, words)


def within(field: str, ranges: Sequence[Range], place: int) -> Mapping[str, object]:
    """The condition under which the field lies in that range, as rule files write it."""
    one, after = ranges[place], ranges[place + 1 : place + 2]
    tests: list[dict[str, object]] = []
    if one.begin is not None:
        tests.append({"field": field, "op": "at_least", "value": one.begin})
    if after:
        tests.append({"field": field, "op": "less_than", "value": after[0].begin})
    elif one.to is not None:
        tests.append({"field": field, "op": "at_most", "value": one.to})
    return {"all": tests}


def told(ranges: Sequence[Range]) -> list[str]:
    """Each range in words, such as `51 to 200` or `201 and more`."""
    found = []
    for place, one in enumerate(ranges):
        after = ranges[place + 1].begin if place + 1 < len(ranges) else None
        end = f"{one.to:g}" if one.to is not None else f"below {after:g}" if after is not None else ""
        begin = f"{one.begin:g}" if one.begin is not None else ""
        found.append(f"{begin} to {end}" if begin and end else f"{begin} and more" if begin else f"up to {end}")
    return [words.replace("up to below", "below") for words in found]
