"""One search filter as a function: what its operator means for each property type.

Numbers, dates and instants are compared as numbers, enumerations exactly, all other text without case; IN and NOT_IN on
text want lower-case values, as HubSpot does. A missing value matches NOT_HAS_PROPERTY and nothing else.
Source: hubspot-facts section 3.3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from .app import ApiError
from .clock import parse_instant

Test = Callable[[str | None], bool]
Key = Callable[[str], Any]
OPERATORS = {
    "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY",
    "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN",
}  # fmt: skip
_WORD = re.compile(r"[^\W_]+", re.UNICODE)


def invalid(message: str) -> ApiError:
    """Give the 400 of a bad search."""
    return ApiError(400, "VALIDATION_ERROR", f"There was a problem with the request. {message}")


def test_of(spec: dict[str, Any], definition: dict[str, Any]) -> Test:
    """Give the test of one filter.

    Raises:
        ApiError: 400, unknown operator, or a value that is missing or of the wrong kind.
    """
    operator = spec.get("operator")
    if operator not in OPERATORS:
        raise invalid(f"operator {operator} is not one of {', '.join(sorted(OPERATORS))}")
    if operator == "HAS_PROPERTY":
        return lambda value: value is not None
    if operator == "NOT_HAS_PROPERTY":
        return lambda value: value is None
    if operator in ("IN", "NOT_IN"):
        return _among(spec, definition, wanted=operator == "IN")
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        contains = _token_test(_value(spec, "value"))
        if operator == "CONTAINS_TOKEN":
            return lambda value: value is not None and contains(value)
        return lambda value: value is not None and not contains(value)
    return _compared(operator, spec, definition)


def key_of(definition: dict[str, Any]) -> Key:
    """Give the function that makes values of a property comparable."""
    kind = definition["type"]
    if kind == "number":
        return float
    if kind in ("date", "datetime"):
        return parse_instant
    return str if kind == "enumeration" or kind == "bool" else str.lower


def bound(spec: dict[str, Any], name: str, definition: dict[str, Any]) -> Any:
    """Give a filter's value in comparable form (ApiError 400 when it is none)."""
    text = _value(spec, name)
    try:
        return key_of(definition)(text)
    except (ValueError, ArithmeticError) as error:
        raise invalid(f"{text} is not a valid {definition['type']} for {definition['name']}") from error


def _value(spec: dict[str, Any], name: str) -> str:
    value = spec.get(name)
    if value is None:
        raise invalid(f"operator {spec.get('operator')} on {spec.get('propertyName')} needs '{name}'")
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _compared(operator: str, spec: dict[str, Any], definition: dict[str, Any]) -> Test:
    key, low = key_of(definition), bound(spec, "value", definition)
    several = definition.get("fieldType") == "checkbox"
    if operator == "EQ":
        return lambda value: value is not None and (key(value) == low or (several and low in value.split(";")))
    if operator == "NEQ":
        return lambda value: value is not None and key(value) != low and not (several and low in value.split(";"))
    if operator == "BETWEEN":
        high = bound(spec, "highValue", definition)
        return lambda value: value is not None and low <= key(value) <= high
    order: dict[str, Callable[[Any], bool]] = {
        "LT": lambda mine: bool(mine < low),
        "LTE": lambda mine: bool(mine <= low),
        "GT": lambda mine: bool(mine > low),
        "GTE": lambda mine: bool(mine >= low),
    }
    holds = order[operator]
    return lambda value: value is not None and holds(key(value))


def _among(spec: dict[str, Any], definition: dict[str, Any], *, wanted: bool) -> Test:
    values = spec.get("values")
    if not isinstance(values, list) or not values:
        raise invalid(f"operator {spec['operator']} on {spec.get('propertyName')} needs a list 'values'")
    key = key_of(definition)
    text = definition["type"] == "string"
    among = {str(value) if text else bound({**spec, "value": value}, "value", definition) for value in values}
    if definition.get("fieldType") == "checkbox":
        return lambda value: value is not None and bool(among & set(value.split(";"))) is wanted
    return lambda value: value is not None and (key(value) in among) is wanted


def _token_test(text: str) -> Callable[[str], bool]:
    wanted = text.lower().strip()
    if "*" in wanted:
        return lambda value: any(fnmatchcase(each, wanted) for each in (value.lower(), *value.lower().split()))
    words = set(_WORD.findall(wanted))
    return lambda value: words <= set(_WORD.findall(value.lower())) if words else wanted in value.lower()
