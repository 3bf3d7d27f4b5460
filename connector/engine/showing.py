"""Showing: whose lead it is, written anew into a record that does not show it though nobody took the lead away."""

from __future__ import annotations

from collections.abc import Sequence

from connector.domain.change import Change
from connector.domain.effect import effect_id
from connector.domain.episode import Episode
from connector.engine.context import Context
from connector.engine.ports import Intent, StoredContact, UnitOfWork
from connector.engine.races import SHARED
from connector.rules.fields import property_of


def show(
    context: Context, uow: UnitOfWork, episode: Episode, stored: StoredContact, changes: Sequence[Change], key: str
) -> bool:
    """Plan the write, which goes the way of every write (I2); the contact is decided once it has its answer.

    False where something is being written to the contact still.
    """
    contact, rules = stored.contact.id, context.book.fields
    if any(row.status == "open" for row in uow.intents_of([contact])):
        return False
    guarded = {*SHARED, *(change.field for change in changes)}
    intent = Intent(
        id=effect_id(context.portal.id, contact, episode.id, "write", key, "crm"),
        run=context.run.id,
        contact=contact,
        episode=episode.id,
        changes=tuple(changes),
        expected={prop: stored.raw.get(prop) for prop in sorted(property_of(name, rules) for name in guarded)},
        before=episode,
    )
    uow.put_intents([intent])
    context.on_the_way.add(contact)
    return True
