"""hubspot-api-client 12, unchanged, on the sandbox: each operation of the sandbox that this client offers.

Every model that comes back is filled once more with the client's own validation switched on, so that a missing
required field or a value outside an enumeration is an error.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest
from hubspot import HubSpot
from hubspot.crm import contacts, lists, objects, pipelines, properties
from hubspot.crm.associations import v4
from hubspot.crm.contacts.exceptions import ApiException
from hubspot.utils.signature import Signature

if TYPE_CHECKING:
    from tests.sandbox.conftest import Box, Client

V4_CONTACT_TO_COMPANY = 279


@pytest.fixture
def portal(box: Box) -> Client:
    """An Enterprise portal with thirty contacts and their companies."""
    return box.new_portal(contacts=30, seed=5, enterprise=True)


@pytest.fixture
def hubspot(portal: Client) -> Any:
    """The client as its users make it; `host` steers the typed calls, `base_url` the raw ones."""
    return HubSpot(access_token=portal.token, host=portal.url, base_url=portal.url)


def filled(answer: Any) -> Any:
    """Check an answer's models, deeply, and give it back."""
    if isinstance(answer, list):
        for each in answer:
            filled(each)
    elif isinstance(answer, dict):
        filled(list(answer.values()))
    elif hasattr(answer, "openapi_types"):
        package = type(answer).__module__.partition(".models")[0]
        strict = importlib.import_module(f"{package}.configuration").Configuration()
        strict.client_side_validation = True
        values = {name: getattr(answer, name) for name in answer.openapi_types}
        type(answer)(**values, local_vars_configuration=strict)
        filled(list(values.values()))
    return answer


def test_contacts_are_listed_made_read_changed_and_archived(hubspot: Any) -> None:
    api = hubspot.crm.contacts.basic_api
    page = filled(api.get_page(limit=10, properties=["email", "lifecyclestage"], associations=["companies"]))
    assert len(page.results) == 10
    assert page.paging.next.after
    body = {"email": "lia@kind.example", "firstname": "Lia"}
    made = filled(api.create(contacts.SimplePublicObjectInputForCreate(properties=body, associations=[])))
    read = filled(api.get_by_id("lia@kind.example", id_property="email", properties_with_history=["firstname"]))
    assert (read.id, read.properties["firstname"]) == (made.id, "Lia")
    assert read.properties_with_history["firstname"][0].value == "Lia"
    changed = filled(api.update(made.id, contacts.SimplePublicObjectInput(properties={"firstname": "Lea"})))
    assert changed.properties["firstname"] == "Lea"
    api.archive(made.id)
    with pytest.raises(ApiException) as refused:
        api.get_by_id(made.id)
    assert refused.value.status == 404
    assert len(hubspot.crm.contacts.get_all()) == 30


def test_contacts_are_read_written_and_upserted_in_batches(hubspot: Any) -> None:
    api = hubspot.crm.contacts.batch_api
    rows = [{"properties": {"email": f"n{number}@kind.example"}, "associations": []} for number in range(3)]
    made = filled(api.create(contacts.BatchInputSimplePublicObjectBatchInputForCreate(inputs=rows)))
    ids = [row.id for row in made.results]
    body = contacts.BatchReadInputSimplePublicObjectId(
        inputs=[{"id": each} for each in ids], properties=["email"], properties_with_history=[]
    )
    assert {row.id for row in filled(api.read(body)).results} == set(ids)
    changes = [{"id": each, "properties": {"firstname": "Kim"}} for each in ids]
    updated = filled(api.update(contacts.BatchInputSimplePublicObjectBatchInput(inputs=changes)))
    assert {row.properties["firstname"] for row in updated.results} == {"Kim"}
    upserts = [
        {"id": email, "idProperty": "email", "properties": {"lastname": "Ode", "email": email}}
        for email in ("n0@kind.example", "new@kind.example")
    ]
    answer = filled(api.upsert(contacts.BatchInputSimplePublicObjectBatchInputUpsert(inputs=upserts)))
    assert sorted(row.new for row in answer.results) == [False, True]
    some = contacts.BatchReadInputSimplePublicObjectId(
        inputs=[{"id": ids[0]}, {"id": "987654321"}], properties=[], properties_with_history=[]
    )
    partial = api.read(some)
    filled(partial.results)
    assert (len(partial.results), partial.num_errors) == (1, 1)
    api.archive(contacts.BatchInputSimplePublicObjectId(inputs=[{"id": each} for each in ids]))


def test_contacts_are_searched_merged_and_erased(hubspot: Any) -> None:
    search = contacts.PublicObjectSearchRequest(
        filter_groups=[{"filters": [{"propertyName": "email", "operator": "HAS_PROPERTY"}]}],
        sorts=["lastmodifieddate"], properties=["email"], limit=5, after="0", query="",
    )  # fmt: skip
    found = filled(hubspot.crm.contacts.search_api.do_search(search))
    assert (len(found.results), found.total > 5, found.paging.next.after) == (5, True, "5")
    one, two = (row.id for row in found.results[:2])
    api = hubspot.crm.contacts.basic_api
    survivor = filled(api.merge(contacts.PublicMergeInput(primary_object_id=one, object_id_to_merge=two)))
    assert survivor.id == one
    api.purge(contacts.PublicGdprDeleteInput(object_id=one))
    with pytest.raises(ApiException):
        api.get_by_id(one)


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
def test_other_objects_are_made_read_searched_and_archived(hubspot: Any, kind: str, values: dict[str, str]) -> None:
    api = hubspot.crm.objects.basic_api
    made = filled(api.create(kind, objects.SimplePublicObjectInputForCreate(properties=values, associations=[])))
    read = filled(api.get_by_id(kind, made.id, properties=list(values)))
    assert {name: read.properties[name] for name in values if name != "hs_timestamp"} == {
        name: value for name, value in values.items() if name != "hs_timestamp"
    }
    assert made.id in {row.id for row in filled(api.get_page(kind, limit=100)).results}
    search = objects.PublicObjectSearchRequest(
        filter_groups=[{"filters": [{"propertyName": "hs_object_id", "operator": "EQ", "value": made.id}]}],
        sorts=[], properties=[], limit=1, after="0", query="",
    )  # fmt: skip
    assert filled(hubspot.crm.objects.search_api.do_search(kind, search)).total == 1
    api.archive(kind, made.id)


def test_associations_are_made_read_and_dropped(hubspot: Any) -> None:
    contact = hubspot.crm.contacts.basic_api.get_page(limit=1).results[0].id
    company = hubspot.crm.objects.basic_api.get_page("companies", limit=1).results[0].id
    api, many = hubspot.crm.associations.v4.basic_api, hubspot.crm.associations.v4.batch_api
    filled(api.create_default("contacts", contact, "companies", company))
    spec = [v4.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=V4_CONTACT_TO_COMPANY)]
    filled(api.create("contacts", contact, "companies", company, spec))
    rows = filled(api.get_page("contacts", contact, "companies", limit=500)).results
    assert company in {row.to_object_id for row in rows}
    wanted = v4.BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": contact}, {"id": "987"}])
    read = filled(many.get_page("contacts", "companies", wanted))
    assert read.results[0]._from.id == contact
    api.archive("contacts", contact, "companies", company)
    assert (len(read.results), read.num_errors) == (1, 1)
    pair = {"from": {"id": contact}, "to": {"id": company}}
    filled(many.create_default("contacts", "companies", v4.BatchInputPublicDefaultAssociationMultiPost(inputs=[pair])))
    typed = pair | {"types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": V4_CONTACT_TO_COMPANY}]}
    filled(many.create("contacts", "companies", v4.BatchInputPublicAssociationMultiPost(inputs=[typed])))
    many.archive_labels("contacts", "companies", v4.BatchInputPublicAssociationMultiPost(inputs=[typed]))
    ends = {"from": {"id": contact}, "to": [{"id": company}]}
    many.archive("contacts", "companies", v4.BatchInputPublicAssociationMultiArchive(inputs=[ends]))


def test_owners_with_archived_ones(hubspot: Any) -> None:
    api = hubspot.crm.owners.owners_api
    page = filled(api.get_page(limit=3))
    assert len(page.results) == 3
    assert filled(api.get_page(after=page.paging.next.after, limit=100)).results
    owner = page.results[0]
    assert filled(api.get_by_id(int(owner.user_id), id_property="userId", archived=False)).id == owner.id
    gone = filled(api.get_page(archived=True)).results
    assert [(each.user_id, each.user_id_including_inactive is not None) for each in gone] == [(None, True)]


def test_properties_and_groups(hubspot: Any) -> None:
    core, groups, batch = (getattr(hubspot.crm.properties, f"{name}_api") for name in ("core", "groups", "batch"))
    assert len(filled(core.get_all("contacts")).results) > 200
    stage = filled(core.get_by_name("contacts", "lifecyclestage"))
    assert [option.value for option in stage.options][:2] == ["subscriber", "lead"]
    filled(groups.create("contacts", properties.PropertyGroupCreate(name="handoff", label="Handoff", display_order=-1)))
    body = {"name": "handoff_score", "label": "Score", "groupName": "handoff", "type": "number", "fieldType": "number"}
    filled(core.create("contacts", body))
    with pytest.raises(properties.ApiException) as refused:
        core.create("contacts", body)
    assert refused.value.status == 409
    filled(core.update("contacts", "handoff_score", properties.PropertyUpdate(label="The score")))
    more = [body | {"name": "handoff_a"}, body | {"name": "handoff_b"}]
    assert len(filled(batch.create("contacts", properties.BatchInputPropertyCreate(inputs=more))).results) == 2
    names = [{"name": "handoff_a"}, {"name": "handoff_none"}]
    read = filled(batch.read("contacts", properties.BatchReadInputPropertyName(archived=False, inputs=names)))
    assert (len(read.results), read.num_errors) == (1, 1)
    batch.archive("contacts", properties.BatchInputPropertyName(inputs=[{"name": "handoff_a"}, {"name": "handoff_b"}]))
    core.archive("contacts", "handoff_score")
    filled(groups.update("contacts", "handoff", properties.PropertyGroupUpdate(label="Hand-off")))
    assert filled(groups.get_by_name("contacts", "handoff")).label == "Hand-off"
    groups.archive("contacts", "handoff")
    assert "handoff" not in {group.name for group in filled(groups.get_all("contacts")).results}


def test_pipelines_and_stages(hubspot: Any) -> None:
    api, stages = hubspot.crm.pipelines.pipelines_api, hubspot.crm.pipelines.pipeline_stages_api
    (default,) = filled(api.get_all("deals")).results
    assert filled(api.get_by_id("deals", default.id)).stages[-1].metadata["isClosed"] == "true"
    assert [each.id for each in filled(api.get_all("contacts")).results] == ["contacts-lifecycle-pipeline"]
    stage = pipelines.PipelineStageInput(label="Won", display_order=0, metadata={"probability": "1.0"})
    made = filled(api.create("deals", pipelines.PipelineInput(label="Partners", display_order=1, stages=[stage])))
    filled(api.update("deals", made.id, pipelines.PipelinePatchInput(label="Partner sales")))
    stage = pipelines.PipelineStageInput(label="Open", display_order=0, metadata={"probability": "0.3"})
    added = filled(stages.create("deals", made.id, stage))
    filled(stages.update("deals", made.id, added.id, pipelines.PipelineStagePatchInput(label="Opened", metadata={})))
    assert [each.label for each in filled(stages.get_all("deals", made.id)).results] == ["Opened", "Won"]
    assert filled(stages.get_by_id("deals", made.id, added.id)).metadata["probability"] == "0.3"
    stages.archive("deals", made.id, added.id)
    api.archive("deals", made.id)


def test_lists_and_memberships(hubspot: Any) -> None:
    api, members = hubspot.crm.lists.lists_api, hubspot.crm.lists.memberships_api
    made = filled(api.create(lists.ListCreateRequest(name="Hold", object_type_id="0-1", processing_type="MANUAL"))).list
    assert filled(api.get_by_id(made.list_id)).list.name == "Hold"
    assert filled(api.get_by_name("Hold", "0-1")).list.list_id == made.list_id
    assert len(filled(api.get_all(list_ids=[made.list_id])).lists) == 1
    search = lists.ListSearchRequest(query="hold", offset=0, list_ids=[], processing_types=[], additional_properties=[])
    assert filled(api.do_search(search)).total == 1
    one, two = (row.id for row in hubspot.crm.contacts.basic_api.get_page(limit=2).results)
    added = filled(members.add(made.list_id, [one, "987654321"]))
    assert (added.records_ids_added, added.record_ids_missing) == ([one], ["987654321"])
    both = lists.MembershipChangeRequest(record_ids_to_add=[two], record_ids_to_remove=[one])
    changed = filled(members.add_and_remove(made.list_id, both))
    assert (changed.records_ids_added, changed.record_ids_removed) == ([two], [one])
    assert [row.record_id for row in filled(members.get_page(made.list_id, limit=250)).results] == [two]
    assert filled(members.get_page_ordered_by_added_to_list_date(made.list_id)).total == 1
    assert [row.list_id for row in filled(members.get_lists("0-1", two)).results] == [made.list_id]
    filled(members.remove(made.list_id, [two]))
    members.remove_all(made.list_id)
    filled(api.update_name(made.list_id, list_name="Held"))
    legacy = str(int(made.list_id) + 5000)
    mapped = filled(hubspot.crm.lists.mapping_api.translate_legacy_list_id_to_list_id(legacy_list_id=legacy))
    assert mapped.list_id == made.list_id
    api.remove(made.list_id)
    api.restore(made.list_id)


def test_event_occurrences_and_types(hubspot: Any, portal: Client) -> None:
    contact = portal.contact(email="lia@kind.example")
    portal.act("page_view", contact=contact, url="https://www.kind.example/pricing", title="Pricing")
    api = hubspot.events.events_api
    rows = filled(api.get_page(object_type="contact", object_id=int(contact), event_type="e_visited_page")).results
    assert [row.properties["hs_url"] for row in rows] == ["https://www.kind.example/pricing"]
    assert "e_visited_page" in filled(api.get_types()).event_types


def test_forms(hubspot: Any) -> None:
    api = hubspot.marketing.forms.forms_api
    page = api.get_page(limit=2, form_types=["all"])
    assert len(page.results) == 2
    form = api.get_by_id(page.results[0].id)
    assert form.name == page.results[0].name
    assert form.field_groups[0].fields[0].name
    assert form.configuration.language == "en"


def test_submissions_and_mail_events_by_raw_calls(hubspot: Any, portal: Client) -> None:
    """The client has no typed call for these two; its api_request goes where base_url points."""
    guid = next(iter(portal.portal.directory.forms))
    portal.act("form_submission", form=guid, email="lia@kind.example", values={"firstname": "Lia"})
    answer = hubspot.api_request({"path": f"/form-integrations/v1/submissions/forms/{guid}", "method": "GET"}).json()
    assert {value["name"] for value in answer["results"][0]["values"]} >= {"email", "firstname"}
    portal.act("email_event", type="OPEN", email="lia@kind.example", campaign_id=7)
    events = hubspot.api_request({"path": "/email/public/v1/events", "method": "GET"}).json()
    assert events["events"][0]["recipient"] == "lia@kind.example"
    details = hubspot.api_request({"path": "/account-info/v3/details", "method": "GET"}).json()
    assert details["portalId"] == portal.portal_id


def test_subscription_statuses(hubspot: Any, portal: Client) -> None:
    portal.contact(email="lia@kind.example")
    types = filled(hubspot.communication_preferences.definition_api.get_page()).subscription_definitions
    api = hubspot.communication_preferences.status_api
    body = {"emailAddress": "lia@kind.example", "subscriptionId": types[0].id}
    assert filled(api.subscribe(body)).status == "SUBSCRIBED"
    filled(api.unsubscribe(body))
    statuses = filled(api.get_email_status("lia@kind.example")).subscription_statuses
    assert statuses[0].status == "NOT_SUBSCRIBED"


def test_oauth_tokens(hubspot: Any, portal: Client) -> None:
    number = portal.portal_id
    tokens = hubspot.oauth.tokens_api
    made = filled(
        tokens.create(
            grant_type="refresh_token",
            client_id=f"sandbox-client-{number}",
            client_secret=f"sandbox-secret-{number}",
            refresh_token=f"sandbox-refresh-{number}",
        )
    )
    assert made.expires_in == 1800
    assert filled(hubspot.oauth.access_tokens_api.get(made.access_token)).hub_id == number
    assert filled(hubspot.oauth.refresh_tokens_api.get(made.refresh_token)).hub_id == number
    other = HubSpot(access_token=made.access_token, host=portal.url, base_url=portal.url)
    assert len(other.crm.contacts.basic_api.get_page(limit=1).results) == 1
    hubspot.oauth.refresh_tokens_api.archive(made.refresh_token)


def test_the_client_accepts_a_signature_of_the_sandbox() -> None:
    """The client's own verifier and the sandbox's signer agree on a body with more than ASCII."""
    from connector.sandbox.webhooks import signature_v3

    stamp, uri, body = "4102444800000", "https://hooks.example/in", '[{"propertyValue":"é"}]'
    signed = signature_v3("secret", "POST", uri, body.encode(), stamp)
    assert Signature.is_valid(
        signature=signed, client_secret="secret", request_body=body, http_uri=uri,
        http_method="POST", signature_version="v3", timestamp=stamp,
    )  # fmt: skip
