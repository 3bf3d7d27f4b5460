"""Outgoing: ops hear of a destination that is off, every run says so, and old secrets are to go (reliability.md, 3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from factories import MINUTE, NOW, demo_request, shipped_book

from connector.engine.notify import FRESH
from connector.engine.ports import DestinationState, Entry
from connector.rules.notifications import NotificationRules
from connector.rules.rulebook import RuleBook

from .world import World

SINCE = NOW - timedelta(days=5)


def two_destinations() -> RuleBook:
    book = shipped_book()
    reps = book.notifications.destinations["reps"].model_dump(mode="json")
    desk = reps | {"to": ["ops"], "url_env": "HANDOFF_MARKETING_URL", "secret_env": "HANDOFF_MARKETING_SECRET"}
    return replace(book, notifications=NotificationRules.model_validate({"destinations": {"reps": reps, "desk": desk}}))


@pytest.fixture
def world() -> Iterator[World]:
    made = World(two_destinations())
    made.destinations = {"reps": True, "desk": True}
    yield made.begin()


def state(world: World, name: str = "reps", **now: object) -> None:
    world.store.outbox.learn(name, lambda known: replace(known, **now))  # type: ignore[arg-type]  # a test says which


def off(world: World, by: str, at: datetime = NOW, times: int = 1) -> None:
    state(world, off_at=at, off_by=by, times_off=times, failing_since=SINCE)


def told_off(world: World) -> list[Entry]:
    return [entry for entry in world.entries() if entry.kind == "destination.off"]


@pytest.mark.parametrize("by", ["gone", "failing"])
def test_the_other_destinations_that_hear_ops_are_told_in_the_same_run_and_once(world: World, by: str) -> None:
    off(world, by)
    report = world.run()
    (entry,) = told_off(world)
    assert (entry.destination, entry.status) == ("desk", "sent")
    assert (report.counts.notices_queued, report.counts.notices_sent) == (1, 1)
    world.run_later()
    assert len(told_off(world)) == 1


def test_each_switching_off_is_told(world: World) -> None:
    off(world, "failing")
    world.run()
    state(world, off_at=None, off_by="")
    world.run_later()
    off(world, "failing", NOW + timedelta(days=9), times=2)
    world.run_later()
    assert len(told_off(world)) == 2


def test_nobody_is_told_of_a_pause_but_every_run_says_it(world: World) -> None:
    off(world, "person")
    for _ in range(2):
        (said,) = world.run_later().troubles
        assert "Destination reps is off since" in said and "somebody paused it" in said
        assert "0 notices wait" in said and "`handoff outbox resume reps`" in said
    assert told_off(world) == []


def test_notices_that_nobody_takes_are_no_secret(world: World) -> None:
    """P2: the run says how many wait, for whom and since when."""
    world.crm.add("101", email="kim@acme.example")
    world.crm.happen(demo_request(world.clock.now(), contact="101"))
    world.run_later()
    state(world, failing_since=NOW, failures=3)
    assert world.run_later().troubles == ()
    later = replace(world.entries()[0], id="n1", destination="reps", status="due", due_at=NOW + timedelta(days=9))
    with world.store.transaction() as uow:
        uow.put_entries([later])
    (said,) = world.run_later().troubles
    assert said.startswith("Destination reps has taken nothing since ") and "1 notice waits" in said


def test_a_destination_is_not_told_of_itself_and_what_is_off_in_the_rules_is_no_trouble(world: World) -> None:
    world.destinations = {"reps": True}
    off(world, "gone")
    state(world, "former", off_at=NOW, off_by="gone")
    report = world.run()
    assert told_off(world) == []
    assert [line.partition(" is off")[0] for line in report.troubles] == ["Destination reps"]


def test_an_old_secret_that_signs_no_more_is_a_trouble_that_names_its_variable(world: World) -> None:
    state(world, secrets="ab", secrets_since=world.clock.now())
    assert world.run().troubles == ()
    (said,) = world.run_later(timedelta(hours=24)).troubles
    assert "the old secret signs no more" in said and "HANDOFF_WEBHOOK_SECRET" in said


def test_a_run_that_writes_nothing_tells_nobody(world: World) -> None:
    off(world, "gone")
    world.run(shadow=True)
    assert told_off(world) == []


def test_a_notice_brings_along_what_a_digest_needs(world: World) -> None:
    """One line without the person, since when it waits, and until when it is told by itself."""
    world.crm.add(first_name="Robin", last_name="Sample")
    asked_at = world.clock.now()
    world.crm.happen(demo_request(asked_at))
    world.run()
    for minutes in (31, 31):
        world.run_later(minutes * MINUTE)
    found = {entry.kind: entry for entry in world.entries() if entry.destination == "reps"}
    handed, risk, breach = (found[kind] for kind in ("lead.handed_off", "sla.at_risk", "sla.breached"))
    assert handed.summary.startswith("A new lead for you: ") and risk.summary.endswith("is used up.")
    assert not any(part in entry.summary for entry in found.values() for part in ("Robin", "Sample", "@"))
    assert handed.queued_at == asked_at
    assert (handed.alone_until, risk.alone_until) == (asked_at + FRESH, None)
    assert breach.alone_until is not None and breach.alone_until - asked_at > FRESH, "counted from when the time was up"


def test_a_destination_that_is_well_is_not_spoken_of(world: World) -> None:
    world.store.outbox.learn("reps", lambda _: DestinationState(name="reps", failing_since=SINCE, failures=1))
    assert world.run().troubles == ()
