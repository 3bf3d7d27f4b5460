"""The end of a run removes what is too old: once a day, a little at a time, and nobody is told twice for it (S14)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import demo_request

from connector.engine import retention
from connector.engine.ports import Entry
from connector.store.retention import BODIES
from engine.world import World

HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    """One lead, handed over and told of."""
    world = World().begin()
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    assert handoff(world).status == "sent"
    return world


def handoff(world: World) -> Entry:
    return next(entry for entry in world.entries() if entry.kind == "lead.handed_off")


def test_a_body_goes_a_month_after_it_was_sent_and_nobody_is_told_again(world: World) -> None:
    """P3: its entry stays, and with it the id."""
    world.run_later(BODIES - HOUR)
    assert handoff(world).body
    world.run_later(2 * HOUR)
    assert handoff(world).body          # less than a day after the last look
    world.run_later(retention.EVERY)
    assert not handoff(world).body
    world.crm.edit("101", job_title="Head of something")
    world.run_later()
    assert world.kinds().count("lead.handed_off") == 1


def test_a_day_passes_between_two_looks(world: World) -> None:
    first = world.watermark(retention.CLEANED)
    world.run_later(HOUR)
    assert world.watermark(retention.CLEANED) == first
    world.run_later(retention.EVERY)
    assert world.watermark(retention.CLEANED) == world.clock.now()


def test_a_preview_removes_nothing(world: World) -> None:
    world.clock.pass_by(BODIES + retention.EVERY)
    world.run(dry_run=True)
    assert handoff(world).body


def test_more_than_one_run_may_remove_is_left_to_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ROWS", 1)
    monkeypatch.setattr(retention, "MOST_TRANSACTIONS", 1)
    first = world.watermark(retention.CLEANED)
    world.run_later(BODIES + retention.EVERY)
    assert not handoff(world).body
    assert world.watermark(retention.CLEANED) == first     # not sure yet that this was all
    world.run_later()
    assert world.watermark(retention.CLEANED) == world.clock.now()
