"""Quota: what calls of the CRM are for, and what is known of the day's calls (R38)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Purpose(StrEnum):
    """What a call is made for."""

    SETUP = "setup"  # who the portal is, owners, properties, scopes
    BACKFILL = "backfill"  # all contacts, whether they changed or not
    DELTA = "delta"  # contacts that changed
    STREAMS = "streams"  # what they did: page views, forms, e-mails, deals
    DECIDE = "decide"  # what deciding and hints look up
    WRITE = "write"  # handovers, and reading them back
    PROOF = "proof"  # the nightly proof, and who is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Calls of one run by purpose, and what the CRM last said of the portal's day.

    Attributes:
        limit, left: calls of the whole portal and all its apps, a day and still today; None where it did not say.
    """

    by_purpose: Mapping[str, int] = field(default_factory=dict)
    limit: int | None = None
    left: int | None = None
