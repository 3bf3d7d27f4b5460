"""Examples from the past of a portal in memory: what is read, what is left out, and what is not known (R25)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from factories import DAY, HOUR, NOW, PORTAL, demo_request, make_deal, pricing_view
from fakes import FakeCrm

from connector.domain.activity import ActivityKind
from connector.domain.contact import ContactId
from connector.domain.deal import Deal, DealState
from connector.domain.episode import episode_id
from connector.engine.reports.portal_history import Past, PortalHistory, portal_history
from connector.rules.reporting.examples import Row, columns
from connector.store import open_notebook
from engine.world import World

MQL = "marketingqualifiedlead"
BEGAN = NOW - 200 * DAY


Rows = dict[str, Row]


def read(
    world: World, *, since: datetime | None = None, until: datetime | None = None
) -> tuple[Rows, PortalHistory]:
    """Rows by contact, and what was found."""
    now = world.clock.now()
    past = Past(portal=PORTAL, since=since, until=until or now + HOUR, now=now)
    with open_notebook() as notes:
        found = portal_history(world.crm, world.store, notes, world.book, past)
        rows = list(notes.rows())
    assert set(columns(found.names)) == {name for row in rows for name in row} and found.examples == len(rows)
    assert not world.crm.calls("update_contacts", "add_to_list", "remove_from_list", "ensure_tasks", "ensure_notes")
    whose = {episode_id(PORTAL, one, 0): str(one) for one in world.crm.rows}
    return {whose[row["lead"]]: row for row in rows}, found  # type: ignore[index]  # keys are episode ids


def portal(**crm: int) -> World:
    """Nobody did anything here yet, and time stands at the beginning of its past."""
    world = World(**crm)
    world.clock.at = BEGAN
    return world


def ready(crm: FakeCrm, contact: str, after: int = 10, **fields: str) -> datetime:
    """A contact that becomes ready so many days after it came; the clock stands there."""
    crm.add(contact, **fields)
    at = crm.clock.pass_by(after * DAY)
    crm.edit(contact, stage=MQL)
    return at


def test_later_deeds_values_and_deals_change_no_feature_on_the_way_through_the_notebook() -> None:
    """R25: all that is read twice is read as it was then."""
    world, crm = portal(), World().crm
    crm = world.crm
    at = ready(crm, "101", country="DE", employees="50", page_views="3")
    for activity in (pricing_view(at - DAY, contact="101", id="v1"), demo_request(at - HOUR, contact="101", id="f1")):
        crm.happen(activity)
    unknown_yet = replace(demo_request(at - 2 * HOUR, id="f0"), contact=None, email="kim101@acme.example", name="Guide")
    crm.happen(unknown_yet)
    (before,) = read(world)[0].values()
    assert (before["count: form_submission"], before["form"], before["count: page_view"]) == (2, "Request a demo", 1)
    world.clock.pass_by(DAY)
    crm.edit("101", country="FR", employees="900", page_views="90", email="kim@other.example", stage="opportunity")
    crm.happen(pricing_view(at + DAY, contact="101", id="v2"))
    crm.happen(pricing_view(at - 900 * DAY, contact="101", id="v0"))
    later = replace(demo_request(at - HOUR, id="f9"), contact=None, email="kim@other.example", name="Another's")
    crm.happen(later)
    crm.deals.append(make_deal(DealState.WON, at=world.clock.now(), contacts=("101",), amount=9.0))
    (after,) = read(world)[0].values()
    told = [name for name in before if not name.startswith("outcome: ")]
    assert [before[name] for name in told] == [after.get(name) for name in told]
    assert {name for name in after if name not in before} == set()
    assert (before["outcome: won"], after["outcome: won"], after["outcome: revenue"]) == (0, 1, 9.0)


def test_who_became_ready_when_handoff_was_there_or_long_ago_is_none() -> None:
    world = portal()
    first, second, third = (ready(world.crm, contact) for contact in ("101", "102", "103"))
    rows, _ = read(world, since=second, until=third)
    assert list(rows) == ["102"]
    assert list(read(world)[0]) == ["101", "102", "103"], "oldest first"
    assert first < second
    world.crm.forget()
    assert read(world, since=third, until=third)[0] == {} and not world.crm.calls("pull_dated_contacts")


def test_a_contact_without_a_history_is_an_example_by_its_deal_alone() -> None:
    """R25: where nobody knows since when it is in a stage of sales, it is counted and left out."""
    world = portal()
    for contact in ("101", "102"):
        world.crm.add(contact, stage=MQL, country="DE")
        world.crm.rows[ContactId(contact)].history.clear()
    made = world.clock.pass_by(DAY)
    world.crm.deals.append(make_deal(DealState.LOST, at=made, contacts=("102",)))
    rows, found = read(world)
    assert (list(rows), found.dateless, found.looked_at) == (["102"], 1, 2)
    row = rows["102"]
    assert (row["lacking"], row["score"], row["field: country"]) == ("history", None, None)
    assert (row["outcome: state"], row["outcome: censored"]) == ("lost", 0)


def test_a_stream_that_cannot_be_read_is_named_and_says_nothing_of_forms() -> None:
    world = portal()
    ready(world.crm, "101")
    world.crm.off["forms"] = "the token lacks forms"
    rows, found = read(world)
    assert (rows["101"]["lacking"], rows["101"]["form"]) == ("forms", "")
    assert found.streams_off == {"forms": "the token lacks forms"}


def test_the_money_of_a_deal_counts_once_among_its_contacts_and_not_beside_a_lead_of_handoff() -> None:
    """R25, R26: the last who was ready before it was closed has it; each of them won."""
    world = portal()
    for contact in ("101", "102", "103"):
        ready(world.crm, contact)
    closed = world.clock.now() - 5 * DAY
    deal = make_deal(DealState.WON, at=closed - DAY, closed_at=closed, contacts=("101", "102", "103"), amount=70.0)
    world.crm.deals.append(replace(deal, modified_at=closed))
    rows, _ = read(world)
    assert [row["outcome: won"] for row in rows.values()] == [1, 1, 1]
    assert {one: row["outcome: revenue"] for one, row in rows.items()} == {"101": None, "102": None, "103": 70.0}


def test_leads_of_handoff_are_not_repeated_and_their_deals_not_counted_again() -> None:
    world = portal()
    ready(world.crm, "101")
    world.begin()
    now = world.clock.now()
    world.crm.add("201", created_at=now)
    world.crm.happen(demo_request(now, contact="201", id="f1"))
    world.run()
    world.clock.pass_by(DAY)
    shared: Deal = make_deal(DealState.WON, at=world.clock.now(), contacts=("101", "201"), amount=50.0)
    world.crm.deals.append(shared)
    world.run()
    world.crm.forget()
    rows, found = read(world)
    assert (list(rows), found.ours) == (["101"], 1)
    assert (rows["101"]["outcome: won"], rows["101"]["outcome: revenue"]) == (1, None)


@pytest.mark.parametrize("page_size", [1, 100])
def test_pages_make_no_difference(page_size: int) -> None:
    world = portal(page_size=page_size)
    for contact in ("101", "102", "103"):
        ready(world.crm, contact)
    world.crm.merge("102", "103")
    rows, found = read(world)
    assert (list(rows), found.looked_at) == (["101", "103"], 2)
    assert (rows["101"]["lacking"], rows["103"]["lacking"]) == ("", "merged contacts")


def test_clicks_of_machines_do_not_score() -> None:
    """R09"""
    world = portal()
    at = ready(world.crm, "101")
    click = replace(pricing_view(at - DAY, contact="101", id="c1"), kind=ActivityKind.EMAIL_CLICK, automatic=True)
    world.crm.happen(click)
    assert "count: email_click" not in read(world)[0]["101"]
