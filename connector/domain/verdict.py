"""A verdict: what one rule says of one contact, and why, in words a rep understands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One rule's answer.

    Attributes:
        rule: requirement's name as in mappings/, such as `qualification.web-mail`.
        passed: whether the rule lets the contact through.
        then: what follows where it does not: `nurture`, `junk`, `hold`, `triage`, `customer`, or empty.
        reasons: every cause found, in the admin's order; no property names, no ids (R34).
    """

    rule: str
    passed: bool
    reasons: tuple[str, ...] = ()
    then: str = ""
