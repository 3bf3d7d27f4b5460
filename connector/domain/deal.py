"""A deal, as far as a funnel needs it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.domain.contact import ContactId, OwnerId


class DealState(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """`amount` in the portal's currency; None where nobody entered one. `contacts`: all that it is associated with."""

    id: str
    contacts: tuple[ContactId, ...]
    state: DealState
    created_at: datetime
    modified_at: datetime
    closed_at: datetime | None = None
    amount: float | None = None
    owner: OwnerId | None = None
    lost_reason: str = ""
