"""An episode: one attempt to sell to one contact, from qualifying to an end (design.md, section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import NewType

from connector.domain.contact import ContactId, OwnerId, PortalId

EpisodeId = NewType("EpisodeId", str)


class State(StrEnum):
    """In the order of the funnel; the last five are ends."""

    QUALIFIED = "qualified"
    HANDED_OFF = "handed_off"
    TELEQUALIFIED = "telequalified"  # passed on to a rep who has not answered yet
    WORKING = "working"
    ACCEPTED = "accepted"
    SALES_QUALIFIED = "sales_qualified"
    OPPORTUNITY = "opportunity"
    WON = "won"
    LOST = "lost"
    RECYCLED = "recycled"
    JUNK = "junk"
    UNREACHABLE = "unreachable"

    @property
    def is_end(self) -> bool:
        return self in ENDS

    @property
    def rank(self) -> int:
        return RANKS[self]


ENDS = frozenset({State.WON, State.LOST, State.RECYCLED, State.JUNK, State.UNREACHABLE})
UNANSWERED = frozenset({State.QUALIFIED, State.HANDED_OFF, State.TELEQUALIFIED, State.WORKING})
"""Who has the lead has not said yet what they think of it."""
RANKS = {state: rank for rank, state in enumerate(State)}


class Hop(StrEnum):
    """In whose hands an open episode is (R12)."""

    TELEQUALIFICATION = "telequalification"
    SALES = "sales"


UNDONE = "undone"
"""Exit reason of an episode whose handover a person undid (R36)."""


def episode_id(portal: PortalId, contact: ContactId, ordinal: int) -> EpisodeId:
    """The id of the contact's n-th episode (from 1): made at opening, never recomputed, not even after a merge."""
    return EpisodeId("ep_" + sha256(f"{portal}|{contact}|{ordinal}".encode()).hexdigest()[:20])


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One episode as it stands.

    Attributes:
        lane: why it is worked this way: `hand_raiser`, `score`, `request`, `customer` or `inferred`.
        reason: one sentence for the rep, without ids.
        silent: taken in from a living portal and not adopted yet (R41): no clock, list entry, write or notice.
        assignment: 1 for the first owner, one more for each change of owner or hop; part of effect ids (I5).
        opened_at: the instant of the signal that opened it; handed_off_at: as_of of the run that handed it over.
        exit_reason: recycle reason, as in mappings/recycling.yaml; empty otherwise.
        track: nurture track after a hand-back (R22).
        wakes_at: when the return condition of a hand-back comes due; None where only new interest wakes it.
        signal_at: the newest hand-raise that the holder was told of (R40); None until one came after the handoff.
        interest_told_at: when the holder was last told of other strong interest (R40); None: never.
        calls, mails, meetings: how often sales reached out since whoever has it got it; 0 where no clock counts them.
        waiting_since: when sales was first seen to wait for the customer, while it does (R17); None: it does not.
        marketing_held: whether the contact belongs on the suppression list for this episode (R11).
        undone: how often a person undid one of its moves (R36); part of effect ids (I5).
        party: the telequalification that works it, or did before a rep; empty where it went straight to sales.
        passed_on_at: when telequalification had passed it on to a rep, and words of theirs said no more of it.
        caller: who passed it on; None where nobody did yet, or an agency without seats in the CRM.
        touched_at: the first touch by whoever has it now; caller_touched_at: the first by anybody who had it before.
        former_owners: who had it before whoever has it now got it, oldest first, each once (R17).
        inherited: the answer that stands was given by one of them; who has it now has still to react.
    """

    id: EpisodeId
    contact: ContactId
    ordinal: int
    state: State
    lane: str
    opened_at: datetime
    owner: OwnerId | None = None
    reason: str = ""
    silent: bool = False
    assignment: int = 1
    handed_off_at: datetime | None = None
    touched_at: datetime | None = None
    ended_at: datetime | None = None
    exit_reason: str = ""
    track: str = ""
    wakes_at: datetime | None = None
    signal_at: datetime | None = None
    interest_told_at: datetime | None = None
    waiting_since: datetime | None = None
    calls: int = 0
    mails: int = 0
    meetings: int = 0
    marketing_held: bool = False
    undone: int = 0
    party: str = ""
    passed_on_at: datetime | None = None
    caller: OwnerId | None = None
    caller_touched_at: datetime | None = None
    former_owners: tuple[OwnerId, ...] = ()
    inherited: bool = False

    @property
    def hop(self) -> Hop:
        return Hop.TELEQUALIFICATION if self.party and self.passed_on_at is None else Hop.SALES

    @property
    def held_since(self) -> datetime | None:
        """When whoever has it now, telequalification or sales, got it; None before the handover."""
        return self.passed_on_at or self.handed_off_at

    @property
    def first_touched_at(self) -> datetime | None:
        """The first touch by anybody, on whichever hop."""
        return self.caller_touched_at or self.touched_at

    @property
    def was_undone(self) -> bool:
        """A person took the handover back: for what follows it is as if it had not been, and nothing is forgotten."""
        return self.exit_reason == UNDONE

    @property
    def is_open(self) -> bool:
        return not self.state.is_end
