"""People (R12, R13): hours, absences, newcomers, skills and caps; every candidate is told why not."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from factories import ANA, BEN, DAY, HOUR, NOW, make_book, make_contact, make_owner
from pydantic import ValidationError

from connector.domain.contact import Contact, OwnerId
from connector.domain.decision import Route
from connector.rules.calendar import CalendarRules
from connector.rules.routing import Lead, RoutingRules, route, take_turn
from connector.rules.rulebook import cross_check
from connector.rules.situation import Desk

CALENDARS = {
    "office": CalendarRules.model_validate({"zone": "Europe/Berlin", "hours": {"mon-fri": ["09:00-17:00"]}}),
    "coast": CalendarRules.model_validate({"zone": "America/Los_Angeles", "hours": {"mon-fri": ["09:00-17:00"]}}),
}
MORNING, EVENING, NIGHT = (NOW.replace(hour=hour) for hour in (9, 18, 3))
"""A Monday in UTC; only the coast works in the evening, and nobody at night."""


def ask(
    people: list[dict[str, Any]] | None = None, *, members: list[dict[str, Any]] | None = None, at: datetime = MORNING,
    contact: Contact | None = None, **more: Any,
) -> Route:  # fmt: skip
    pools = {"p": {"members": members or [{"owner": ANA}, {"owner": BEN}], **more.pop("pool", {})}}
    desk = Desk(owners=[make_owner(ANA), make_owner(BEN)], rotation=more.pop("rotation", {}), open_leads={},
                given_today=more.pop("given_today", {}))  # fmt: skip
    lead = Lead(contact=contact or make_contact(), **more.pop("known", {}))
    rules = {"pools": pools, "default_pool": "p", "people": people or [], **more}
    found = route(lead, desk, RoutingRules.model_validate(rules), now=at, calendars=CALENDARS)
    assert found is not None
    return found


def why_not(found: Route) -> dict[str, str]:
    return {candidate.owner: candidate.why_not for candidate in found.candidates if candidate.why_not}


@pytest.mark.parametrize(("at", "owner"), [(MORNING, ANA), (EVENING, BEN)])
def test_who_is_at_work_goes_first(at: datetime, owner: OwnerId) -> None:
    found = ask([{"owner": ANA, "calendar": "office"}, {"owner": BEN, "calendar": "coast"}], at=at)
    assert found.owner == owner
    assert set(why_not(found).values()) == {"is not at work at this hour, and others are"}


def test_at_night_hours_do_not_count_for_a_lead_never_waits_without_an_owner() -> None:
    found = ask([{"owner": ANA, "calendar": "office"}, {"owner": BEN, "calendar": "coast"}], at=NIGHT)
    assert (found.owner, found.rule) == (ANA, "routing.pool")


def test_who_is_away_gets_nothing_sticky_leads_included() -> None:
    """Days begin and end in the zone of the person's calendar."""
    away = [{"owner": ANA, "calendar": "coast", "away": [{"from": "2026-02-23", "until": "2026-03-01"}]}]
    sunday_there = datetime(2026, 3, 2, 7, 30, tzinfo=NOW.tzinfo)
    found = ask(away, at=sunday_there, known={"former": ANA}, stickiness=["former_owner"])
    assert (found.owner, why_not(found)) == (BEN, {ANA: "worked this lead before, but is away until 1 March 2026"})
    assert found.sentence.startswith("The former owner, Ana Sample, is away until 1 March 2026. ")
    assert ask(away, at=sunday_there + HOUR, known={"former": ANA}, stickiness=["former_owner"]).owner == ANA


def test_the_fallback_passes_on_where_the_named_person_is_away() -> None:
    gone = [{"owner": BEN, "away": [{"from": "2026-03-01", "until": "2026-03-09"}]}]
    found = ask(gone, members=[{"owner": "99"}], fallback={"owner": BEN})
    assert (found.owner, found.rule) == (ANA, "routing.fallback")
    assert "The fallback owner is away until 9 March 2026." in found.sentence


def test_a_skill_gives_only_leads_for_which_it_holds() -> None:
    members = [{"owner": ANA, "takes": {"field": "country", "op": "in", "value": ["DE"]}}, {"owner": BEN, "weight": 1}]
    german, other = (ask(members=members, contact=make_contact(country=code)) for code in ("DE", "US"))
    assert (german.owner, other.owner) == (ANA, BEN)
    assert why_not(other) == {ANA: "does not take leads of this kind"}


def test_so_many_leads_a_day_and_no_more() -> None:
    found = ask(pool={"max_per_day": 3}, given_today={ANA: 3})
    assert (found.owner, why_not(found)) == (BEN, {ANA: "got 3 leads today already; 3 is the most"})


@pytest.mark.parametrize(("days", "leads"), [(0, 8), (7, 13), (14, 17), (28, 20)])
def test_a_newcomer_begins_with_a_quarter_of_the_weight(days: int, leads: int) -> None:
    """Of forty leads between two equals."""
    rotation: dict[str, dict[OwnerId, int]] = {}
    joined = (NOW - timedelta(days=days)).date()
    got = 0
    for _ in range(40):
        found = ask([{"owner": BEN, "joined_on": joined}], ramp_up="28d", rotation=rotation)
        take_turn(rotation, found)
        got += found.owner == BEN
    assert got == leads


def test_nobody_gets_leads_before_their_first_day() -> None:
    found = ask([{"owner": ANA, "joined_on": (NOW + DAY).date()}])
    assert (found.owner, why_not(found)) == (BEN, {ANA: "begins on 3 March 2026"})


@pytest.mark.parametrize(
    ("people", "said"),
    [
        ([{"owner": ANA, "away": [{"from": date(2026, 3, 2), "until": date(2026, 3, 1)}]}], "ends before it begins"),
        ([{"owner": ANA}, {"owner": ANA}], "stands here twice"),
    ],
)
def test_what_makes_no_sense_is_refused(people: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ask(people)


@pytest.mark.parametrize(
    ("routing", "said"),
    [
        ({"people": [{"owner": ANA, "calendar": "offise"}]}, "sla.yaml has no calendar `offise`"),
        ({"stickiness": ["company_owner"]}, "no field is called `company_owner`"),
        ({"telequalification": [{"name": "a", "agency": "gone"}]}, "notifications.yaml has no destination `gone`"),
        ({"telequalification": [{"name": "a", "agency": "reps"}]}, "the destination `reps` is not for agencies"),
        ({"telequalification": [{"name": "a", "agency": "reps", "lanes": ["scores"]}]}, "no lane is called `scores`"),
    ],
)
def test_what_other_files_lack_is_told(routing: dict[str, Any], said: str) -> None:
    assert said in [complaint.message for complaint in cross_check(make_book(routing=routing))]
