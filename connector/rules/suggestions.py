"""Suggestions: what an admin probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

OFF = "off"
NO = frozenset({"no", "none", "never", "nothing"})
"""What people write for `off`; `on` looks more like it."""


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean …?` with the nearest known word; empty where none is near."""
    choices = {name.casefold(): name for name in known}
    meant = OFF if word.casefold() in NO and OFF in choices else word.casefold()
    found = get_close_matches(meant, choices, n=1, cutoff=0.6)
    return f"did you mean `{choices[found[0]]}`?" if found else ""
