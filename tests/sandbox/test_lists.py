"""Lists and their memberships, as hubspot-facts section 6 tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import Box, Client

VERSIONS = pytest.mark.parametrize("base", ["/crm/v3/lists", "/crm/lists/2026-03"])


def make(portal: Client, name: str = "Hold", **more: Any) -> str:
    body = {"name": name, "objectTypeId": "0-1", "processingType": "MANUAL"} | more
    answer = portal.call("POST", "/crm/v3/lists", body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["list"]["listId"])


@pytest.fixture
def portal(box: Box) -> Client:
    """A portal with seven contacts."""
    return box.new_portal(contacts=7, seed=3)


def ids(portal: Client, count: int) -> list[str]:
    return list(portal.portal.objects["contacts"].records)[:count]


@VERSIONS
def test_a_list_is_made_and_found_by_id_name_and_search(portal: Client, base: str) -> None:
    made = portal.call("POST", base, {"name": "Hold", "objectTypeId": "0-1", "processingType": "MANUAL"}).json()["list"]
    assert (made["name"], made["processingType"], made["processingStatus"], made["size"]) == (
        "Hold",
        "MANUAL",
        "COMPLETE",
        0,
    )
    assert portal.call("GET", f"{base}/{made['listId']}").json()["list"] == made
    assert portal.call("GET", f"{base}/object-type-id/0-1/name/Hold").json()["list"] == made
    found = portal.call("POST", f"{base}/search", {"query": "hol"}).json()
    assert (found["total"], found["hasMore"], found["offset"]) == (1, False, 1)
    assert found["lists"][0]["additionalProperties"]["hs_list_size"] == "0"


def test_a_name_is_unique_and_an_unknown_list_is_a_404(portal: Client) -> None:
    make(portal)
    again = portal.call("POST", "/crm/v3/lists", {"name": "Hold", "objectTypeId": "0-1", "processingType": "MANUAL"})
    assert (again.status_code, again.json()["subCategory"]) == (400, "ILS.DUPLICATE_LIST_NAMES")
    assert portal.call("GET", "/crm/v3/lists/999").status_code == 404
    assert portal.call("GET", "/crm/v3/lists/object-type-id/0-1/name/Nope").status_code == 404


@VERSIONS
def test_members_already_in_are_passed_over_and_unknown_ones_are_named(portal: Client, base: str) -> None:
    list_id, (one, two) = make(portal), ids(portal, 2)
    first = portal.call("PUT", f"{base}/{list_id}/memberships/add", [one, "99999"]).json()
    assert first == {"recordsIdsAdded": [one], "recordIdsRemoved": [], "recordIdsMissing": ["99999"]}
    body = {"recordIdsToAdd": [one, two], "recordIdsToRemove": []}
    assert portal.call("PUT", f"{base}/{list_id}/memberships/add-and-remove", body).json()["recordsIdsAdded"] == [two]
    gone = portal.call("PUT", f"{base}/{list_id}/memberships/remove", [two, "88888"]).json()
    assert gone == {"recordsIdsAdded": [], "recordIdsRemoved": [two], "recordIdsMissing": ["88888"]}
    kinds = [
        (entry["kind"], entry["record_id"]) for entry in portal.portal.journal if entry["kind"].startswith("list_")
    ]
    assert kinds == [("list_add", one), ("list_add", two), ("list_remove", two)]


def test_pages_follow_record_ids_or_the_order_of_joining(portal: Client) -> None:
    list_id, chosen = make(portal), ids(portal, 7)
    for record_id in reversed(chosen):
        portal.call("PUT", f"/crm/v3/lists/{list_id}/memberships/add", [record_id])
    for path, expected in (("memberships", chosen), ("memberships/join-order", chosen[::-1])):
        seen: list[str] = []
        after = ""
        while True:
            page = portal.call("GET", f"/crm/v3/lists/{list_id}/{path}?limit=3&after={after}").json()
            assert page["total"] == 7
            seen += [row["recordId"] for row in page["results"]]
            if "next" not in page.get("paging", {}):
                break
            after = page["paging"]["next"]["after"]
        assert seen == expected
        before = portal.call("GET", f"/crm/v3/lists/{list_id}/{path}?limit=3&before={page['paging']['prev']['before']}")
        assert [row["recordId"] for row in before.json()["results"]] == expected[3:6][::-1]  # backwards (section 6)


def test_pages_over_250_and_dynamic_writes_are_refused(portal: Client) -> None:
    branch = {"filterBranchType": "OR", "filterBranches": [], "filters": []}
    dynamic = make(portal, "Follows filters", processingType="DYNAMIC", filterBranch=branch)
    assert portal.call("GET", f"/crm/v3/lists/{dynamic}/memberships?limit=251").status_code == 400
    assert portal.call("PUT", f"/crm/v3/lists/{dynamic}/memberships/add", ids(portal, 1)).status_code == 400
    portal.control("PUT", f"lists/{dynamic}/members", {"add": ids(portal, 2)})
    assert portal.call("GET", f"/crm/v3/lists/{dynamic}").json()["list"]["size"] == 2
    assert portal.call("GET", f"/crm/v3/lists/{dynamic}?includeFilters=true").json()["list"]["filterBranch"] == branch


def test_the_lists_of_a_record_are_read_one_by_one_and_in_a_batch(portal: Client) -> None:
    list_id, (one, two) = make(portal), ids(portal, 2)
    portal.call("PUT", f"/crm/v3/lists/{list_id}/memberships/add", [one])
    found = portal.call("GET", f"/crm/v3/lists/records/0-1/{one}/memberships").json()
    assert [row["listId"] for row in found["results"]] == [list_id]
    inputs = {"inputs": [{"objectTypeId": "0-1", "recordId": record_id} for record_id in (one, two)]}
    rows = portal.call("POST", "/crm/lists/2026-03/records/memberships/batch/read", inputs).json()["results"]
    assert [len(row["recordListMemberships"]) for row in rows] == [1, 0]


def test_a_deleted_list_is_gone_until_it_is_restored_within_90_days(portal: Client) -> None:
    list_id = make(portal)
    assert portal.call("DELETE", f"/crm/v3/lists/{list_id}").status_code == 204
    assert portal.call("GET", f"/crm/v3/lists/{list_id}").status_code == 404
    assert portal.call("PUT", f"/crm/v3/lists/{list_id}/restore").status_code == 204
    assert portal.call("GET", f"/crm/v3/lists/{list_id}").status_code == 200
    portal.call("DELETE", f"/crm/v3/lists/{list_id}")
    portal.box.clock(advance_seconds=91 * 86_400)
    assert portal.call("PUT", f"/crm/v3/lists/{list_id}/restore").status_code == 404


def test_writing_members_needs_the_read_scope_too(box: Box) -> None:
    portal = box.new_portal(contacts=1, scopes=["crm.lists.write"])
    answer = portal.call("PUT", "/crm/v3/lists/1/memberships/add", ["501"])
    assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")
    assert answer.json()["context"]["requiredGranularScopes"] == ["crm.lists.read"]


def test_membership_follows_a_merge_and_ends_with_the_record(portal: Client) -> None:
    list_id, (one, two, three) = make(portal), ids(portal, 3)
    portal.call("PUT", f"/crm/v3/lists/{list_id}/memberships/add", [two, three])
    merge = {"primaryObjectId": one, "objectIdToMerge": two}
    assert portal.call("POST", "/crm/v3/objects/contacts/merge", merge).status_code == 200
    assert portal.call("DELETE", f"/crm/v3/objects/contacts/{three}").status_code == 204
    rows = portal.call("GET", f"/crm/v3/lists/{list_id}/memberships").json()["results"]
    assert [row["recordId"] for row in rows] == [one]


def test_the_switch_bounds_the_ids_of_one_call(portal: Client) -> None:
    list_id = make(portal)
    portal.switch(membership_max_ids=2)
    assert portal.call("PUT", f"/crm/v3/lists/{list_id}/memberships/add", ids(portal, 3)).status_code == 400
    assert portal.call("PUT", f"/crm/v3/lists/{list_id}/memberships/add", ids(portal, 2)).status_code == 200


def test_old_ids_differ_from_new_ones_and_can_be_mapped(portal: Client) -> None:
    list_id = make(portal)
    legacy = str(int(list_id) + 5000)
    assert portal.call("GET", f"/crm/v3/lists/idmapping?legacyListId={legacy}").json()["listId"] == list_id
    mapped = portal.call("POST", "/crm/v3/lists/idmapping", [legacy, "1"]).json()
    assert mapped["legacyListIdsToIdsMapping"] == [{"legacyListId": legacy, "listId": list_id}]
    assert mapped["missingLegacyListIds"] == ["1"]
