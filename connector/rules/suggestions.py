"""Suggestions: what an admin probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean …?` with the nearest known word; empty where none is near."""
    choices = {name.casefold(): name for name in known}
    found = get_close_matches(word.casefold(), choices, n=1, cutoff=0.6)
    return f"did you mean `{choices[found[0]]}`?" if found else ""
