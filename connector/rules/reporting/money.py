"""Money: revenue and pipeline of the leads that were passed, and their share of the whole portal's (R26).

A deal is ours where one of its contacts had been passed to sales, and the deal was made or closed after that lead had
qualified. Deals without an amount are counted and never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.domain.contact import ContactId
from connector.domain.deal import Deal, DealState
from connector.rules.reporting.numbers import Share
from connector.rules.reporting.passed import Passed, is_own


@dataclass(frozen=True, slots=True, kw_only=True)
class Deals:
    """Some deals; `amount` is None where none of them has one, `unpriced` counts those without."""

    number: int
    amount: float | None
    unpriced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Ours and the portal's; percent are None where the portal has no amounts, or no deals.

    Attributes:
        uncredited: of our won deals those that no lead's revenue holds (credit.py): a contact was handed over,
            but that lead had ended before the deal was made, or is not won.
        velocity_a_day: open opportunities x win rate x value of a won deal / days to won; None: a part is not known.
    """

    won: Deals
    pipeline: Deals
    uncredited: Deals
    portal_won: Deals
    portal_pipeline: Deals
    won_share: float | None
    revenue_share: float | None
    pipeline_share: float | None
    velocity_a_day: float | None


def money(
    deals: Iterable[Deal],
    leads: Sequence[Passed],
    *,
    since: datetime | None,
    until: datetime,
    days_to_won: float | None = None,
) -> Money:
    """Won deals closed within the span, and deals made within it that are still open.

    Args:
        leads: every lead that was ever passed, whenever that was.
        days_to_won: from handover to customer, for the velocity.
    """
    begins = _qualified(leads)
    won, open_ones = [], []
    for deal in deals:
        at = deal.closed_at if deal.state is DealState.WON else deal.created_at
        if at is None or (since is not None and at < since) or at >= until:
            continue
        if deal.state is DealState.WON:
            won.append(deal)
        elif deal.state is DealState.OPEN:
            open_ones.append(deal)
    ours, our_pipeline = [[one for one in some if _is_ours(one, begins)] for some in (won, open_ones)]
    sold, portal_sold = _sum(ours), _sum(won)
    pipe, portal_pipe = _sum(our_pipeline), _sum(open_ones)
    return Money(
        won=sold,
        pipeline=pipe,
        uncredited=_sum(_uncredited(ours, leads)),
        portal_won=portal_sold,
        portal_pipeline=portal_pipe,
        won_share=Share(sold.number, portal_sold.number).percent,
        revenue_share=_percent(sold.amount, portal_sold.amount),
        pipeline_share=_percent(pipe.amount, portal_pipe.amount),
        velocity_a_day=_velocity(sold, leads, days_to_won),
    )


def _qualified(leads: Sequence[Passed]) -> dict[ContactId, datetime]:
    """When each contact first qualified."""
    first: dict[ContactId, datetime] = {}
    for one in leads:
        first[one.contact] = min(first.get(one.contact, one.opened_at), one.opened_at)
    return first


def _is_ours(deal: Deal, begins: Mapping[ContactId, datetime]) -> bool:
    last = max(deal.created_at, deal.closed_at or deal.created_at)
    return any(one in begins and last >= begins[one] for one in deal.contacts)


def _uncredited(deals: Iterable[Deal], leads: Sequence[Passed]) -> list[Deal]:
    won: dict[ContactId, list[Passed]] = {}
    for one in leads:
        if one.won_at is not None:
            won.setdefault(one.contact, []).append(one)
    return [deal for deal in deals if not any(is_own(deal, one) for who in deal.contacts for one in won.get(who, ()))]


def _sum(deals: Sequence[Deal]) -> Deals:
    amounts = [one.amount for one in deals if one.amount is not None]
    return Deals(number=len(deals), amount=sum(amounts) if amounts else None, unpriced=len(deals) - len(amounts))


def _percent(part: float | None, whole: float | None) -> float | None:
    return 100 * (part or 0) / whole if whole else None


def _velocity(sold: Deals, leads: Sequence[Passed], days: float | None) -> float | None:
    """What the opportunities of now are worth a day, if they fare as those that have come to an end did."""
    tried = [one for one in leads if one.opportunity_at is not None]
    ended = [one for one in tried if not one.is_open]
    won = sum(one.won_at is not None for one in ended)
    priced = sold.number - sold.unpriced
    if not ended or not priced or sold.amount is None or not days:
        return None
    return (len(tried) - len(ended)) * (won / len(ended)) * (sold.amount / priced) / days
