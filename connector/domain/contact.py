"""A contact as the rules see it: one person in the CRM, with values under Handoff's own field names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import NewType

PortalId = NewType("PortalId", str)
ContactId = NewType("ContactId", str)
OwnerId = NewType("OwnerId", str)

Value = str | float | bool | datetime | date | tuple[str, ...] | None
"""What a field may hold: text, number, yes/no, an aware UTC instant, a day, several choices, or nothing."""

EMPTY: Mapping[str, datetime] = MappingProxyType({})


def require_aware(moment: datetime, name: str) -> datetime:
    """Refuse a naive datetime where an instant is meant; hours would shift silently."""
    if moment.tzinfo is None:
        raise ValueError(f"{name} needs a time zone")
    return moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One contact after normalising.

    Attributes:
        fields: by name in mappings/fields.yaml; a name that is absent is empty.
        changed_at: when each field took its present value, where the CRM or our own reading told; UTC.
        problems: what could not be read, one sentence each, without the value itself (I10).
    """

    id: ContactId
    created_at: datetime
    modified_at: datetime
    fields: Mapping[str, Value]
    changed_at: Mapping[str, datetime] = field(default_factory=lambda: EMPTY)
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_aware(self.created_at, "created_at")
        require_aware(self.modified_at, "modified_at")

    def get(self, name: str) -> Value:
        return self.fields.get(name)

    def text(self, name: str) -> str:
        """The field as text; empty when it holds nothing."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else "" if value is None else str(value)

    def instant(self, name: str) -> datetime | None:
        value = self.fields.get(name)
        return value if isinstance(value, datetime) else None

    @property
    def owner(self) -> OwnerId | None:
        text = self.text("owner")
        return OwnerId(text) if text else None
