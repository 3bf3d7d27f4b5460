"""Marks of forms that were opened and not sent, from the page view to the property in the CRM (R08)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import DAY, HOUR, MINUTE, demo_request, make_activity
from fakes import kill

from connector.domain.activity import ActivityKind
from connector.domain.run import RunId
from connector.domain.timer import TimerKind
from connector.engine.undo import undo
from engine.world import World

MARK = "Request a demo"


@pytest.fixture
def world() -> World:
    """A portal with Kim, who is known for a while and has done nothing yet."""
    world = World().begin()
    world.crm.add()
    world.run()
    world.clock.pass_by(HOUR)
    return world


def look(world: World, ago: timedelta = timedelta()) -> None:
    """Kim looks at the page of the demo form."""
    at = world.clock.now() - ago
    world.crm.happen(make_activity(at=at, url="https://www.acme.example/demo", name="Demo"))


def send(world: World) -> None:
    world.crm.happen(demo_request(world.clock.now(), id=f"sent-{world.clock.now().isoformat()}"))


def mark(world: World) -> str:
    return world.crm.value("101", "abandoned_form")


def marks_over_time(world: World) -> list[str]:
    return world.crm.values_over_time("101", "abandoned_form")


def test_a_form_that_is_opened_and_not_sent_marks_the_contact_on_its_timer(world: World) -> None:
    """R08: nothing else happens meanwhile; the timer alone brings the contact up again."""
    look(world)
    world.run()
    assert mark(world) == ""
    assert [timer.kind for timer in world.timers()] == [TimerKind.FORM_ABANDONED]
    decided = len(world.decisions())
    report = world.run_later(30 * MINUTE)
    assert mark(world) == MARK
    assert report.counts.forms_marked == 1
    assert (report.counts.handed_off, report.as_dict()["forms_marked"]) == (0, 1)
    assert len(world.decisions()) == decided, "the lead itself is not decided again"


def test_one_second_before_its_time_it_is_not_marked(world: World) -> None:
    look(world)
    world.run()
    world.run_later(30 * MINUTE - timedelta(seconds=1))
    assert mark(world) == ""


def test_sending_the_form_in_time_leaves_no_mark(world: World) -> None:
    look(world)
    world.run()
    world.clock.pass_by(29 * MINUTE)
    send(world)
    world.run_later(10 * MINUTE)
    assert marks_over_time(world) == []


def test_sending_the_form_later_takes_the_mark_off_in_the_write_of_the_handover(world: World) -> None:
    """R08, I1: whom sales has is not mailed by marketing."""
    look(world)
    world.run_later(31 * MINUTE)
    send(world)
    world.crm.forget()
    world.run_later()
    assert world.crm.value("101", "episode")
    assert marks_over_time(world) == [MARK, ""]
    assert world.crm.calls("update_contacts") == ["update_contacts"]


def test_once_marked_is_marked_once_whatever_runs_and_views_follow(world: World) -> None:
    look(world)
    for _ in range(4):
        world.run_later(31 * MINUTE)
        look(world)
    assert marks_over_time(world) == [MARK]


def test_after_the_cool_down_the_mark_goes_and_a_new_visit_marks_again(world: World) -> None:
    look(world)
    world.run_later(31 * MINUTE)
    world.run_later(30 * DAY)
    assert marks_over_time(world) == [MARK, ""]
    look(world)
    world.run_later(31 * MINUTE)
    assert marks_over_time(world) == [MARK, "", MARK]


def test_a_mark_that_a_workflow_took_off_is_not_set_again(world: World) -> None:
    """I2: marketing's workflow has mailed and empties the property."""
    look(world)
    world.run_later(31 * MINUTE)
    world.crm.edit(by_person=False, abandoned_form="")
    look(world)
    world.run_later(31 * MINUTE)
    world.run_later(DAY)
    assert marks_over_time(world) == [MARK, ""]


@pytest.mark.parametrize("wish", ["marketing_opt_out", "do_not_contact", "email_bounced"])
def test_who_does_not_want_mail_is_not_marked(world: World, wish: str) -> None:
    """R11"""
    world.crm.edit(**{wish: "true"})
    look(world)
    world.run_later(31 * MINUTE)
    assert marks_over_time(world) == []


def test_who_unsubscribes_in_the_very_moment_is_not_marked(world: World) -> None:
    """I2: read again just before the write."""
    look(world)
    world.run()
    world.crm.before("read_contacts", lambda: world.crm.edit(by_person=False, marketing_opt_out="true"))
    world.run_later(31 * MINUTE)
    assert marks_over_time(world) == []


def test_a_lead_in_sales_hands_is_not_marked_and_neither_is_what_it_did_meanwhile(world: World) -> None:
    """I1, R24"""
    send(world)
    world.run()
    look(world)
    world.run_later(31 * MINUTE)
    world.crm.edit(verdict="recycle", verdict_reason="not_ready")
    world.run_later()
    assert not world.episode().is_open
    world.run_later(DAY)
    assert marks_over_time(world) == []


def test_visits_from_before_handoff_began_leave_no_mark() -> None:
    """R41"""
    world = World()
    world.crm.add(created_at=world.clock.now() - 30 * DAY)
    look(world, ago=10 * MINUTE)
    world.run()
    world.run_later(HOUR)
    assert marks_over_time(world) == []


def test_after_an_outage_of_days_nobody_is_reminded_of_what_is_long_past(world: World) -> None:
    look(world)
    world.run()
    world.run_later(9 * DAY)
    assert marks_over_time(world) == []


def test_a_preview_shows_the_mark_and_writes_nothing(world: World) -> None:
    """R33"""
    look(world, ago=31 * MINUTE)
    report = world.run(dry_run=True)
    assert [(one.field, one.after) for lead in report.planned for one in lead.changes] == [("abandoned_form", MARK)]
    assert mark(world) == ""


def test_in_shadow_mode_the_mark_is_reported_and_not_written(world: World) -> None:
    """R41"""
    look(world, ago=31 * MINUTE)
    report = world.run(shadow=True)
    assert [one.after for lead in report.planned for one in lead.changes] == [MARK]
    assert mark(world) == ""


@pytest.mark.parametrize("call", ["read_contacts", "update_contacts"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_anywhere_the_next_run_marks_once(world: World, call: str, when: str) -> None:
    """P1, I7"""
    look(world)
    world.run()
    world.clock.pass_by(31 * MINUTE)
    getattr(world.crm, when)(call, kill)
    world.run_and_die()
    report = world.run()
    assert marks_over_time(world) == [MARK]
    assert report.counts.forms_marked == 1


def test_a_mark_that_the_crm_refuses_is_tried_again_by_the_next_run(world: World) -> None:
    """P5"""
    look(world)
    world.run()
    world.crm.refuse("101")
    assert world.run_later(31 * MINUTE).counts.changes_rejected == 1
    world.run_later()
    assert mark(world) == MARK


def test_undoing_the_run_takes_the_mark_off_for_good(world: World) -> None:
    """R36"""
    look(world)
    world.run()
    marked = world.run_later(31 * MINUTE).run.id
    world.clock.pass_by(MINUTE)
    report = undo(world.ports, world.book, world.crm.portal(), RunId(marked))
    assert (report.contacts, report.failed) == (1, 0)
    assert [(line.field, line.now, line.back_to) for line in report.lines] == [("abandoned_form", MARK, "")]
    look(world)
    world.run_later(31 * MINUTE)
    world.run_later(HOUR)
    assert marks_over_time(world) == [MARK, ""]
    again = undo(world.ports, world.book, world.crm.portal(), RunId(marked))
    assert (again.contacts, again.already) == (0, 1)


def test_erasing_the_person_leaves_no_timer_and_no_intent(world: World) -> None:
    """I11"""
    look(world)
    world.run()
    world.run_later(31 * MINUTE)
    assert len(world.intents("written")) == 1
    world.crm.erase("101")
    with world.store.lease(), world.store.transaction() as uow:
        uow.erase(uow.family(world.stored().contact.id), at=world.clock.now(), cause="test")
    assert [one.changes for one in world.intents("written")] == [()]
    assert world.timers() == []


def test_a_form_of_another_portal_page_marks_nobody(world: World) -> None:
    world.crm.happen(make_activity(ActivityKind.PAGE_VIEW, world.clock.now(), url="https://www.acme.example/about"))
    world.run_later(31 * MINUTE)
    assert marks_over_time(world) == []
    assert world.timers() == []
