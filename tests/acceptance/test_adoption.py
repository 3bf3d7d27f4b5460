"""A portal that already lives is not flooded (R41): what was there before is taken in silently, news is handed over."""

from __future__ import annotations

import json

import pytest
from portal_world import Build, World

SALES_HAS = 3_000
OWNERS = 6


def leads(world: World, count: int) -> list[dict[str, str]]:
    """Contacts of the seed that marketing has, with a company's e-mail address."""
    filters = [
        {"propertyName": "lifecyclestage", "operator": "EQ", "value": "lead"},
        {"propertyName": "hs_email_domain", "operator": "NEQ", "value": "mail.example"},
        {"propertyName": "email", "operator": "HAS_PROPERTY"},
    ]
    body = {"filterGroups": [{"filters": filters}], "properties": ["email"], "limit": count}
    rows = world.api("POST", "/crm/v3/objects/contacts/search", body)["results"]
    return [{"id": row["id"], "email": row["properties"]["email"]} for row in rows]


def let_25_qualify(world: World) -> set[str]:
    """Ten known leads ask for sales, five look at the prices twice, ten people are new; five more only look around."""
    known = leads(world, 20)
    chosen = {world.asks(lead["email"]) for lead in known[:10]}
    for lead in known[10:15]:
        world.views(lead["id"], 3, 1)
        chosen.add(lead["id"])
    chosen |= {world.asks(f"new.{number}@fresh-{number}.example", form="Free audit") for number in range(5)}
    for number in range(5):
        contact = world.contact(f"visitor.{number}@visitors-{number}.example", country="Germany")
        world.views(contact, 20, 1)
        chosen.add(contact)
    for lead in known[15:]:
        world.act("page_view", contact=lead["id"], url="https://www.acme.example/about")
    assert len(chosen) == 25
    return chosen


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_twenty_thousand_contacts_are_taken_in_silently_and_25_newcomers_are_25_handoffs(build: Build) -> None:
    """R41, and the adoption line of "Done when"."""
    world = build(
        process=True,
        enterprise=True,
        contacts=20_000,
        seed=41,
        stages={"marketingqualifiedlead": 2_000, "salesqualifiedlead": 1_000},
    )

    first = world.sync()

    assert (first.exit_code, first.counts.contacts_pulled, first.counts.decided) == (0, 20_000, 20_000)
    assert (first.counts.handed_off, first.counts.notices_queued) == (0, 0)
    assert world.ours(mark="ours") == [] and world.listed() == set() and not world.receiver.notices

    world.later(days=1)
    chosen = let_25_qualify(world)
    second = world.sync()

    assert (second.exit_code, second.counts.handed_off, second.counts.held) == (0, 25, 0)
    assert {notice["data"]["contact_id"] for notice in world.receiver.of("lead.handed_off")} == chosen
    assert world.receiver.kinds() == {"lead.handed_off": 25}
    assert world.listed() == chosen
    assert {event["id"] for event in world.ours("property", mark="ours")} == chosen
    assert {event["id"] for event in world.log("property") if event["name"] == "handoff_episode"} == chosen

    waiting = json.loads(world.handoff("adopt", "--json").stdout)["waiting"]
    assert sum(waiting[name] for name in ("mql", "sql", "opportunity")) == SALES_HAS


def test_adoption_goes_by_cohort_and_at_the_pace_that_was_asked_for(build: Build) -> None:
    """R41: each rep gets at most so many a day, with clock, list entry and notice; the other cohorts stay silent."""
    world = build(contacts=300, seed=7, stages={"marketingqualifiedlead": 60, "salesqualifiedlead": 30})
    world.sync()
    assert world.ours(mark="ours") == []

    said = world.handoff("adopt", "--apply", "mql", "--per-rep-per-day", "2")
    assert said.returncode == 0, said.stderr
    adopted = world.sync()

    assert adopted.counts.handed_off == len(world.receiver.of("lead.handed_off")) == 2 * OWNERS == len(world.listed())
    owners = [notice["data"]["owner_id"] for notice in world.receiver.notices]
    assert sorted(owners) == sorted([*set(owners)] * 2)
    stages = {world.read(contact, "lifecyclestage")["lifecyclestage"] for contact in world.listed()}
    assert stages == {"marketingqualifiedlead"}
    assert not any(event["name"] == "hubspot_owner_id" for event in world.ours("property"))

    assert world.sync().counts.handed_off == 0, "the day's share is used up"
    world.later(days=1)
    assert world.sync().counts.handed_off == 2 * OWNERS

    assert world.handoff("adopt", "--stop").returncode == 0
    world.later(days=1)
    assert world.sync().counts.handed_off == 0


def test_a_lead_that_sales_already_had_wakes_up_when_it_asks_anew(build: Build) -> None:
    """R41: its owner hears of it at once; nobody else gets it, and it is one episode."""
    world = build(enterprise=True)
    owner = world.api("GET", "/crm/v3/owners")["results"][2]
    had = world.contact("rosa@had.example", lifecyclestage="salesqualifiedlead", hubspot_owner_id=owner["id"])
    world.sync()
    world.later(days=1)
    assert world.asks("rosa@had.example") == had
    world.sync()

    (notice,) = world.receiver.notices
    assert (notice["type"], notice["data"]["owner_id"]) == ("lead.handed_off", owner["id"])
    assert world.listed() == {had}
    assert world.read(had, "lifecyclestage")["lifecyclestage"] == "salesqualifiedlead"
