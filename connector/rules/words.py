"""Words: how reasons become sentences for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime


def sentence(reasons: Iterable[str]) -> str:
    """Reasons joined into one sentence with a capital and a full stop; empty for none."""
    joined = "; ".join(reason.strip().rstrip(".") for reason in reasons if reason.strip())
    return f"{joined[0].upper()}{joined[1:]}." if joined else ""


def day(moment: datetime) -> str:
    """A date as people say it, such as `3 March 2018`."""
    return f"{moment.day} {moment:%B %Y}"
