"""The nightly proof: each lead in hand is on a clock, has a holder, is as the CRM shows it, and was told (R12, R17)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from factories import DAY, HOUR, MINUTE, NOW, demo_request, make_book, make_owner
from fakes import kill
from sqlalchemy import update

from connector.domain.contact import ContactId
from connector.domain.episode import State
from connector.domain.timer import TimerKind
from connector.engine.ports.proof import PROVED, Stranded
from connector.engine.report import RunReport
from connector.store.tables import outbox
from engine.world import World

KIM = ContactId("101")


def in_hand(**parts: Any) -> World:
    """A hand-raiser whom Ana accepted on Monday, and who is on a clock of sixty days."""
    clocks = {"age": {"label": "end of the work", "until": "end", "limit": "60d", "warn_at": []}}
    world = World(make_book(**{"sla": {"clocks": clocks}} | parts)).begin()
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.crm.edit(verdict="accepted")
    world.run_later()
    assert world.episode().state is State.ACCEPTED
    world.delivery.sent.clear()
    world.crm.forget()
    return world


def next_night(world: World) -> RunReport:
    """The first run after two o'clock."""
    world.clock.pass_by(datetime(2026, 3, 3, 2, 1, tzinfo=UTC) - world.clock.now())
    return world.run()


def stranded(world: World) -> list[Stranded]:
    with world.store.reading() as uow:
        return uow.stranded()


def test_a_night_with_nothing_to_mend_costs_one_call_and_changes_nothing() -> None:
    """P4, P8: a hundred leads are one read; nothing is written, nobody is told."""
    world = in_hand()
    report = next_night(world)
    assert (report.counts.rescued, report.counts.stranded, stranded(world)) == (0, 0, [])
    assert world.crm.calls("read_contacts", "update_contacts") == ["read_contacts"]
    assert world.kinds() == []
    world.crm.forget()
    world.run_later(HOUR)
    assert world.crm.calls("read_contacts") == []  # once a night


def test_the_first_run_after_the_hour_does_it_whenever_that_is() -> None:
    """In the portal's zone, as the rules say; the first run of all has just read everything."""
    world = in_hand()
    assert world.watermark(PROVED) == NOW
    world.run_later(9 * HOUR)
    assert world.watermark(PROVED) == NOW
    world.run_later(3 * DAY)
    assert world.watermark(PROVED) == world.clock.now()


def test_what_no_pull_showed_is_found_and_decided() -> None:
    """P4: the rep handed it back, and the CRM's index never told."""
    world = in_hand()
    world.run_later(12 * HOUR)
    seen = world.stored().contact.modified_at
    world.crm.edit(verdict="junk")
    world.crm.rows[KIM].modified_at = seen
    report = next_night(world)
    assert world.episode().state is State.JUNK
    assert (report.counts.rescued, report.counts.stranded) == (1, 0)


def test_what_a_workflow_wrote_over_is_written_anew_and_what_a_person_wrote_stands() -> None:
    """I2"""
    world = in_hand()
    world.crm.edit(state="", by_person=False)
    assert next_night(world).counts.rescued >= 1
    assert world.crm.value("101", "state") == "accepted"
    other = in_hand()
    other.crm.edit(state="")
    next_night(other)
    assert other.crm.value("101", "state") == ""
    assert [(one.contact, one.cause) for one in stranded(other)] == [("101", "crm_differs")]


def test_a_lead_without_a_clock_gets_one_and_where_the_rules_have_none_it_is_listed() -> None:
    """R17: `leads --silent` names it until the rules change."""
    world = in_hand()
    with world.store.transaction() as uow:
        uow.cancel_timers(KIM, (TimerKind.SLA,))
    assert next_night(world).counts.rescued == 1
    assert [timer.name for timer in world.timers()] == ["age"]
    verdict = {"label": "answer", "until": "verdict", "limit": "48h", "warn_at": []}
    bare = in_hand(sla={"clocks": {"verdict": verdict}})
    report = next_night(bare)
    assert report.counts.stranded == 1
    assert "1 lead of 1 in sales' hands would be heard of no more" in " ".join(report.remarks)
    (found,) = stranded(bare)
    assert (found.cause, found.found_at) == ("no_clock", bare.clock.now())
    assert "It is accepted, and no clock of the rules runs on such a lead" in found.words
    bare.run_later(DAY)
    assert stranded(bare) == [found]  # since when, stays


def test_with_the_shipped_rules_a_lead_that_sales_accepted_is_on_a_clock() -> None:
    """R12, R17: a default installation lists nobody for having been accepted."""
    world = in_hand(sla={})
    assert {timer.name for timer in world.timers()} == {"age"}
    assert (next_night(world).counts.stranded, stranded(world)) == (0, [])


def test_a_time_that_ran_out_without_anything_is_listed() -> None:
    world = in_hand(sla={"clocks": {"first": {"label": "first call", "until": "touch", "limit": "1h", "warn_at": []}}})
    world.crm.add("102")
    world.crm.happen(demo_request(world.clock.now(), contact=ContactId("102")))
    world.run()
    next_night(world)
    assert ("102", "time_is_up") in [(one.contact, one.cause) for one in stranded(world)]


def test_whose_owner_left_goes_to_somebody_else() -> None:
    """R12: also where that was missed before."""
    world = in_hand()
    holder = world.episode().owner
    assert holder is not None
    world.crm.people = [make_owner(one, archived=one == holder) for one in ("7", "8")]
    with world.store.transaction() as uow:
        uow.put_owners(world.crm.people)
    next_night(world)
    assert world.episode().owner not in (None, holder)
    assert stranded(world) == []


@pytest.mark.parametrize("failing", [False, True])
def test_a_packet_that_was_given_up_goes_out_again_once_its_destination_takes_others(failing: bool) -> None:
    """P2: with its id and its bytes; until then the lead is listed."""
    world = in_hand()
    sent = next(one for one in world.entries() if one.kind == "lead.handed_off")
    with world.store.database.writing() as connection:
        connection.execute(update(outbox).where(outbox.c.entry == sent.id).values(status="exhausted", sent_at=None))
    if failing:
        world.store.outbox.learn("reps", lambda state: replace(state, failing_since=NOW))
    report = next_night(world)
    again = [one.id for one in world.delivery.sent if one.id == sent.id]
    assert again == ([] if failing else [sent.id])
    assert [one.cause for one in stranded(world)] == (["not_told"] if failing else [])
    assert report.counts.rescued == (0 if failing else 1)


def test_a_kill_within_it_changes_nothing() -> None:
    """P1"""
    for method in ("read_contacts", "update_contacts"):
        world = in_hand()
        world.crm.edit(state="", by_person=False)
        world.clock.pass_by(datetime(2026, 3, 3, 2, 1, tzinfo=UTC) - world.clock.now())
        world.crm.before(method, kill)
        world.run_and_die()
        world.clock.pass_by(MINUTE)
        world.run()
        assert world.crm.value("101", "state") == "accepted"
        assert stranded(world) == []


def test_nothing_of_it_happens_in_a_preview() -> None:
    world = in_hand()
    world.clock.pass_by(DAY)
    world.run(dry_run=True)
    assert world.watermark(PROVED) == NOW


