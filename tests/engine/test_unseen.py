"""A stream of signals that breaks off: the others go on, and nothing is concluded from its absence (P5, P7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from factories import DAY, MINUTE, demo_request, make_activity, make_book, make_deal
from fakes import kill

from connector.domain.contact import ContactId
from connector.domain.run import RunStatus
from connector.engine.ports import Form
from connector.errors import AuthenticationError, ContractError, CrmUnavailableError
from engine.world import World

ASK = {"activity": {"kind": "page_view", "url": "/careers*"}}
STREAMS = ("page_views", "forms", "email_events")
DOWN = CrmUnavailableError("HubSpot answered 503", status=503, advice="Wait.")


def build(qualification: Mapping[str, Any] | None = None) -> World:
    """A portal with Kim, who is new."""
    world = World(make_book(qualification=qualification or {})).begin()
    world.crm.add()
    return world


def test_the_others_go_on_and_the_next_run_reads_what_was_missed() -> None:
    """P4, P5: with errors, their watermarks left where they were, each in one sentence that says what to do."""
    world = build()
    before = world.watermark("forms")
    errors = (DOWN, ContractError("not as documented"), DOWN)
    world.crm.broken.update(zip(STREAMS, errors, strict=True))
    for stream in STREAMS:
        world.crm.happen(make_activity(at=world.clock.now(), stream=stream, id=f"missed-{stream}"))
    report = world.run()
    assert (report.status, report.exit_code) == (RunStatus.COMPLETED_WITH_ERRORS, 1)
    for stream, error, line in zip(STREAMS, errors, report.troubles, strict=True):
        assert stream.replace("_", " ") in line and str(error) in line and "next run asks for them again" in line
        assert stream not in report.counts.completeness
        assert world.watermark(stream) == before
    assert report.watermark == world.watermark() == world.watermark("deals") == report.run.as_of
    world.crm.broken.clear()
    report = world.run_later(2 * DAY)
    assert (report.status, report.troubles, world.watermark("forms")) == (RunStatus.COMPLETED, (), report.run.as_of)
    with world.store.reading() as uow:
        rows = uow.activities([ContactId("101")], world.clock.now() - 5 * DAY)[ContactId("101")]
    assert {row.id for row in rows} == {f"missed-{stream}" for stream in STREAMS}


def test_who_asks_for_sales_does_not_wait_for_another_stream() -> None:
    """R02: the shipped rules conclude nothing from views that did not come."""
    world = build()
    world.crm.broken["page_views"] = DOWN
    world.crm.happen(demo_request(world.clock.now()))
    assert world.run().counts.handed_off == 1


def test_a_run_that_is_cut_off_reads_the_stream_again() -> None:
    """I4, I9"""
    world = build()
    world.crm.broken["forms"] = DOWN
    world.crm.happen(demo_request(world.clock.now()))
    world.crm.before("pull_deals", kill)
    world.run_and_die()
    world.crm.broken.clear()
    report = world.run()
    assert report.run.resumed and report.status is RunStatus.COMPLETED
    assert report.counts.handed_off == 1


def test_deals_contacts_and_a_wrong_token_still_end_the_run() -> None:
    """P7: without them nothing is decided."""
    world = build()
    world.crm.broken["forms"] = AuthenticationError("the token is wrong")
    with pytest.raises(AuthenticationError):
        world.run()
    world.crm.broken.clear()

    def down() -> None:
        raise DOWN

    world.crm.before("pull_deals", down)
    with pytest.raises(CrmUnavailableError):
        world.run()


# -- what is not concluded -------------------------------------------------------------------------------------------


def opens_the_form(world: World) -> None:
    at = world.clock.now()
    world.crm.happen(make_activity(at=at, url="https://www.acme.example/demo", name="Demo"))


def mark(world: World) -> str:
    return world.crm.value("101", "abandoned_form")


def test_a_form_that_was_sent_meanwhile_is_never_marked() -> None:
    """R08"""
    world = build()
    opens_the_form(world)
    world.run()
    world.crm.broken["forms"] = DOWN
    world.crm.happen(demo_request(world.clock.now()))
    for _ in range(2):
        world.run_later(31 * MINUTE)
    world.crm.broken.clear()
    world.run_later(MINUTE)
    assert world.crm.values_over_time("101", "abandoned_form") == []
    assert world.kinds() == ["lead.handed_off"]


def test_a_mark_does_not_come_of_a_hint_between_runs_either() -> None:
    """That a stream is behind is known until it is read."""
    world = build()
    opens_the_form(world)
    world.run()
    world.crm.broken["forms"] = DOWN
    world.run_later(29 * MINUTE)
    world.clock.pass_by(2 * MINUTE)
    world.hint("101")
    world.run_hints()
    assert mark(world) == ""


def test_a_run_that_goes_on_knows_the_portals_forms_and_what_it_has_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """P1, P7, R08: the process that read them is gone, and with it what it knew of them."""
    world, known, form = build(), set[Form](), Form(ref="g-1", name="Book a demo")
    pull = world.crm.pull_activities

    def listing(stream: str, *window: Any, **more: Any) -> Any:
        known.update({form} if stream == "forms" else ())
        return pull(stream, *window, **more)

    monkeypatch.setattr(world.crm, "pull_activities", listing)
    monkeypatch.setattr(world.crm, "listed_forms", lambda: tuple(known))
    monkeypatch.setattr(world.crm, "forms", lambda: (known.add(form), tuple(known))[1])
    world.run()
    opens_the_form(world)
    world.crm.broken["forms"] = DOWN
    world.run_later(MINUTE)
    world.crm.broken.clear()
    deal = make_deal(contacts=(ContactId("101"),), at=world.clock.now())
    world.crm.deals.append(deal)
    world.crm.after("pull_deals", kill)
    world.clock.pass_by(31 * MINUTE)
    world.run_and_die()
    known.clear()
    report = world.run()
    assert report.run.resumed and mark(world) == ""
    assert any("has no form “Request a demo”" in line for line in report.remarks)
    assert report.counts.unseen == []


def test_nobody_is_marked_for_a_form_that_the_portal_has_no_more() -> None:
    """R08, P7: one that was renamed is sent under its new name, and the rules still name the old one."""
    world = build()
    world.crm.known_forms = (Form(ref="g-1", name="Book a demo"),)
    opens_the_form(world)
    world.run()
    report = world.run_later(31 * MINUTE)
    assert mark(world) == ""
    assert any("has no form “Request a demo”" in line for line in report.remarks)
    world.crm.known_forms = (Form(ref="g-1", name="Request a demo"),)
    assert not any("Request a demo" in line for line in world.run_later(MINUTE).remarks)
    assert mark(world) == "Request a demo"


FILTERED = {"filters": {"rules": [{"name": "applicant", "say": "looks for a job", "then": "triage", "when": ASK}]}}

def held(world: World) -> str:
    """That Kim waits, by the report, and nobody heard of it."""
    report = world.run_later(MINUTE)
    assert (report.counts.handed_off, world.kinds()) == (0, [])
    assert world.decisions()[-1] == "nothing"
    return next(line for line in report.troubles if "waits" in line)


def test_a_filter_that_asks_for_what_was_not_read_lets_nobody_through_and_stops_nobody() -> None:
    """R03, P7: also who asks for sales waits, and goes to nobody's desk by mistake."""
    world = build(FILTERED)
    world.crm.broken["page_views"] = DOWN
    world.crm.happen(demo_request(world.clock.now()))
    assert held(world) == "1 lead waits: page views could not be read, and a filter asks about them"
    assert held(world), "the next run looks again"
    world.crm.broken.clear()
    world.run_later(MINUTE)
    assert world.kinds() == ["lead.handed_off"]


def test_a_filter_by_a_list_that_is_gone_lets_nobody_through() -> None:
    """R03, P7: the portal has no such list any more, so nobody can say who is on it."""
    on_list = {"activity": {"kind": "list_joined", "name": "Partners"}}
    own = {"name": "partners-list", "say": "is on the partners' list", "then": "triage", "when": on_list}
    world = build({"filters": {"rules": [own]}})
    world.crm.happen(demo_request(world.clock.now()))
    assert "new members of the list “Partners” could not be read" in held(world)
    world.crm.activities["list:Partners"] = []
    world.run_later(MINUTE)
    assert world.kinds() == ["lead.handed_off"]


def test_nobody_waits_for_a_stream_that_the_portal_refuses_for_good() -> None:
    """P4, P7: it may never come; the report names the rules that go without, also a day on and after it broke off."""
    world = build(FILTERED)
    world.crm.broken["email_events"] = DOWN
    world.crm.happen(demo_request(world.clock.now()))
    assert held(world)
    world.crm.off["email_events"] = "the token lacks content"
    report = world.run_later(MINUTE)
    assert (world.kinds(), report.counts.unseen) == (["lead.handed_off"], [])
    for line in (report.troubles[0], world.run_later(MINUTE).troubles[0]):
        assert "these rules ask about them and go as if nobody had done any: filter `applicant`" in line
