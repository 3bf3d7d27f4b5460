"""JSON that is nearly what a peer would send: a real shape with a few values replaced, dropped or doubled."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from fuzzing.choices import Choices

PERSON = "canary.person@leak.example"
"""Stands among the values; no error may repeat it (I10)."""

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 10**30, 1.5, float("inf"), float("nan"), -1e300, "", " ", "0", "²", "٣", "1e5", "\x00",
    "\ud800", "9" * 5000, PERSON, "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "99999999999999999999", "a;b;;", [], {}, [None], [[]], [{}], {"id": None}, {"id": {"id": 1}}, [PERSON], {PERSON: 1},
    "true", "TRUE", "x" * 10_000,
)  # fmt: skip


def bent(value: Any, choices: Choices, most: int = 6) -> Any:
    """A copy with up to `most` places changed."""
    root = [copy.deepcopy(value)]
    for _ in range(choices.below(most + 1)):
        places = list(_places(root))
        holder, key = places[choices.below(len(places))]
        what = choices.below(4)
        if what == 0 and isinstance(holder, list) and holder is not root:
            holder.append(copy.deepcopy(holder[key]))
        elif what == 1 and holder is not root:
            del holder[key]
        elif what == 2:
            holder[key] = choices.text(40)
        else:
            holder[key] = copy.deepcopy(choices.pick(ODD))
    return root[0]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = range(len(value)) if isinstance(value, list) else list(value)
    for key in keys:
        yield value, key
        if isinstance(value[key], list | dict):
            yield from _places(value[key])
