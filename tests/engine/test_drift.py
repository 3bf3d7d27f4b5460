"""A property that the portal loses pauses what depends on it, and all goes on by itself when it is back (R32, P7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factories import DAY, demo_request, make_book
from fakes import kill

from connector.domain.contact import ContactId
from connector.domain.run import RunStatus
from connector.engine.explain import as_text, explain
from connector.engine.ports import PropertyInfo
from engine.world import World

FORBIDDEN = "handoff_do_not_contact"
TEXT = {"type": "text", "property": "region"}


def build(fields: Mapping[str, Any] | None = None, **parts: Any) -> World:
    """A portal with Kim, who is new, and where these rules ran before."""
    base = make_book()
    own = {"fields": {**base.fields.model_dump()["fields"], **(fields or {})}}
    world = World(make_book(fields=own, **parts)).begin()
    world.crm.add()
    return world


def lose(world: World, prop: str) -> PropertyInfo:
    return world.crm.properties.pop(prop)


def asks(world: World, contact: str = "101") -> None:
    world.crm.happen(demo_request(world.clock.now(), contact=contact, id=f"demo-{contact}"))


def test_what_only_we_write_is_left_out_and_said() -> None:
    """R14: the lead is handed over with all the rest, and nothing is asked or written of what is gone."""
    world = build()
    fields = {"handoff_score": "score", "handoff_reason": "reason"}
    whole = {prop: lose(world, prop) for prop in fields}
    asks(world)
    report = world.run()
    assert (report.status, report.exit_code) == (RunStatus.COMPLETED_WITH_ERRORS, 1)
    for prop, line in zip(fields, sorted(report.troubles, key=lambda one: "reason" in one), strict=True):
        said = f"fields.yaml: field `{fields[prop]}`: the portal's property `{prop}` is gone; until it is back, it is"
        assert line.startswith(said)
    assert world.told()[-1] == ("lead.handed_off", "7")
    assert [world.crm.value("101", name) for name in ("state", "score", "reason")] == ["handed_off", "", ""]
    world.crm.properties.update(whole)
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


def made_again(said_no: int = 1) -> World:
    """Some had said no before the property was lost; it came back with the same name, and empty."""
    world = World(make_book()).begin()
    for one in range(101, 101 + said_no):
        world.crm.add(str(one), email=f"kim@firm{one}.example", do_not_contact="true")
        asks(world, str(one))
    world.run()
    whole = lose(world, FORBIDDEN)
    world.run_later()
    for row in world.crm.rows.values():
        row.properties.pop(FORBIDDEN, None)
    world.crm.properties[FORBIDDEN] = whole
    return world


def test_who_said_no_stays_let_be_when_the_property_is_made_again() -> None:
    """I0, P7: said in every report, and to ops once; edits of something else change nothing of it."""
    world = made_again(2)
    for _ in range(2):
        report = world.run_later()
        assert any("is empty for 2 contacts of whom a value is stored" in line for line in report.troubles)
        asks(world)
        world.crm.edit(first_name="Kay")
    assert world.kinds() == ["alarm.raised"] * 2, "it is gone; it is back, and empty"
    assert world.stored().contact.get("do_not_contact") is True
    assert FORBIDDEN not in world.stored().raw, "what the portal shows is told apart"


def test_explain_says_what_stays_in_force_though_the_portal_shows_nothing() -> None:
    """P6."""
    world = made_again()
    world.run_later()
    with world.store.reading() as uow:
        told = explain(uow, ContactId("101"), world.book)
        then = explain(uow, ContactId("101"), world.book, as_of=world.clock.now())
    assert told is not None and then is not None and then.kept == ()
    (line,) = told.kept
    assert line.startswith("do_not_contact: ") and "“true”, as it was, stays in force" in line
    assert "Stays in force:\n  do_not_contact: " in as_text(told)
    world.crm.edit("101", do_not_contact="false")
    world.run_later()
    with world.store.reading() as uow:
        released = explain(uow, ContactId("101"), world.book)
    assert released is not None and released.kept == ()


def test_a_value_set_in_the_portal_releases_that_contact_alone() -> None:
    """I0: a yes that is said anew may then be taken back by emptying it."""
    world = made_again(3)
    world.run_later()
    world.crm.edit("101", do_not_contact="false")
    world.crm.edit("102", do_not_contact="true")
    (line,) = world.run_later().troubles
    assert "is empty for 1 contact of whom" in line
    world.crm.edit("102", do_not_contact="")
    world.crm.archive("103")
    asks(world, "102")
    assert world.run_later().troubles == ()
    said = [world.stored(one).contact.get("do_not_contact") for one in ("101", "102", "103")]
    assert said == [False, None, True]
    assert world.told()[-1][0] == "lead.handed_off"
