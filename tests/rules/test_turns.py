"""Turns (R12): nobody gets more or less than their share, whatever changes around them."""

from __future__ import annotations

from collections import Counter
from random import Random

from factories import NOW, make_contact, make_owner
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connector.domain.contact import OwnerId
from connector.rules.routing import TURN, Lead, RoutingRules, next_turn, route, take_turn
from connector.rules.situation import Desk

people = st.integers(1, 9).map(lambda count: [OwnerId(str(number)) for number in range(1, count + 1)])


@settings(max_examples=50)
@given(people=people, data=st.data())
def test_the_moves_of_a_turn_add_up_to_nought(people: list[OwnerId], data: st.DataObject) -> None:
    """So that handing it back, in any order, leaves everything as it was."""
    weights = {owner: data.draw(st.integers(1, 1_000)) for owner in people}
    pointers = {owner: data.draw(st.integers(-TURN, TURN)) for owner in people}
    found = next_turn(weights, pointers)
    assert sum(found.moves.values()) == 0 and found.owner in people
    assert all((move > 0) == (owner == found.owner) for owner, move in found.moves.items())


@settings(max_examples=40)
@example(weights=[1, 1, 1, 1, 1, 4, 4, 4], leads=13)
@given(weights=st.lists(st.integers(1, 10), min_size=1, max_size=12), leads=st.integers(1, 80))
def test_with_nothing_changing_everybody_is_within_a_turn_or_hardly_more_of_their_share(
    weights: list[int], leads: int
) -> None:
    """R12, measured at every lead: a heavy weight does not wait until all light ones had a turn.

    In one of 6,000 random pools somebody is behind by up to 1.071 turns, as in the example (1.059). Giving leads by
    deadline (Tijdeman's chairman assignment) keeps within one while nothing changes, but not where people come and go,
    which is what pools do: 1.34 in the batches below.
    """
    names = [OwnerId(str(number)) for number in range(len(weights))]
    hundredths = dict(zip(names, (100 * weight for weight in weights), strict=True))
    rotation: dict[OwnerId, int] = {}
    got: Counter[OwnerId] = Counter()
    for number in range(1, leads + 1):
        found = next_turn(hundredths, rotation)
        rotation = {owner: rotation.get(owner, 0) + found.moves.get(owner, 0) for owner in names}
        got[found.owner] += 1
        for owner, weight in zip(names, weights, strict=True):
            assert abs(got[owner] - number * weight / sum(weights)) <= 1.08


class Sales:
    """A pool over days in which weights, caps, absences and skills change; it counts shares by itself."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.names = [OwnerId(str(number)) for number in range(1, self.chance.randint(2, 6) + 1)]
        self.rotation: dict[str, dict[OwnerId, int]] = {}
        self.got: Counter[OwnerId] = Counter()
        self.share = dict.fromkeys(self.names, 0.0)
        self.held: Counter[OwnerId] = Counter()
        self.weights = {owner: self.chance.randint(1, 10) for owner in self.names}
        self.caps = dict.fromkeys(self.names, 0)
        self.away: set[OwnerId] = set()
        self.worst = 0.0

    def batch(self) -> None:
        chance = self.chance
        one = chance.choice(self.names)
        kind = chance.random()
        if kind < 0.2:
            self.weights[one] = chance.randint(1, 10)
        elif kind < 0.4:
            self.caps[one] = chance.choice([0, 1, 2, 5])
        elif kind < 0.7:
            self.away ^= {one}
        for owner in self.names:
            self.held[owner] = max(0, self.held[owner] - chance.randint(0, 3))
        rules = self._rules()
        for _ in range(chance.randint(1, 7)):
            self._lead(rules)

    def _rules(self) -> RoutingRules:
        members = [
            {"owner": owner, "weight": self.weights[owner], "max_open_leads": self.caps[owner] or None}
            for owner in self.names
        ]
        away = [{"owner": owner, "away": [{"from": NOW.date(), "until": NOW.date()}]} for owner in self.away]
        pools = {"p": {"members": members}}
        return RoutingRules.model_validate({"pools": pools, "default_pool": "p", "people": away})

    def _lead(self, rules: RoutingRules) -> None:
        owners = [make_owner(owner) for owner in self.names]
        desk = Desk(owners=owners, rotation=self.rotation, open_leads=self.held)
        found = route(Lead(contact=make_contact()), desk, rules, now=NOW)
        assert found is not None and found.owner is not None
        if found.rule != "routing.pool":
            return
        free = [
            owner for owner in self.names
            if owner not in self.away and not (self.caps[owner] and self.held[owner] >= self.caps[owner])
        ]  # fmt: skip
        assert found.owner in free
        whole = sum(self.weights[owner] for owner in free)
        for owner in free:
            self.share[owner] += self.weights[owner] / whole
        take_turn(self.rotation, found)
        self.got[found.owner] += 1
        self.held[found.owner] += 1
        self.worst = max(self.worst, *(abs(self.got[owner] - self.share[owner]) for owner in self.names))


def test_over_a_thousand_small_batches_nobody_is_off_their_share_by_more_than_a_turn() -> None:
    """R12: the share counts the leads that came while somebody was free to take them."""
    rooms = [Sales(seed) for seed in range(10)]
    for room in rooms:
        for _ in range(100):
            room.batch()
    assert [round(room.worst, 2) for room in rooms if room.worst > 1] == []


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_whatever_the_changes_a_count_is_within_one_of_its_share_in_whole_turns(seed: int) -> None:
    """No order of who comes and goes can be kept within one turn of a fraction, so the share is rounded to turns."""
    room = Sales(seed)
    for _ in range(12):
        room.batch()
        assert all(abs(room.got[owner] - round(room.share[owner])) <= 1 for owner in room.names)


def test_five_hundred_leads_at_once_are_spread_by_weight() -> None:
    """R12, in one batch: the pointers move with every lead."""
    room = Sales(1)
    room.weights = {owner: int(owner) for owner in room.names}
    rules = room._rules()
    for _ in range(500):
        room._lead(rules)
    assert room.worst <= 1 and sum(room.got.values()) == 500
