"""A record: a contact as the CRM sent it, before the rules give its values a meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from connector.domain.contact import ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One entry of a property's history. `by_person` is true for edits in the CRM's own pages or app (I2)."""

    value: str | None
    at: datetime
    source: str
    by_person: bool


COMPANY = "company."
"""Before the name of a property of the contact's primary company."""
NO_HISTORY: Mapping[str, tuple[Edit, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Wire values under the CRM's own property names.

    Attributes:
        id: as the CRM returned it; `asked_id` differs from it where a merge moved the contact.
        properties: text or None, only the properties asked for.
        merged_ids: contacts that were merged into this one, as far as the CRM tells (I12).
        addresses: e-mail addresses of the same person beside the first one, in lower case.
        history: newest first, only where asked for.
        company_modified_at: when the company whose properties lie beside the contact's own was last changed; None
            where none do.
    """

    id: ContactId
    asked_id: ContactId
    properties: Mapping[str, str | None]
    created_at: datetime
    modified_at: datetime
    archived: bool = False
    merged_ids: tuple[ContactId, ...] = ()
    addresses: tuple[str, ...] = ()
    history: Mapping[str, tuple[Edit, ...]] = field(default_factory=lambda: NO_HISTORY)
    company_modified_at: datetime | None = None

    def changed_at(self, prop: str) -> datetime:
        """When a property took its value at the latest: a company changes without its contacts."""
        if self.company_modified_at is None or not prop.startswith(COMPANY):
            return self.modified_at
        return max(self.modified_at, self.company_modified_at)
