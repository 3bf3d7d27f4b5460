"""Withdraw: what was told of a write that a person had undone (R36).

Called where the undoing write is known to stand in the CRM, in that transaction (T2), whichever process finds out: a
notice that still waits is cancelled, one that may have arrived is followed by `lead.withdrawn` to the same destination.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from connector.domain.contact import ContactId, OwnerId
from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode
from connector.domain.notice import Notice, NoticeKind
from connector.domain.owner import Owner
from connector.domain.run import UNDO, RunId
from connector.engine.context import Context
from connector.engine.notify import Teller, entry_for
from connector.engine.ports import Entry, Intent, StoredContact, UnitOfWork

WHY = "a person undid the run that it tells of"
TAKEN_BACK = (NoticeKind.LEAD_HANDED_OFF, NoticeKind.LEAD_MOVED, NoticeKind.LEAD_RECYCLED)
"""Others tell of what happened, and that stays true."""


def withdraw(context: Context, uow: UnitOfWork, rows: Sequence[Intent]) -> None:
    """Settle what hangs on these undoing intents, which have just been written."""
    if not rows:
        return
    ids = [row.contact for row in rows]
    stored, episodes, written = uow.contacts(ids), uow.episodes(ids), uow.written_intents(ids)
    owners = {owner.id: owner for owner in uow.owners()}
    for row in rows:
        episode = next((one for one in episodes[row.contact] if one.id == row.episode), None)
        known = stored.get(row.contact)
        if episode is None or known is None:
            continue
        target = undone_by(row.run)
        undone = [one for one in written[row.contact] if one.run == target]
        told = uow.entries_of([one.id for one in undone])
        uow.cancel_named_entries([one.id for one in told if one.tries == 0], WHY)
        if episode.was_undone:
            episode = _end(context, uow, episode, known)
        for one in undone:
            if one.turn is not None:
                uow.hand_back_turn(*one.turn)
        arrived = _arrived(told)
        fresh = list(_entries(context, known, episode, row, arrived, owners))
        uow.cancel_named_entries([one.id for one in told if one.status == "due"], WHY)
        context.counts.notices_queued += uow.put_entries(fresh)


def foreseen(context: Context, uow: UnitOfWork, intents: Sequence[Intent]) -> tuple[int, int]:
    """How many notices of these writes would be withdrawn, and how many cancelled, if they were undone now."""
    told = uow.entries_of([one.id for one in intents])
    withdrawn = [one for one in _arrived(told) if one.destination in context.destinations]
    return len(withdrawn), sum(one.status in ("held", "due") for one in told)


def _arrived(told: Sequence[Entry]) -> list[Entry]:
    """Those that may have been read, and are not true any more."""
    return [one for one in told if one.kind in TAKEN_BACK and (one.status in ("sent", "digested") or one.tries)]


def undone_by(run: RunId) -> RunId:
    """The run that an undoing one takes back."""
    return RunId(run.removeprefix(UNDO))


def _end(context: Context, uow: UnitOfWork, episode: Episode, known: StoredContact) -> Episode:
    """It ends with our own write, so that the stage which that put back is not taken for a person's new word (R24)."""
    ended = replace(episode, ended_at=max(context.now, known.contact.modified_at))
    uow.put_episode(ended, at=context.now, cause="undone")
    uow.cancel_contact_entries([episode.contact], WHY)
    return ended


def _entries(
    context: Context,
    known: StoredContact,
    episode: Episode,
    row: Intent,
    told: Sequence[Entry],
    owners: Mapping[OwnerId, Owner],
) -> Iterator[Entry]:
    decision = Decision(
        contact=ContactId(row.contact),
        as_of=context.now,
        fingerprint=context.book.fingerprint,
        action=Action.END,
        sentence=f"A person undid what Handoff did in {undone_by(row.run)}.",
        before=row.before,
        episode=episode,
    )
    teller = Teller(context, decision, known.contact, (), None, dict(owners))
    for one in told:
        if one.destination not in context.destinations:
            context.troubles.append(f"{one.destination} was told of a lead and is gone; it cannot be told otherwise")
            continue
        notice: Notice = teller.notice(NoticeKind.LEAD_WITHDRAWN, one.owner, f"undo:{one.id}")
        entry = entry_for(context, notice, one.destination, None, context.now)
        yield replace(entry, intent=row.id)
