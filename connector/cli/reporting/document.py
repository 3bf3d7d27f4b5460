"""A document: sections with words, tables and pictures, the same for every form it is then given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from connector.rules.reporting.numbers import Share

Cell = str | int | float | date | datetime | timedelta | Share | None


class Kind(StrEnum):
    """What the cells of a column are; numbers stay numbers until they are written out."""

    TEXT = "text"
    COUNT = "count"
    PERCENT = "percent"
    POINTS = "points"
    DAYS = "days"
    SPAN = "span"  # timedelta
    MONEY = "money"
    SHARE = "share"  # Share: percent for people; part, whole, percent and interval in a CSV file
    DAY = "day"  # date or datetime


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind = Kind.TEXT

    @property
    def is_number(self) -> bool:
        return self.kind not in (Kind.TEXT, Kind.DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`name` is the one by which `--table` asks for it. `pale`: rows that are not to be compared yet.

    `most`: so many rows are shown to people, None: all; a CSV file holds all of them in any case.
    """

    name: str
    title: str = ""
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    pale: frozenset[int] = frozenset()
    most: int | None = None
    note: str = ""
    empty: str = "Nothing yet."

    def for_people(self) -> tuple[list[Column], list[list[Cell]]]:
        """Columns and rows without those columns that say nothing in any row."""
        kept = [place for place in range(len(self.columns)) if any(row[place] is not None for row in self.rows)]
        return [self.columns[place] for place in kept], [
            [row[place] for place in kept] for row in self.rows[: self.most]
        ]


@dataclass(frozen=True, slots=True)
class Words:
    """`kind`: empty for running text, `answer`, `soft`, `box` or `box due`."""

    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Points:
    lines: Sequence[str]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """One figure to be seen at once. `met` None: no target."""

    label: str
    value: str
    remark: str = ""
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Cards:
    cards: Sequence[Card]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """A funnel: each step with how many came so far; its first is the whole."""

    title: str
    steps: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Upright columns: label, the value in percent or a count, and whether it is young (pale)."""

    title: str
    rows: Sequence[tuple[str, float, bool]]
    unit: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Shares with their intervals on one axis of percent; `usual` is drawn as a line across."""

    title: str
    rows: Sequence[tuple[str, Share]]
    usual: float | None = None
    caption: str = ""


Part = Table | Words | Points | Cards | Steps | Columns | Intervals


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Attributes:
    answer: the whole in one sentence. about: what it is about: span, instant, rules.
    sections: those without parts are left out.
    """

    title: str
    answer: str
    about: str
    sections: Sequence[Section] = field(default_factory=tuple)
    foot: str = ""

    def tables(self) -> list[Table]:
        return [part for section in self.sections for part in section.parts if isinstance(part, Table)]
