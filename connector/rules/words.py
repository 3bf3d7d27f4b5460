"""Words: how reasons become sentences for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date


def sentence(reasons: Iterable[str]) -> str:
    """Reasons joined into one sentence with a capital and a full stop; empty for none."""
    joined = "; ".join(reason.strip().rstrip(".") for reason in reasons if reason.strip())
    return f"{joined[0].upper()}{joined[1:]}." if joined else ""


def day(moment: date) -> str:
    """A date as people say it, such as `3 March 2018`."""
    return f"{moment.day} {moment:%B %Y}"


def in_points(hundredths: int) -> str:
    """Points as people read them: whole ones bare, others with the decimals that matter."""
    return f"{hundredths / 100:.2f}".rstrip("0").rstrip(".")


def many(number: int, one: str, more: str = "") -> str:
    """`3 leads`, `1 lead`; `more` where the plural is not the usual one."""
    return f"{number:,} {one if number == 1 else more or plural(one)}"


_OF = (" in ", " of ", " on ", " to ", " from ", " for ", " with ", " at ")


def plural(noun: str) -> str:
    """More than one of it, by its first word group: `click in an e-mail` gives `clicks in an e-mail`."""
    places = [at for word in _OF if (at := noun.find(word)) > 0]
    head, rest = (noun[: min(places)], noun[min(places) :]) if places else (noun, "")
    if head.endswith("y") and head[-2:-1] not in tuple("aeiou"):
        return f"{head[:-1]}ies{rest}"
    return f"{head}es{rest}" if head.endswith(("s", "x", "ch", "sh")) else f"{head}s{rest}"
