"""Operators: the closed set that conditions are made of; what values they take, which types they suit, how they read.

What they do is rules/comparisons.py's. Nothing here knows contacts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from connector.domain.stage import Stage
from connector.rules.countries import country_code, country_name, known_names
from connector.rules.durations import in_words, parse_duration
from connector.rules.suggestions import nearest
from connector.rules.values import FieldType

RuleScalar = str | int | float | bool
RuleValue = str | int | float | bool | tuple[str | int | float | bool, ...] | None
"""What may stand beside `value:`."""

LONGEST_LIST = 1_000


class Operator(StrEnum):
    """The word beside `op:`."""

    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    NOT_IN = "not_in"
    CONTAINS = "contains"
    CONTAINS_WORD = "contains_word"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    MATCHES = "matches"
    PATH = "path"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    MORE_THAN = "more_than"
    LESS_THAN = "less_than"
    BETWEEN = "between"
    WITHIN = "within"
    OLDER_THAN = "older_than"
    COMING_WITHIN = "coming_within"
    BEFORE = "before"
    AFTER = "after"
    FILLED = "filled"
    EMPTY = "empty"


HOLD_WHEN_EMPTY = frozenset({Operator.IS_NOT, Operator.NOT_IN, Operator.EMPTY})
_ANY = frozenset({Operator.FILLED, Operator.EMPTY})
_EXACT = frozenset({Operator.IS, Operator.IS_NOT, Operator.IN, Operator.NOT_IN}) | _ANY
_TEXT = _EXACT | {
    Operator.CONTAINS, Operator.CONTAINS_WORD, Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.MATCHES,
}  # fmt: skip
_NUMERIC = frozenset({Operator.AT_LEAST, Operator.AT_MOST, Operator.MORE_THAN, Operator.LESS_THAN, Operator.BETWEEN})
SPANS = frozenset({Operator.WITHIN, Operator.OLDER_THAN, Operator.COMING_WITHIN})
_TIMES = SPANS | {Operator.BEFORE, Operator.AFTER} | _ANY
_LISTS = frozenset({Operator.IN, Operator.NOT_IN})
_LISTS_OR_ONE = frozenset({Operator.CONTAINS, Operator.CONTAINS_WORD, Operator.STARTS_WITH, Operator.ENDS_WITH})

_EXAMPLES: Mapping[Operator, str] = {
    **dict.fromkeys(SPANS, "30d"), **dict.fromkeys(_NUMERIC, "50"), **dict.fromkeys(_LISTS, "[a, b]"),
    Operator.BETWEEN: "[50, 1000]", Operator.PATH: '"*/pricing*"', Operator.BEFORE: "2026-01-31",
    Operator.AFTER: "2026-01-31",
}  # fmt: skip
OPERATORS_BY_TYPE: Mapping[FieldType, frozenset[Operator]] = {
    FieldType.TEXT: _TEXT,
    FieldType.EMAIL: _TEXT,
    FieldType.PHONE: _TEXT,
    FieldType.DOMAIN: _TEXT,
    FieldType.CHOICE: _TEXT,
    FieldType.URL: _TEXT | {Operator.PATH},
    FieldType.COUNTRY: _EXACT,
    FieldType.STAGE: _EXACT,
    FieldType.OWNER: _EXACT,
    FieldType.NUMBER: _EXACT | _NUMERIC,
    FieldType.BOOL: frozenset({Operator.IS, Operator.IS_NOT}) | _ANY,
    FieldType.DATE: _TIMES,
    FieldType.INSTANT: _TIMES,
    FieldType.CHOICES: frozenset({Operator.CONTAINS}) | _ANY,
}

# -- values --------------------------------------------------------------------------------------------------------


def check_value(op: Operator, value: RuleValue) -> None:
    """ValueError where the value has not the shape that the operator takes, with an example of one that has."""
    if op in _ANY:
        if value is not None:
            raise ValueError(f"`{op}` takes no `value`; leave it out")
        return
    if value is None or value == "" or value == ():
        example = _EXAMPLES.get(op, "x")
        raise ValueError(f"`{op}` needs a `value`; write what to compare with, such as `value: {example}`")
    if isinstance(value, tuple):
        _check_list(op, value)
    elif op in _LISTS or op is Operator.BETWEEN:
        raise ValueError(f"`{op}` needs a list; write it like {'[50, 1000]' if op is Operator.BETWEEN else '[a, b]'}")
    if op in _NUMERIC and not all(is_number(item) for item in (value if isinstance(value, tuple) else (value,))):
        raise ValueError(f"`{op}` compares numbers; write the value without quotes and units")
    if op in SPANS:
        parse_duration(value).wall()
    if op in (Operator.BEFORE, Operator.AFTER):
        moment_of(value)
    if op in (Operator.MATCHES, Operator.PATH) and not isinstance(value, str):
        raise ValueError(f"`{op}` needs one text, with * for anything; put it in quotes")
    if op is Operator.PATH and str(value)[:1] not in ("/", "*"):
        raise ValueError("a path begins with / or *; write it like */pricing*")


def _check_list(op: Operator, value: tuple[RuleScalar, ...]) -> None:
    if op is Operator.BETWEEN:
        if len(value) != 2 or not all(is_number(item) for item in value) or value[0] > value[1]:  # type: ignore[operator]  # both are numbers
            raise ValueError("`between` needs two numbers, the smaller first; write it like `value: [50, 1000]`")
    elif op not in _LISTS | _LISTS_OR_ONE:
        raise ValueError(f"`{op}` takes one value, not a list; `in` takes a list")
    if len(value) > LONGEST_LIST:
        raise ValueError(f"a list may hold {LONGEST_LIST} values; split it into several conditions under `any`")


class Misfit(NamedTuple):
    """What is wrong with a value, and what would do. `place`: which of a list; None where there is no list."""

    message: str
    advice: str
    place: int | None = None


def misfit(kind: FieldType, op: Operator, value: RuleValue) -> Misfit | None:
    """The first thing by which a value does not suit a field's type; None where it does."""
    if value is None or op in _ANY | _NUMERIC | _TIMES:
        return None
    for place, item in enumerate(value if isinstance(value, tuple) else (value,)):
        found = _misfit_one(kind, item)
        if found is not None:
            return Misfit(*found, place if isinstance(value, tuple) else None)
    return None


def _misfit_one(kind: FieldType, item: RuleScalar) -> tuple[str, str] | None:
    if kind is FieldType.BOOL:
        return None if isinstance(item, bool) else ("it is true or false", "write true or false, without quotes")
    if kind is FieldType.NUMBER:
        return None if is_number(item) else ("it is no number", "write it without quotes and units")
    if isinstance(item, bool):
        return "a text is compared with yes or no", 'put it in quotes, such as "true"'
    if kind is FieldType.COUNTRY:
        code = country_code(str(item))
        if code is None:
            near = nearest(str(item), known_names())
            return f"`{item}` is not a country", f"{near} Write two letters, such as DE".strip()
        return None if code == item else (f"`{item}` is not written as two letters", f"write {code}")
    if kind is FieldType.STAGE and str(item) not in Stage._value2member_map_:
        return f"`{item}` is not a stage", nearest(str(item), Stage) or f"use one of {', '.join(Stage)}"
    return None


def is_number(item: object) -> bool:
    """Whether it is a number and not yes or no, which Python takes for 1 and 0."""
    return isinstance(item, int | float) and not isinstance(item, bool)


def moment_of(value: RuleValue) -> datetime:
    """A day as midnight UTC, or an instant; ValueError where it is neither."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("is not a day; write it like 2026-01-31") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


# -- words ---------------------------------------------------------------------------------------------------------

_PHRASES: Mapping[Operator, tuple[str, str]] = {
    Operator.IS: ("is", "is not"),
    Operator.IS_NOT: ("is not", "is"),
    Operator.IN: ("is", "is not"),
    Operator.NOT_IN: ("is not", "is"),
    Operator.CONTAINS: ("contains", "does not contain"),
    Operator.CONTAINS_WORD: ("contains", "does not contain"),
    Operator.STARTS_WITH: ("begins with", "does not begin with"),
    Operator.ENDS_WITH: ("ends with", "does not end with"),
    Operator.MATCHES: ("is like", "is not like"),
    Operator.PATH: ("is", "is not"),
    Operator.AT_LEAST: ("is at least", "is below"),
    Operator.AT_MOST: ("is at most", "is above"),
    Operator.MORE_THAN: ("is more than", "is not more than"),
    Operator.LESS_THAN: ("is less than", "is not less than"),
    Operator.BETWEEN: ("is between", "is not between"),
    Operator.WITHIN: ("was within the last", "was not within the last"),
    Operator.OLDER_THAN: ("was more than", "was not more than"),
    Operator.COMING_WITHIN: ("comes within the next", "does not come within the next"),
    Operator.BEFORE: ("is before", "is not before"),
    Operator.AFTER: ("is after", "is not after"),
    Operator.FILLED: ("is known", "is known"),
    Operator.EMPTY: ("is empty", "is known"),
}


@lru_cache(maxsize=2_048)
def words_for(label: str, field: str, op: Operator, value: RuleValue) -> tuple[str, str]:
    """How it reads where it holds, and where it does not."""
    yes, no = _PHRASES[op]
    told = _told(field, op, value)
    tail = f" {told}" if told else ""
    return f"{label} {yes}{tail}", f"{label} {no}{tail}"


def _told(field: str, op: Operator, value: RuleValue) -> str:
    if value is None:
        return ""
    if op in SPANS:
        return in_words(parse_duration(value).wall()) + (" ago" if op is Operator.OLDER_THAN else "")
    items = [_item(field, item) for item in (value if isinstance(value, tuple) else (value,))]
    if op is Operator.BETWEEN:
        return " and ".join(items)
    shown = items if len(items) <= 6 else [*items[:5], f"{len(items) - 5} others"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def _item(field: str, item: RuleScalar) -> str:
    if isinstance(item, bool):
        return "yes" if item else "no"
    if isinstance(item, int | float):
        return f"{item:,g}" if abs(item) < 1e6 else f"{item:,.0f}"
    return country_name(item) if field == "country" else f"“{item}”"
