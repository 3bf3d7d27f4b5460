"""What reports are worked out from (R26, R27): gathered from a database that a connector filled."""

from __future__ import annotations

from typing import Any

from factories import HOUR, demo_request, make_activity, make_book, make_deal

from connector.domain.activity import ActivityKind, Channel
from connector.domain.contact import ContactId
from connector.domain.deal import DealState
from connector.engine.ports import PortalState
from connector.engine.reports.gather import gather
from connector.rules.reporting.causes import RULES
from connector.rules.reporting.facts import FORM, GRADE, LANE, OWNER, Facts, Period
from connector.rules.reporting.results import funnel_report, sources_report
from engine.world import World


def whole(state: PortalState) -> Period:
    assert state.as_of is not None
    return Period(since=None, until=state.as_of + HOUR, words="all")


def facts_of(world: World) -> tuple[Facts, Period]:
    found = gather(world.store, world.book, whole, by_source=True)
    assert found is not None
    return found


def handed_over(**properties: Any) -> World:
    """One lead of one source, handed over because it asked for a demo."""
    world = World().begin()
    world.crm.add("101", created_at=world.clock.now(), **properties)
    world.crm.happen(demo_request(world.clock.now(), contact="101", id="101"))
    world.run()
    return world


def test_before_the_first_run_there_is_nothing_to_gather() -> None:
    world = World()
    assert gather(world.store, world.book, whole) is None


def test_a_lead_is_known_by_what_may_have_made_it_go_well() -> None:
    """R27, R30: source, form, way in, owner and rules, as they were at its handover."""
    world = handed_over(origin="ORGANIC_SEARCH")
    facts, _ = facts_of(world)
    (lead,) = facts.leads
    assert lead.kinds["origin"] == "ORGANIC_SEARCH"
    assert (lead.kinds[FORM], lead.kinds[LANE]) == ("Request a demo", "hand_raiser")
    assert lead.kinds[OWNER] == lead.owner and lead.kinds[GRADE]
    assert list(facts.versions) == [lead.kinds[RULES]] == [lead.rules]
    assert facts.arrived == {"ORGANIC_SEARCH": 1}
    assert {(one.clock, one.missed_at) for one in facts.limits} == {
        ("first_touch", None), ("verdict", None), ("age", None),
    }  # fmt: skip


def test_a_version_that_differs_in_reports_alone_is_the_same_for_alarms() -> None:
    """R27: a new campaign in reports.yaml is no reason why leads fare otherwise; a new threshold may be."""
    world = handed_over()
    before = facts_of(world)[0].leads[0].rules
    world.book = make_book(reports={"marketing_promise": {"mqls_a_month": 7}}).in_zone("UTC")
    world.run_later()
    assert list(facts_of(world)[0].versions) == [before]
    world.book = make_book(qualification={"threshold": {"score": 50}}).in_zone("UTC")
    world.run_later()
    assert len(facts_of(world)[0].versions) == 2


def test_a_lead_accepted_and_handed_back_counts_as_both() -> None:
    """R26"""
    world = handed_over()
    world.clock.pass_by(HOUR)
    world.crm.edit("101", verdict="accepted")
    world.run()
    world.clock.pass_by(HOUR)
    world.crm.edit("101", verdict="recycle")
    world.run()
    found = funnel_report(*facts_of(world))
    assert (found.counted.handed, found.counted.accepted, sum(found.counted.recycled.values())) == (1, 1, 1)
    assert [(name, share.part) for name, share in found.reasons] == [("not_ready", 1)]


def test_leads_that_were_not_passed_are_among_those_that_came_in() -> None:
    world = handed_over(origin="EMAIL_MARKETING")
    world.crm.add("102", created_at=world.clock.now())
    world.run_later()
    found = sources_report(*facts_of(world))
    assert {one.value: (one.arrived, one.handed) for one in found.sources} == {
        "EMAIL_MARKETING": (1, 1), "(not known)": (1, 0),
    }  # fmt: skip
    assert (found.total.arrived, found.total.handed) == (2, 1)
    plain = gather(world.store, world.book, whole)
    assert plain is not None and sum(plain[0].arrived.values()) == 2


def test_the_touches_that_a_clock_asks_for_are_gathered() -> None:
    """R17: those since the handover, by channel; where no clock counts them nothing is read."""
    clock = {"label": "cadence", "until": "touches", "touches": 3, "limit": "10d"}
    world = World(make_book(sla={"clocks": {"cadence": clock}})).begin()
    world.crm.add("101", created_at=world.clock.now())
    world.crm.happen(demo_request(world.clock.now(), contact="101", id="101"))
    world.run()
    world.clock.pass_by(HOUR)
    at = world.clock.now()
    world.crm.happen(make_activity(ActivityKind.TOUCH, at, contact="101", name="call", stream="page_views", id="t"))
    world.run()
    assert facts_of(world)[0].leads[0].touches == ((at, Channel.CALL),)
    world.book = make_book().in_zone("UTC")
    assert facts_of(world)[0].leads[0].touches == ()


def test_a_deal_of_two_leads_is_the_money_of_one() -> None:
    """R26: what the groups bring in all is no more than what was sold."""
    world = World().begin()
    both = (ContactId("101"), ContactId("102"))
    for number in both:
        world.crm.add(number, created_at=world.clock.now())
        world.crm.happen(demo_request(world.clock.now(), contact=number, id=number))
    world.run()
    world.clock.pass_by(HOUR)
    world.crm.deals.append(make_deal(DealState.WON, at=world.clock.now(), amount=1000.0, contacts=both))
    world.run()
    leads = facts_of(world)[0].leads
    assert [one.won_at is not None for one in leads] == [True, True]
    assert sorted(one.revenue or 0 for one in leads) == [0, 1000]
