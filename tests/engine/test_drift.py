"""A property that the portal loses pauses what depends on it, and all goes on by itself when it is back (R32, P7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from factories import DAY, HOUR, MINUTE, demo_request, make_activity, make_book, make_owner, pricing_view
from fakes import kill

from connector.domain.run import RunStatus
from connector.engine.ports import PropertyInfo
from connector.errors import UnknownPropertyError
from engine.world import World

FORBIDDEN = "handoff_do_not_contact"
TEXT = {"type": "text", "property": "region"}
FILTER = {"name": "no-region", "say": "is in no region", "then": "nurture",
          "when": {"field": "region", "op": "is", "value": "south"}}  # fmt: skip


def build(fields: Mapping[str, Any] | None = None, **parts: Any) -> World:
    """A portal with Kim, who is known for a while, and by these rules."""
    base = make_book()
    own = {"fields": {**base.fields.model_dump()["fields"], **(fields or {})}}
    world = World(make_book(fields=own, **parts)).begin()
    world.crm.add()
    world.run()
    world.clock.pass_by(HOUR)
    return world


def lose(world: World, prop: str) -> PropertyInfo:
    return world.crm.properties.pop(prop)


def asks(world: World, contact: str = "101") -> None:
    world.crm.happen(demo_request(world.clock.now(), contact=contact, id=f"demo-{contact}"))


@pytest.mark.parametrize(("prop", "field"), [("handoff_score", "score"), ("handoff_reason", "reason")])
def test_what_only_we_write_is_left_out_and_said(prop: str, field: str) -> None:
    """R14: the lead is handed over with all the rest, and nothing is asked or written of what is gone."""
    world = build()
    whole = lose(world, prop)
    asks(world)
    report = world.run()
    assert (report.status, report.exit_code) == (RunStatus.COMPLETED_WITH_ERRORS, 1)
    (line,) = report.troubles
    assert line.startswith(f"fields.yaml: field `{field}`: the portal's property `{prop}` is gone; until it is back, ")
    assert world.told() == [("alarm.raised", None), ("lead.handed_off", "7")]
    assert world.crm.value("101", "state") == "handed_off"
    assert world.crm.value("101", field) == ""
    world.crm.properties[prop] = whole
    world.crm.forget()
    report = world.run_later()
    assert (report.status, report.troubles) == (RunStatus.COMPLETED, ())
    assert world.crm.calls("pull_all_contacts") == [], "nothing waited, so nothing is read again"


def test_nobody_is_handed_over_while_nobody_knows_who_said_no() -> None:
    """R11, P7: one who asked is held, explained and counted; the alarm comes once; then all goes on by itself."""
    world = build()
    world.crm.add("102", email="kim@other.example")
    whole = lose(world, FORBIDDEN)
    for one in ("101", "102"):
        asks(world, one)
    report = world.run()
    assert world.kinds() == ["alarm.raised"]
    assert any(line.startswith("2 leads wait: do not contact cannot be read") for line in report.troubles)
    assert world.decisions()[-1] == "nothing"
    assert world.run_later().status is RunStatus.COMPLETED_WITH_ERRORS
    assert world.kinds() == ["alarm.raised"], "once"
    world.crm.properties[FORBIDDEN] = whole
    world.crm.rows["102"].properties[FORBIDDEN] = "true"  # by whoever made it anew; the contact's date did not move
    report = world.run_later()
    assert report.status is RunStatus.COMPLETED
    assert world.kinds() == ["alarm.raised", "lead.handed_off"]
    assert (world.crm.value("101", "owner"), world.crm.value("102", "owner")) == ("7", "")
    world.crm.forget()
    world.run_later()
    assert world.crm.calls("pull_all_contacts") == [], "every contact is read again once"


def test_what_is_stored_of_it_stays_as_it_is() -> None:
    """P7: that the property is gone says nothing of the contact."""
    world = build({"region": TEXT})
    world.crm.edit(region="north")
    world.run()
    whole = lose(world, "region")
    world.crm.edit(first_name="Kay")
    world.run_later()
    assert (world.stored().raw["region"], world.stored().contact.text("region")) == ("north", "north")
    since = world.stored().contact.changed_at["region"]
    world.crm.properties["region"] = whole
    world.run_later()
    assert world.stored().contact.changed_at["region"] == since


def test_a_filter_that_cannot_be_asked_lets_nobody_through() -> None:
    """R03"""
    world = build({"region": TEXT}, qualification={"filters": {"rules": [FILTER]}})
    lose(world, "region")
    asks(world)
    assert any("and a filter goes by it" in line for line in world.run().troubles)
    assert world.kinds() == ["alarm.raised"]


def test_points_wait_and_who_asks_for_sales_does_not() -> None:
    """R02, R04: what depends on it pauses, and nothing else."""
    fit = {"rules": [{"say": "is near", "points": 5, "when": {"field": "region", "op": "is", "value": "north"}}]}
    page = {"say": "viewed the prices", "url": "/pricing*", "at_least": 2}
    world = build({"region": TEXT}, scoring={"fit": fit}, qualification={"key_pages": [page]})
    world.crm.add("102", email="kim@other.example")
    lose(world, "region")
    asks(world)
    for ago in (2, 1):
        world.crm.happen(pricing_view(world.clock.now() - ago * MINUTE, contact="102", id=f"view-{ago}"))
    report = world.run()
    assert report.counts.handed_off == 1
    assert any(line.startswith("1 lead waits: region cannot be read") for line in report.troubles)
    assert world.crm.value("102", "owner") == ""


def test_a_property_of_another_type_is_as_good_as_gone() -> None:
    world = build({"seats": {"type": "number", "property": "seats"}})
    world.crm.properties["seats"] = PropertyInfo(type="datetime")
    (line,) = world.run().troubles
    assert "`seats` is of type datetime, which cannot be read as number; until it is back, notices do without" in line


@pytest.mark.parametrize("prop", ["lifecyclestage", "hs_lead_status", "handoff_state", "handoff_verdict"])
def test_what_makes_the_funnel_stops_the_run(prop: str) -> None:
    """P7, P3"""
    world = build()
    lose(world, prop)
    with pytest.raises(UnknownPropertyError, match=prop):
        world.run()


def test_a_name_that_never_was_a_property_is_a_mistake_and_begins_nothing() -> None:
    """R32: also in rules that ran before without it."""
    world = build()
    fields = world.book.fields.model_dump()["fields"]
    world.book = make_book(fields={"fields": {**fields, "region": TEXT}})
    with pytest.raises(UnknownPropertyError, match="region"):
        world.run()


def test_nobody_is_reminded_of_a_form_while_nobody_knows_who_may_be_mailed() -> None:
    """R08, R11"""
    world = build()
    world.crm.happen(make_activity(at=world.clock.now(), url="https://www.acme.example/demo", name="Demo"))
    world.run()
    whole = lose(world, FORBIDDEN)
    world.run_later(31 * MINUTE)
    assert world.crm.value("101", "abandoned_form") == ""
    world.crm.properties[FORBIDDEN] = whole
    world.run_later(MINUTE)
    assert world.crm.value("101", "abandoned_form") == "Request a demo"


def test_hints_leave_the_change_to_the_next_whole_run_and_hold_too() -> None:
    world = build()
    whole = lose(world, FORBIDDEN)
    asks(world)
    world.hint("101")
    assert world.run_hints() is None
    world.run()
    world.hint("101")
    assert world.run_hints() is not None
    assert world.kinds() == ["alarm.raised"]
    world.crm.properties[FORBIDDEN] = whole
    assert world.run_hints() is None


def test_a_kill_after_it_is_back_still_reads_every_contact() -> None:
    """I9"""
    world = build()
    whole = lose(world, FORBIDDEN)
    world.crm.add("102", email="kim@other.example")
    asks(world, "102")
    world.run()
    world.crm.properties[FORBIDDEN] = whole
    world.crm.rows["102"].properties[FORBIDDEN] = "true"
    world.clock.pass_by(2 * DAY)
    world.crm.before("pull_all_contacts", kill)
    world.run_and_die()
    world.run()
    assert world.stored("102").contact.get("do_not_contact") is True
    assert world.kinds() == ["alarm.raised"]


def test_a_routing_field_holds_the_handover_until_it_is_known_who_gets_it() -> None:
    """R12"""
    routing = {
        "territories": [{"when": {"field": "region", "op": "is", "value": "north"}, "pool": "north"}],
        "pools": {"north": {"members": [{"owner": "8"}]}, "all": {"everyone": True}}, "default_pool": "all",
    }  # fmt: skip
    world = build({"region": TEXT}, routing=routing)
    world.crm.people = [make_owner("7"), make_owner("8")]
    whole = lose(world, "region")
    asks(world)
    world.run()
    assert world.kinds() == ["alarm.raised"]
    world.crm.properties["region"] = whole
    world.crm.rows["101"].properties["region"] = "north"
    world.run_later()
    assert world.told()[-1] == ("lead.handed_off", "8")
