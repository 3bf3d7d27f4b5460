"""JSON at the hot places: by orjson, and where that refuses a text, half a surrogate pair above all, the slower way."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import orjson


def loads(text: str | bytes) -> Any:
    """Raises ValueError for what is no JSON, RecursionError for what is nested thousands deep."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def dumps(
    values: Mapping[str, Any], *, in_order: bool = False, default: Callable[[object], object] | None = None
) -> str:
    """Compact; a NUL is written as an escape.

    Args:
        in_order: names rise. default: makes plain values of others, instants and days among them.
    """
    option = orjson.OPT_PASSTHROUGH_DATETIME | (orjson.OPT_SORT_KEYS if in_order else 0)
    try:
        text = orjson.dumps(values, default, option).decode()
    except orjson.JSONEncodeError:
        text = ""
    if not text or (":null" in text and any(_is_endless(value) for value in values.values())):
        return json.dumps(dict(values), separators=(",", ":"), sort_keys=in_order, default=default)
    return text


def _is_endless(value: object) -> bool:
    """A number for which JSON has no word, and orjson writes none."""
    return isinstance(value, float) and not math.isfinite(value)
