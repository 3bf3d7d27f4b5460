"""A lead passed to sales: one handover and what became of it, with the instants that reports measure between.

Built from an episode, the path it went and the deals of its contact. What was there before Handoff, and what a person
undid, is not among them (R36, R41).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import NamedTuple

from connector.domain.activity import Channel
from connector.domain.contact import ContactId, OwnerId
from connector.domain.deal import Deal, DealState
from connector.domain.episode import UNANSWERED, Episode, EpisodeId, Hop, State
from connector.rules.reporting.numbers import Share
from connector.rules.sla import touches_made

Step = tuple[datetime, State]
"""When a run found the episode in a state."""


class Held(NamedTuple):
    """Who had a lead by one assignment, and since when."""

    owner: OwnerId | None
    since: datetime


UNKNOWN = "(not known)"
"""The group of leads of which a category is not known."""

INFERRED = "inferred"
"""The lane of episodes that were under way when Handoff came (domain/episode.py)."""

OPPORTUNITIES = frozenset({State.OPPORTUNITY, State.WON, State.LOST})
ACCEPTED = frozenset({State.ACCEPTED, State.SALES_QUALIFIED}) | OPPORTUNITIES
ANSWERED = frozenset(State) - UNANSWERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """One lead passed.

    Attributes:
        arrived_at: when the contact came into the CRM; None where nobody knows it any more (erased).
        opened_at, handed_at: signal and handover; reached, touched and ended: None where it did not come to that.
        answered_at: sales first said what it thinks: accepted, or an end. accepted_at: at least accepted.
        answer_due_at: until when sales has time for that; None where no clock says so.
        state: as it stands; exit_reason: of a hand-back. owner: who has it, or had it last.
        revenue: of the won deals credited to it; pipeline: of all that are; None where it has none, or none of them an
            amount.
        why: why it was passed, one sentence without personal data. rules: fingerprint of the rules that passed it.
        kinds: category -> value, such as origin -> social; a category that is not known is left out.
        again: whether the contact had been passed before.
        party: the telequalification that had it first, empty: none. passed_on_at: when, and caller: who there passed it
            on to a rep; None where that did not happen, or an agency without seats in the CRM did it (R12).
        touched_at: the first touch by anybody; own_touched_at: the first by whoever has it, or had it last.
        began: the assignments that were the first of their hop; every other one means that it changed hands.
        holders: assignment -> who had it then; empty where its path is not known.
        touches: calls, mails and meetings since the handover, oldest first; empty where no clock asks for so many.
        made: how many of each channel its present holder was seen to make, also where nobody knows any more when.
    """

    id: EpisodeId
    contact: ContactId
    lane: str
    owner: OwnerId | None
    arrived_at: datetime | None
    opened_at: datetime
    handed_at: datetime
    state: State
    party: str = ""
    passed_on_at: datetime | None = None
    caller: OwnerId | None = None
    touched_at: datetime | None = None
    own_touched_at: datetime | None = None
    answered_at: datetime | None = None
    accepted_at: datetime | None = None
    opportunity_at: datetime | None = None
    won_at: datetime | None = None
    ended_at: datetime | None = None
    exit_reason: str = ""
    answer_due_at: datetime | None = None
    revenue: float | None = None
    pipeline: float | None = None
    why: str = ""
    rules: str = ""
    kinds: Mapping[str, str]
    again: bool = False
    began: frozenset[int] = frozenset({1})
    holders: Mapping[int, Held] = field(default_factory=dict)
    touches: Sequence[tuple[datetime, Channel]] = ()
    made: Mapping[Channel, int] = field(default_factory=dict)

    def kind(self, category: str) -> str:
        return self.kinds.get(category, UNKNOWN)

    @property
    def is_open(self) -> bool:
        return not self.state.is_end

    def is_answerable(self, now: datetime) -> bool:
        """Whether sales has answered, or its time for that is over."""
        waits = self.state in UNANSWERED and self.accepted_at is None
        return not waits or self.answer_due_at is None or self.answer_due_at <= now

    @property
    def is_disputed(self) -> bool:
        """Sales says that it should not have come."""
        return self.state is State.JUNK or (self.state is State.RECYCLED and self.exit_reason == "bad_fit")


def passed(
    episode: Episode,
    path: Sequence[Step],
    deals: Sequence[Deal],
    *,
    arrived_at: datetime | None,
    kinds: Mapping[str, str],
    rules: str = "",
    began: Collection[int] = (1,),
    holders: Mapping[int, Held] = MappingProxyType({}),
    touches: Sequence[tuple[datetime, Channel]] = (),
    credited: Collection[str] | None = None,
    answer_due_at: datetime | None = None,
) -> Passed | None:
    """The lead of an episode; None where it was never handed over, is silent, or was undone.

    Args:
        path: oldest first; of an episode with a shorter path than its state (taken up from the CRM) the state counts.
        deals: all of the contact's; those that were made or closed since the episode opened are its own, unless it had
            ended when they were made.
        credited: ids of the deals whose money is this lead's (credit.py); None: of all its own.
        touches: all that sales ever made to the contact, oldest first.

    Where telequalification had it first, what they said of it is not what sales says (R12).
    """
    path = said_by_sales(episode, path)
    if not is_passed(episode) or episode.handed_off_at is None:
        return None
    own = [one for one in deals if is_own(one, episode)]
    won = [one for one in own if one.state is DealState.WON] if was_won(episode, path) else []
    won_at = _first(path, frozenset({State.WON}), episode)
    closed = min((one.closed_at for one in won if one.closed_at), default=None)
    return Passed(
        id=episode.id,
        contact=episode.contact,
        lane=episode.lane,
        owner=episode.owner,
        arrived_at=arrived_at,
        opened_at=episode.opened_at,
        handed_at=episode.handed_off_at,
        state=episode.state,
        party=episode.party,
        passed_on_at=episode.passed_on_at,
        caller=episode.caller,
        touched_at=episode.first_touched_at,
        own_touched_at=episode.touched_at,
        answered_at=_first(path, ANSWERED, episode),
        accepted_at=_first(path, ACCEPTED, episode),
        opportunity_at=_first(path, OPPORTUNITIES, episode),
        won_at=closed if won_at and closed else won_at,
        ended_at=episode.ended_at,
        exit_reason=episode.exit_reason,
        answer_due_at=answer_due_at,
        revenue=_sum(won, credited),
        pipeline=_sum(own, credited),
        why=episode.reason,
        rules=rules,
        kinds=kinds,
        again=episode.ordinal > 1,
        began=frozenset(began),
        holders=dict(holders),
        touches=tuple(one for one in touches if one[0] > episode.handed_off_at),
        made=touches_made(episode),
    )


def accepted(leads: Sequence[Passed], now: datetime) -> Share:
    """What sales accepted of the leads that it answered, or should have: those whose time runs say nothing yet."""
    return Share(sum(one.accepted_at is not None for one in leads), sum(one.is_answerable(now) for one in leads))


def said_by_sales(episode: Episode, path: Sequence[Step]) -> Sequence[Step]:
    """The path without what telequalification said; ends are ends, whoever said so."""
    if not episode.party:
        return path
    since = episode.passed_on_at
    return [(at, state) for at, state in path if state.is_end or (since is not None and at >= since)]


def states_of(episode: Episode, path: Sequence[Step]) -> frozenset[State]:
    """The states that sales ever had it in."""
    return frozenset(state for _, state in said_by_sales(episode, path))


def is_passed(episode: Episode) -> bool:
    """Whether it is a lead passed: handed over by Handoff, and nobody undid that (R36, R41)."""
    return not episode.silent and not episode.was_undone and episode.handed_off_at is not None


def is_own(deal: Deal, episode: Episode | Passed) -> bool:
    """Whether a deal of its contact can have come of it: made or closed since it opened, and made before it ended."""
    if episode.ended_at is not None and deal.created_at > episode.ended_at:
        return False
    return max(deal.created_at, deal.closed_at or deal.created_at) >= episode.opened_at


def was_won(episode: Episode, path: Sequence[Step]) -> bool:
    return episode.state is State.WON or any(state is State.WON for _, state in path)


def _first(path: Sequence[Step], states: frozenset[State], episode: Episode) -> datetime | None:
    """When it first came to one of these states; from its end, or its handover, where its path does not tell."""
    found = next((at for at, state in path if state in states), None)
    if found is None and episode.state in states and (episode.hop is Hop.SALES or episode.state.is_end):
        return episode.ended_at or episode.handed_off_at
    return found


def _sum(deals: Sequence[Deal], credited: Collection[str] | None) -> float | None:
    counted = [one for one in deals if credited is None or one.id in credited]
    amounts = [one.amount for one in counted if one.amount is not None]
    return sum(amounts) if amounts else None


def whole_days(start: datetime | None, end: datetime | None, zone: tzinfo) -> int | None:
    """Midnights between, in the portal's zone; None where one of the two is missing. Never below 0."""
    if start is None or end is None:
        return None
    return max(0, (local_day(end, zone) - local_day(start, zone)).days)


def local_day(at: datetime, zone: tzinfo) -> date:
    return at.astimezone(zone).date()


def span(start: datetime | None, end: datetime | None) -> timedelta | None:
    """Never below nothing: a touch from before the handover counts as none needed."""
    return max(end - start, timedelta(0)) if start is not None and end is not None else None
