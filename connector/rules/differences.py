"""Differences between two rule books, key by key. Values in, values out; what they do to leads is not said here.

Entries of a list that bear a name are the same entry wherever they stand, so that a new rule at the top of a list is
one difference and not as many as there are rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NAMES = ("name", "say", "mark", "id", "kind", "reason")
"""Keys by which an entry of a list is known, in this order."""

ASIDE = frozenset({("qualification", "examples"), ("qualification", "conditions")})
"""What decides nothing by itself: conditions stand again wherever they are used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One key that differs.

    Attributes:
        file: the rule file's name without `.yaml`.
        key: the path in it, such as `threshold.score` or `engagement.rules[viewed a page].points`.
        before, after: plain JSON values; None where the key is absent or empty.
    """

    file: str
    key: str
    before: object
    after: object


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> list[Difference]:
    """All keys that differ between two books as RuleBook.as_dict() gives them, in the order of files and keys."""
    files = [*before, *(name for name in after if name not in before)]
    return [
        Difference(file=name, key=key, before=old, after=new)
        for name in files
        for key, old, new in _compare(before.get(name), after.get(name), "", (name,))
    ]


def _compare(old: object, new: object, key: str, path: tuple[str, ...]) -> Iterator[tuple[str, object, object]]:
    if old == new or path in ASIDE:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(name for name in new if name not in old)]:
            inner = f"{key}.{name}" if key else str(name)
            yield from _compare(old.get(name), new.get(name), inner, (*path, str(name)))
    elif isinstance(old, list) and isinstance(new, list) and None not in (first := _names(old), second := _names(new)):
        yield from _compare_entries(first or {}, second or {}, key, path)
    else:
        yield key, old, new


def _compare_entries(
    old: Mapping[str, object], new: Mapping[str, object], key: str, path: tuple[str, ...]
) -> Iterator[tuple[str, object, object]]:
    """Entry by entry, and then their order, by which the first that fits may win."""
    for name in [*old, *(name for name in new if name not in old)]:
        yield from _compare(old.get(name), new.get(name), f"{key}[{name}]", (*path, name))
    before, after = [name for name in old if name in new], [name for name in new if name in old]
    if before != after:
        yield f"{key} (order)", before, after


def _names(entries: Sequence[Any]) -> dict[str, object] | None:
    if not all(isinstance(entry, dict) for entry in entries):
        return None
    by_name = {name: entry for entry in entries if (name := _name(entry))}
    return by_name if len(by_name) == len(entries) else None


def _name(entry: Mapping[str, object]) -> str:
    return next((str(entry[key]) for key in NAMES if isinstance(entry.get(key), str) and entry[key]), "")
