"""Alarms as notices: told once for each change, with the nightly proof, and not again each night (R12, R17, R27)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from factories import DAY, NOW, make_book, make_episode, make_owner

from connector.domain.episode import State
from connector.engine import alarms
from connector.engine.alarms import Raised
from connector.rules.notifications import Role
from connector.rules.routing import Directory, Turns, overloaded
from engine.world import World

TO = {name: {"type": "slack", "to": name, "url_env": "SLACK_URL"} for name in ("manager", "marketing", "ops")}


@dataclass
class Stands:
    """Alarms that stand now, whatever the reports say."""

    raised: list[Raised]


def portal(**parts: Any) -> World:
    """With three destinations and, beside the shipped rules, these."""
    world = World(make_book(notifications={"destinations": TO}, **parts))
    world.destinations = dict.fromkeys(TO, True)
    return world.begin()


@pytest.fixture
def world() -> World:
    return portal()


def nights(world: World, number: int) -> list[tuple[str, str]]:
    """(destination, kind) of the alarms in that many nights."""
    world.delivery.sent.clear()
    for _ in range(number):
        world.run_later(DAY)
    return [(entry.destination, entry.kind) for entry in world.delivery.sent if entry.kind == "alarm.raised"]


def test_what_stands_on_is_told_once_and_again_only_after_its_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R27: at once to whom it concerns; then it rests, also over restarts, for the mark stands in the database."""
    stands = Stands([])
    monkeypatch.setattr(alarms, "_of_reports", lambda _: iter(stands.raised))
    rate = Raised(about="rate", key="rate:acceptance_rate:fell", words="It fell.", rests=timedelta(days=35),
                  tell=(Role.MARKETING, Role.MANAGER))  # fmt: skip
    turns = Raised(about="starving", key="starving:all:7", words="She got none.", tell=(Role.MANAGER, Role.OPS))
    assert nights(world, 1) == []
    stands.raised = [rate, turns]
    first = nights(world, 1)
    assert sorted(first) == [(name, "alarm.raised") for name in ("manager", "manager", "marketing", "ops")]
    assert nights(world, 6) == []
    assert nights(world, 1) == [("manager", "alarm.raised"), ("ops", "alarm.raised")]  # a week later it stands still
    stands.raised = []
    assert nights(world, 8) == []


def test_leads_that_nothing_keeps_going_are_told_of_in_the_night_that_finds_them(world: World) -> None:
    """R17: once; one that comes later is told of by itself."""
    world.crm.add("101", created_at=NOW - 2 * DAY)
    world.run_later(timedelta(minutes=10))
    with world.store.transaction() as uow:
        uow.put_episode(make_episode(contact="101", owner=None), at=NOW, cause="test")
    assert sorted(nights(world, 1)) == [("manager", "alarm.raised"), ("ops", "alarm.raised")]
    assert nights(world, 2) == []


def test_the_shipped_reports_raise_none_on_a_quiet_portal(world: World) -> None:
    assert nights(world, 8) == []


def test_who_has_many_times_the_open_leads_of_the_others_is_overloaded() -> None:
    """R12: by weight, in each pool; turns alone never do that."""

    def line(owner: str, weight: int = 1) -> Turns:
        return Turns(pool="all", owner=make_owner(owner).id, weight=weight, leads=9, share=9, ahead=0, why_not="")

    directory = Directory([make_owner(one) for one in ("7", "8", "9")])
    lines = [line("7"), line("8"), line("9", 2)]
    few = {make_owner(one).id: count for one, count in (("7", 30), ("8", 12), ("9", 24))}
    assert list(overloaded(lines, few, directory)) == []
    many = few | {make_owner("7").id: 60}
    ((owner, words),) = overloaded(lines, many, directory)
    assert owner == "7"
    assert words == "Ana Sample has 60 open leads; by what the others of the same pool have, 12 would be usual."


def test_the_notice_says_what_it_is_about(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rate = Raised(about="rate", key="rate:touched_rate:fell", words="It fell.", tell=(Role.MANAGER,))
    monkeypatch.setattr(alarms, "_of_reports", lambda _: iter([rate]))
    world.run_later(DAY)
    (entry,) = world.delivery.sent
    assert json.loads(entry.body)["kind"] == "alarm.raised"


def test_a_clock_that_the_rules_lack_is_told_once_for_all_leads() -> None:
    """R17: whoever accepts a lead raises no alarm each night; `leads --silent` names each of them."""
    world = portal(sla={"clocks": {"verdict": {"label": "answer of sales", "until": "verdict", "limit": "48h"}}})
    world.crm.add("101", created_at=NOW - 2 * DAY)
    world.run_later(timedelta(minutes=10))
    with world.store.transaction() as uow:
        uow.put_episode(make_episode(contact="101", state=State.ACCEPTED), at=NOW, cause="test")
    assert sorted(nights(world, 1)) == [("manager", "alarm.raised"), ("ops", "alarm.raised")]
    assert nights(world, 8) == []
