"""Keeping a body below its limit: history is shortened first, then other lists, then long texts (reliability.md, 3).

Pure. What was left out is said in the body itself, so that nobody takes a short history for a whole one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime
from itertools import product

LIMIT_BYTES = 20_000
HISTORY_KEYS = ("history", "activities")
HISTORY_LENGTHS = (20, 10, 5, 3)
LIST_LENGTHS = (20, 10, 5)
TEXT_LENGTHS = (2_000, 500, 200, 80)
LEFT_OUT = "left_out"

Json = dict[str, object]
PLAIN = frozenset({str, int, bool, type(None)})
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def to_json(value: object) -> str:
    """Compact JSON in the order given; text that is no proper Unicode is mended, so that it can be sent and stored."""
    text = _encode(plain(value))
    return text.encode("utf-8", "replace").decode("utf-8")


def plain(value: object) -> object:
    """Values that JSON knows; instants and days in ISO 8601, anything else as text."""
    if value.__class__ in PLAIN or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


def fit(data: Mapping[str, object], wrap: Callable[[Json], object], limit: int = LIMIT_BYTES) -> str:
    """The JSON of `wrap(data)`, with as little left out of `data` as the limit asks for.

    Args:
        data: plain values; `left_out` in the result says how many rows of history are missing.
        wrap: puts the data into the whole body, whose size counts.
    """
    whole = plain(data)
    assert isinstance(whole, dict)
    body = to_json(wrap(whole))
    if _fits(body, limit):
        return body
    for rows in HISTORY_LENGTHS:
        shorter = _shorten_history(whole, rows)
        if _fits(body := to_json(wrap(shorter)), limit):
            return body
    for items, signs in product(LIST_LENGTHS, TEXT_LENGTHS):
        shorter = _shorten_history(whole, HISTORY_LENGTHS[-1])
        cut = {key: _cut(value, items, signs) for key, value in shorter.items()}
        if _fits(body := to_json(wrap(cut)), limit):
            return body
    while cut:
        cut.popitem()       # from the end: what matters most stands first
        if _fits(body := to_json(wrap(cut)), limit):
            return body
    return body


def _shorten_history(data: Json, rows: int) -> Json:
    shorter = dict(data)
    for key in HISTORY_KEYS:
        history = data.get(key)
        if isinstance(history, list) and len(history) > rows:
            shorter[key] = history[-rows:]      # the newest stand last
            shorter[LEFT_OUT] = len(history) - rows
    return shorter


def _cut(value: object, items: int, signs: int) -> object:
    if isinstance(value, str):
        return value if len(value) <= signs else value[: signs - 1] + "…"
    if isinstance(value, list):
        return [_cut(item, items, signs) for item in value[:items]]
    if isinstance(value, dict):
        return {key: _cut(item, items, signs) for key, item in value.items()}
    return value


def _fits(body: str, limit: int) -> bool:
    return len(body.encode()) < limit
