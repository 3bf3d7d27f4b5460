"""What the tables of keys rest on: an invented rule file's keys, in words, and what a part of it shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field
from schema import keys, shown

from connector.domain.deal import DealState
from connector.rules.condition import Condition
from connector.rules.durations import AnyDuration, WallDuration
from connector.rules.fields import FieldType
from connector.rules.patterns import NamePattern, UrlPattern


class Seat(BaseModel):
    who: str
    weight: int = Field(default=1, ge=1, le=10)
    when: Condition | None = None


class Room(BaseModel):
    kind: Literal["room"]
    seats: tuple[Seat, ...] = ()
    wait: WallDuration = timedelta(hours=36)


class Garden(BaseModel):
    kind: Literal["garden"]
    wait: WallDuration = timedelta(hours=36)


class House(BaseModel):
    """One key of each sort."""

    rooms: Mapping[str, Annotated[Room | Garden, Field(discriminator="kind")]] = Field(default_factory=dict)
    door: Seat = Seat(who="porter", weight=2)
    bell: Annotated[str, Field(pattern="^(loud|soft)$")] = "loud"
    open: bool = True
    page: UrlPattern | None = None
    form: NamePattern | None = None
    after: AnyDuration | None = None
    holds: Mapping[DealState, float] = Field(default_factory=dict)
    read_as: FieldType = FieldType.TEXT
    but_not: tuple[str, ...] = Field(default=("a", "b"), alias="except")


@pytest.mark.parametrize(
    ("path", "takes", "default"),
    [
        ("rooms.*.kind", "`room`, `garden`", "needed"),
        ("rooms.*.seats[].who", "text", "needed"),
        ("rooms.*.seats[].weight", "whole number from 1 to 10", "`1`"),
        ("rooms.*.seats[].when", "condition", "–"),
        ("rooms.*.wait", "span", "`36h`"),
        ("door.who", "text", "`porter`"),
        ("door.weight", "whole number from 1 to 10", "`2`"),
        ("door.when", "condition", "–"),
        ("bell", "`loud`, `soft`", "`loud`"),
        ("open", "true or false", "`true`"),
        ("page", "path, `*` for anything", "–"),
        ("form", "text, `*` for anything", "–"),
        ("after", "span, business time too", "–"),
        ("holds", "table: `open`, `won`, `lost` → number", "–"),
        ("read_as", "a word of the list below", "`text`"),
        ("except", "list: text", "`[a, b]`"),
    ],
)
def test_a_key_is_told_in_the_words_of_its_model(path: str, takes: str, default: str) -> None:
    key = keys(House)[path]
    assert (key.takes, key.default) == (takes, default)


def test_nothing_is_left_out_and_nothing_invented() -> None:
    assert len(keys(House)) == 16
    assert keys(House)["read_as"].choices == tuple(FieldType)


def test_what_a_part_of_a_file_shows() -> None:
    part = {
        "rooms": {"hall": {"seats": [{"who": "ana", "when": {"field": "x", "op": "filled"}}]}, "lawn": {"wait": "1d"}},
        "holds": {"won": 3},
        "except": ["c"],
        "unheard": 1,
    }
    assert set(shown(part, House)) == {
        "rooms.*.seats[].who", "rooms.*.seats[].when", "rooms.*.wait", "holds", "except",
    }  # fmt: skip
