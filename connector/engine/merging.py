"""Merging: of two leads that turned out to be one person, one goes on, and the survivor's record shows it (I12).

Moving what is kept from one contact to the other is the store's (store/merges.py); when a merge is seen is pull's.
"""

from __future__ import annotations

from dataclasses import replace

from connector.domain.contact import ContactId
from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode, Hop, State
from connector.domain.notice import NoticeKind
from connector.engine.context import Context
from connector.engine.notify import Teller, entries
from connector.engine.ports import StoredContact, UnitOfWork
from connector.engine.showing import show
from connector.rules.plan import shown_anew

WORDS = "Two leads turned out to be one person; the one that is further goes on."


def merge(context: Context, uow: UnitOfWork, gone: ContactId, survivor: ContactId) -> Episode | None:
    """Everything of `gone` goes on under the survivor.

    Returns:
        the open episode that came with it and goes on, which the survivor's record may not show; None where none did.
    """
    came = {episode.id for episode in uow.episodes([gone])[gone]}
    uow.merge_contact(gone, survivor)
    uow.mark_dirty([survivor], "merged")
    kept = _keep_one_open(context, uow, survivor)
    return kept if kept is not None and kept.id in came and not kept.silent else None


def _keep_one_open(context: Context, uow: UnitOfWork, survivor: ContactId) -> Episode | None:
    """Of two attempts to sell to what turned out to be one person, the one that is further goes on (P3, I12).

    A rep's is further than one of telequalification, whatever has been said on it.
    """
    still_open = [episode for episode in uow.episodes([survivor])[survivor] if episode.is_open]
    further = sorted(still_open, key=_how_far)
    for episode in further[:-1]:
        ended = replace(episode, state=State.RECYCLED, exit_reason="merged", ended_at=context.now, marketing_held=False)
        uow.put_episode(ended, at=context.now, cause="merged")
        if context.writes and episode.held_since is not None and not episode.silent:
            _tell(context, uow, episode, ended, further[-1])
    return further[-1] if further else None


def _how_far(episode: Episode) -> tuple[bool, bool, int, int]:
    return (not episode.silent, episode.hop is Hop.SALES, episode.state.rank, -episode.ordinal)


def _tell(context: Context, uow: UnitOfWork, lost: Episode, ended: Episode, kept: Episode) -> None:
    """Who had the lead that does not go on hears of it, unless they have the other one too."""
    if (lost.owner, lost.hop) == (kept.owner, kept.hop):
        return
    decision = Decision(
        contact=lost.contact,
        as_of=context.now,
        fingerprint=context.book.fingerprint,
        action=Action.END,
        sentence=WORDS,
        before=lost,
        episode=ended,
    )
    contact = uow.contacts([lost.contact])[lost.contact].contact
    teller = Teller(context, decision, contact, (), None, {owner.id: owner for owner in uow.owners()})
    notice = teller.notice(NoticeKind.LEAD_WITHDRAWN, lost.owner, str(lost.assignment), of=lost)
    context.counts.notices_queued += uow.put_entries(entries(context, [notice], None, due_at=context.now))


def show_anew(context: Context, uow: UnitOfWork, episode: Episode, stored: StoredContact) -> None:
    """Write whose lead it is into the survivor's record, before that is read as what people did to this lead.

    The contact is decided once the write has its answer.
    """
    changes = shown_anew(episode, stored.contact, context.book) if context.writes else ()
    if changes:
        show(context, uow, episode, stored, changes, f"merged:{episode.assignment}:{stored.contact.id}")
