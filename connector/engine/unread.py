"""Unread: a record that cannot be taken in is set aside with a reason, and the others go on (P5).

It is read again once a run, three runs long, and whenever it changes in the CRM; `handoff sync --full` tries it too.
Until it is read nothing is decided about its contact: what is stored of it is older than what the CRM shows (P7).
"""

from __future__ import annotations

from connector.domain.contact import ContactId
from connector.engine.context import Context
from connector.engine.ports import UnitOfWork
from connector.errors import ContractError

GIVE_UP_AFTER = 3
"""A contact that fails this often is not tried again before it changes (P5)."""

TOO_MANY = 500
"""So many in one run are no odd records but a mistake of the rules or of ours: the run stops and nothing is lost."""


def set_unread(context: Context, uow: UnitOfWork, contact: ContactId, error: Exception) -> None:
    """The record of this contact broke us; once a run it is counted."""
    if contact in context.failed:
        return
    context.failed.add(contact)
    context.unread.add(contact)
    where = place_of(error)
    if len(context.failed) > TOO_MANY:
        raise ContractError(
            f"more than {TOO_MANY} contacts could not be read ({where}), the last one {contact}",
            advice="Nothing was lost: the run goes on where it stopped. Undo the last change of mappings/ or of the "
            "version, and report it.",
        ) from None
    tries = uow.put_quarantine(contact, f"could not be read: {where}", context.now, unread=True)
    context.counts.quarantined += 1
    context.troubles.append(f"contact {contact} could not be read ({where}); try {tries}")


def set_read(context: Context, uow: UnitOfWork, contact: ContactId) -> None:
    """Its record was taken in, or is no more."""
    if contact in context.unread:
        context.unread.discard(contact)
        uow.clear_quarantine([contact])


def place_of(error: Exception) -> str:
    """Kind and place of an error; never its text, which may hold a person's data (I10)."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_name}:{place.tb_lineno}" if place else "?"
    return f"{type(error).__name__} in {where}"
