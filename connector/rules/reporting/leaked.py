"""Leaked: marketing e-mails that went to leads which sales held, counted for reports (R11, R28)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from connector.domain.contact import ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaked:
    """One such mail. `contact`: None where the person is erased; `mail`, `campaign` (its id): may be empty."""

    contact: ContactId | None
    mail: str
    campaign: str
    told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakCount:
    """One mailing, and how often it did that."""

    mailing: str
    mails: int
    leads: int
    last_at: datetime


def by_mailing(leaks: Iterable[Leaked]) -> tuple[LeakCount, ...]:
    """The one that reached most leads first; by its name, and its campaign's id where it has none."""
    found: dict[str, list[Leaked]] = {}
    for one in leaks:
        found.setdefault(one.mail or f"campaign {one.campaign}", []).append(one)
    counted = [
        LeakCount(
            mailing=name, mails=len(some), leads=len({one.contact for one in some}),
            last_at=max(one.told_at for one in some),
        )
        for name, some in found.items()
    ]  # fmt: skip
    return tuple(sorted(counted, key=lambda one: (-one.leads, one.mailing)))
