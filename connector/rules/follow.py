"""Follow: what became of an open episode, read from the CRM (R20, R25).

Who says what, strongest first: a won deal, the rep's verdict, a lost deal, lead status and stage, a logged touch. While
telequalification has the lead, these are its words: what means qualified or more passes the lead on (R12).
Says only how the episode stands now; what is written about it is plan's, who is told notify's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from connector.domain.contact import Contact, OwnerId
from connector.domain.deal import Deal, DealState
from connector.domain.episode import UNANSWERED, Episode, Hop, State
from connector.rules import recycling, stages
from connector.rules.rulebook import RuleBook
from connector.rules.stages import Projection


def follow(
    episode: Episode,
    contact: Contact,
    deals: Sequence[Deal],
    book: RuleBook,
    *,
    now: datetime,
    claimed: Sequence[datetime] = (),
) -> Episode:
    """The episode after everything that people and HubSpot did to it; the same value where nothing happened.

    `claimed`: when sales says that it called and did not log it.
    """
    moved = _owner_moved(episode, contact)
    touched = _touched(moved, contact, claimed)
    state = _state(touched, contact, deals, book)
    if state is touched.state:
        reacted = touched.inherited and _said_anew(touched, contact, deals, book, ours=book.stages.write.get(state))
        return replace(touched, inherited=False) if reacted else touched
    if state.is_end:
        return end(touched, state, contact, deals, book, now=now)
    moved_on = replace(touched, state=state, inherited=False)
    return replace(moved_on, inherited=_is_inherited(moved_on, contact, deals, book))


def _is_inherited(episode: Episode, contact: Contact, deals: Sequence[Deal], book: RuleBook) -> bool:
    """Whether the answer just read was given before whoever has it now got it: as if a run had come in between."""
    if episode.assignment == 1 or episode.state in UNANSWERED:
        return False
    return touches_count_from(episode, contact) is not None and not _said_anew(episode, contact, deals, book)


def _said_anew(
    episode: Episode, contact: Contact, deals: Sequence[Deal], book: RuleBook, *, ours: Projection | None = None
) -> bool:
    """Whether the episode's state is what was said since whoever has it now got it.

    Args:
        ours: status and stage that we write in this state; where they stand, they are nobody's word.
    """
    since = touches_count_from(episode, contact)
    if since is None:
        return False

    def is_new(at: datetime | None) -> bool:
        return at is not None and at > since

    def was_set(field: str, echo: str | None) -> bool:
        is_echo = bool(echo) and contact.text(field).lower() == str(echo).lower()
        return is_new(contact.changed_at.get(field)) and not is_echo

    said = recycling.answer(contact, book.recycling) if was_set("verdict", None) else None
    shown = stages.reported_state(
        contact,
        book.stages,
        by_status=was_set("status", ours.status if ours else None),
        by_stage=was_set("stage", ours.stage if ours else None),
    )
    made = _by_deals(episode, [deal for deal in deals if is_new(deal.created_at) or is_new(deal.closed_at)])
    return episode.state in (said, shown, made)


def end(
    episode: Episode,
    state: State,
    contact: Contact,
    deals: Sequence[Deal],
    book: RuleBook,
    *,
    now: datetime,
    said: str = "",
) -> Episode:
    """The episode ended in `state`, with reason, track and return condition where it goes back to marketing."""
    ended = replace(episode, state=state, ended_at=now, inherited=False)
    if state is State.WON:
        return ended
    reason = said or next((deal.lost_reason for deal in deals if deal.state is DealState.LOST and deal.lost_reason), "")
    back = recycling.recycle(contact, state, book.recycling, ended_at=now, said=reason)
    if state is State.JUNK:
        return replace(ended, exit_reason=said or back.reason)
    return replace(ended, exit_reason=back.reason, track=back.track, wakes_at=back.wakes_at)


PASSING_ON = frozenset({State.TELEQUALIFIED, State.SALES_QUALIFIED, State.OPPORTUNITY})
"""What telequalification says when a rep is to take the lead over."""


def _owner_moved(episode: Episode, contact: Contact) -> Episode:
    """A person gave the contact to somebody else: the episode, packet and clock follow (design.md, section 2)."""
    owner = contact.owner
    if owner is None or owner == episode.owner:
        return episode
    if episode.hop is Hop.TELEQUALIFICATION and not _was_given(episode, contact):
        return episode  # an agency has it, or owners are not overwritten: the CRM shows who owned it all along
    if episode.owner is None:
        return replace(episode, owner=owner)
    return replace(taken_over(episode), owner=owner)


def taken_over(episode: Episode) -> Episode:
    """As whoever has it next finds it, untouched by them (R17); an answer that was given stands."""
    begins = State.HANDED_OFF if episode.passed_on_at is None else State.TELEQUALIFIED
    return replace(
        episode,
        assignment=episode.assignment + 1,
        state=begins if episode.state is State.WORKING else episode.state,
        touched_at=None,
        caller_touched_at=episode.first_touched_at,
        former_owners=had(episode),
        inherited=episode.state not in UNANSWERED,
    )


def had(episode: Episode) -> tuple[OwnerId, ...]:
    """Everybody who has, or had, the lead in this episode, oldest first (R17)."""
    holder = (episode.owner,) if episode.owner is not None else ()
    return (*(one for one in episode.former_owners if one not in holder), *holder)


def touches_count_from(episode: Episode, contact: Contact) -> datetime | None:
    """When whoever has it now got it, be it from somebody else on the same hop; None before the handover."""
    start, given_at = episode.held_since, contact.changed_at.get("owner")
    if start is None or given_at is None or episode.assignment == 1 or contact.owner != episode.owner:
        return start
    return max(start, given_at)


def _was_given(episode: Episode, contact: Contact) -> bool:
    """Whether a person set the owner since the handover; what a new contact came with was not given."""
    given_at = contact.changed_at.get("owner")
    return _since_handoff(episode, contact, "owner") and given_at is not None and given_at > contact.created_at


def _touched(episode: Episode, contact: Contact, claimed: Sequence[datetime]) -> Episode:
    """The first touch that its holder logged or claimed since they have it; earlier ones belong to the past."""
    start = touches_count_from(episode, contact)
    if episode.touched_at is not None or start is None:
        return episode
    logged = [at for name in ("first_touch_at", "last_touch_at") if (at := contact.instant(name))]
    touches = [at for at in (*logged, *claimed) if at > start]
    return replace(episode, touched_at=min(touches)) if touches else episode


def _state(episode: Episode, contact: Contact, deals: Sequence[Deal], book: RuleBook) -> State:
    by_deal = _by_deals(episode, deals)
    by_verdict = recycling.answer(contact, book.recycling) if _since_handoff(episode, contact, "verdict") else None
    by_status = _by_status(episode, contact, book)
    by_touch = State.WORKING if episode.touched_at is not None else None
    if State.WON in (by_deal, by_status):
        return State.WON
    for said in (by_verdict, by_deal, by_status):
        if said is not None and said.is_end:
            return said
    said_open = [state for state in (by_deal, by_verdict, by_status) if state is not None]
    if episode.hop is Hop.TELEQUALIFICATION and PASSING_ON.intersection(said_open):
        return State.TELEQUALIFIED
    ours = [state for state in said_open if state is not State.TELEQUALIFIED]  # a caller's word, and no rep's
    return max([*ours, *([by_touch] if by_touch else []), episode.state], key=lambda state: state.rank)


def _by_deals(episode: Episode, deals: Sequence[Deal]) -> State | None:
    """Only deals that were made, or closed, since the episode opened say anything about it.

    One that telequalification made is its word; what becomes of it later is the rep's (R12).
    """
    ours = [deal for deal in deals if _counts(episode, deal.created_at) or _counts(episode, deal.closed_at)]
    found = {deal.state for deal in ours}
    if DealState.WON in found:
        return State.WON
    if DealState.OPEN in found:
        return State.OPPORTUNITY
    return State.LOST if found else None


def _counts(episode: Episode, at: datetime | None) -> bool:
    if at is None:
        return False
    return at >= episode.opened_at if episode.passed_on_at is None else at > episode.passed_on_at


def _by_status(episode: Episode, contact: Contact, book: RuleBook) -> State | None:
    """Status and stage each count when set since the handoff; a silent episode has no handoff: they all count.

    An existing customer stays one through a new episode, and that wins nothing (R16).
    """
    return stages.reported_state(
        contact,
        book.stages,
        by_status=_since_handoff(episode, contact, "status"),
        by_stage=_since_handoff(episode, contact, "stage"),
    )


def _since_handoff(episode: Episode, contact: Contact, field: str) -> bool:
    start = episode.held_since
    if start is None:
        return True
    changed = contact.changed_at.get(field)
    if changed is None:
        return False
    return changed > start if episode.passed_on_at is not None else changed >= start
