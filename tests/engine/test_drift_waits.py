"""What a portal that lost a property stops, and what waits, by the rules alone (R32, P7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from factories import NOW, demo_request, make_book, make_contact, make_owner, make_situation, pricing_view
from fakes import FakeCrm

from connector.domain.activity import Activity
from connector.domain.contact import Value
from connector.engine.drift import gone
from connector.engine.ports import PropertyInfo, Schema
from connector.engine.preflight import require
from connector.errors import UnknownPropertyError
from connector.rules.decide import decide
from connector.rules.drift import in_words, is_heeded, marks_wait, why_paused, with_derived
from connector.rules.rulebook import RuleBook

NORTH = {"field": "region", "op": "is", "value": "north"}
PAGES = [{"say": "looked", "url": "/pricing*", "at_least": 2}]
LOOKS = (pricing_view(), pricing_view(NOW))


def book(**parts: Mapping[str, Any]) -> RuleBook:
    """With a field of the admin's own, `region`."""
    fields = make_book().fields.model_dump()["fields"]
    own = {"region": {"type": "text", "property": "region"}, "seats": {"type": "number", "property": "seats"}}
    return make_book(fields={"fields": {**fields, **own}}, **parts)


def why(rules: RuleBook, lost: str, *did: Activity, **fields: Value) -> str:
    situation = make_situation(make_contact(**fields), activities=did)
    return why_paused(decide(situation, rules, now=NOW), rules, with_derived([lost], rules))


def filtered() -> RuleBook:
    own = {"name": "far", "say": "is far", "then": "nurture", "when": {"not": NORTH}}
    return book(qualification={"key_pages": PAGES, "filters": {"rules": [own]}})


def counting() -> RuleBook:
    fit = {"rules": [{"say": "is near", "points": 5, "when": NORTH}]}
    return book(qualification={"key_pages": PAGES}, scoring={"fit": fit})


def routing() -> RuleBook:
    pools = {"north": {"members": [{"owner": "8"}]}, "all": {"everyone": True}}
    rules = {"territories": [{"when": NORTH, "pool": "north"}], "pools": pools, "default_pool": "all"}
    return book(qualification={"key_pages": PAGES}, routing=rules)


def test_whoever_may_have_said_no_waits_whatever_they_did() -> None:
    """R11"""
    rules = book(qualification={"key_pages": PAGES})
    for name in (*rules.suppression.do_not_contact, *rules.suppression.marketing_opt_out):
        assert "somebody may have said no" in why(rules, name, demo_request())
        assert marks_wait(rules, [name])
    assert marks_wait(rules, ["last_form"]) and not marks_wait(rules, ["job_title"])


def test_filters_and_routing_hold_every_handover_and_points_those_by_points() -> None:
    """R03, R04, R12"""
    assert "a filter goes by it" in why(filtered(), "region", demo_request())
    assert "who gets the lead goes by it" in why(routing(), "region", demo_request(), region="north")
    assert "points or a trigger go by it" in why(counting(), "region", *LOOKS, region="north")
    assert why(counting(), "region", demo_request()) == "", "who asks for sales does not wait for points"


def test_what_no_rule_goes_by_holds_nobody() -> None:
    rules = counting()
    assert why(rules, "seats", *LOOKS) == why(rules, "score", *LOOKS) == ""
    assert (is_heeded("region", rules), is_heeded("seats", rules)) == (True, False)
    assert in_words("seats", rules) == "notices do without it"
    assert in_words("due_at", rules) == "it is not written"


def test_a_field_that_is_worked_out_goes_with_its_source() -> None:
    """R03: a competitor is known by a domain, which comes from the website too."""
    rules = book(qualification={"filters": {"competitors": {"domains": ["rival.example"]}}})
    source = next(rule.of[0] for rule in rules.fields.fields.values() if rule.of)
    assert "domain" in with_derived([source], rules)
    assert "a filter goes by it" in why(rules, source, demo_request())


# -- what a run can do without -------------------------------------------------------------------------------------


def portal(rules: RuleBook, **changed: PropertyInfo | None) -> Schema:
    known = {**FakeCrm(book=rules).properties, **changed}
    return Schema(properties={name: info for name, info in known.items() if info is not None})


def known(rules: RuleBook) -> dict[str, str]:
    return {name: rule.property for name, rule in rules.fields.fields.items() if rule.property}


@pytest.mark.parametrize("prop", ["lifecyclestage", "hs_lead_status", "handoff_state", "handoff_verdict"])
def test_what_makes_the_funnel_stops_the_run(prop: str) -> None:
    """P3, P7"""
    rules = book()
    with pytest.raises(UnknownPropertyError, match=prop):
        require(rules, portal(rules, **{prop: None}), [make_owner("7")], known(rules))


def test_a_field_by_which_sales_waits_stops_the_run() -> None:
    """R17: else a clock would run out that ought to stand still."""
    sla = book().sla.model_dump(by_alias=True)
    rules = book(sla={**sla, "waiting": NORTH})
    with pytest.raises(UnknownPropertyError, match="region"):
        require(rules, portal(rules, region=None), [make_owner("7")], known(rules))


def test_what_was_a_property_before_pauses_and_what_never_was_is_a_mistake() -> None:
    rules = book()
    lost = require(rules, portal(rules, region=None), [make_owner("7")], known(rules))
    assert lost == {"region": "the portal's property `region` is gone"}
    for before in ({}, {"region": "area"}):
        with pytest.raises(UnknownPropertyError, match="region"):
            require(rules, portal(rules, region=None), [make_owner("7")], before)


def test_a_property_of_another_type_is_as_good_as_gone() -> None:
    rules = book()
    (said,) = gone(rules, portal(rules, seats=PropertyInfo(type="datetime")), known(rules)).values()
    assert said == "the portal's property `seats` is of type datetime, which cannot be read as number"


def test_rules_without_some_fields_are_the_same_version_of_them() -> None:
    rules = counting()
    left = rules.without(["region"])
    assert left.fingerprint == rules.fingerprint
    assert "region" in rules.fields.fields and "region" not in left.fields.fields
