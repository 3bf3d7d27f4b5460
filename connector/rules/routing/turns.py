"""Turns: whose turn it is, by stride scheduling in a frame that moves along with the pool (R12).

Each owner has a pointer: how far ahead of their share they are, in billionths of a turn. A lead gives everybody who is
free a part of a turn, by weight, and takes one whole turn from who gets it; the parts add up to that turn exactly. Next
is who would be furthest behind without the lead. Whoever is away, full or of another skill stands still: on return
nothing is made up for, and nothing is lost. Who is new begins at nought, which is the same as having no pointer.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import NamedTuple

from connector.domain.contact import OwnerId
from connector.domain.decision import Route

TURN = 1_000_000_000
WHOLE = 100
"""Weights are handed in as hundredths, so that somebody new may take a quarter of a turn."""


class Turn(NamedTuple):
    """Who is next, and by how much each pointer moves with it; the moves add up to nought."""

    owner: OwnerId
    moves: Mapping[OwnerId, int]


def next_turn(weights: Mapping[OwnerId, int], pointers: Mapping[OwnerId, int]) -> Turn:
    """The next of those who are free.

    Args:
        weights: of everybody who is free, in hundredths and above nought, in the order that settles ties.
        pointers: of the whole pool; who is not in it stands at nought.
    """
    total = sum(weights.values())
    parts = {owner: weight * TURN // total for owner, weight in weights.items()}
    chosen = min(parts, key=lambda owner: pointers.get(owner, 0) - parts[owner])  # the first of equals
    moves = {owner: -part for owner, part in parts.items()}
    moves[chosen] += sum(parts.values())
    return Turn(chosen, {owner: move for owner, move in moves.items() if move})


def take_turn(rotation: MutableMapping[str, dict[OwnerId, int]], route: Route) -> None:
    """Move the pool's pointers on, so that the next lead sees it."""
    pointers = rotation.setdefault(route.pool, {}) if route.rotation else {}
    for owner, move in (route.rotation or {}).items():
        pointers[owner] = pointers.get(owner, 0) + move
