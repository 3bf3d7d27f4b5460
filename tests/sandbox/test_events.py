"""Event occurrences and marketing e-mail events, as hubspot-facts sections 5.1 and 5.4 tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import Box, Client

V3 = "/events/v3/events"
DATED = "/events/event-occurrences/2026-03"
VERSIONS = pytest.mark.parametrize("path", [V3, DATED])
NOW = "2026-03-02T09:00:00.000Z"


@pytest.fixture
def portal(box: Box) -> Client:
    """An Enterprise portal without contacts, its clock standing at NOW."""
    box.clock(now=NOW)
    return box.new_portal(enterprise=True)


def visit(portal: Client, contact: str, page: str, at: str = NOW) -> None:
    portal.act("page_view", contact=contact, url=f"https://www.kind.example/{page}", at=at)


def pages(answer: dict[str, Any]) -> list[str]:
    return [row["properties"]["hs_url"].rpartition("/")[2] for row in answer["results"]]


@VERSIONS
def test_without_enterprise_occurrences_are_a_403_but_analytics_move(box: Box, path: str) -> None:
    portal = box.new_portal()
    contact = portal.contact(email="lia@kind.example")
    visit(portal, contact, "pricing", portal.portal.clock.iso())
    assert portal.get(path).status_code == 403
    assert portal.get(f"{path}/event-types").status_code == 403
    assert portal.read(contact, "hs_analytics_num_page_views")["hs_analytics_num_page_views"] == "1"


@VERSIONS
def test_page_views_come_newest_first_and_by_page(portal: Client, path: str) -> None:
    contact = portal.contact(email="lia@kind.example")
    for hour, page in enumerate(("a", "b", "c", "d", "e")):
        visit(portal, contact, page, f"2026-03-01T0{hour}:00:00Z")
    seen: list[str] = []
    after = ""
    while True:
        query = {"eventType": "e_visited_page", "limit": 2} | ({"after": after} if after else {})
        page_of = portal.get(path, **query).json()
        seen += pages(page_of)
        after = page_of.get("paging", {}).get("next", {}).get("after", "")
        if not after:
            break
    assert seen == ["e", "d", "c", "b", "a"]
    assert pages(portal.get(path, sort="occurredAt", limit=2).json()) == ["a", "b"]


def test_a_window_of_time_and_one_contact_are_cut_out(portal: Client) -> None:
    one, two = portal.contact(email="lia@kind.example"), portal.contact(email="bo@kind.example")
    visit(portal, one, "early", "2026-03-01T01:00:00Z")
    visit(portal, one, "late", "2026-03-01T03:00:00Z")
    visit(portal, two, "other", "2026-03-01T03:00:00Z")
    by_id = portal.get(V3, objectType="contact", objectId=one).json()
    assert pages(by_id) == ["late", "early"]
    assert pages(portal.get(V3, objectType="contact", **{"objectProperty.email": "bo@kind.example"}).json()) == [
        "other"
    ]
    window = portal.get(V3, occurredAfter="2026-03-01T00:30:00Z", occurredBefore="2026-03-01T02:00:00Z").json()
    assert pages(window) == ["early"]
    row = by_id["results"][0]
    assert (row["objectType"], row["objectId"], row["occurredAt"]) == ("CONTACT", one, "2026-03-01T03:00:00.000Z")
    assert all(isinstance(value, str) for value in row["properties"].values())


def test_one_submission_is_three_event_types(portal: Client) -> None:
    portal.act("form_submission", form="Contact us", email="lia@kind.example")
    types = {row["eventType"] for row in portal.get(V3).json()["results"]}
    assert types == {"e_submitted_form", "e_form_submission_v2", "e_form_submission_metadata_v2"}


def test_an_id_needs_the_event_type_and_a_contact_its_object_type(portal: Client) -> None:
    assert portal.get(V3, id="x").status_code == 400
    assert portal.get(V3, objectId="501").status_code == 400
    assert portal.get(V3, limit=101).status_code == 400
    portal.switch(occurrences_portal_wide=False)
    assert portal.get(V3, eventType="e_visited_page").status_code == 400


def test_an_occurrence_stays_unread_for_the_lag_of_the_switch(portal: Client) -> None:
    contact = portal.contact(email="lia@kind.example")
    visit(portal, contact, "pricing")
    portal.switch(occurrences_lag_seconds=60)
    assert portal.get(V3).json()["results"] == []
    portal.box.clock(advance_seconds=60)
    assert pages(portal.get(V3).json()) == ["pricing"]


def test_what_a_merged_contact_did_belongs_to_the_survivor_and_an_erased_ones_is_gone(portal: Client) -> None:
    one, two = portal.contact(email="lia@kind.example"), portal.contact(email="bo@kind.example")
    visit(portal, two, "pricing")
    assert portal.get(V3, objectType="contact", objectId=two).json()["results"]
    portal.post("/crm/v3/objects/contacts/merge", {"primaryObjectId": one, "objectIdToMerge": two})
    rows = portal.get(V3, objectType="contact", objectId=one).json()["results"]
    assert [row["objectId"] for row in rows] == [one]
    portal.post("/crm/v3/objects/contacts/gdpr-delete", {"objectId": one})
    assert portal.get(V3).json()["results"] == []


def test_any_other_type_can_be_recorded_and_is_named_among_the_types(portal: Client) -> None:
    contact = portal.contact(email="lia@kind.example")
    row = {"eventType": "pe24_webinar", "contactId": contact, "properties": {"title": "Kites"}}
    (event_id,) = portal.control("POST", "events", row)["ids"]
    found = portal.get(V3, eventType="pe24_webinar", id=event_id).json()["results"]
    assert [each["properties"] for each in found] == [{"title": "Kites"}]
    assert portal.get(V3, eventType="pe24_webinar", **{"property.title": "Boats"}).json()["results"] == []
    assert "pe24_webinar" in portal.get(f"{V3}/event-types").json()["eventTypes"]


def test_mail_events_are_filtered_and_paged_newest_first(portal: Client) -> None:
    for hour, kind in enumerate(("SENT", "DELIVERED", "OPEN", "CLICK")):
        when = f"2026-03-01T0{hour}:00:00Z"
        portal.act(
            "email_event", type=kind, email="lia@kind.example", campaign_id=7, at=when, url="https://kind.example"
        )
    portal.act("email_event", type="OPEN", email="bo@kind.example", campaign_id=8, filtered=True)
    path = "/email/public/v1/events"
    first = portal.get(path, limit=3).json()
    assert (first["hasMore"], [row["type"] for row in first["events"]]) == (True, ["OPEN", "CLICK", "OPEN"])
    rest = portal.get(path, limit=3, offset=first["offset"]).json()
    assert (rest["hasMore"], [row["type"] for row in rest["events"]]) == (False, ["DELIVERED", "SENT"])
    bot = portal.get(path, recipient="BO@kind.example", eventType="OPEN").json()["events"][0]
    assert (bot["filteredEvent"], bot["emailCampaignId"], bot["portalId"]) == (True, 8, portal.portal_id)
    start = bot["created"] - 1
    assert len(portal.get(path, startTimestamp=start).json()["events"]) == 1
    assert portal.get(f"{path}/{bot['created']}/{bot['id']}").json() == bot
    assert portal.get(f"{path}/1/{bot['id']}").status_code == 404
    assert portal.get(path, limit=1001).status_code == 400


def test_marketing_mails_are_no_occurrences(portal: Client) -> None:
    portal.contact(email="lia@kind.example")
    portal.act("email_event", type="OPEN", email="lia@kind.example", campaign_id=7)
    assert portal.get(V3).json()["results"] == []
