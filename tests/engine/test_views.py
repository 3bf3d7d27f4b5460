"""Page views for one contact at a time, where the portal gives them in no other way (R06, P7, P8)."""

from __future__ import annotations

import pytest
from factories import DAY, HOUR, MINUTE, demo_request, make_book, pricing_view

from connector.domain.run import RunStatus
from connector.engine import views
from connector.errors import CrmUnavailableError
from connector.rules.rulebook import RuleBook
from engine.world import World

PAGE = {"say": "viewed the prices", "url": "/pricing*", "at_least": 2}


def rules(*, visits: bool = True) -> RuleBook:
    fields = dict(make_book().fields.model_dump()["fields"])
    if not visits:
        del fields["last_visit_at"]
    return make_book(fields={"fields": fields}, qualification={"key_pages": [PAGE]})


def build(book: RuleBook | None = None, *contacts: str) -> World:
    """A portal that gives page views for one contact at a time, and people who are known for a while."""
    world = World(book or rules())
    world.crm.views_by_contact = True
    world.begin()
    for contact in contacts or ("101",):
        world.crm.add(contact, email=f"kim@firm{contact}.example")
    world.run()
    world.clock.pass_by(HOUR)
    world.crm.forget()
    return world


def visits(world: World, contact: str = "101", times: int = 2) -> None:
    """The pricing page, so many times; the record tells of the last visit."""
    for number in range(times, 0, -1):
        at = world.clock.now() - number * MINUTE
        world.crm.happen(pricing_view(at, contact=contact, id=f"view-{contact}-{at.isoformat()}"))
    world.crm.edit(contact, by_person=False, last_visit_at=(world.clock.now() - MINUTE).isoformat())


def test_who_came_back_is_asked_for_and_nobody_else() -> None:
    """R06, P8: two looks at the prices are enough; a quiet run asks for nobody."""
    world = build(None, "101", "102")
    visits(world)
    report = world.run()
    assert [what for call, what in world.crm.asked if call == "pull_views"] == ["101"]
    assert (world.kinds(), report.troubles) == (["lead.handed_off"], ())
    world.crm.forget()
    world.run_later(MINUTE)
    assert world.crm.calls("pull_views") == []
    assert ("pull_activities", "page_views") not in world.crm.asked, "that those of all are refused is known for a day"
    world.run_later(DAY)
    assert ("pull_activities", "page_views") in world.crm.asked


def test_one_look_is_one_look() -> None:
    """P7: what the record keeps of the last page does not stand in for a view that comes by itself."""
    world = build()
    world.crm.edit(last_url="https://www.acme.example/pricing")
    visits(world, times=1)
    world.run()
    assert world.kinds() == []


def test_views_that_are_shown_late_are_asked_for_again() -> None:
    """I4: the record was first to tell of the visit."""
    world = build()
    visits(world)
    late, world.crm.activities["page_views"] = world.crm.activities["page_views"], []
    world.run()
    assert world.kinds() == []
    world.crm.activities["page_views"] = late
    world.run_later(MINUTE)
    assert world.kinds() == ["lead.handed_off"]
    world.crm.forget()
    world.run_later(2 * HOUR)
    world.run_later(MINUTE)
    assert world.crm.calls("pull_views") == []


def test_a_run_asks_for_so_many_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """P8: nobody is lost for it."""
    monkeypatch.setattr(views, "MOST", 2)
    people = ("101", "102", "103")
    world = build(None, *people)
    for contact in people:
        visits(world, contact)
    report = world.run()
    assert len(world.crm.calls("pull_views")) == 2
    assert any("page views of 1 contact were not asked for" in line for line in report.troubles)
    world.run_later(MINUTE)
    assert world.kinds() == ["lead.handed_off"] * 3


def test_an_outage_in_the_middle_ends_the_asking_and_not_the_run() -> None:
    """P5"""
    world = build()
    visits(world)

    def down() -> None:
        raise CrmUnavailableError("HubSpot answered 503", status=503)

    world.crm.before("pull_views", down)
    report = world.run()
    assert (report.watermark, world.kinds()) == (report.run.as_of, [])
    assert any("HubSpot answered 503" in line for line in report.troubles)
    assert world.run_later(MINUTE).status is RunStatus.COMPLETED
    assert world.kinds() == ["lead.handed_off"]


def test_somebody_new_of_whom_nothing_comes_otherwise_is_asked_for() -> None:
    """R06, P1: by its values no rule can do anything, so it is on no work list (idle.py)."""
    world = build()
    world.crm.add("102", email="ana@new.example")
    visits(world, "102")
    world.run()
    assert (world.crm.calls("pull_views"), world.kinds()) == (["pull_views"], ["lead.handed_off"])


def test_a_hint_changes_when_and_never_what() -> None:
    """P4: it was first to see the visit, and decided without the views."""
    world = build()
    visits(world)
    world.hint("101")
    world.run_hints()
    assert (world.dirty(), world.kinds()) == ([], [])
    world.run_later(MINUTE)
    assert world.kinds() == ["lead.handed_off"]


def test_whoever_came_back_first_is_asked_for_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """P8: more people than a run asks for are back before every run; nobody starves for the sake of lower ids."""
    monkeypatch.setattr(views, "MOST", 2)
    monkeypatch.setattr(views, "LOOKED_AT", 2)  # what is on the work list beyond it is asked for all the same
    many = ("101", "102", "103")
    world = build(None, *many, "999")
    visits(world, "999")
    for _ in range(3):
        for contact in many:
            visits(world, contact, times=1)
        world.run_later(MINUTE)
    assert ("pull_views", "999") in world.crm.asked
    assert "hand_over" in world.decisions("999")


def test_nobody_waits_but_those_who_were_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """P7: a filter asks about page views."""
    monkeypatch.setattr(views, "MOST", 1)
    careers = {"activity": {"kind": "page_view", "url": "/careers*"}}
    applies = {"name": "applicant", "say": "looks for a job", "then": "junk", "when": careers}
    world = build(make_book(qualification={"filters": {"rules": [applies]}}), "101", "102", "103")
    for contact in ("101", "102", "103"):
        world.crm.happen(demo_request(world.clock.now(), contact=contact, id=f"form-{contact}"))
    for contact in ("101", "102"):
        visits(world, contact, times=1)
    report = world.run()
    assert [world.decisions(contact)[-1] for contact in ("101", "102", "103")] == ["hand_over", "nothing", "hand_over"]
    assert report.counts.unseen == ["page_views"], "hints between runs may be of anybody"
    world.run_later(MINUTE)
    assert world.decisions("102")[-1] == "hand_over"


def test_visits_of_the_past_that_was_asked_for_are_asked_for_by_the_second_run() -> None:
    """R41: HANDOFF_SINCE lies before the first run."""
    world = World(rules())
    world.crm.views_by_contact = True
    for contact in ("101", "102"):
        world.crm.add(contact, email=f"kim@firm{contact}.example")
    visits(world, "102")
    world.clock.pass_by(DAY)
    since = world.clock.now() - HOUR
    visits(world, "101")
    world.run(since=since)
    assert world.crm.calls("pull_views") == []
    world.run_later(MINUTE)
    assert [what for call, what in world.crm.asked if call == "pull_views"] == ["101"], "the other's visit is the past"
    assert world.kinds() == ["lead.handed_off"]


def test_one_whose_views_cannot_be_read_does_not_stop_the_others() -> None:
    """P5: the next run asks for them once more."""
    world = build(None, "101", "102")
    visits(world, "101")
    visits(world, "102")

    def broken() -> None:
        raise CrmUnavailableError("HubSpot answered 500", status=500)

    world.crm.before("pull_views", broken)
    report = world.run()
    assert any("page views of 1 contact were not asked for: HubSpot answered 500" in line for line in report.troubles)
    assert world.decisions("102") == ["hand_over"]
    world.run_later(MINUTE)
    assert world.decisions("101")[-1] == "hand_over"


def test_leads_in_hand_are_asked_for_by_turns_where_no_field_tells_of_visits() -> None:
    """R40"""
    world = build(rules(visits=False))
    world.crm.edit(request="hand_over")
    world.run()
    world.crm.forget()
    world.run_later(MINUTE)
    assert ("pull_views", "101") in world.crm.asked


def test_a_portal_that_gives_none_at_all_has_stand_ins_again() -> None:
    world = build()
    visits(world)
    world.crm.off["page_views"] = "single page views need an Enterprise portal"
    world.crm.views_by_contact = False
    report = world.run()
    assert any("Enterprise" in line for line in report.troubles)
    world.crm.forget()
    world.crm.edit(last_url="https://www.acme.example/pricing")
    world.run_later(MINUTE)
    assert world.crm.calls("pull_views") == []
