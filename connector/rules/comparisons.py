"""Comparisons: an operator with its value as a function of a contact's fields, made for its kind of value.

Text is compared without regard to case. Numbers, days and instants are compared by size. An empty field makes every
operator false but `empty`, `is_not` and `not_in`; so does a value that cannot be compared, such as text with a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from functools import lru_cache

from connector.domain.contact import Value
from connector.rules.durations import parse_duration
from connector.rules.facts import Facts
from connector.rules.operators import SPANS, Operator, RuleValue, moment_of
from connector.rules.patterns import glob, path_glob, path_of

MOST_TEXTS = 2_048
"""Texts of which one comparison remembers its answer."""
NUMBERS = (float, int)
"""Classes of numbers, asked for by name: yes and no are numbers to Python."""
_WORD = re.compile(r"[^\W_]+")

Fields = Mapping[str, Value]
Holds = Callable[[Fields, Facts], bool]
"""The contact's fields are given beside the facts that hold them: most conditions look at nothing else."""


def compare(name: str, op: Operator, value: RuleValue) -> Holds:
    """Whether field `name` compares with the value as the operator says. `value` is of a shape that suits it."""
    if op in _BY_SIZE:
        return _BY_SIZE[op](name, value)
    if op in (Operator.FILLED, Operator.EMPTY):
        return _filled(name) if op is Operator.FILLED else _empty(name)
    if op in (Operator.IS, Operator.IN):
        return _one_of(name, value)
    if op in (Operator.IS_NOT, Operator.NOT_IN):
        same = _one_of(name, value)
        return lambda fields, facts: not same(fields, facts)
    if op in SPANS:
        return _span(name, op, parse_duration(value).wall().total_seconds())
    if op in (Operator.BEFORE, Operator.AFTER):
        return _day(name, op, moment_of(value))
    return _texts(name, op, value)


def is_empty(found: Value) -> bool:
    return found is None or found == ""


def _filled(name: str) -> Holds:
    return lambda fields, facts: fields.get(name) not in (None, "")


def _empty(name: str) -> Holds:
    return lambda fields, facts: fields.get(name) in (None, "")


def _one_of(name: str, value: RuleValue) -> Holds:
    items = value if isinstance(value, tuple) else (value,)
    wanted = frozenset(plain(item) for item in items)
    as_written = frozenset(item for item in items if isinstance(item, str) and item)

    def holds(fields: Fields, facts: Facts) -> bool:
        found = fields.get(name)
        if found.__class__ is str:
            return found in as_written or found.casefold() in wanted
        return found is not None and plain(found) in wanted

    return holds


def plain(item: object) -> object:
    """Text without case; yes/no kept apart from 1 and 0, which Python takes for the same."""
    if isinstance(item, str):
        return item.casefold()
    return ("bool", item) if isinstance(item, bool) else item


# -- by size -------------------------------------------------------------------------------------------------------


def _number(value: RuleValue) -> float:
    assert isinstance(value, int | float)
    return value


def _at_least(name: str, value: RuleValue) -> Holds:
    low = _number(value)
    return lambda fields, facts: (found := fields.get(name)).__class__ in NUMBERS and found >= low


def _at_most(name: str, value: RuleValue) -> Holds:
    high = _number(value)
    return lambda fields, facts: (found := fields.get(name)).__class__ in NUMBERS and found <= high


def _more_than(name: str, value: RuleValue) -> Holds:
    low = _number(value)
    return lambda fields, facts: (found := fields.get(name)).__class__ in NUMBERS and found > low


def _less_than(name: str, value: RuleValue) -> Holds:
    high = _number(value)
    return lambda fields, facts: (found := fields.get(name)).__class__ in NUMBERS and found < high


def _between(name: str, value: RuleValue) -> Holds:
    assert isinstance(value, tuple)
    low, high = _number(value[0]), _number(value[1])
    return lambda fields, facts: (found := fields.get(name)).__class__ in NUMBERS and low <= found <= high


_BY_SIZE: Mapping[Operator, Callable[[str, RuleValue], Holds]] = {
    Operator.AT_LEAST: _at_least,
    Operator.AT_MOST: _at_most,
    Operator.MORE_THAN: _more_than,
    Operator.LESS_THAN: _less_than,
    Operator.BETWEEN: _between,
}


# -- by time -------------------------------------------------------------------------------------------------------


def instant_of(found: Value) -> datetime | None:
    """A day counts from its midnight in UTC; None for what is no time."""
    if isinstance(found, datetime):
        return found
    return datetime.combine(found, time(), UTC) if isinstance(found, date) else None


def _span(name: str, op: Operator, seconds: float) -> Holds:
    """`within` looks back and `coming_within` ahead; now itself belongs to both."""

    def holds(fields: Fields, facts: Facts) -> bool:
        at = instant_of(fields.get(name))
        if at is None:
            return False
        ago = (facts.now - at).total_seconds()
        if op is Operator.WITHIN:
            return 0 <= ago <= seconds
        return ago > seconds if op is Operator.OLDER_THAN else 0 <= -ago <= seconds

    return holds


def _day(name: str, op: Operator, mark: datetime) -> Holds:
    if op is Operator.BEFORE:
        return lambda fields, facts: (at := instant_of(fields.get(name))) is not None and at < mark
    return lambda fields, facts: (at := instant_of(fields.get(name))) is not None and at > mark


# -- texts ---------------------------------------------------------------------------------------------------------


def _texts(name: str, op: Operator, value: RuleValue) -> Holds:
    """Each text is looked at once: titles, pages and countries repeat from contact to contact."""
    test = lru_cache(maxsize=MOST_TEXTS)(_text_test(op, value))
    if op is not Operator.CONTAINS:
        return lambda fields, facts: (found := fields.get(name)).__class__ is str and found != "" and test(found)
    parts = _parts(value)

    def holds(fields: Fields, facts: Facts) -> bool:
        found = fields.get(name)
        if isinstance(found, tuple):
            return any(option.casefold() in parts for option in found)
        return isinstance(found, str) and found != "" and test(found)

    return holds


def _parts(value: RuleValue) -> tuple[str, ...]:
    return tuple(str(item).casefold() for item in (value if isinstance(value, tuple) else (value,)))


def _text_test(op: Operator, value: RuleValue) -> Callable[[str], bool]:
    parts = _parts(value)
    if op is Operator.CONTAINS_WORD:
        spaced = tuple(words_of(part) for part in parts)
        return lambda text: any(part in words_of(text) for part in spaced)
    if op is Operator.MATCHES:
        return glob(str(value))
    if op is Operator.PATH:
        on_path = path_glob(str(value))
        return lambda text: on_path(path_of(text))
    if op is Operator.STARTS_WITH:
        return lambda text: text.casefold().startswith(parts)
    if op is Operator.ENDS_WITH:
        return lambda text: text.casefold().endswith(parts)
    return lambda text: any(part in text.casefold() for part in parts)


@lru_cache(maxsize=MOST_TEXTS)
def words_of(text: str) -> str:
    """The words of a text with a blank around each, so that `head of sales` is found in `Head of Sales, EMEA`."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "
