"""What is remembered of people who were erased: nothing that leads back to them without the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedPerson:
    """When, and why: `privacy deletion` (HubSpot said so), `vanished` (HubSpot has the contact no more), `by hand`."""

    at: datetime
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What an erasure did, without personal data.

    Attributes:
        digest: keyed digest of the contact's id; the same person has the same one.
        removed: rows deleted or emptied, by table; empty where nothing was known of the person.
    """

    digest: str
    at: datetime
    cause: str
    removed: Mapping[str, int]
