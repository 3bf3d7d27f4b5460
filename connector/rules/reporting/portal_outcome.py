"""What became of a contact that was ready for sales before Handoff, as its deals, stage and status tell (R25).

What nobody said is not known, and is never taken for lost.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from connector.domain.deal import Deal, DealState
from connector.domain.episode import State
from connector.domain.record import Record
from connector.domain.stage import Stage
from connector.rules.fields import property_of
from connector.rules.reporting.passed import ACCEPTED, OPPORTUNITIES, Step
from connector.rules.reporting.portal_past import READY
from connector.rules.rulebook import RuleBook
from connector.rules.stages import STAGE_MEANS
from connector.rules.values import READERS, FieldType, Unreadable

BEFORE_SALES = frozenset({Stage.SUBSCRIBER, Stage.LEAD})
"""Stages that say, after a contact was ready, that marketing has it again."""


class PortalOutcome(NamedTuple):
    """`state` None: nobody said. `revenue`: of the won deals put down to this contact; None where none has an amount.

    `undated`: a deal was closed before the contact was ready, by its own date; it counts as closed on that day.
    """

    state: State | None
    touched_at: datetime | None = None
    accepted_at: datetime | None = None
    opportunity_at: datetime | None = None
    won_at: datetime | None = None
    ended_at: datetime | None = None
    revenue: float | None = None
    undated: bool = False


def outcome(
    record: Record, deals: Sequence[Deal], at: datetime, book: RuleBook, *, credited: Collection[str]
) -> PortalOutcome:
    """What came after the instant at which the contact became ready, as known today.

    Deals come first: one that is won, else one that is open, else all are lost. Without deals the last word of stage or
    status counts.

    Args:
        record: as it stands, with the history of stage and status. deals: all of the contact.
        credited: ids of the deals whose money is put down to this contact.
    """
    path = sorted([*_said(record, at, book), *_deal_steps(deals, at)])
    state = _state(path, deals)
    won_at = _first(path, frozenset({State.WON}))
    last = max((when for when, one in path if one is state), default=None)
    amounts = [
        deal.amount for deal in deals
        if deal.state is DealState.WON and deal.id in credited and deal.amount is not None
    ]  # fmt: skip
    return PortalOutcome(
        state=state,
        touched_at=_touched(record, at, book),
        accepted_at=_first(path, ACCEPTED),
        opportunity_at=_first(path, OPPORTUNITIES),
        won_at=won_at,
        ended_at=(won_at or last) if state is not None and state.is_end else None,
        revenue=sum(amounts) if amounts else None,
        undated=any(deal.state is not DealState.OPEN and _closed(deal) < at for deal in deals),
    )


def _said(record: Record, at: datetime, book: RuleBook) -> list[Step]:
    """What stage and status say about the contact from then on."""
    found = list[Step]()
    for edit in record.history.get(property_of("stage", book.fields), ()):
        stage = book.stages.named(edit.value) or Stage.OTHER
        means = STAGE_MEANS.get(stage)
        if edit.at > at and means is None:
            means = State.RECYCLED if stage in BEFORE_SALES else State.HANDED_OFF if stage in READY else None
        if edit.at >= at and means is not None:
            found.append((edit.at, means))
    for edit in record.history.get(property_of("status", book.fields), ()):
        means = book.stages.statuses.get((edit.value or "").strip().lower())
        if edit.at >= at and means is not None:
            found.append((edit.at, means))
    return found


def _deal_steps(deals: Sequence[Deal], at: datetime) -> list[Step]:
    found = [(max(deal.created_at, at), State.OPPORTUNITY) for deal in deals]
    ends = {DealState.WON: State.WON, DealState.LOST: State.LOST}
    return found + [(max(_closed(deal), at), ends[deal.state]) for deal in deals if deal.state in ends]


def _state(path: Sequence[Step], deals: Sequence[Deal]) -> State | None:
    said = {state for _, state in path}
    if State.WON in said:
        return State.WON
    if deals:
        return State.LOST if all(deal.state is DealState.LOST for deal in deals) else State.OPPORTUNITY
    return path[-1][1] if path else None


def _closed(deal: Deal) -> datetime:
    """Its closing date, or the day it was last changed where that is earlier: dates are entered ahead."""
    return min(deal.closed_at or deal.modified_at, deal.modified_at)


def _first(path: Sequence[Step], states: frozenset[State]) -> datetime | None:
    return next((when for when, state in path if state in states), None)


def _touched(record: Record, at: datetime, book: RuleBook) -> datetime | None:
    """The first touch as the CRM keeps it; None where it was before, or is not known."""
    rule = book.fields.fields.get("first_touch_at")
    wire = record.properties.get(rule.property or "") if rule is not None else None
    try:
        value = READERS[FieldType.INSTANT](wire) if wire else None
    except Unreadable:
        return None
    return value if isinstance(value, datetime) and value >= at else None
