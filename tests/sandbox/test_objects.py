"""Records over HTTP: pages, reads, writes, batches and their ways of failing, merges, deletions, history."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import Box, Client

CONTACTS = "/crm/v3/objects/contacts"
DATED = "/crm/objects/2026-03/contacts"


def _ids(client: Client, path: str = CONTACTS, **params: Any) -> list[str]:
    found, after = [], None
    while True:
        page = client.get(path, **params, **({"after": after} if after else {})).json()
        found += [row["id"] for row in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after")
        if after is None:
            return found


@pytest.mark.parametrize("path", [CONTACTS, DATED])
def test_pages_give_every_contact_once_in_id_order(box: Box, path: str) -> None:
    client = box.new_portal(contacts=250)
    found = _ids(client, path, limit=100)
    assert found == sorted(found, key=int)
    assert len(set(found)) == len(found) == 250
    assert len(client.get(path).json()["results"]) == 10


def test_a_page_gives_the_default_properties_and_ignores_unknown_names(client: Client) -> None:
    client.contact(email="iris@birch.example", firstname="Iris")
    default = client.get(CONTACTS).json()["results"][0]["properties"]
    assert set(default) == {"firstname", "lastname", "email", "hs_object_id", "createdate", "lastmodifieddate"}
    named = client.get(CONTACTS, properties="jobtitle,no_such_thing").json()["results"][0]["properties"]
    assert named["jobtitle"] is None
    assert "no_such_thing" not in named
    assert "email" not in named


def test_the_fast_page_says_what_the_plain_one_says(box: Box) -> None:
    client = box.new_portal(contacts=100)
    names = "email,firstname,message,phone,lifecyclestage,lastmodifieddate,hs_lastmodifieddate"
    fast = client.get(CONTACTS, limit=50, properties=names).json()["results"]
    plain = client.get(CONTACTS, limit=50, properties=names, propertiesWithHistory="email").json()["results"]
    assert fast == [{name: value for name, value in row.items() if name != "propertiesWithHistory"} for row in plain]


def test_history_halves_the_largest_page(client: Client) -> None:
    client.contact(email="a@birch.example")
    assert client.get(CONTACTS, limit=100).status_code == 200
    assert client.get(CONTACTS, limit=101).status_code == 400
    assert client.get(CONTACTS, limit=50, propertiesWithHistory="email").status_code == 200
    assert client.get(CONTACTS, limit=51, propertiesWithHistory="email").status_code == 400


def test_a_contact_is_found_by_id_email_and_additional_email(client: Client) -> None:
    number = client.contact(email="Iris@Birch.example", hs_additional_emails="second@birch.example")
    assert client.get(f"{CONTACTS}/{number}").json()["properties"]["email"] == "iris@birch.example"
    for email in ("iris@birch.example", "IRIS@birch.example", "second@birch.example"):
        assert client.get(f"{CONTACTS}/{email}", idProperty="email").json()["id"] == number
    assert client.get(f"{CONTACTS}/999999").status_code == 404
    assert client.get(f"{CONTACTS}/x", idProperty="jobtitle").status_code == 400


def test_a_second_contact_with_the_same_email_is_a_conflict_that_names_the_first(client: Client) -> None:
    number = client.contact(email="iris@birch.example")
    answer = client.post(CONTACTS, {"properties": {"email": "iris@birch.example"}})
    assert answer.status_code == 409
    assert answer.json()["message"] == f"Contact already exists. Existing ID: {number}"
    assert answer.json()["category"] == "CONFLICT"


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"no_such_thing": "1"}, "PROPERTY_DOESNT_EXIST"),
        ({"hs_lead_status": "Nonsense"}, "INVALID_OPTION"),
        ({"hs_lead_status": "new"}, "INVALID_OPTION"),
        ({"hubspot_owner_id": "12"}, "INVALID_OWNER_ID"),
        ({"numberofemployees": "1,000"}, "INVALID_NUMBER"),
        ({"email": "no address"}, "INVALID_EMAIL"),
        ({"closedate": "soon"}, "INVALID_DATE"),
        ({"num_notes": "4"}, "READ_ONLY_VALUE"),
        ({"jobtitle": "x" * 65_537}, "INVALID_LENGTH"),
    ],
)
def test_a_bad_value_is_refused_by_name_and_nothing_is_written(
    client: Client, properties: dict[str, str], code: str
) -> None:
    number = client.contact(email="iris@birch.example")
    answer = client.patch(f"{CONTACTS}/{number}", {"properties": {"firstname": "Iris"} | properties})
    body = answer.json()
    assert (answer.status_code, body["category"]) == (400, "VALIDATION_ERROR")
    assert body["errors"][0]["code"] == code
    told = json.loads(body["message"].partition(": ")[2])
    assert (told[0]["error"], told[0]["name"], told[0]["isValid"]) == (code, next(iter(properties)), False)
    assert client.read(number, "firstname")["firstname"] is None


def test_an_archived_owner_is_refused_or_accepted_by_switch(client: Client) -> None:
    archived = next(owner.id for owner in client.portal.directory.owners.values() if owner.archived)
    number = client.contact(email="iris@birch.example")
    body = {"properties": {"hubspot_owner_id": archived}}
    assert client.patch(f"{CONTACTS}/{number}", body).status_code == 400
    client.switch(archived_owner="accept")
    assert client.patch(f"{CONTACTS}/{number}", body).json()["properties"]["hubspot_owner_id"] == archived


def test_every_value_comes_back_as_text_and_empty_text_clears(client: Client) -> None:
    number = client.contact(email="iris@birch.example", numberofemployees=17, jobtitle="Buyer")
    assert client.read(number, "numberofemployees")["numberofemployees"] == "17"
    client.patch(f"{CONTACTS}/{number}", {"properties": {"jobtitle": ""}})
    assert client.read(number, "jobtitle")["jobtitle"] is None


def test_a_long_text_and_an_emoji_name_survive(client: Client) -> None:
    story = "x" * 60_000
    number = client.contact(email="fox@birch.example", firstname="🦊 Fox", message=story)
    assert client.read(number, "firstname", "message")["message"] == story
    assert client.read(number, "firstname")["firstname"] == "🦊 Fox"


def test_a_leading_semicolon_appends_to_a_multiple_choice(client: Client) -> None:
    body = {
        "name": "topics", "label": "Topics", "groupName": "contactinformation", "type": "enumeration",
        "fieldType": "checkbox", "options": [{"label": each, "value": each, "displayOrder": 0} for each in "abc"],
    }  # fmt: skip
    assert client.post("/crm/v3/properties/contacts", body).status_code == 201
    number = client.contact(email="iris@birch.example", topics="a")
    client.patch(f"{CONTACTS}/{number}", {"properties": {"topics": ";b"}})
    assert client.read(number, "topics")["topics"] == "a;b"


# -- batches -----------------------------------------------------------------------------------------------------------


def _make(client: Client, count: int) -> list[str]:
    rows = [{"properties": {"email": f"c{number}@birch.example"}} for number in range(count)]
    answer = client.post(f"{CONTACTS}/batch/create", {"inputs": rows})
    assert (answer.status_code, answer.json()["status"]) == (201, "COMPLETE")
    return [row["id"] for row in answer.json()["results"]]


def test_batch_read_gives_what_is_there_and_names_what_is_not(client: Client) -> None:
    ids = _make(client, 3)
    body = {"inputs": [{"id": each} for each in [*ids, "424242"]], "properties": ["email"]}
    answer = client.post(f"{CONTACTS}/batch/read", body)
    assert answer.status_code == 207
    assert [row["id"] for row in answer.json()["results"]] == ids
    error = answer.json()["errors"][0]
    assert (error["category"], error["context"]["ids"]) == ("OBJECT_NOT_FOUND", ["424242"])
    by_email = {"inputs": [{"id": "c1@birch.example"}], "idProperty": "email", "properties": []}
    assert client.post(f"{CONTACTS}/batch/read", by_email).json()["results"][0]["id"] == ids[1]


def test_a_batch_of_more_than_a_hundred_is_refused(client: Client) -> None:
    body = {"inputs": [{"id": str(each)} for each in range(101)], "properties": []}
    assert client.post(f"{CONTACTS}/batch/read", body).status_code == 400


def test_one_bad_row_fails_the_whole_batch_unless_rows_carry_trace_ids(client: Client) -> None:
    ids = _make(client, 3)
    rows: list[dict[str, Any]] = [{"id": each, "properties": {"jobtitle": "Buyer"}} for each in ids]
    rows[1]["properties"]["hs_lead_status"] = "Nonsense"
    assert client.post(f"{CONTACTS}/batch/update", {"inputs": rows}).status_code == 400
    assert [client.read(each, "jobtitle")["jobtitle"] for each in ids] == [None] * 3
    for number, row in enumerate(rows):
        row["objectWriteTraceId"] = f"t{number}"
    answer = client.post(f"{CONTACTS}/batch/update", {"inputs": rows})
    assert (answer.status_code, answer.json()["numErrors"]) == (207, 1)
    assert answer.json()["errors"][0]["context"]["objectWriteTraceId"] == ["t1"]
    assert [client.read(each, "jobtitle")["jobtitle"] for each in ids] == ["Buyer", None, "Buyer"]
    assert [row["objectWriteTraceId"] for row in answer.json()["results"]] == ["t0", "t2"]


def test_one_taken_email_makes_the_whole_create_a_conflict(client: Client) -> None:
    _make(client, 1)
    rows = [{"properties": {"email": "new@birch.example"}}, {"properties": {"email": "c0@birch.example"}}]
    assert client.post(f"{CONTACTS}/batch/create", {"inputs": rows}).status_code == 409
    assert client.get(f"{CONTACTS}/new@birch.example", idProperty="email").status_code == 404


def test_batch_update_takes_ids_alone_and_each_once(client: Client) -> None:
    ids = _make(client, 1)
    by_email = {"inputs": [{"id": "c0@birch.example", "idProperty": "email", "properties": {}}]}
    answer = client.post(f"{CONTACTS}/batch/update", by_email)
    assert answer.status_code == 400
    assert "non-unique" in answer.json()["message"]
    twice = {"inputs": [{"id": ids[0], "properties": {"jobtitle": each}} for each in "ab"]}
    assert client.post(f"{CONTACTS}/batch/update", twice).status_code == 400
    gone = {"inputs": [{"id": ids[0], "properties": {}}, {"id": "424242", "properties": {}}]}
    assert client.post(f"{CONTACTS}/batch/update", gone).status_code == 207


def test_a_unique_property_of_the_portals_own_identifies_and_is_guarded(client: Client) -> None:
    body = {"name": "crm_key", "label": "Key", "groupName": "contactinformation", "type": "string", "fieldType": "text"}
    assert client.post("/crm/v3/properties/contacts", body | {"hasUniqueValue": True}).status_code == 201
    first = client.contact(email="a@birch.example", crm_key="K1")
    assert client.post(CONTACTS, {"properties": {"crm_key": "k1"}}).status_code == 409
    assert client.get(f"{CONTACTS}/K1", idProperty="crm_key").json()["id"] == first
    rows = [
        {"id": "K1", "idProperty": "crm_key", "properties": {"jobtitle": "CEO"}, "objectWriteTraceId": "1"},
        {"id": "K2", "idProperty": "crm_key", "properties": {"hs_lead_status": "Bad"}, "objectWriteTraceId": "2"},
    ]
    answer = client.post(f"{CONTACTS}/batch/upsert", {"inputs": rows})
    assert (answer.status_code, len(answer.json()["results"]), answer.json()["numErrors"]) == (207, 1, 1)


def test_upsert_says_what_is_new_and_by_email_is_all_or_nothing(client: Client) -> None:
    ids = _make(client, 1)
    rows: list[dict[str, Any]] = [
        {"id": "c0@birch.example", "idProperty": "email", "properties": {"jobtitle": "Buyer"}},
        {"id": "new@birch.example", "idProperty": "email", "properties": {"jobtitle": "CEO"}},
    ]
    results = client.post(f"{CONTACTS}/batch/upsert", {"inputs": rows}).json()["results"]
    assert [(row["new"], row["id"] in ids) for row in results] == [(False, True), (True, False)]
    rows[0]["properties"]["hs_lead_status"] = "Nonsense"
    traced = [row | {"objectWriteTraceId": str(number)} for number, row in enumerate(rows)]
    assert client.post(f"{CONTACTS}/batch/upsert", {"inputs": traced}).status_code == 400


def test_archive_moves_to_the_recycle_bin_and_frees_the_email(client: Client) -> None:
    first, second = _make(client, 2)
    assert client.call("DELETE", f"{CONTACTS}/{first}").status_code == 204
    assert client.post(f"{CONTACTS}/batch/archive", {"inputs": [{"id": second}]}).status_code == 204
    assert _ids(client) == []
    bin_rows = client.get(CONTACTS, archived="true").json()["results"]
    assert [(row["id"], row["archived"], "archivedAt" in row) for row in bin_rows] == [
        (first, True, True),
        (second, True, True),
    ]
    assert client.get(f"{CONTACTS}/{first}").status_code == 404
    client.contact(email="c0@birch.example")


# -- history, merge, erasure -------------------------------------------------------------------------------------------


def test_history_is_newest_first_with_its_source(box: Box, client: Client) -> None:
    box.clock(now="2026-03-02T09:00:00Z")
    number = client.contact(email="iris@birch.example", jobtitle="Buyer")
    box.clock(advance_seconds=60)
    client.act("edit", contact=number, properties={"jobtitle": "CEO"}, user="42000101")
    body = client.get(f"{CONTACTS}/{number}", propertiesWithHistory="jobtitle,email").json()["propertiesWithHistory"]
    told = [(row["value"], row["timestamp"], row["sourceType"]) for row in body["jobtitle"]]
    assert told == [
        ("CEO", "2026-03-02T09:01:00.000Z", "CRM_UI"),
        ("Buyer", "2026-03-02T09:00:00.000Z", "INTEGRATION"),
    ]
    assert body["jobtitle"][0]["updatedByUserId"] == 42_000_101
    assert len(body["email"]) == 1
    assert client.portal.objects["contacts"].records[number].history is not None
    assert "email" not in (client.portal.objects["contacts"].records[number].history or {})


@pytest.mark.parametrize("new_id", [False, True])
def test_a_merge_keeps_the_primary_and_leads_old_ids_to_the_survivor(client: Client, new_id: bool) -> None:
    client.switch(merge_new_id=new_id)
    first = client.contact(email="a@birch.example", jobtitle="Buyer", lifecyclestage="lead")
    second = client.contact(email="b@birch.example", jobtitle="CEO", city="Porto", lifecyclestage="salesqualifiedlead")
    answer = client.post(f"{CONTACTS}/merge", {"primaryObjectId": first, "objectIdToMerge": second})
    survivor = answer.json()["id"]
    assert answer.status_code == 200
    assert (survivor == first) is not new_id
    for old in (first, second):
        assert client.get(f"{CONTACTS}/{old}").json()["id"] == survivor
    found = client.read(survivor, "email", "jobtitle", "city", "lifecyclestage", "hs_merged_object_ids")
    assert (found["email"], found["jobtitle"], found["city"]) == ("a@birch.example", "Buyer", "Porto")
    assert found["lifecyclestage"] == "salesqualifiedlead"
    assert second in found["hs_merged_object_ids"].split(";")
    assert client.get(f"{CONTACTS}/b@birch.example", idProperty="email").json()["id"] == survivor
    assert _ids(client) == [survivor]


def test_a_merged_away_id_is_missing_where_the_switch_says_so(client: Client) -> None:
    client.switch(read_merged="missing")
    first, second = _make(client, 2)
    client.post(f"{CONTACTS}/merge", {"primaryObjectId": first, "objectIdToMerge": second})
    assert client.get(f"{CONTACTS}/{second}").status_code == 404


def test_a_privacy_deletion_is_final_and_an_unknown_address_is_blocked(client: Client) -> None:
    (number,) = _make(client, 1)
    form = next(iter(client.portal.directory.forms))
    client.act("form_submission", form=form, email="c0@birch.example")
    answer = client.post(f"{CONTACTS}/gdpr-delete", {"objectId": "c0@birch.example", "idProperty": "email"})
    assert answer.status_code == 204
    assert client.get(f"{CONTACTS}/{number}", archived="true").status_code == 404
    assert client.portal.directory.submissions[form] == []
    blocked = {"objectId": "unknown@birch.example", "idProperty": "email"}
    assert client.post(f"{CONTACTS}/gdpr-delete", blocked).status_code == 204
    assert client.act("form_submission", form=form, email="unknown@birch.example")["contact"] is None


# -- other objects -----------------------------------------------------------------------------------------------------


def test_a_task_is_made_with_its_contact_and_needs_a_due_time(client: Client) -> None:
    number = client.contact(email="iris@birch.example")
    link = {"to": {"id": number}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]}
    body = {"properties": {"hs_timestamp": "2026-03-02T09:00:00Z", "hs_task_subject": "Call"}, "associations": [link]}
    task = client.post("/crm/v3/objects/tasks", body)
    assert task.status_code == 201
    search = {
        "filterGroups": [{"filters": [{"propertyName": "associations.contact", "operator": "EQ", "value": number}]}]
    }
    found = client.post("/crm/v3/objects/tasks/search", search).json()
    assert [row["id"] for row in found["results"]] == [task.json()["id"]]
    assert client.post("/crm/v3/objects/tasks", {"properties": {"hs_task_subject": "Call"}}).status_code == 400
    gone = body | {"associations": [link | {"to": {"id": "424242"}}]}
    assert client.post("/crm/v3/objects/tasks", gone).status_code == 400


def test_a_list_page_gives_associations_when_asked(client: Client) -> None:
    number = client.contact(email="iris@birch.example")
    deal = client.act("deal", contact=number)["deal"]
    row = client.get(f"{CONTACTS}/{number}", associations="deals,companies").json()
    assert row["associations"] == {"deals": {"results": [{"id": deal, "type": "contact_to_deal"}]}}


def test_types_are_known_by_number_and_by_name(client: Client) -> None:
    number = client.contact(email="iris@birch.example")
    assert client.get(f"/crm/v3/objects/0-1/{number}").json()["id"] == number
    assert client.get("/crm/v3/objects/unicorns").status_code == 400


def test_a_deal_needs_name_stage_and_pipeline(client: Client) -> None:
    answer = client.post("/crm/v3/objects/deals", {"properties": {"dealname": "One"}})
    assert answer.status_code == 400
    assert answer.json()["context"]["properties"] == ["dealstage", "pipeline"]


def test_a_token_without_the_scope_is_told_which_one(box: Box) -> None:
    client = box.new_portal(scopes=["crm.objects.contacts.read"])
    assert client.get(CONTACTS).status_code == 200
    answer = client.post(CONTACTS, {"properties": {}})
    assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")
    assert answer.json()["context"]["requiredGranularScopes"] == ["crm.objects.contacts.write"]


def test_a_wrong_token_bad_json_and_an_unknown_path_are_named(client: Client) -> None:
    assert client.call("GET", CONTACTS, headers={"Authorization": "Bearer nonsense"}).status_code == 401
    answer = client.call("POST", CONTACTS, data=b"{not json")
    assert (answer.status_code, "correlationId" in answer.json()) == (400, True)
    assert client.get("/crm/v3/nothing").status_code == 404
    assert client.call("PUT", CONTACTS).status_code == 405
