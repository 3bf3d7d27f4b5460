"""A stream of signals that breaks off: the others go on, and nothing is concluded from its absence (P5, P7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from factories import DAY, HOUR, MINUTE, demo_request, make_activity, make_book, pricing_view
from fakes import kill

from connector.domain.activity import ActivityKind
from connector.domain.contact import ContactId
from connector.domain.run import RunStatus
from connector.engine.ports import Form
from connector.errors import AuthenticationError, ContractError, CrmUnavailableError
from engine.world import World

ASK = {"activity": {"kind": "page_view", "url": "/careers*"}}
STREAMS = ("page_views", "forms", "email_events")
DOWN = CrmUnavailableError("HubSpot answered 503", status=503, advice="Wait.")


def build(qualification: Mapping[str, Any] | None = None, **parts: Any) -> World:
    """A portal with Kim, who is known for a while."""
    world = World(make_book(qualification=qualification or {}, **parts)).begin()
    world.crm.add()
    world.run()
    world.clock.pass_by(HOUR)
    return world


def looks_twice(world: World) -> None:
    """At the prices, which is enough by itself."""
    for ago in (2, 1):
        world.crm.happen(pricing_view(world.clock.now() - ago * MINUTE, id=f"view-{ago}"))


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("error", [DOWN, ContractError("not as documented")])
def test_the_others_go_on_and_the_next_run_reads_what_was_missed(stream: str, error: Exception) -> None:
    """P4, P5: with errors, its watermark left where it was, in one sentence that says what to do."""
    world = build()
    before = world.watermark(stream)
    world.crm.broken[stream] = error
    world.crm.happen(make_activity(at=world.clock.now(), stream=stream, id="missed"))
    report = world.run()
    assert (report.status, report.exit_code) == (RunStatus.COMPLETED_WITH_ERRORS, 1)
    (line,) = report.troubles
    assert stream.replace("_", " ") in line and str(error) in line and "next run asks for them again" in line
    assert stream not in report.counts.completeness
    assert report.watermark == world.watermark() == world.watermark("deals") == report.run.as_of
    assert world.watermark(stream) == before
    world.crm.broken.clear()
    report = world.run_later(2 * DAY)
    assert (report.status, report.troubles, world.watermark(stream)) == (RunStatus.COMPLETED, (), report.run.as_of)
    with world.store.reading() as uow:
        rows = uow.activities([ContactId("101")], world.clock.now() - 5 * DAY)[ContactId("101")]
    assert "missed" in [row.id for row in rows]


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


@pytest.mark.parametrize("stream", ["forms", "page_views"])
def test_nobody_is_said_to_have_left_a_form_unsent_while_forms_or_views_are_unread(stream: str) -> None:
    """R08, P7: on its timer; the mark comes once the stream is read, and never where the form had been sent."""
    world = build()
    opens_the_form(world)
    world.run()
    world.crm.broken[stream] = DOWN
    world.run_later(31 * MINUTE)
    assert mark(world) == ""
    world.crm.broken.clear()
    world.run_later(MINUTE)
    assert mark(world) == "Request a demo"


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


def test_nobody_is_marked_for_a_form_that_the_portal_has_no_more() -> None:
    """R08, P7: one that was renamed is sent under its new name, and the rules still name the old one."""
    world = build()
    world.crm.known_forms = (Form(ref="g-1", name="Book a demo"),)
    opens_the_form(world)
    world.run()
    report = world.run_later(31 * MINUTE)
    assert mark(world) == ""
    assert any("has no form “Request a demo” any more" in line for line in report.remarks)
    world.crm.known_forms = (Form(ref="g-1", name="Request a demo"),)
    assert not any("Request a demo" in line for line in world.run_later(MINUTE).remarks)
    assert mark(world) == "Request a demo"


FILTERED = {"filters": {"rules": [{"name": "applicant", "say": "looks for a job", "then": "triage", "when": ASK}]}}
TRIGGER = {
    "name": "buyer", "say": "wants to buy",
    "when": {"all": [{"activity": {"kind": "form_submission", "name": "Guide*"}}, {"not": ASK}]},
}  # fmt: skip


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


def test_a_trigger_that_asks_that_something_did_not_happen_waits() -> None:
    """R05"""
    world = build({"triggers": [TRIGGER]})
    world.crm.broken["page_views"] = DOWN
    guide = make_activity(
        ActivityKind.FORM_SUBMISSION, world.clock.now(), stream="forms", id="guide", name="Guide to prices"
    )
    world.crm.happen(guide)
    assert "the rule asks that there are none" in held(world)
    world.crm.happen(make_activity(at=world.clock.now(), id="job", url="https://www.acme.example/careers"))
    world.crm.broken.clear()
    world.run_later(MINUTE)
    assert world.kinds() == []


def test_points_that_are_taken_off_keep_the_threshold_back_and_nothing_else() -> None:
    """R04"""
    off = {"say": "looked for a job", "points": -30, "kind": "page_view", "url": "/careers*"}
    form = {"say": "sent a form", "points": 60, "kind": "form_submission"}
    scoring = {"engagement": {"rules": [off, form]}}
    world = build({"threshold": {"score": 50}, "hand_raisers": {"forms": ["Request a demo"]}}, scoring=scoring)
    world.crm.broken["page_views"] = DOWN
    sent = make_activity(ActivityKind.FORM_SUBMISSION, world.clock.now(), stream="forms", id="any", name="Guide")
    world.crm.happen(sent)
    assert "take points off" in held(world)
    world.crm.happen(demo_request(world.clock.now()))
    world.run_later(MINUTE)
    assert world.kinds() == ["lead.handed_off"]


def test_a_click_counts_once_its_mail_can_have_come() -> None:
    """R09: what broke off may have held what shows that a scanner clicked."""
    scoring = {"engagement": {"rules": [{"say": "clicked", "points": 60, "kind": "email_click"}]}}
    world = World(make_book(qualification={"threshold": {"score": 50}}, scoring=scoring), page_size=1).begin()
    world.crm.add()
    world.run()
    at = world.clock.pass_by(HOUR)
    for name, kind in (("click", ActivityKind.EMAIL_CLICK), ("sent", ActivityKind.EMAIL_SENT)):
        world.crm.happen(make_activity(kind, at, stream="email_events", id=name, name="Spring", ref="9"))

    def down() -> None:
        raise DOWN

    world.crm.before("pull_activities", down, nth=4)  # of the mails, what comes after the first page
    assert "mail scanner" in held(world)
    world.run_later(MINUTE)
    assert world.kinds() == [], "now the mail is known that the click came with"


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
