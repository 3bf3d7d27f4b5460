"""What HubSpot does by itself: stages, owner stamps, deals, touches, visits, forms, mails; and who is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import Box, Client

CONTACTS = "/crm/v3/objects/contacts"
T0 = "2026-03-02T09:00:00.000Z"


@pytest.fixture
def still(box: Box, client: Client) -> Client:
    """An empty portal whose clock stands at T0."""
    box.clock(now=T0)
    return client


def _set(client: Client, number: str, **properties: str) -> dict[str, Any]:
    answer = client.patch(f"{CONTACTS}/{number}", {"properties": properties})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def _owners(client: Client) -> list[str]:
    return [owner.id for owner in client.portal.directory.owners.values() if not owner.archived]


# -- stages ------------------------------------------------------------------------------------------------------------


def test_an_earlier_stage_is_silently_ignored_while_the_rest_is_written(still: Client) -> None:
    number = still.contact(email="a@birch.example", lifecyclestage="salesqualifiedlead")
    body = _set(still, number, lifecyclestage="lead", jobtitle="CEO")
    assert body["properties"]["lifecyclestage"] == "salesqualifiedlead"
    assert "warnings" not in body
    assert still.read(number, "jobtitle")["jobtitle"] == "CEO"


def test_the_ignored_stage_can_be_told_or_accepted_by_switch(still: Client) -> None:
    number = still.contact(email="a@birch.example", lifecyclestage="salesqualifiedlead")
    still.switch(backward_warning=True)
    assert _set(still, number, lifecyclestage="lead")["warnings"][0]["context"] == {"propertyName": ["lifecyclestage"]}
    still.switch(backward_stage="accept")
    assert _set(still, number, lifecyclestage="lead")["properties"]["lifecyclestage"] == "lead"


def test_clearing_first_lets_the_stage_go_back_and_drops_later_dates(still: Client, box: Box) -> None:
    number = still.contact(email="a@birch.example", lifecyclestage="marketingqualifiedlead")
    _set(still, number, lifecyclestage="salesqualifiedlead")
    _set(still, number, lifecyclestage="")
    box.clock(advance_seconds=60)
    _set(still, number, lifecyclestage="lead")
    names = ("lifecyclestage", "hs_lifecyclestage_salesqualifiedlead_date", "hs_lifecyclestage_lead_date")
    found = still.read(number, *names)
    assert found["lifecyclestage"] == "lead"
    assert found["hs_lifecyclestage_salesqualifiedlead_date"] is None
    assert found["hs_lifecyclestage_lead_date"] == "2026-03-02T09:01:00.000Z"


def test_a_person_may_set_an_earlier_stage(still: Client) -> None:
    number = still.contact(email="a@birch.example", lifecyclestage="salesqualifiedlead")
    still.act("edit", contact=number, properties={"lifecyclestage": "lead"})
    assert still.read(number, "lifecyclestage")["lifecyclestage"] == "lead"


def test_stage_stamps_follow_each_move(still: Client, box: Box) -> None:
    number = still.contact(email="a@birch.example", lifecyclestage="marketingqualifiedlead")
    box.clock(advance_seconds=3600)
    _set(still, number, lifecyclestage="salesqualifiedlead")
    mql, sql = "marketingqualifiedlead", "salesqualifiedlead"
    names = [f"hs_v2_date_entered_{mql}", f"hs_v2_date_exited_{mql}", f"hs_v2_latest_time_in_{mql}"]
    names += [f"hs_v2_date_entered_{sql}", "hs_v2_date_entered_current_stage", f"hs_lifecyclestage_{sql}_date"]
    later = "2026-03-02T10:00:00.000Z"
    found = still.read(number, *names)
    assert [found[name] for name in names] == [T0, later, "3600000", later, later, later]


# -- owners ------------------------------------------------------------------------------------------------------------


def test_an_owner_is_stamped_with_time_and_team_and_again_when_changed(still: Client, box: Box) -> None:
    first, second = _owners(still)[:2]
    number = still.contact(email="a@birch.example", hubspot_owner_id=first)
    names = ("hubspot_owner_assigneddate", "hubspot_team_id", "hs_sa_first_engagement_date")
    assert still.read(number, *names)["hubspot_owner_assigneddate"] == T0
    box.clock(advance_seconds=60)
    still.act("call", contact=number, owner=first)
    assert still.read(number, *names)["hs_sa_first_engagement_date"] == "2026-03-02T09:01:00.000Z"
    _set(still, number, hubspot_owner_id=first)
    assert still.read(number, *names)["hubspot_owner_assigneddate"] == T0
    _set(still, number, hubspot_owner_id=second)
    found = still.read(number, *names)
    assert found["hubspot_owner_assigneddate"] == "2026-03-02T09:01:00.000Z"
    assert found["hs_sa_first_engagement_date"] is None
    team = still.portal.directory.owners[second].main_team
    assert team is not None
    assert found["hubspot_team_id"] == team.id


def test_the_user_id_of_an_owner_is_no_owner_id(still: Client) -> None:
    user = next(iter(still.portal.directory.owners.values())).user_id
    answer = still.post(CONTACTS, {"properties": {"hubspot_owner_id": str(user)}})
    assert answer.status_code == 400
    assert "invalid_owner_id" in answer.json()["message"]


# -- deals -------------------------------------------------------------------------------------------------------------


def test_a_deal_moves_its_contact_to_opportunity_and_a_won_one_to_customer(still: Client, box: Box) -> None:
    number = still.contact(email="a@birch.example", lifecyclestage="salesqualifiedlead")
    deal = still.act("deal", contact=number, properties={"amount": "1200"})["deal"]
    assert still.read(number, "lifecyclestage")["lifecyclestage"] == "opportunity"
    box.clock(advance_seconds=60)
    won = still.patch(f"/crm/v3/objects/deals/{deal}", {"properties": {"dealstage": "closedwon"}})
    assert won.status_code == 200
    found = still.read(deal, "hs_is_closed", "hs_is_closed_won", "hs_is_closed_lost", "closedate", kind="deals")
    assert [found[name] for name in ("hs_is_closed", "hs_is_closed_won", "hs_is_closed_lost")] == [
        "true",
        "true",
        "false",
    ]
    assert found["closedate"] == "2026-03-02T09:01:00.000Z"
    found = still.read(number, "lifecyclestage", "num_associated_deals", "recent_deal_amount")
    assert list(found.values())[:3] == ["customer", "1", "1200"]


def test_a_lost_deal_and_a_later_stage_move_nothing(still: Client) -> None:
    customer = still.contact(email="a@birch.example", lifecyclestage="customer")
    still.act("deal", contact=customer)
    assert still.read(customer, "lifecyclestage")["lifecyclestage"] == "customer"
    lead = still.contact(email="b@birch.example")
    still.act("deal", contact=lead, properties={"dealstage": "closedlost"})
    assert still.read(lead, "lifecyclestage")["lifecyclestage"] == "lead"


def test_a_deal_linked_afterwards_moves_the_stage_too(still: Client) -> None:
    number = still.contact(email="a@birch.example")
    body = {"properties": {"dealname": "One", "dealstage": "closedwon", "pipeline": "default"}}
    deal = still.post("/crm/v3/objects/deals", body).json()["id"]
    path = f"/crm/v4/objects/deals/{deal}/associations/default/contacts/{number}"
    assert still.call("PUT", path).status_code == 200
    assert still.read(number, "lifecyclestage")["lifecyclestage"] == "customer"


# -- touches -----------------------------------------------------------------------------------------------------------


def test_outgoing_touches_count_and_a_note_or_a_reply_does_not(still: Client) -> None:
    owner = _owners(still)[0]
    number = still.contact(email="a@birch.example", hubspot_owner_id=owner)
    still.act("note", contact=number, at="2026-03-02T08:00:00Z", body="met at the fair")
    still.act("email_reply", contact=number, at="2026-03-02T08:10:00Z")
    names = ("num_notes", "num_contacted_notes", "notes_last_contacted", "hs_first_outreach_date", "hs_is_unworked")
    assert list(still.read(number, *names).values())[:5] == ["1", None, None, None, "true"]
    still.act("call", contact=number, owner=owner, at="2026-03-02T08:20:00Z")
    still.act("email", contact=number, owner=owner, at="2026-03-02T08:30:00Z")
    found = still.read(number, *names)
    assert [found[name] for name in names] == [
        "3",
        "2",
        "2026-03-02T08:30:00.000Z",
        "2026-03-02T08:20:00.000Z",
        "false",
    ]


def test_a_booked_meeting_stamps_when_it_was_booked_and_when_it_is(still: Client) -> None:
    number = still.contact(email="a@birch.example")
    still.act("meeting", contact=number, owner=_owners(still)[0], starts_at="2026-03-04T10:00:00Z")
    found = still.read(number, "engagements_last_meeting_booked", "notes_next_activity_date")
    assert list(found.values())[:2] == [T0, "2026-03-04T10:00:00.000Z"]


# -- visitors ----------------------------------------------------------------------------------------------------------


def test_page_views_move_counts_and_sessions(still: Client) -> None:
    number = still.contact(email="a@birch.example")
    for at, url in (("08:00", "/"), ("08:10", "/pricing"), ("08:50", "/demo")):
        still.act(
            "page_view", email="a@birch.example", url=f"https://www.birch.example{url}", at=f"2026-03-02T{at}:00Z"
        )
    names = ["num_page_views", "num_visits", "first_url", "last_url", "last_timestamp", "last_visit_timestamp"]
    found = still.read(number, *(f"hs_analytics_{name}" for name in names))
    site = "https://www.birch.example"
    wanted = ["3", "2", f"{site}/", f"{site}/demo", "2026-03-02T08:50:00.000Z", "2026-03-02T08:50:00.000Z"]
    assert [found[f"hs_analytics_{name}"] for name in names] == wanted


def test_a_form_makes_the_contact_and_moves_the_conversion_properties(still: Client) -> None:
    form = still.portal.directory.form_named("Request a demo")
    assert form is not None
    page = {"page_title": "Book a demo", "source": "PAID_SEARCH"}
    facts = {"form": "Request a demo", "email": "New@Birch.example", **page}
    first = still.act("form_submission", values={"firstname": "Nia", "no_such_field": "x"}, **facts)
    again = still.act("form_submission", **facts)
    assert first["contact"] == again["contact"]
    names = ["email", "firstname", "lifecyclestage", "num_conversion_events", "num_unique_conversion_events"]
    names += ["recent_conversion_event_name", "first_conversion_date", "hs_analytics_source"]
    found = still.read(first["contact"], *names)
    wanted = ["new@birch.example", "Nia", "lead", "2", "1", "Book a demo: Request a demo", T0, "PAID_SEARCH"]
    assert [found[name] for name in names] == wanted
    history = still.get(f"{CONTACTS}/{first['contact']}", propertiesWithHistory="firstname").json()
    assert history["propertiesWithHistory"]["firstname"][0]["sourceType"] == "FORM"
    rows = still.get(f"/form-integrations/v1/submissions/forms/{form.guid}").json()["results"]
    assert len(rows) == 2


def test_mail_events_move_counts_once_a_mail_and_bots_move_nothing(still: Client) -> None:
    number = still.contact(email="a@birch.example")
    for kind in ("SENT", "DELIVERED", "OPEN", "OPEN"):
        still.act("email_event", type=kind, email="a@birch.example", campaign_id=7, name="March news")
    still.act("email_event", type="CLICK", email="a@birch.example", campaign_id=7, filtered=True)
    names = ["hs_email_delivered", "hs_email_open", "hs_email_click", "hs_email_last_email_name", "hs_email_optout"]
    found = still.read(number, *names)
    assert [found[name] for name in names] == ["1", "1", None, "March news", None]
    still.act("email_event", type="UNSUBSCRIBE", email="a@birch.example", campaign_id=7)
    assert still.read(number, "hs_email_optout")["hs_email_optout"] == "true"


def test_every_effect_moves_the_modification_date(still: Client, box: Box) -> None:
    number = still.contact(email="a@birch.example")
    for act in (
        {"kind": "page_view", "url": "https://www.birch.example/"},
        {"kind": "note"},
        {"kind": "deal"},
        {"kind": "form_submission", "form": "Newsletter"},
    ):
        box.clock(advance_seconds=60)
        now = box.session.get(f"{box.url}/_sandbox/clock", timeout=5).json()["now"]
        still.act(str(act.pop("kind")), contact=number, **({"email": "a@birch.example"} | act))
        assert still.read(number, "lastmodifieddate")["lastmodifieddate"] == now


# -- the journal -------------------------------------------------------------------------------------------------------


def test_the_journal_tells_every_write_as_it_was_applied(still: Client) -> None:
    number = still.contact(email="a@birch.example", lifecyclestage="salesqualifiedlead")
    _set(still, number, lifecyclestage="lead", jobtitle="CEO")
    still.act("edit", contact=number, properties={"jobtitle": "Founder"})
    told = still.control("GET", "log", kinds="property,created")["events"]
    lines = [(row["kind"], row.get("name"), row.get("before"), row.get("after"), row["source"]) for row in told]
    assert lines == [
        ("created", None, None, None, "INTEGRATION"),
        ("property", "jobtitle", None, "CEO", "INTEGRATION"),
        ("property", "jobtitle", "CEO", "Founder", "CRM_UI"),
    ]
    assert {row["id"] for row in told} == {number}


def test_webhook_events_carry_what_changed(still: Client) -> None:
    events: list[dict[str, Any]] = []
    still.portal.webhook_sink = events.append
    first = still.contact(email="a@birch.example")
    second = still.contact(email="b@birch.example")
    _set(still, first, jobtitle="CEO")
    events.clear()
    still.post(f"{CONTACTS}/merge", {"primaryObjectId": first, "objectIdToMerge": second})
    assert [event["subscriptionType"] for event in events] == ["contact.merge", "contact.deletion"]
    assert events[0]["mergedObjectIds"] == [int(second)]
    events.clear()
    still.post(f"{CONTACTS}/gdpr-delete", {"objectId": first})
    assert {event["subscriptionType"] for event in events} == {"contact.privacyDeletion", "contact.deletion"}
