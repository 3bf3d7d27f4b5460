"""Late: clocks kept and missed, by owner and by cause (R17, R19, R28).

A clock was missed where its time ran out while it ran: the timers say so, whatever the rules are today. Why it was
missed is told from what is known of the lead; only one cause is named, the first that applies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from connector.domain.activity import Channel
from connector.domain.contact import OwnerId
from connector.domain.episode import EpisodeId, Hop
from connector.rules.lanes import limit_in_words
from connector.rules.reporting.numbers import Share, nearest_rank
from connector.rules.reporting.passed import Passed
from connector.rules.sla import ClockRules, SlaRules, Until, are_enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The limit of one clock on one lead. `missed_at`: when its time was found to be up; None while it still runs."""

    episode: EpisodeId
    clock: str
    assignment: int
    due_at: datetime
    missed_at: datetime | None


class Why(StrEnum):
    """Why a clock was missed, the first that applies."""

    NOT_TOLD = "not_told"  # the notice was not delivered before the time was up
    LEFT = "left"  # the owner is archived in the CRM
    CHANGED_HANDS = "changed_hands"  # it was not its first owner's any more
    TOO_LATE = "too_late"  # what was due came, after the time was up
    NOTHING = "nothing"  # what was due has not come at all


WHY: Mapping[Why, str] = {
    Why.NOT_TOLD: "the notice did not arrive in time",
    Why.LEFT: "the owner has left",
    Why.CHANGED_HANDS: "the lead had changed hands",
    Why.TOO_LATE: "what was due came too late",
    Why.NOTHING: "what was due has not come",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """One clock missed by `owner`; `late_by`: what was due came so long after; None: it has not, or it is not known."""

    lead: Passed
    owner: OwnerId | None
    clock: str
    due_at: datetime
    why: Why
    late_by: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One clock: `kept` of those whose time is over or that were stopped; `running` are neither."""

    clock: str
    label: str
    limit: str
    kept: Share
    running: int
    late_median: timedelta | None
    causes: tuple[tuple[Why, int], ...]
    owners: tuple[tuple[OwnerId | None, Share], ...]


def missed(
    leads: Sequence[Passed],
    limits: Sequence[Limit],
    rules: SlaRules,
    *,
    told_at: Mapping[EpisodeId, datetime | None],
    gone: Collection[OwnerId],
) -> tuple[Missed, ...]:
    """Every clock that was missed on these leads, oldest first; of one clock with several owners each counts.

    Args:
        told_at: when the notice of a handover was delivered, None where it never was; leads without any notice (none is
            configured) are missing.
        gone: owners that are archived.
    """
    by_id = {one.id: one for one in leads}
    found = [
        _missed(by_id[limit.episode], limit, rules, told_at, gone)
        for limit in limits
        if limit.missed_at is not None and limit.episode in by_id
    ]
    return tuple(sorted(found, key=lambda one: (one.due_at, one.lead.id)))


def _missed(
    lead: Passed,
    limit: Limit,
    rules: SlaRules,
    told_at: Mapping[EpisodeId, datetime | None],
    gone: Collection[OwnerId],
) -> Missed:
    held, until = lead.holders.get(limit.assignment), _held_until(lead, limit.assignment)
    owner = held.owner if held is not None else _holder(lead, rules.clocks.get(limit.clock))
    came = _came(lead, limit, rules)
    if came is not None and until is not None and came > until and came != lead.passed_on_at:
        came = None
    late = came - limit.due_at if came is not None and came > limit.due_at else None
    told = told_at.get(lead.id, lead.handed_at)
    if told is None or told > limit.due_at:
        why = Why.NOT_TOLD
    elif owner in gone:
        why = Why.LEFT
    elif limit.assignment not in lead.began:
        why = Why.CHANGED_HANDS
    else:
        why = Why.TOO_LATE if late is not None or _came_some_day(lead, limit, rules) else Why.NOTHING
    return Missed(lead=lead, owner=owner, clock=limit.clock, due_at=limit.due_at, why=why, late_by=late)


def _held_until(lead: Passed, assignment: int) -> datetime | None:
    """When somebody else got it; what came after that is theirs. None where nobody did."""
    return min((one.since for number, one in lead.holders.items() if number > assignment), default=None)


def _came(lead: Passed, limit: Limit, rules: SlaRules) -> datetime | None:
    """When what the clock waits for came."""
    asks = rules.clocks.get(limit.clock)
    match asks.until if asks is not None else Until.END:
        case Until.TOUCH:
            return _first(lead.touched_at, lead.answered_at)
        case Until.TOUCHES:
            assert asks is not None
            return _first(_enough_at(lead, limit, asks), lead.answered_at)
        case Until.VERDICT:
            return lead.answered_at
        case Until.END:
            passed_on = asks is not None and asks.hop is Hop.TELEQUALIFICATION
            return (lead.passed_on_at if passed_on else None) or lead.ended_at


def _came_some_day(lead: Passed, limit: Limit, rules: SlaRules) -> bool:
    """Whether there were touches enough, though it is not known any more when: an erased contact has no history."""
    asks = rules.clocks.get(limit.clock)
    if asks is None or asks.until is not Until.TOUCHES or lead.touches:
        return False
    return _by_sales(lead, limit.missed_at or limit.due_at) and are_enough(asks, lead.made)


def _enough_at(lead: Passed, limit: Limit, clock: ClockRules) -> datetime | None:
    """When the last touch came that the clock asks for; of a lead that was passed on each hop has its own (R12)."""
    made: Counter[Channel] = Counter()
    for at, channel in lead.touches:
        if _by_sales(lead, at) == _by_sales(lead, limit.missed_at or limit.due_at):
            made[channel] += 1
            if are_enough(clock, made):
                return at
    return None


def _by_sales(lead: Passed, at: datetime) -> bool:
    """Whether it was past telequalification then."""
    return lead.passed_on_at is None or at > lead.passed_on_at


def _first(*instants: datetime | None) -> datetime | None:
    return min((at for at in instants if at is not None), default=None)


def boards(
    leads: Sequence[Passed], limits: Sequence[Limit], misses: Sequence[Missed], rules: SlaRules
) -> tuple[Board, ...]:
    """One for each clock of the rules. A lead of a lane without a limit does not count for that clock."""
    running = {(one.episode, one.clock) for one in limits if one.missed_at is None}
    found = []
    for name, clock in rules.clocks.items():
        timed = [one for one in leads if _ran(clock, one)]
        late = {one.lead.id: one for one in misses if one.clock == name}
        over = [one for one in timed if one.id in late or (one.id, name) not in running]
        spans = sorted(one.late_by for one in late.values() if one.late_by is not None)
        whose = {one.id: late[one.id].owner if one.id in late else _holder(one, clock) for one in over}
        owners = sorted(set(whose.values()), key=lambda owner: (owner is None, owner or ""))
        found.append(
            Board(
                clock=name,
                label=clock.label,
                limit=limit_in_words(clock),
                kept=Share(sum(one.id not in late for one in over), len(over)),
                running=len(timed) - len(over),
                late_median=nearest_rank(spans, 50),
                causes=tuple(sorted(Counter(one.why for one in late.values()).items(), key=lambda i: (-i[1], i[0]))),
                owners=tuple((owner, _kept([o for o in over if whose[o.id] == owner], late)) for owner in owners),
            )
        )
    return tuple(found)


def _ran(clock: ClockRules, lead: Passed) -> bool:
    """Whether it ever ran on the lead: its lane has a limit, and the lead came to the hop that it is for (R12)."""
    if clock.limit_of(lead.lane) is None:
        return False
    if clock.hop is Hop.TELEQUALIFICATION:
        return bool(lead.party)
    return clock.hop is None or not lead.party or lead.passed_on_at is not None


def _holder(lead: Passed, clock: ClockRules | None) -> OwnerId | None:
    """Whose clock it was where it was kept: the caller's where it is telequalification's, else the owner's.

    A lead that telequalification did not pass on, because it still has it or it ended there, is owned by the caller.
    """
    of_caller = clock is not None and clock.hop is Hop.TELEQUALIFICATION and lead.passed_on_at is not None
    return lead.caller if of_caller else lead.owner


def _kept(own: Sequence[Passed], late: Mapping[EpisodeId, Missed]) -> Share:
    return Share(sum(one.id not in late for one in own), len(own))
