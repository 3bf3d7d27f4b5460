"""Preflight (R32, P7): every place where mappings/ and the portal do not fit, in one go, before anything is read."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from factories import DAY, HOUR, MINUTE, demo_request, make_book, make_owner, shipped_book
from fakes import FakeCrm

from connector.engine.ports import PropertyInfo, Schema
from connector.engine.preflight import complaints, paused, remarks, require
from connector.errors import CrmUnavailableError, ScopeError, UnknownPropertyError
from connector.rules.rulebook import RuleBook
from engine.world import World

OWNERS = (make_owner("7"), make_owner("8"))


def portal(**changed: PropertyInfo | None) -> Schema:
    """A portal with all that the shipped rules name, but for what is given; None takes a property away."""
    known = {**FakeCrm().properties, **changed}
    return Schema(properties={name: info for name, info in known.items() if info is not None})


def said(schema: Schema, book: RuleBook | None = None, *people: str) -> tuple[str, ...]:
    owners = tuple(make_owner(one) for one in people) or OWNERS
    return complaints(book or shipped_book(), schema, owners)


def test_the_shipped_rules_fit_a_portal_that_init_has_prepared() -> None:
    assert said(portal()) == ()


def test_a_missing_property_is_named_with_its_field_and_file() -> None:
    assert said(portal(jobtitle=None)) == (
        "fields.yaml: field `job_title` names the property `jobtitle`, which the portal lacks",
    )


def test_check_says_what_waits_while_a_property_lacks() -> None:
    """R32: but not of all that `init` is still to make."""
    (line,) = paused(shipped_book(), portal(jobtitle=None))
    assert "field `job_title`" in line and "nobody is handed over by score" in line
    (line,) = paused(shipped_book(), portal(handoff_score=None))
    assert "it is not written" in line
    assert paused(shipped_book(), portal(handoff_score=None, handoff_reason=None)) == ()
    assert paused(shipped_book(), portal(lifecyclestage=None)) == paused(shipped_book(), portal()) == ()


def test_a_property_that_is_nearly_right_is_guessed() -> None:
    (line,) = said(portal(jobtitle=None, job_title=PropertyInfo(type="string")))
    assert line.endswith("did you mean job_title?")


def test_a_property_of_ours_is_made_by_init() -> None:
    with pytest.raises(UnknownPropertyError) as caught:
        require(shipped_book(), portal(handoff_state=None), OWNERS)
    assert "handoff init --apply" in caught.value.advice


def test_a_property_that_cannot_be_written_is_said_where_it_must_be() -> None:
    read_only = PropertyInfo(type="string", read_only=True)
    (line,) = said(portal(hubspot_owner_id=read_only, jobtitle=read_only))
    assert "field `owner` is to be written" in line


def test_stages_and_statuses_must_be_options_of_the_portal() -> None:
    stages = tuple(stage for stage in shipped_book().stages.stages if stage != "evangelist")
    lines = said(
        portal(
            lifecyclestage=PropertyInfo(type="enumeration", options=stages),
            hs_lead_status=PropertyInfo(type="enumeration", options=("NEW", "BAD_TIMING")),
        )
    )
    assert [line.split(";")[0] for line in lines] == [
        "stages.yaml: the portal has no lifecycle stage `evangelist`",
        "stages.yaml: the portal has no lead status `UNQUALIFIED` to write",
    ]


def test_a_stage_that_is_to_be_written_must_have_a_value_of_the_portal() -> None:
    stages = {name: stage for name, stage in shipped_book().stages.stages.items() if name != "salesqualifiedlead"}
    (line,) = said(portal(), make_book(stages={"stages": stages}))
    assert line == "stages.yaml: nothing under `stages` stands for `sql`, which is to be written"


def test_owners_that_the_rules_name_must_be_known_to_the_portal() -> None:
    book = make_book(routing={"fallback": {"owner": "owner7@company.example"}})
    assert said(portal(), book) == ()
    assert said(portal(), book, "8") == ("routing.yaml: the portal has no owner `owner7@company.example`",)


def test_an_archived_owner_is_a_remark_and_a_complaint_only_where_nobody_is_left() -> None:
    """P7, R12: routing passes them over."""
    book = make_book(routing={"fallback": {"owner": "owner7@company.example"}})
    left = replace(make_owner("7"), archived=True)
    (line,) = remarks(book, (left, make_owner("8")))
    assert "`owner7@company.example` is archived" in line
    assert complaints(book, portal(), (left, make_owner("8"))) == ()
    assert (complaints(book, portal(), (left,)), remarks(book, (left,))) == ((line,), ())


def test_runs_go_on_and_say_so_when_somebody_whom_the_rules_name_leaves() -> None:
    """P7: one who leaves stops nobody else's leads."""
    pool = {"members": [{"owner": "8"}]}
    world = World(make_book(routing={"pools": {"sales": pool}, "default_pool": "sales"})).begin()
    world.crm.people = [replace(one, archived=one.id == "8") for one in world.crm.people]
    world.crm.add("101")
    world.crm.happen(demo_request(world.clock.now()))
    report = world.run_later(MINUTE)
    assert [line for line in report.remarks if "`8` is archived" in line]
    assert (report.counts.handed_off, world.episode().owner) == (1, "7")


def test_all_complaints_come_at_once() -> None:
    with pytest.raises(UnknownPropertyError) as caught:
        require(shipped_book(), portal(jobtitle=None, phone=None), OWNERS)
    assert len(str(caught.value).splitlines()) == 2
    assert "handoff check" in caught.value.advice


def test_a_type_that_can_never_fit_stops_a_run_and_an_option_that_lacks_does_not() -> None:
    """R32, P7: nothing could ever be read; an option somebody renamed only keeps its own condition from holding."""
    with pytest.raises(UnknownPropertyError) as caught:
        require(shipped_book(), portal(numemployees=PropertyInfo(type="date")), OWNERS)
    assert str(caught.value).startswith("fields.yaml: the portal's property `numemployees` is of type date")
    rule = {"say": "Retail", "when": {"field": "industry", "op": "is", "value": "Retail"}, "points": 5}
    world = World(make_book(scoring={"fit": {"cap": 50, "rules": [rule]}})).begin()
    offered = PropertyInfo(type="enumeration", options=("RETAIL_TRADE",), labels=("Retail",))
    world.crm.properties["industry"] = offered
    report = world.run_later(MINUTE)
    (line,) = [one for one in report.remarks if "industry" in one]
    assert report.exit_code == 0
    assert line.startswith("scoring.yaml: `Retail` is no option of the portal's property `industry`; ")
    assert line.endswith("that is its label; write `RETAIL_TRADE`")


def test_tracks_that_are_written_must_be_options_of_the_portal() -> None:
    (line, *_) = said(portal(handoff_nurture_track=PropertyInfo(type="enumeration", options=("consideration",))))
    assert line == "the portal's property `handoff_nurture_track` lacks the choice `awareness`"


# -- scopes ------------------------------------------------------------------------------------------------------

WRITE = {"crm.objects.contacts.write": "writing stage, owner and reason"}


def asked(world: World) -> int:
    return world.crm.calls().count("lacking_scopes")


def test_a_run_begins_nothing_where_the_token_lacks_a_scope_and_goes_on_once_it_has_it() -> None:
    """S2, P7: known before the first write, not when a lead is on the list already."""
    world = World().begin()
    world.clock.pass_by(DAY)
    world.crm.add("101")
    world.crm.happen(demo_request(world.clock.now()))
    world.crm.lacking = {**WRITE, "crm.lists.write": "the suppression list"}
    for _ in range(2):
        runs = len(world.runs())
        with pytest.raises(ScopeError) as caught:
            world.run_later(MINUTE)
        assert (len(world.runs()), world.crm.listed, caught.value.exit_code) == (runs, set(), 3)
        assert str(caught.value) == (
            "the token lacks crm.objects.contacts.write (writing stage, owner and reason), "
            "crm.lists.write (the suppression list)"
        )
        assert "\n" not in str(caught.value) and "Add the scopes" in caught.value.advice
    world.crm.lacking = {}
    assert world.run_later(MINUTE).counts.handed_off == 1


def test_the_token_is_asked_once_a_day_and_when_the_rules_changed() -> None:
    """P8: a quiet run costs no call more."""
    world = World().begin()
    for _ in range(3):
        world.run_later(HOUR)
    assert asked(world) == 0
    world.run_later(DAY)
    world.run_later(MINUTE)
    assert asked(world) == 1
    world.book = make_book(sla={"clocks": {}})
    world.run_later(MINUTE)
    world.run_later(MINUTE)
    assert asked(world) == 2


def test_looking_ahead_and_shadow_mode_write_nothing_and_ask_nothing() -> None:
    world = World()
    world.crm.lacking = WRITE
    assert world.run(dry_run=True).exit_code == world.run(shadow=True).exit_code == 0
    assert asked(world) == 0
    with pytest.raises(ScopeError):
        world.run_later(MINUTE)


def test_a_crm_that_cannot_be_asked_just_now_stops_no_run() -> None:
    """The next one asks again."""
    world = World()
    world.crm.before("lacking_scopes", partial(_raise, CrmUnavailableError("busy")))
    assert world.run().exit_code == 0
    world.run_later(MINUTE)
    world.run_later(MINUTE)
    assert asked(world) == 1


def _raise(error: Exception) -> None:
    raise error
