"""A verdict: what one rule says of one contact, and why, in words a rep understands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Clause(NamedTuple):
    """One thing that a rule looked at.

    Attributes:
        words: what it asked, such as `number of employees is at least 50`. held: whether it was so.
        seen: what stood there, such as `60`; empty for nothing, and for personal data, which no verdict holds.
    """

    words: str
    held: bool
    seen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One rule's answer.

    Attributes:
        rule: requirement's name as in mappings/, such as `qualification.web-mail`.
        passed: whether the rule lets the contact through.
        then: what follows where it does not: `nurture`, `junk`, `hold`, `triage`, `customer`, or empty.
        reasons: every cause found, in the admin's order; no property names, no ids (R34).
        clauses: what a rule of the admin's own looked at, with what was seen; no personal data.
    """

    rule: str
    passed: bool
    reasons: tuple[str, ...] = ()
    then: str = ""
    clauses: tuple[Clause, ...] = ()
