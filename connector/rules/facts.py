"""Facts: what a condition may look at; and findings: whether it holds, and what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from connector.domain.activity import Activity
from connector.domain.contact import Contact
from connector.domain.deal import Deal
from connector.domain.verdict import Clause
from connector.rules.fields import FieldRules


class Facts(NamedTuple):
    """One contact at one moment.

    Attributes:
        activities: oldest first, only those that may count.
        deals: of the contact.
        handed_back_at: when sales last handed it back; None where it never did. What conditions ask for `since:
            hand_back` happened after it.
        field_rules: for the labels of fields and which values may be told; None: their names, and nothing personal.
    """

    contact: Contact
    now: datetime
    activities: Sequence[Activity] = ()
    deals: Sequence[Deal] = ()
    handed_back_at: datetime | None = None
    field_rules: FieldRules | None = None


class Finding(NamedTuple):
    """Whether a condition holds, and the facts that made it so (or not so), in words without names of properties.

    `clauses`: every field, activity and deal that was looked at, in the order of the rule, with what was seen.
    """

    holds: bool
    reasons: tuple[str, ...]
    clauses: tuple[Clause, ...] = ()
