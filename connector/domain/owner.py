"""An owner: someone who sells."""

from __future__ import annotations

from dataclasses import dataclass

from connector.domain.contact import OwnerId


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A user of the CRM to whom contacts can be given. Archived ones never are (R12)."""

    id: OwnerId
    name: str
    email: str
    archived: bool = False
    teams: tuple[str, ...] = ()
