"""Fairness: how the leads of each pool were spread, who is ahead or behind, and who starves (R12, R30).

Shares are by weight among all who sit in the pool now and are active. Only leads that went by turns count: what
somebody got because they knew the lead is no turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from connector.domain.contact import OwnerId
from connector.rules.routing.model import RoutingRules
from connector.rules.routing.pools import seats
from connector.rules.routing.search import Directory, order
from connector.rules.routing.turns import TURN

STARVES_AFTER = 3.0
"""Turns: who should have had so many by weight and got none is starving."""
OVERLOADED_TIMES, OVERLOADED_BY = 3, 20
"""Open leads: so many times what is usual, and so many more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedLead:
    """One lead that went by turns. `passed_over`: the others who were considered, and why not."""

    pool: str
    owner: OwnerId
    passed_over: Mapping[OwnerId, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """One owner in one pool.

    Attributes:
        weight: 1 to 10. leads: those got by turns in the span; share: what the weight alone would have given.
        ahead: by how many turns they stand ahead of their share now; behind where negative, always about one at most.
        why_not: the most frequent reason why they were passed over; empty where they never were.
    """

    pool: str
    owner: OwnerId
    weight: int
    leads: int
    share: float
    ahead: float
    why_not: str

    @property
    def starves(self) -> bool:
        return self.leads == 0 and self.share >= STARVES_AFTER


def fairness(
    rules: RoutingRules,
    directory: Directory,
    rotation: Mapping[str, Mapping[OwnerId, int]],
    routed: Iterable[RoutedLead],
) -> tuple[Turns, ...]:
    """A line for each active owner of each pool, in the file's order of pools and the order of owners.

    Args:
        rotation: pointers as they stand. routed: the leads of the span, in any order.
    """
    got: Counter[tuple[str, OwnerId]] = Counter()
    reasons: dict[tuple[str, OwnerId], Counter[str]] = {}
    for lead in routed:
        got[lead.pool, lead.owner] += 1
        for owner, why_not in lead.passed_over.items():
            reasons.setdefault((lead.pool, owner), Counter())[why_not] += 1
    lines: list[Turns] = []
    for pool in rules.pools:
        sitting = seats(rules, pool, directory)
        active = sorted((owner for owner in sitting if directory.is_active(owner)), key=order)
        whole = sum(sitting[owner].weight for owner in active)
        leads = sum(count for (name, _), count in got.items() if name == pool)
        lines += [
            Turns(
                pool=pool,
                owner=owner,
                weight=sitting[owner].weight,
                leads=got[pool, owner],
                share=leads * sitting[owner].weight / whole,
                ahead=rotation.get(pool, {}).get(owner, 0) / TURN,
                why_not=_most(reasons.get((pool, owner), Counter())),
            )
            for owner in active
        ]
    return tuple(lines)


def starving(lines: Iterable[Turns], rules: RoutingRules, directory: Directory) -> Iterator[str]:
    """One sentence for each who got nothing, and why: the alarm."""
    return (words for _, words in starves(lines, rules, directory))


def starves(lines: Iterable[Turns], rules: RoutingRules, directory: Directory) -> Iterator[tuple[Turns, str]]:
    """Each who got nothing, with why."""
    for line in lines:
        if line.starves:
            why = f", mostly because: {line.why_not}" if line.why_not else ""
            yield (
                line,
                f"{directory.name(line.owner)} got no lead of the pool “{rules.label(line.pool)}”; the weight alone "
                f"would have given {line.share:.0f}{why}.",
            )


def overloaded(
    lines: Sequence[Turns], open_leads: Mapping[OwnerId, int], directory: Directory
) -> Iterator[tuple[OwnerId, str]]:
    """Each who has many times the open leads that the others of a pool have by weight, and many more; each once.

    Turns alone do not do that: who knows a lead gets it without one, and who never ends any keeps them all.
    """
    said: set[OwnerId] = set()
    for pool in dict.fromkeys(line.pool for line in lines):
        seated = [line for line in lines if line.pool == pool]
        for line in seated:
            others = [one for one in seated if one.owner != line.owner]
            weight = sum(one.weight for one in others)
            if not weight or line.owner in said:
                continue
            usual = line.weight * sum(open_leads.get(one.owner, 0) for one in others) / weight
            has = open_leads.get(line.owner, 0)
            if has >= OVERLOADED_TIMES * usual and has - usual >= OVERLOADED_BY:
                said.add(line.owner)
                yield line.owner, (
                    f"{directory.name(line.owner)} has {has} open leads; by what the others of the same pool have, "
                    f"{usual:.0f} would be usual."
                )


def _most(reasons: Counter[str]) -> str:
    """The most frequent one; of equals the first in the alphabet."""
    return min(reasons, key=lambda why: (-reasons[why], why), default="")
