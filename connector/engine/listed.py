"""Listed: who is handed over goes onto the suppression list before anybody is told of it (I1).

One call for a whole group of writes. Whoever is not handed over after all is taken off again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from connector.domain.change import ChangeKind
from connector.domain.contact import ContactId
from connector.engine.context import Context
from connector.engine.hold import MOVED
from connector.engine.ports import Intent
from connector.errors import UnknownPropertyError


@dataclass(slots=True)
class Listed:
    """What the CRM said when leads were to be put on their list.

    Attributes:
        list_id: of the list that took members; None where none was asked for.
        members: contacts that are on it now; gone: those that the CRM does not know any more.
        waiting: ids of intents whose list is not there.
    """

    list_id: str | None = None
    members: set[ContactId] = field(default_factory=set)
    gone: set[ContactId] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)


def put_on_lists(context: Context, intents: Sequence[Intent]) -> Listed:
    """Everybody of these intents who goes onto a list: a call for each list; safe to repeat."""
    listed = Listed()
    for name, rows in by_list(intents, ChangeKind.LIST_ADD).items():
        try:
            members = context.crm.add_to_list(name, [row.contact for row in rows])
        except UnknownPropertyError as error:
            listed.waiting |= wait_for_list(context, rows, error)
            continue
        listed.list_id = context.crm.list_id(name)
        listed.members |= members
        listed.gone |= {row.contact for row in rows} - members
    return listed


def take_off_again(context: Context, intents: Sequence[Intent]) -> None:
    """Those that were put on a list and are not written now; who is held already and only moved lists stays (I1)."""
    put_on = [row for row in intents if any(_puts_on(one.kind, one.before) for one in row.changes)]
    for name, rows in by_list(put_on, ChangeKind.LIST_ADD).items():
        try:
            context.crm.remove_from_list(name, [row.contact for row in rows])
        except UnknownPropertyError as error:
            wait_for_list(context, rows, error)


def wait_for_list(context: Context, rows: Sequence[Intent], error: UnknownPropertyError) -> set[str]:
    """No handover without the list, and no end of one either; the others go on (I1, P7). Gives the intents' ids."""
    trouble = f"{error}; {len(rows)} leads wait for it. {error.advice}"
    if trouble not in context.troubles:
        context.troubles.append(trouble)
    return {row.id for row in rows}


def by_list(rows: Sequence[Intent], kind: ChangeKind) -> dict[str, list[Intent]]:
    """The intents with such a change, by the list's name."""
    lists: dict[str, list[Intent]] = {}
    for row in rows:
        for change in row.changes:
            if change.kind is kind:
                lists.setdefault(change.field, []).append(row)
    return lists


def _puts_on(kind: ChangeKind, before: object) -> bool:
    return kind is ChangeKind.LIST_ADD and before != MOVED
