"""Named: whom a command speaks of, for people at a terminal. Files, JSON and logs keep to ids (I10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from connector.domain.contact import Contact, ContactId, OwnerId
from connector.engine.ports import UnitOfWork
from connector.engine.report import RunReport


@dataclass(frozen=True, slots=True)
class Names:
    """Names by id; who has none is missing. `zone`: of the portal, an IANA name."""

    leads: Mapping[ContactId, str] = field(default_factory=dict)
    owners: Mapping[OwnerId, str] = field(default_factory=dict)
    zone: str = "UTC"


def name_of(contact: Contact) -> str:
    """First and last name, else the e-mail address; empty where neither is known."""
    names = [contact.text("first_name"), contact.text("last_name")]
    return " ".join(filter(None, names)) or contact.text("email")


def named(uow: UnitOfWork, report: RunReport) -> Names:
    """Those of the leads that a run planned for, and of everybody who may get one."""
    return names_of(uow, (lead.decision.contact for lead in report.planned))


def names_of(uow: UnitOfWork, contacts: Iterable[ContactId]) -> Names:
    """Those of these contacts, as far as they are known, and of every owner."""
    stored = uow.contacts(list(dict.fromkeys(contacts)))
    state = uow.portal_state()
    return Names(
        leads={contact: name for contact, row in stored.items() if (name := name_of(row.contact))},
        owners={owner.id: name for owner in uow.owners() if (name := owner.name or owner.email)},
        zone=state.time_zone if state else "UTC",
    )
