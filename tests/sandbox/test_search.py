"""Search: operators, limits of the body, paging to 10,000, sorting, the index lag, and the walk of large portals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.sandbox.store import ObjectStore, Source
from connector.sandbox.windows import Windows

if TYPE_CHECKING:
    from tests.sandbox.conftest import Box, Client

SEARCH = "/crm/v3/objects/contacts/search"


def _filter(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator} | ({"value": value} if value is not None else {}) | more


def _search(client: Client, *filters: dict[str, Any], **more: Any) -> list[str]:
    answer = client.post(SEARCH, {"filterGroups": [{"filters": list(filters)}]} | more)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["results"]]


@pytest.fixture
def three(box: Box, client: Client) -> dict[str, str]:
    """Three contacts, a minute apart: ana (CEO, 10 staff, NEW), bela (no title, 200 staff), caio (Buyer of shoes)."""
    box.clock(now="2026-03-02T09:00:00Z")
    made = {}
    for name, values in {
        "ana": {"jobtitle": "CEO", "numberofemployees": "10", "hs_lead_status": "NEW", "closedate": "2026-05-01"},
        "bela": {"numberofemployees": "200"},
        "caio": {"jobtitle": "Buyer of shoes", "numberofemployees": "9"},
    }.items():
        made[name] = client.contact(email=f"{name}@birch.example", **values)
        box.clock(advance_seconds=60)
    return made


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        (_filter("jobtitle", "EQ", "ceo"), "ana"),
        (_filter("jobtitle", "NEQ", "CEO"), "caio"),
        (_filter("jobtitle", "IN", values=["ceo", "buyer of shoes"]), "ana caio"),
        (_filter("jobtitle", "IN", values=["CEO"]), ""),
        (_filter("jobtitle", "NOT_IN", values=["ceo"]), "caio"),
        (_filter("jobtitle", "HAS_PROPERTY"), "ana caio"),
        (_filter("jobtitle", "NOT_HAS_PROPERTY"), "bela"),
        (_filter("jobtitle", "CONTAINS_TOKEN", "shoes"), "caio"),
        (_filter("jobtitle", "CONTAINS_TOKEN", "buy*"), "caio"),
        (_filter("jobtitle", "NOT_CONTAINS_TOKEN", "shoes"), "ana"),
        (_filter("numberofemployees", "GT", "9"), "ana bela"),
        (_filter("numberofemployees", "LTE", "10"), "ana caio"),
        (_filter("numberofemployees", "BETWEEN", "10", highValue="200"), "ana bela"),
        (_filter("hs_lead_status", "EQ", "NEW"), "ana"),
        (_filter("hs_lead_status", "EQ", "new"), ""),
        (_filter("closedate", "LT", "1780000000000"), "ana"),
        (_filter("email", "EQ", "BELA@birch.example"), "bela"),
        (_filter("lastmodifieddate", "GTE", "2026-03-02T09:01:00Z"), "bela caio"),
        (_filter("lastmodifieddate", "LT", str(1_772_442_060_000)), "ana"),
        (_filter("hs_lastmodifieddate", "GTE", "0"), ""),
    ],
)
def test_an_operator_finds_what_hubspot_would(
    client: Client, three: dict[str, str], spec: dict[str, Any], wanted: str
) -> None:
    """Text without case, enumerations exact, IN wants lower case, a missing value matches no comparison."""
    assert _search(client, spec) == [three[name] for name in wanted.split()]


def test_groups_are_alternatives_and_query_looks_at_names(client: Client, three: dict[str, str]) -> None:
    groups = [{"filters": [_filter("jobtitle", "EQ", "CEO")]}, {"filters": [_filter("numberofemployees", "EQ", "200")]}]
    found = client.post(SEARCH, {"filterGroups": groups}).json()
    assert (found["total"], [row["id"] for row in found["results"]]) == (2, [three["ana"], three["bela"]])
    assert [row["id"] for row in client.post(SEARCH, {"query": "caio"}).json()["results"]] == [three["caio"]]


def test_sorting_is_by_kind_of_value_and_missing_ones_come_last(client: Client, three: dict[str, str]) -> None:
    rule = [{"propertyName": "numberofemployees", "direction": "DESCENDING"}]
    assert _search(client, sorts=rule) == [three[name] for name in ("bela", "ana", "caio")]
    assert _search(client, sorts=["jobtitle"]) == [three[name] for name in ("caio", "ana", "bela")]
    two = client.post(SEARCH, {"sorts": ["jobtitle", "email"]})
    assert two.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"after": "9990", "limit": 100},
        {"after": "x"},
        {"filterGroups": [{"filters": [_filter("email", "HAS_PROPERTY")]}] * 6},
        {"filterGroups": [{"filters": [_filter("email", "HAS_PROPERTY")] * 7}]},
        {"filterGroups": [{"filters": [_filter("email", "HAS_PROPERTY")] * 5}] * 4},
        {"filterGroups": [{"filters": [_filter("no_such_thing", "EQ", "1")]}]},
        {"filterGroups": [{"filters": [_filter("email", "LIKE", "1")]}]},
        {"filterGroups": [{"filters": [_filter("email", "EQ")]}]},
        {"filterGroups": [{"filters": [_filter("numberofemployees", "GT", "many")]}]},
        {"query": "x" * 3001},
    ],
)
def test_a_search_beyond_the_rules_is_a_validation_error(client: Client, body: dict[str, Any]) -> None:
    answer = client.post(SEARCH, body)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_the_number_of_filters_and_the_body_rule_are_switches(client: Client) -> None:
    body = {"filterGroups": [{"filters": [_filter("email", "HAS_PROPERTY")] * 5}] * 5}
    client.switch(search_filters_max=25)
    assert client.post(SEARCH, body).status_code == 200
    client.switch(search_body_max=1000)
    assert client.post(SEARCH, body).status_code == 400


def test_paging_stops_at_ten_thousand(box: Box) -> None:
    client = box.new_portal(contacts=10_050)
    last = client.post(SEARCH, {"limit": 200, "after": "9800"}).json()
    assert (last["total"], len(last["results"]), last["paging"]["next"]["after"]) == (10_050, 200, "10000")
    assert client.post(SEARCH, {"limit": 200, "after": "10000"}).status_code == 400


def test_the_ceiling_and_the_length_of_pages_are_switches(client: Client) -> None:
    made = [client.contact(email=f"kim{number}@birch.example") for number in range(5)]
    client.switch(search_ceiling=4, search_short_pages=2)
    first = client.post(SEARCH, {"limit": 4}).json()
    assert [row["id"] for row in first["results"]] == made[:2] and first["total"] == 5
    assert first["paging"]["next"]["after"] == "2"
    assert client.post(SEARCH, {"limit": 4, "after": "2"}).status_code == 400


def test_changes_stay_unseen_for_the_lag(box: Box, client: Client) -> None:
    """A new contact is missing, a changed one is found by its old values, until the simulated lag has passed."""
    box.clock(now="2026-03-02T09:00:00Z")
    old = client.contact(email="ana@birch.example", jobtitle="Buyer")
    client.switch(lag_seconds=20)
    client.patch(f"/crm/v3/objects/contacts/{old}", {"properties": {"jobtitle": "CEO"}})
    new = client.contact(email="new@birch.example", jobtitle="CEO")
    assert _search(client, _filter("jobtitle", "EQ", "CEO")) == []
    assert _search(client, _filter("jobtitle", "EQ", "Buyer")) == [old]
    assert client.read(old, "jobtitle")["jobtitle"] == "CEO"
    box.clock(advance_seconds=21)
    assert _search(client, _filter("jobtitle", "EQ", "CEO")) == [old, new]


def test_archived_contacts_never_appear_and_associations_cannot_be_had(client: Client) -> None:
    number = client.contact(email="ana@birch.example")
    client.call("DELETE", f"/crm/v3/objects/contacts/{number}")
    assert _search(client) == []


def test_deals_of_a_contact_are_found_by_the_pseudo_property(client: Client) -> None:
    number, other = client.contact(email="ana@birch.example"), client.contact(email="bela@birch.example")
    deal = client.act("deal", contact=number)["deal"]
    client.act("deal", contact=other)
    body = {"filterGroups": [{"filters": [_filter("associations.contact", "EQ", number)]}]}
    assert [row["id"] for row in client.post("/crm/v3/objects/deals/search", body).json()["results"]] == [deal]


def test_a_keyset_walk_sees_each_contact_once_though_it_writes_on_the_way(box: Box) -> None:
    """P: the walk past 10,000 rows (frozen window, ids above the last) loses none and repeats none."""
    box.clock(now="2026-03-02T09:00:00Z")
    client = box.new_portal(contacts=700)
    box.clock(advance_seconds=60)
    end, last, seen = "2026-03-02T09:00:00Z", "0", []
    while True:
        window = [_filter("lastmodifieddate", "LTE", end), _filter("hs_object_id", "GT", last)]
        page = _search(client, *window, sorts=["hs_object_id"], limit=50)
        if not page:
            break
        seen += page
        last = page[-1]
        rows = [{"id": each, "properties": {"jobtitle": "Seen"}} for each in page[:20]]
        assert client.post("/crm/v3/objects/contacts/batch/update", {"inputs": rows}).status_code == 200
    assert seen == sorted(set(seen), key=int)
    assert len(seen) == 700


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["create", "update", "archive"]), st.integers(0, 30), st.integers(-5, 20)),
        max_size=60,
    ),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(495, 530),
)
def test_a_remembered_window_equals_a_count_by_hand(
    steps: list[tuple[str, int, int]], low: int, high: int, above: int
) -> None:
    """Whatever is written between two pages, and though the clock goes back, the window's page is exact."""
    now = [0]
    store, windows, source = ObjectStore("contacts", lambda: now[0]), Windows(), Source()
    for number, (what, which, moved) in enumerate(steps):
        now[0] = max(0, now[0] + moved)
        records = list(store.records.values())
        if what == "create" or not records:
            store.create({"jobtitle": "x"}, source)
        elif what == "update":
            store.update(records[which % len(records)], {"jobtitle": str(number)}, source)
        else:
            store.archive(records[which % len(records)].id)
        total, page = windows.page(store, (low, high), (above, 2**62), 0, 10)
        wanted = [r.key for r in store.records.values() if low <= r.modified <= high and r.key >= above]
        assert (total, page) == (len(wanted), wanted[:10])
