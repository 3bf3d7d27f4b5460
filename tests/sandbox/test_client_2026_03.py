"""hubspot-sdk 0.1.0a9, unchanged, on the sandbox: each operation of the sandbox that this client offers.

The client's strict response validation is on, so that an answer which does not fit its models is an error. Only records
are read without it: HubSpot sends null for an empty property where the client's model says text; `fits` checks them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import hubspot_sdk
import pytest
from hubspot_sdk import HubSpot

if TYPE_CHECKING:
    from tests.sandbox.conftest import Box, Client

TYPED = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]


@pytest.fixture
def portal(box: Box) -> Client:
    """An Enterprise portal with thirty contacts and their companies."""
    return box.new_portal(contacts=30, seed=5, enterprise=True)


@pytest.fixture
def hubspot(portal: Client) -> Iterator[Any]:
    """The client, strict, pointed at the sandbox."""
    with HubSpot(
        access_token=portal.token, base_url=portal.url, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
def records(portal: Client) -> Iterator[Any]:
    """The client's part for records, as its users have it."""
    with HubSpot(access_token=portal.token, base_url=portal.url, max_retries=0) as client:
        yield client.crm.objects


def fits(answer: Any) -> Any:
    """Check a record against its model, null properties aside, and give it back."""
    plain = answer.to_dict(mode="json")
    plain["properties"] = {name: value for name, value in plain["properties"].items() if value is not None}
    type(answer).model_validate(plain)
    return answer


def test_contacts_are_listed_made_read_changed_and_archived(records: Any) -> None:
    api = records.contacts
    page = api.list(limit=10, properties=["email", "lifecyclestage"], associations=["companies"])
    assert len([fits(row) for row in page.results]) == 10
    assert page.paging.next.after
    assert len(list(api.list(limit=7))) == 30
    made = fits(api.create(properties={"email": "lia@kind.example", "firstname": "Lia"}, associations=[]))
    read = fits(api.get("lia@kind.example", id_property="email", properties_with_history=["firstname"]))
    assert (read.id, read.properties["firstname"]) == (made.id, "Lia")
    assert read.properties_with_history["firstname"][0].value == "Lia"
    assert api.update(made.id, properties={"firstname": "Lea"}).properties["firstname"] == "Lea"
    api.delete(made.id)
    with pytest.raises(hubspot_sdk.NotFoundError):
        api.get(made.id)


def test_contacts_are_read_written_and_upserted_in_batches(records: Any) -> None:
    api = records.contacts.batch
    rows = [{"properties": {"email": f"n{number}@kind.example"}, "associations": []} for number in range(3)]
    ids = [row.id for row in api.create(inputs=rows).results]
    read = api.get(inputs=[{"id": each} for each in ids], properties=["email"], properties_with_history=["email"])
    assert {fits(row).id for row in read.results} == set(ids)
    updated = api.update(inputs=[{"id": each, "properties": {"firstname": "Kim"}} for each in ids])
    assert {row.properties["firstname"] for row in updated.results} == {"Kim"}
    upserts = [
        {"id": email, "id_property": "email", "properties": {"lastname": "Ode", "email": email}}
        for email in ("n0@kind.example", "new@kind.example")
    ]
    assert sorted(row.new for row in api.upsert(inputs=upserts).results) == [False, True]
    partial = api.get(inputs=[{"id": ids[0]}, {"id": "987654321"}], properties=[], properties_with_history=[])
    assert len(partial.results) == 1
    api.delete(inputs=[{"id": each} for each in ids])


def test_contacts_are_searched_merged_and_erased(records: Any) -> None:
    api = records.contacts
    groups = [{"filters": [{"property_name": "email", "operator": "HAS_PROPERTY"}]}]
    found = api.search(filter_groups=groups, sorts=["lastmodifieddate"], properties=["email"], limit=5, after="0")
    assert (len(found.results), found.total > 5, found.paging.next.after) == (5, True, "5")
    one, two = (row.id for row in found.results[:2])
    assert api.merge(primary_object_id=one, object_id_to_merge=two).id == one
    api.gdpr_delete(object_id=one)
    with pytest.raises(hubspot_sdk.NotFoundError):
        api.get(one)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("companies", {"name": "Kind Kites", "domain": "kites.example"}),
        ("deals", {"dealname": "Kites", "pipeline": "default", "dealstage": "qualifiedtobuy", "amount": "10"}),
        ("tasks", {"hs_timestamp": "2026-03-03T09:00:00Z", "hs_task_subject": "Call", "hs_task_status": "NOT_STARTED"}),
        ("calls", {"hs_timestamp": "2026-03-03T09:00:00Z", "hs_call_title": "First call"}),
        ("emails", {"hs_timestamp": "2026-03-03T09:00:00Z", "hs_email_direction": "EMAIL"}),
        ("meetings", {"hs_timestamp": "2026-03-03T09:00:00Z", "hs_meeting_title": "Demo"}),
        ("notes", {"hs_timestamp": "2026-03-03T09:00:00Z", "hs_note_body": "Kind"}),
    ],
)
def test_other_objects_are_made_read_searched_and_archived(records: Any, kind: str, values: dict[str, str]) -> None:
    api = getattr(records, kind)
    made = fits(api.create(properties=values, associations=[]))
    names = [name for name in values if name != "hs_timestamp"]
    read = fits(api.get(made.id, properties=names))
    assert {name: read.properties[name] for name in names} == {name: values[name] for name in names}
    assert made.id in {row.id for row in api.list(limit=100).results}
    groups = [{"filters": [{"property_name": "hs_object_id", "operator": "EQ", "value": made.id}]}]
    assert api.search(filter_groups=groups, sorts=[], properties=[], limit=1, after="0").total == 1
    api.delete(made.id)


def test_associations_are_made_read_and_dropped(hubspot: Any, portal: Client) -> None:
    contact = next(iter(portal.portal.objects["contacts"].records))
    company = next(iter(portal.portal.objects["companies"].records))
    api = hubspot.crm.associations
    ends = {"from_object_type": "contacts", "from_object_id": contact, "to_object_type": "companies"}
    api.create(to_object_id=company, **ends)
    types = [{"association_category": "HUBSPOT_DEFINED", "association_type_id": 279}]
    pair = {"object_type": "contacts", "object_id": contact, "to_object_type": "companies"}
    api.update_labels(company, body=types, **pair)
    assert company in {row.to_object_id for row in api.list("companies", object_type="contacts", object_id=contact)}
    read = api.batch.get("companies", from_object_type="contacts", inputs=[{"id": contact}])
    assert read.results[0].to
    api.delete(company, **pair)
    row = {"from": {"id": contact}, "to": {"id": company}}
    api.batch.create_default("companies", from_object_type="contacts", inputs=[row])
    api.batch.create("companies", from_object_type="contacts", inputs=[row | {"types": TYPED}])
    api.batch.delete_labels("companies", from_object_type="contacts", inputs=[row | {"types": TYPED}])
    gone = {"from": {"id": contact}, "to": [{"id": company}]}
    api.batch.delete("companies", from_object_type="contacts", inputs=[gone])


def test_owners_with_archived_ones(hubspot: Any) -> None:
    api = hubspot.crm.owners
    page = api.list(limit=3)
    assert len(page.results) == 3
    owner = page.results[0]
    assert api.get(int(owner.user_id), id_property="userId").id == owner.id
    gone = api.list(archived=True).results
    assert [(each.user_id, each.user_id_including_inactive is not None) for each in gone] == [(None, True)]


def test_properties_and_groups(hubspot: Any) -> None:
    api = hubspot.crm.properties
    assert len(api.list("contacts").results) > 200
    stage = api.get("lifecyclestage", object_type="contacts")
    assert [option.value for option in stage.options][:2] == ["subscriber", "lead"]
    api.groups.create("contacts", name="handoff", label="Handoff", display_order=-1)
    body = {"label": "Score", "group_name": "handoff", "type": "number", "field_type": "number"}
    api.create("contacts", name="handoff_score", **body)
    with pytest.raises(hubspot_sdk.ConflictError):
        api.create("contacts", name="handoff_score", **body)
    assert api.update("handoff_score", object_type="contacts", label="The score").label == "The score"
    rows = [
        {"name": name, "label": name, "groupName": "handoff", "type": "number", "fieldType": "number"}
        for name in ("handoff_a", "handoff_b")
    ]
    assert len(api.batch.create("contacts", inputs=rows).results) == 2
    names = [{"name": "handoff_a"}, {"name": "handoff_b"}]
    read = api.batch.get("contacts", archived=False, inputs=names, data_sensitivity="non_sensitive")
    assert {row.name for row in read.results} == {"handoff_a", "handoff_b"}
    api.batch.delete("contacts", inputs=names)
    api.delete("handoff_score", object_type="contacts")
    assert api.groups.update("handoff", object_type="contacts", label="Hand-off").label == "Hand-off"
    assert api.groups.get("handoff", object_type="contacts").name == "handoff"
    assert "handoff" in {group.name for group in api.groups.list("contacts").results}
    api.groups.delete("handoff", object_type="contacts")


def test_pipelines_and_stages(hubspot: Any) -> None:
    api = hubspot.crm.pipelines
    (default,) = api.list("deals").results
    assert api.get(default.id, object_type="deals").stages[-1].metadata["isClosed"] == "true"
    assert [each.id for each in api.list("contacts").results] == ["contacts-lifecycle-pipeline"]
    stage = {"label": "Won", "display_order": 0, "metadata": {"probability": "1.0"}}
    made = api.create("deals", label="Partners", display_order=1, stages=[stage])
    api.update(made.id, object_type="deals", label="Partner sales")
    where = {"object_type": "deals", "pipeline_id": made.id}
    stage = {"label": "Open", "display_order": 0, "metadata": {"probability": "0.3"}}
    added = api.create_stage(made.id, object_type="deals", **stage)
    api.update_stage(added.id, label="Opened", metadata={}, **where)
    assert [each.label for each in api.list_stages(made.id, object_type="deals").results] == ["Opened", "Won"]
    assert api.get_stage(added.id, **where).metadata["probability"] == "0.3"
    api.delete_stage(added.id, **where)
    api.delete(made.id, object_type="deals")


def test_lists_and_memberships(hubspot: Any, portal: Client) -> None:
    api = hubspot.crm.lists
    made = api.create(name="Hold", object_type_id="0-1", processing_type="MANUAL").list
    assert api.get(made.list_id).list.name == "Hold"
    assert api.get_by_object_type_and_name("Hold", object_type_id="0-1").list.list_id == made.list_id
    assert len(api.list(list_ids=[made.list_id]).lists) == 1
    assert api.list_by_search(query="hold", offset=0, list_ids=[], processing_types=[]).total == 1
    one, two = list(portal.portal.objects["contacts"].records)[:2]
    added = api.add_memberships(made.list_id, body=[one, "987654321"])
    assert (added.records_ids_added, added.record_ids_missing) == ([one], ["987654321"])
    changed = api.add_and_remove_memberships(made.list_id, record_ids_to_add=[two], record_ids_to_remove=[one])
    assert (changed.records_ids_added, changed.record_ids_removed) == ([two], [one])
    assert [row.record_id for row in api.list_memberships(made.list_id, limit=250)] == [two]
    assert len(list(api.get_memberships_join_order(made.list_id))) == 1
    assert [row.list_id for row in api.get_record_memberships(two, object_type_id="0-1").results] == [made.list_id]
    batch = api.batch_read_memberships(inputs=[{"object_type_id": "0-1", "record_id": two}])
    assert batch.results[0].record_list_memberships[0].list_id == made.list_id
    api.remove_memberships(made.list_id, body=[two])
    api.delete_memberships(made.list_id)
    assert api.update_list_name(made.list_id, list_name="Held").updated_list.name == "Held"
    legacy = str(int(made.list_id) + 5000)
    assert api.get_id_mapping(legacy_list_id=legacy).list_id == made.list_id
    assert api.create_id_mapping(body=[legacy, "1"]).missing_legacy_list_ids == ["1"]
    api.delete(made.list_id)
    api.restore(made.list_id)


def test_event_occurrences_and_types(hubspot: Any, portal: Client) -> None:
    contact = portal.contact(email="lia@kind.example")
    for page in ("pricing", "demo", "blog"):
        portal.act("page_view", contact=contact, url=f"https://www.kind.example/{page}", title=page)
    api = hubspot.events.occurrences
    rows = list(api.list(object_type="contact", object_id=int(contact), event_type="e_visited_page", limit=1))
    assert {row.properties["hs_title"] for row in rows} == {"pricing", "demo", "blog"}
    assert "e_visited_page" in api.list_event_types().event_types


def test_subscription_statuses(hubspot: Any, portal: Client) -> None:
    portal.contact(email="lia@kind.example")
    api = hubspot.communication_preferences
    types = api.definitions.list().results
    number = int(types[0].id)
    done = api.update_status("lia@kind.example", channel="EMAIL", status_state="SUBSCRIBED", subscription_id=number)
    assert done.results[0].status == "SUBSCRIBED"
    assert len(api.get_statuses("lia@kind.example", channel="EMAIL").results) == len(types)
    assert api.get_unsubscribe_all_status("lia@kind.example", channel="EMAIL").results[0].status == "SUBSCRIBED"
    api.unsubscribe_all("lia@kind.example", channel="EMAIL", verbose=True)
    assert api.get_unsubscribe_all_status("lia@kind.example", channel="EMAIL").results[0].status == "UNSUBSCRIBED"
    assert api.statuses.batch.read(channel="EMAIL", inputs=["lia@kind.example"]).results[0].statuses
    wide = api.statuses.batch.get_unsubscribe_all_statuses(channel="EMAIL", inputs=["lia@kind.example"])
    assert wide.results[0].wide_statuses[0].status == "UNSUBSCRIBED"


def test_oauth_tokens(hubspot: Any, portal: Client) -> None:
    number = portal.portal_id
    app = {"client_id": f"sandbox-client-{number}", "client_secret": f"sandbox-secret-{number}"}
    made = hubspot.auth.oauth.create_token(grant_type="refresh_token", refresh_token=f"sandbox-refresh-{number}", **app)
    assert (made.hub_id, made.expires_in) == (number, 1800)
    about = hubspot.auth.oauth.introspect_token(token=made.access_token, **app)
    assert (about.active, about.hub_id) == (True, number)
    assert hubspot.auth.oauth.introspect_token(token=made.refresh_token, **app).token_use == "refresh_token"
    hubspot.auth.oauth.revoke_token(token=made.refresh_token, **app)
    with pytest.raises(hubspot_sdk.BadRequestError):
        hubspot.auth.oauth.create_token(grant_type="refresh_token", refresh_token=made.refresh_token, **app)


def test_account_details_and_usage(hubspot: Any, portal: Client) -> None:
    assert hubspot.account.get().portal_id == portal.portal_id
    (usage,) = hubspot.account.get_daily_private_apps_usage().results
    assert (usage.name, usage.current_usage, usage.usage_limit) == ("private-apps-api-calls-daily", 2, 1_000_000)
