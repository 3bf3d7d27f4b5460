"""A hint: the CRM said that something happened to a contact. What it was is read from the CRM itself (P4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.domain.contact import ContactId


class HintKind(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    MERGED = "merged"
    DELETED = "deleted"
    ERASED = "erased"  # a privacy deletion (I11)
    ANSWERED = "answered"  # its holder answered by a link (R20); not the CRM's word


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Attributes: id is a digest of what makes an event one event, so that its copies are one hint; occurred_at is the
    CRM's. No value of the contact's is kept."""

    id: str
    contact: ContactId
    kind: HintKind
    occurred_at: datetime
