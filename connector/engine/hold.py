"""Hold: which list is the suppression list, by its id, and that held contacts follow when it is another one (I1).

A list made anew under the old name, or another name in suppression.yaml, is another list with nobody of ours on it. Who
is still held goes onto it by an intent, in the usual order of write.py; who is not held any more leaves the former
list, each with an audit row. Others on either list are left alone: we did not put them there. See docs/decisions/0010.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby

from connector.domain.change import Change, ChangeKind
from connector.domain.contact import ContactId
from connector.domain.effect import effect_id
from connector.domain.episode import Episode
from connector.engine.context import BATCH, Context
from connector.engine.ports import AuditRow, Intent, UnitOfWork
from connector.rules.words import many

MOVED = "moved"
"""What stood before, in the change that puts a held contact onto another list: undoing a run leaves these alone."""


LOOK_AGAIN = timedelta(minutes=15)
"""So long after a look the list is taken for the same: runs may follow each other closely, and calls are dear (P8)."""


def _looked(name: str) -> str:
    """Name of the watermark that says when the list of this name was last looked up."""
    return f"list {name}"


def saw_list(context: Context, uow: UnitOfWork) -> None:
    """The list of the rules was looked up or written to just now."""
    uow.put_watermark(_looked(context.book.suppression.marketing_hold.list), context.now)


def keep_to_list(context: Context) -> bool:
    """Look which list is in force, now and then and only where somebody is held; whether somebody must move."""
    name = context.book.suppression.marketing_hold.list
    with context.store.reading() as uow:
        seen = uow.watermark(_looked(name))
        lately = seen is not None and context.now - seen < LOOK_AGAIN
        if not uow.anybody_on_list() or (lately and not uow.to_move(1, "")):
            return False
    found = context.crm.list_id(name, fresh=True)
    if found is None:
        context.troubles.append(
            f"the list “{name}” is not there or takes no members, so marketing may write to leads that sales holds; "
            "make it again or name another one in suppression.yaml: they are put on it by the next run"
        )
        return False
    with context.store.transaction() as uow:
        note_list(context, uow, found)
        saw_list(context, uow)
    return _plan_moves(context, name, found)


def leave_former(context: Context) -> None:
    """Whom nothing holds any more leaves the former list too; where that is gone, there is nothing to leave."""
    while True:
        with context.store.reading() as uow:
            found = uow.unheld_members(BATCH)
        if not found:
            return
        for list_id, rows in groupby(found, key=lambda row: row[0]):
            ids = [contact for _, contact in rows]
            left = context.crm.leave_list(list_id, ids)
            with context.store.transaction() as uow:
                uow.forget_members(list_id, ids)
                uow.audit(context.run.id, _left(list_id, ids, "written" if left else "gone"), context.now)


def note_list(context: Context, uow: UnitOfWork, found: str) -> None:
    """Remember by its id the list that was just looked up or written to."""
    former = uow.list_in_force()
    if former == found:
        return
    moved = uow.put_list_in_force(found, context.now)
    if former is None:
        return
    told = f"the suppression list is another one now ({former} → {found})"
    context.troubles.append(f"{told}; {many(moved, 'lead')} follow")
    inputs = {"former": former, "list": found, "leads": moved}
    row = AuditRow(
        effect=f"list:{former}:{found}", contact=None, episode=None, rule="list changed", inputs=inputs, outcome="noted"
    )
    uow.audit(context.run.id, [row], context.now)


def _plan_moves(context: Context, name: str, list_id: str) -> bool:
    """An intent for each contact that is held and not on the list in force (T1); gives whether there is any."""
    after, planned = "", False
    while True:
        with context.store.transaction() as uow:
            found = uow.to_move(BATCH, after)
            if not found:
                return planned
            episodes = uow.episodes(found)
            held = [one for contact in found for one in _last(episodes[contact]) if one.marketing_held]
            rows = [_intent(context, one, name, list_id) for one in held]
            uow.put_intents(rows)
            uow.audit(context.run.id, [_audit(row, list_id) for row in rows], context.now)
        after, planned = found[-1], True


def _last(episodes: Sequence[Episode]) -> Sequence[Episode]:
    """The last attempt that stood: its hold counts."""
    return [one for one in episodes if not one.was_undone][-1:]


def _intent(context: Context, episode: Episode, name: str, list_id: str) -> Intent:
    contact = episode.contact
    change = Change(contact=contact, kind=ChangeKind.LIST_ADD, field=name, before=MOVED, after=None)
    return Intent(
        id=effect_id(context.portal.id, contact, episode.id, "write", f"list:{list_id}", "crm"),
        run=context.run.id,
        contact=contact,
        episode=episode.id,
        changes=(change,),
        expected={},
        before=episode,
    )


def _audit(row: Intent, list_id: str) -> AuditRow:
    return AuditRow(
        effect=row.id,
        contact=row.contact,
        episode=row.episode,
        rule="list changed",
        inputs={"list": list_id},
        outcome="planned",
    )


def _left(list_id: str, ids: Sequence[ContactId], outcome: str) -> list[AuditRow]:
    one = AuditRow(
        effect="", contact=None, episode=None, rule="held no more", inputs={"former": list_id}, outcome=outcome
    )
    return [replace(one, effect=f"leave:{list_id}:{contact}", contact=contact) for contact in ids]
