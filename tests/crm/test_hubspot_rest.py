"""Owners, deals, lists, tasks and properties on the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests

from connector.crm.hubspot import owned
from connector.crm.hubspot.lists import ListMissingError
from connector.crm.hubspot.properties import PropertyDefinition
from connector.domain.contact import ContactId, OwnerId
from connector.domain.deal import DealState
from connector.engine.ports import Beside, PropertyInfo, Task, Window
from connector.errors import CrmUnavailableError, UnknownPropertyError

NOW = datetime(2026, 3, 2, 10, 16, tzinfo=UTC)
WINDOW = Window(since=NOW - timedelta(hours=1), until=NOW)
NAME = "Handoff: in sales' hands"
FIND = "/crm/v3/lists/object-type-id/0-1/name/Handoff%3A%20in%20sales%27%20hands"
ADD, REMOVE = "/crm/v3/lists/31/memberships/add", "/crm/v3/lists/31/memberships/remove"
TASKS_OF = "/crm/v4/associations/contacts/tasks/batch/read"
TASKS_READ, TASKS = "/crm/v3/objects/tasks/batch/read", "/crm/v3/objects/tasks/batch/create"
PROPERTIES, GROUPS = "/crm/v3/properties/contacts", "/crm/v3/properties/contacts/groups"


# -- owners ------------------------------------------------------------------------------------------------------


def test_owners_come_with_those_who_left_in_two_calls(wire, gateway) -> None:
    """R12"""
    wire.answer("GET", "/crm/v3/owners", "owners")
    wire.answer("GET", "/crm/v3/owners", "owners-archived")
    ana, bela, zeno = gateway.owners()
    assert (ana.id, ana.name, ana.email) == ("71", "Ana Corvo", "ana.corvo@reps.example")
    assert ana.teams == ("Europe", "Iberia"), "the main team first"
    assert (bela.name, bela.archived) == ("bela@reps.example", False)
    assert (zeno.id, zeno.archived) == ("73", True)


# -- deals -------------------------------------------------------------------------------------------------------


def test_deals_are_won_or_lost_by_their_flags_and_by_their_stage_only_without(wire, gateway) -> None:
    wire.answer("POST", "/crm/v3/objects/deals/search", "deals-search")
    wire.answer("POST", "/crm/v4/associations/deals/contacts/batch/read", "deal-associations", status=207)
    wire.answer("GET", "/crm/v3/pipelines/deals", "deal-pipelines")
    (page,) = gateway.pull_deals(WINDOW, cursor=None)
    assert [deal.state for deal in page.rows] == [DealState.WON, DealState.LOST, DealState.LOST, DealState.OPEN]
    assert [deal.contacts for deal in page.rows] == [("501", "502"), (), (), ()]
    assert [deal.amount for deal in page.rows] == [1200.5, None, None, 1200.5]
    assert (page.rows[1].lost_reason, page.rows[0].owner) == ("price", "71")
    assert wire.bodies()[0]["filterGroups"][0]["filters"][0]["propertyName"] == "hs_lastmodifieddate"


def test_no_changed_deals_cost_one_call(wire, gateway) -> None:
    wire.answer("POST", "/crm/v3/objects/deals/search", json={"total": 0, "results": []})
    (page,) = gateway.pull_deals(WINDOW, cursor=None)
    assert (page.rows, page.cursor) == ((), None)


def test_a_deal_of_very_many_contacts_is_read_to_its_end(wire, gateway) -> None:
    deals = {"total": 1, "results": wire.sample("deals-search")["results"][:1]}
    following = [{"next": {"after": "1"}}, {"next": {"after": "2"}}, None]
    rows = [
        {"from": {"id": "801"}, "to": [{"toObjectId": number}], "paging": paging}
        for number, paging in enumerate(following, start=1)
    ]
    wire.answer("POST", "/crm/v3/objects/deals/search", json=deals)
    for row in rows:
        wire.answer("POST", "/crm/v4/associations/deals/contacts/batch/read", json={"results": [row]})
    (page,) = gateway.pull_deals(WINDOW, cursor=None)
    assert page.rows[0].contacts == ("1", "2", "3")
    assert wire.bodies()[2] == {"inputs": [{"id": "801", "after": "1"}]}


# -- lists -------------------------------------------------------------------------------------------------------


def test_members_are_added_by_five_hundred_and_unknown_ids_are_left_out(wire, gateway) -> None:
    wire.answer("GET", FIND, "list-found")
    wire.answer("PUT", ADD, "members-added")
    wire.answer("PUT", ADD, json={"recordIdsAdded": []})
    wire.answer("PUT", REMOVE, json={"recordIdsRemoved": [], "recordIdsMissing": ["999"]})
    ids = [ContactId(str(number)) for number in range(400, 1000)]
    assert gateway.add_to_list(NAME, ids + ids) == frozenset(ids) - {"999"}
    assert gateway.remove_from_list(NAME, ids[:2]) == frozenset(ids[:2])
    assert [len(body) for body in wire.bodies()] == [500, 100, 2]


def test_a_list_that_is_missing_says_how_to_make_it(wire, gateway) -> None:
    """P7: no handoff that needs the list."""
    wire.answer("GET", FIND, "list-found", status=404)
    with pytest.raises(ListMissingError) as caught:
        gateway.add_to_list(NAME, [ContactId("1")])
    assert "handoff init --apply" in caught.value.advice


def test_a_list_that_hubspot_fills_takes_no_members(wire, gateway) -> None:
    wire.answer("GET", FIND, "list-dynamic")
    with pytest.raises(ListMissingError, match="DYNAMIC"):
        gateway.add_to_list(NAME, [ContactId("1")])


def test_what_is_no_kind_of_list_is_not_repeated(wire, gateway) -> None:
    """I10"""
    wire.answer("GET", FIND, json={"listId": "44", "name": NAME, "processingType": ["kim@leak.example"]})
    with pytest.raises(ListMissingError, match="of no kind known"):
        gateway.add_to_list(NAME, [ContactId("1")])


def test_a_list_that_was_made_anew_is_found_under_its_new_id(wire, gateway) -> None:
    wire.answer("GET", FIND, "list-found")
    wire.answer("PUT", ADD, json={})
    gateway.add_to_list(NAME, [ContactId("1")])
    wire.answer("PUT", ADD, status=404, json={})
    wire.answer("GET", FIND, json={"listId": "44", "name": NAME, "processingType": "MANUAL"})
    wire.answer("PUT", "/crm/v3/lists/44/memberships/add", json={})
    assert gateway.add_to_list(NAME, [ContactId("2")]) == {"2"}


def test_a_list_that_vanishes_is_told(wire, gateway) -> None:
    wire.answer("GET", FIND, "list-found")
    wire.answer("PUT", ADD, status=404, json={})
    with pytest.raises(ListMissingError):
        gateway.add_to_list(NAME, [ContactId("2")])


def test_a_lost_answer_of_a_list_call_is_simply_asked_again(wire, gateway) -> None:
    wire.answer("GET", FIND, "list-found")
    wire.mock.add("PUT", "https://api.hubapi.com" + ADD, body=requests.ReadTimeout())
    wire.answer("PUT", ADD, json={})
    assert gateway.add_to_list(NAME, [ContactId("2")]) == {"2"}


def test_nobody_to_add_makes_no_call(gateway) -> None:
    assert gateway.add_to_list(NAME, []) == frozenset()


# -- tasks -------------------------------------------------------------------------------------------------------


def ensure(gateway, *keys: str, contact: str = "501") -> Beside:
    return gateway.ensure_tasks(
        [
            Task(
                contact=ContactId(contact),
                owner=OwnerId("71"),
                subject="Call Ada",
                body="Asked for <a demo>\nCall",
                due_at=NOW,
                key=key,
            )
            for key in keys
        ]
    )


NONE_YET = {"results": []}


def test_a_task_that_is_there_is_not_made_again(wire, gateway) -> None:
    """I5"""
    wire.answer("POST", TASKS_OF, "tasks-of-contacts")
    wire.answer("POST", TASKS_READ, "tasks-read")
    assert ensure(gateway, "ef_1") == Beside(standing={"ef_1": "902"})


def test_a_new_task_carries_its_key_and_plain_text(wire, gateway) -> None:
    wire.answer("POST", TASKS_OF, json=NONE_YET)
    wire.answer("POST", TASKS, "tasks-created", status=201)
    assert ensure(gateway, "ef_2") == Beside(standing={"ef_2": "903"})
    (made,) = wire.bodies()[1]["inputs"]
    assert made["properties"]["hs_task_body"] == "Asked for &lt;a demo&gt;<br>Call<br><br>[handoff:ef_2]"
    assert made["properties"]["hs_timestamp"] == "2026-03-02T10:16:00.000Z"
    assert made["associations"][0]["types"][0]["associationTypeId"] == 204
    assert made["objectWriteTraceId"] == "ef_2"


def test_of_many_only_those_that_lack_are_made_and_each_key_once(wire, gateway) -> None:
    """I5, P8: three calls for a hundred leads."""
    wire.answer("POST", TASKS_OF, "tasks-of-contacts")
    wire.answer("POST", TASKS_READ, "tasks-read")
    wire.answer("POST", TASKS, "tasks-created", status=201)
    assert ensure(gateway, "ef_1", "ef_2", "ef_2").standing == {"ef_1": "902", "ef_2": "903"}
    assert [one["objectWriteTraceId"] for one in wire.bodies()[2]["inputs"]] == ["ef_2"]


def test_a_task_whose_answer_was_lost_is_looked_for_before_anything_else(wire, gateway) -> None:
    """I7"""
    wire.answer("POST", TASKS_OF, json=NONE_YET)
    wire.mock.add("POST", "https://api.hubapi.com" + TASKS, body=requests.ReadTimeout())
    wire.answer("POST", TASKS_OF, "tasks-of-contacts")
    wire.answer("POST", TASKS_READ, "tasks-read")
    assert ensure(gateway, "ef_1").standing == {"ef_1": "902"}


def test_a_batch_of_which_only_a_part_was_made_without_an_answer_is_left_to_the_next_run(wire, gateway) -> None:
    """I7: what lacks may still come; nothing is sent again meanwhile."""
    wire.answer("POST", TASKS_OF, json=NONE_YET)
    wire.answer("POST", TASKS, status=502)
    wire.answer("POST", TASKS_OF, "tasks-of-contacts")
    wire.answer("POST", TASKS_READ, "tasks-read")
    with pytest.raises(CrmUnavailableError):
        ensure(gateway, "ef_1", "ef_3")


@pytest.mark.parametrize("answer", [{"hello": "world"}, {"results": [{}]}, {"results": []}, [1]])
def test_an_answer_that_names_no_task_makes_no_second_one(wire, gateway, answer) -> None:
    """I7, P5: looked for, told where it is not there, and not sent again."""
    wire.answer("POST", TASKS_OF, json=NONE_YET)
    wire.answer("POST", TASKS, status=201, json=answer)
    wire.answer("POST", TASKS_OF, "tasks-of-contacts")
    wire.answer("POST", TASKS_READ, "tasks-read")
    found = ensure(gateway, "ef_1", "ef_4")
    assert found.standing == {"ef_1": "902"} and list(found.refused) == ["ef_4"]


def test_one_that_hubspot_refuses_leaves_the_others_and_says_why(wire, gateway) -> None:
    """P5"""
    wire.answer("POST", TASKS_OF, json=NONE_YET)
    error = {"category": "VALIDATION_ERROR", "errors": [{"code": "INVALID_OWNER_ID"}]}
    part = error | {"status": "error", "message": "71 is unknown", "context": {"objectWriteTraceId": ["ef_5"]}}
    wire.answer("POST", TASKS, status=207, json=wire.sample("tasks-created", 201) | {"errors": [part]})
    found = ensure(gateway, "ef_2", "ef_5")
    assert found == Beside(standing={"ef_2": "903"}, refused={"ef_5": "VALIDATION_ERROR INVALID_OWNER_ID"})


def test_contacts_of_whom_hubspot_cannot_tell_get_no_task_and_the_others_do(wire, gateway) -> None:
    """I5, P7: not to be shown is not the same as not to be there."""
    lost = {"category": "INTERNAL_ERROR", "status": "error", "message": "?", "context": {"fromObjectId": ["501"]}}
    for _ in range(2):
        wire.answer("POST", TASKS_OF, status=207, json={"results": [], "errors": [lost]})
    wire.answer("POST", TASKS_OF, json=NONE_YET)
    wire.answer("POST", TASKS, "tasks-created", status=201)
    found = ensure(gateway, "ef_1", "ef_2")
    assert found.standing == {"ef_2": "903"} and "INTERNAL_ERROR" in found.refused["ef_1"]


def test_a_key_that_could_break_its_marker_is_refused(gateway) -> None:
    with pytest.raises(ValueError, match="key"):
        ensure(gateway, "a]b")


# -- properties --------------------------------------------------------------------------------------------------


def test_the_schema_gives_types_options_in_order_and_what_cannot_be_written(wire, gateway) -> None:
    wire.answer("GET", PROPERTIES, "properties")
    found = gateway.schema().properties
    stages = PropertyInfo(type="enumeration", options=("lead", "customer"), labels=("Lead", "Customer"))
    assert found["lifecyclestage"] == stages
    assert found["hs_analytics_num_page_views"].read_only
    assert "old_one" not in found


def define(name: str, type_: str = "string", options: tuple[tuple[str, str], ...] = ()) -> PropertyDefinition:
    return PropertyDefinition(name=name, label=name.title(), type=type_, field_type="text", options=options)


def test_only_what_lacks_is_made_and_told(wire, gateway) -> None:
    """R41: `init --apply` is safe to repeat."""
    wire.answer("GET", PROPERTIES, "properties")
    wire.answer("GET", GROUPS, "property-groups")
    wire.answer("POST", GROUPS, status=201, json={})
    wire.answer("POST", PROPERTIES, status=201, json={})
    wire.answer("GET", FIND, "list-found", status=404)
    wire.answer("POST", "/crm/v3/lists", "list-found")
    made = gateway.ensure_owned([define("handoff_score", "number"), define("handoff_reason")], NAME)
    assert made == (
        "made the property group “Handoff”",
        "made the contact property “Handoff_Reason” (handoff_reason)",
        f"made the static contact list “{NAME}”",
    )


def test_what_another_process_made_first_is_not_told_as_ours(wire, gateway) -> None:
    wire.answer("GET", PROPERTIES, "properties")
    wire.answer("GET", GROUPS, "property-groups")
    wire.answer("POST", GROUPS, status=409, json={})
    wire.answer("POST", PROPERTIES, status=409, json={})
    wire.answer("GET", FIND, "list-found")
    assert gateway.ensure_owned([define("handoff_reason")], NAME) == ()


@pytest.mark.parametrize(
    "definition", [define("handoff_score"), define("lifecyclestage", "number")]
)
def test_a_property_of_another_shape_is_told_before_anything_is_made(wire, gateway, definition) -> None:
    wire.answer("GET", PROPERTIES, "properties")
    with pytest.raises(UnknownPropertyError, match=definition.name):
        gateway.ensure_owned([define("handoff_new"), definition], NAME)


def test_every_owned_property_has_a_sentence_for_the_people_who_see_it() -> None:
    some = {"a": "A"}
    made = owned.definitions(states=some, tracks=some, verdicts=some, reasons=some, requests=some)
    assert len({definition.name for definition in made}) == len(made) == 15
    for definition in made:
        assert definition.name.startswith("handoff_") and definition.description
        assert bool(definition.options) == (definition.type in ("enumeration", "bool"))
