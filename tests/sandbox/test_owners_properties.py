"""Owners, property definitions, groups and pipelines, as hubspot-facts sections 3.4, 4 and 7 tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connector.sandbox import schema
from connector.sandbox.portal import OBJECT_TYPES

if TYPE_CHECKING:
    from tests.sandbox.conftest import Box, Client

OWNERS = pytest.mark.parametrize("path", ["/crm/v3/owners", "/crm/v3/owners/", "/crm/owners/2026-03"])
CONTACTS = "/crm/v3/properties/contacts"
SCORE = {"name": "kite_score", "label": "Kite score", "groupName": "kites", "type": "number", "fieldType": "number"}
STAGES = (
    *("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead"),
    *("opportunity", "customer", "evangelist", "other"),
)


@OWNERS
def test_owners_are_paged_and_found_by_mail_id_and_user(client: Client, path: str) -> None:
    first = client.get(path, limit=2).json()
    rest = client.get(path, after=first["paging"]["next"]["after"]).json()
    owners = first["results"] + rest["results"]
    assert all(not owner["archived"] and owner["id"] != str(owner["userId"]) for owner in owners)
    assert [owner["id"] for owner in client.get(path, email=owners[0]["email"].upper()).json()["results"]] == [
        owners[0]["id"]
    ]
    one = path.rstrip("/")
    assert client.get(f"{one}/{owners[0]['id']}").json() == owners[0]
    assert client.get(f"{one}/{owners[0]['userId']}", idProperty="userId").json() == owners[0]
    assert client.get(f"{one}/{owners[0]['userId']}").status_code == 404


def test_archived_owners_are_apart_and_show_no_user_id(client: Client) -> None:
    (gone,) = client.get("/crm/v3/owners", archived="true").json()["results"]
    assert "userId" not in gone
    assert gone["userIdIncludingInactive"]
    assert client.get(f"/crm/v3/owners/{gone['id']}").status_code == 404
    assert client.get(f"/crm/v3/owners/{gone['id']}", archived="true").json() == gone


def test_owners_are_made_and_archived_by_the_control_route(client: Client) -> None:
    row = {"email": "mo@reps.example", "firstName": "Mo", "teams": ["North", "Night"]}
    (made,) = client.control("POST", "owners", row)["results"]
    assert [(team["name"], team["primary"]) for team in made["teams"]] == [("North", True), ("Night", False)]
    client.control("POST", "owners", [row | {"id": made["id"], "archived": True}])
    assert made["id"] in {owner["id"] for owner in client.get("/crm/v3/owners", archived="true").json()["results"]}
    assert client.session.post(f"{client.url}/_sandbox/owners", json={"mail": "x"}, timeout=5).status_code == 400


def test_the_largest_owners_page_is_a_switch(client: Client) -> None:
    assert client.get("/crm/v3/owners", limit=500).status_code == 200
    client.switch(owners_page_max=100)
    assert client.get("/crm/v3/owners", limit=500).status_code == 400


@pytest.mark.parametrize("kind", OBJECT_TYPES)
def test_every_standard_definition_is_whole(kind: str) -> None:
    groups = {group["name"] for group in schema.default_groups(kind)}
    names = [each["name"] for each in schema.default_properties(kind)]
    assert len(set(names)) == len(names)
    for each in schema.default_properties(kind):
        assert each["groupName"] in groups, each["name"]
        assert each["modificationMetadata"]["readOnlyValue"] or not each["calculated"]
        values = [option["value"] for option in each["options"]]
        assert len(set(values)) == len(values)
        if each["type"] == "enumeration" and not each["options"]:
            assert each["externalOptions"] or each["modificationMetadata"]["readOnlyValue"], each["name"]


def test_stages_status_and_their_stamps_are_there(client: Client) -> None:
    stage = client.get(f"{CONTACTS}/lifecyclestage").json()
    assert tuple(option["value"] for option in stage["options"]) == STAGES
    status = client.get(f"{CONTACTS}/hs_lead_status").json()
    assert len(status["options"]) == 8
    for name in (
        "hs_lifecyclestage_lead_date",
        "hs_v2_date_entered_lead",
        "hubspotscore",
        "hubspot_owner_assigneddate",
    ):
        assert client.get(f"{CONTACTS}/{name}").json()["modificationMetadata"]["readOnlyValue"] is True


def test_a_new_stage_brings_its_stamps_and_a_place_in_the_pipeline(client: Client) -> None:
    stage = client.get(f"{CONTACTS}/lifecyclestage").json()
    options = [*stage["options"], {"label": "Partner", "value": "124866084", "displayOrder": 8, "hidden": False}]
    assert client.patch(f"{CONTACTS}/lifecyclestage", {"options": options}).status_code == 200
    assert client.get(f"{CONTACTS}/hs_v2_date_entered_124866084").status_code == 200
    (pipeline,) = client.get("/crm/v3/pipelines/contacts").json()["results"]
    assert pipeline["stages"][-1]["id"] == "124866084"
    contact = client.contact(email="lia@kind.example", lifecyclestage="124866084")
    assert client.read(contact, "lifecyclestage")["lifecyclestage"] == "124866084"


def test_a_property_is_made_once_used_changed_and_archived(client: Client) -> None:
    assert client.post(CONTACTS, SCORE).status_code == 400  # its group is missing
    assert client.post(f"{CONTACTS}/groups", {"name": "kites", "label": "Kites"}).status_code == 201
    assert client.post(f"{CONTACTS}/groups", {"name": "kites", "label": "Kites"}).status_code == 409
    made = client.post(CONTACTS, SCORE)
    assert (made.status_code, made.json()["hubspotDefined"]) == (201, False)
    assert client.post(CONTACTS, SCORE).status_code == 409
    contact = client.contact(email="lia@kind.example", kite_score="17")
    assert client.read(contact, "kite_score")["kite_score"] == "17"
    assert client.patch(f"{CONTACTS}/kite_score", {"label": "Points"}).json()["label"] == "Points"
    assert client.call("DELETE", f"{CONTACTS}/groups/kites").status_code == 400
    assert client.call("DELETE", f"{CONTACTS}/kite_score").status_code == 204
    assert client.get(f"{CONTACTS}/kite_score").status_code == 404
    assert [each["name"] for each in client.get(CONTACTS, archived="true").json()["results"]] == ["kite_score"]
    assert client.call("DELETE", f"{CONTACTS}/groups/kites").status_code == 204


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Kite Score"}, {"name": "9lives"}, {"type": "text"}, {"fieldType": "radio"}, {"label": ""},
        {"groupName": "nowhere"}, {"options": [{"label": "x"}]},
        {"type": "enumeration", "fieldType": "select", "options": [{"label": "a", "value": "a"}] * 2},
    ],
)  # fmt: skip
def test_a_bad_definition_is_refused_with_a_reason(client: Client, change: dict[str, Any]) -> None:
    client.post(f"{CONTACTS}/groups", {"name": "kites", "label": "Kites"})
    answer = client.post(CONTACTS, SCORE | change)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_hubspots_own_definitions_stand(client: Client) -> None:
    assert client.patch(f"{CONTACTS}/email", {"label": "Mail"}).status_code == 400
    assert client.call("DELETE", f"{CONTACTS}/email").status_code == 400
    whole = client.get(f"{CONTACTS}/hs_lead_status").json()
    more = [*whole["options"], {"label": "Nurture", "value": "NURTURE"}]
    answer = client.patch(f"{CONTACTS}/hs_lead_status", whole | {"options": more})
    assert (answer.status_code, len(answer.json()["options"])) == (200, 9)


def test_a_change_stays_in_its_portal(box: Box) -> None:
    one, two = box.new_portal(), box.new_portal()
    status = one.get(f"{CONTACTS}/hs_lead_status").json()
    one.patch(f"{CONTACTS}/hs_lead_status", {"options": status["options"][:2]})
    assert len(two.get(f"{CONTACTS}/hs_lead_status").json()["options"]) == 8


def test_a_batch_tells_what_failed_and_keeps_the_rest(client: Client) -> None:
    client.post(f"{CONTACTS}/groups", {"name": "kites", "label": "Kites"})
    rows = [SCORE, SCORE | {"name": "kite_size"}, SCORE]
    answer = client.post(f"{CONTACTS}/batch/create", {"inputs": rows})
    assert (answer.status_code, answer.json()["numErrors"]) == (207, 1)
    assert {row["name"] for row in answer.json()["results"]} == {"kite_score", "kite_size"}


def test_making_properties_needs_the_schema_scope(box: Box) -> None:
    portal = box.new_portal(scopes=["crm.objects.contacts.read"])
    assert portal.get(CONTACTS).status_code == 200
    assert portal.post(CONTACTS, SCORE).status_code == 403


def test_the_deal_pipeline_has_its_closing_stages(client: Client) -> None:
    (pipeline,) = client.get("/crm/pipelines/2026-03/deals").json()["results"]
    closed = {stage["id"]: stage["metadata"] for stage in pipeline["stages"] if stage["metadata"]["isClosed"] == "true"}
    assert {name: metadata["probability"] for name, metadata in closed.items()} == {
        "closedwon": "1.0",
        "closedlost": "0.0",
    }
    options = client.get("/crm/v3/properties/deals/dealstage").json()["options"]
    assert [option["value"] for option in options] == [stage["id"] for stage in pipeline["stages"]]


def test_a_stage_in_use_cannot_be_removed(client: Client) -> None:
    client.post(
        "/crm/v3/objects/deals",
        {"properties": {"dealname": "Kites", "pipeline": "default", "dealstage": "contractsent"}},
    )
    answer = client.call("DELETE", "/crm/v3/pipelines/deals/default/stages/contractsent")
    assert (answer.status_code, answer.json()["subCategory"]) == (400, "PipelineError.STAGE_ID_IN_USE")
    assert client.call("DELETE", "/crm/v3/pipelines/deals/default/stages/qualifiedtobuy").status_code == 204
