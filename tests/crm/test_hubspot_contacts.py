"""Contacts on the wire: windows, pages, merges and history."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.crm.hubspot.contacts import parse_record
from connector.crm.hubspot.search import build_search, pull_by_id
from connector.crm.hubspot.transport import Answer
from connector.engine.ports import Window
from connector.errors import ContractError

SEARCH = "/crm/v3/objects/contacts/search"
LIST = "/crm/v3/objects/contacts"
READ = "/crm/v3/objects/contacts/batch/read"
NOW = datetime(2026, 3, 2, 10, 16, tzinfo=UTC)
WINDOW = Window(since=NOW - timedelta(minutes=5), until=NOW)


def test_a_quiet_window_costs_one_search_and_drops_what_nobody_asked_for(wire, gateway) -> None:
    wire.answer("POST", SEARCH, "contacts-search")
    (page,) = gateway.pull_changed_contacts(WINDOW, ["email", "lifecyclestage"], cursor=None)
    first, second = page.records
    assert page.cursor is None
    assert first.properties == {"email": "lead501@buyer.example", "lifecyclestage": "lead"}
    assert first.modified_at == datetime(2026, 3, 2, 10, 15, 30, 250_000, tzinfo=UTC)
    assert second.merged_ids == ("90", "91")
    (body,) = wire.bodies()
    assert body["properties"] == ["email", "lifecyclestage", "hs_merged_object_ids", "hs_additional_emails"]
    assert body["filterGroups"][0]["filters"] == [
        {"propertyName": "lastmodifieddate", "operator": "GTE", "value": "1772446260000"},
        {"propertyName": "lastmodifieddate", "operator": "LTE", "value": "1772446560000"},
    ]
    assert body["sorts"] == [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]


def test_asked_for_properties_stay_even_if_they_are_always_sent(wire, gateway) -> None:
    wire.answer("POST", SEARCH, "contacts-search")
    (page,) = gateway.pull_changed_contacts(WINDOW, ["lastmodifieddate"], cursor="500")
    assert page.records[0].properties["lastmodifieddate"] == "2026-03-02T10:15:30.250Z"
    assert wire.bodies()[0]["filterGroups"][0]["filters"][2] == {
        "propertyName": "hs_object_id",
        "operator": "GT",
        "value": "500",
    }


class Index:
    """A search API over invented rows; answers as HubSpot does, for any number of them."""

    def __init__(self, ids: list[int], shown: Iterable[int] = (), *, tells_total: bool = True) -> None:
        self.ids, self.bodies = sorted(ids), []
        self.shown, self.tells_total = iter(shown), tells_total

    def do_search(self, body: dict[str, Any], *, _preload_content: bool) -> Answer:
        self.bodies.append(body)
        above = [int(f["value"]) for f in body["filterGroups"][0]["filters"] if f["operator"] == "GT"]
        left = [one for one in self.ids if not above or one > above[0]]
        answer = object.__new__(Answer)
        page = left[: next(self.shown, body["limit"])]
        answer.payload = {"results": [{"id": str(one)} for one in page]}
        if self.tells_total:
            answer.payload["total"] = len(left)
        return answer


@settings(deadline=None, max_examples=40)
@given(st.sets(st.integers(1, 10**12), max_size=650), st.integers(0, 3))
def test_every_row_comes_once_at_the_least_cost_from_any_cursor(ids: set[int], skip: int) -> None:
    """Keyset paging: past any ceiling, with equal stamps, resumed anywhere; ceil(n/200) calls."""
    index = Index(list(ids))
    pages = list(pull_by_id(index, "lastmodifieddate", WINDOW, ["email"], None))
    seen = [int(row["id"]) for rows, _ in pages for row in rows]
    assert seen == sorted(ids)
    assert len(index.bodies) == max(1, -(-len(ids) // 200))
    resumed = pages[:skip]
    if resumed and resumed[-1][1] is not None:
        rest = list(pull_by_id(index, "lastmodifieddate", WINDOW, ["email"], resumed[-1][1]))
        assert [int(row["id"]) for rows, _ in [*resumed, *rest] for row in rows] == sorted(ids)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 200), max_size=12))
def test_a_short_page_in_the_middle_is_not_the_end(shown: list[int]) -> None:
    """I4: HubSpot promises no full pages; `total` says whether more is left."""
    index = Index(list(range(1, 451)), shown)
    pages = list(pull_by_id(index, "lastmodifieddate", WINDOW, ["email"], None))
    assert [int(row["id"]) for rows, _ in pages for row in rows] == index.ids
    assert [after is None for _, after in pages] == [False] * (len(pages) - 1) + [True]


def test_without_a_total_a_short_page_is_the_only_sign_of_the_end() -> None:
    index = Index(list(range(1, 451)), tells_total=False)
    assert [len(rows) for rows, _ in pull_by_id(index, "lastmodifieddate", WINDOW, [], None)] == [200, 200, 50]


def test_an_empty_page_is_no_end_while_rows_are_left() -> None:
    """I4, P7: the pull stops and says so, and the next run goes on behind the rows that were kept."""
    pages = pull_by_id(Index(list(range(1, 451)), [200, 0]), "lastmodifieddate", WINDOW, [], None)
    assert next(pages)[1] == "200"
    with pytest.raises(ContractError, match="250 more rows"):
        next(pages)


@pytest.mark.parametrize("ids", [["5", "5"], ["9", "8"], ["x"], ["3"]])
def test_ids_that_do_not_rise_stop_the_pull(wire, gateway, ids) -> None:
    """Fault table: duplicate or endless pages."""
    wire.answer("POST", SEARCH, json={"total": 900, "results": [{"id": one} for one in ids]})
    with pytest.raises(ContractError, match="rising"):
        list(gateway.pull_changed_contacts(WINDOW, ["email"], cursor="4" if ids == ["3"] else None))


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))
def test_no_instant_of_the_window_is_cut_off(moment: datetime) -> None:
    body = build_search("lastmodifieddate", Window(since=moment, until=moment), [], None)
    since, until = (int(one["value"]) for one in body["filterGroups"][0]["filters"])
    exact = (moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1)
    assert since <= exact + 0.5 and until >= exact - 0.5 and until - since <= 1


def test_a_full_pull_reads_pages_of_a_hundred_until_there_is_no_next(wire, gateway) -> None:
    wire.answer("GET", LIST, "contacts-list")
    wire.answer("GET", LIST, "contacts-list-end")
    pages = list(gateway.pull_all_contacts(["email"], cursor=None))
    assert [(len(page.records), page.cursor) for page in pages] == [(2, "503"), (1, None)]
    asked = "properties=email%2Chs_merged_object_ids%2Chs_additional_emails"
    assert "limit=100" in wire.sent[0].url and asked in wire.sent[0].url
    assert "after=503" in wire.sent[1].url


def test_hundreds_of_properties_do_not_make_the_address_too_long(wire, gateway) -> None:
    """Pitfall 7: a 414; the page's ids are read by batch instead."""
    wire.answer("GET", LIST, "contacts-list-end")
    names = [f"property_with_a_long_name_{number}" for number in range(300)]
    row = wire.sample("contacts-list-end")["results"][0]
    row["properties"] |= dict.fromkeys(names)
    wire.answer("POST", READ, json={"results": [row]})
    (page,) = gateway.pull_all_contacts(names, cursor=None)
    assert [record.id for record in page.records] == ["503"]
    assert len(wire.sent[0].url) < 200
    assert len(wire.bodies()[0]["properties"]) == 302


def test_a_page_cursor_that_comes_twice_ends_the_pull(wire, gateway) -> None:
    wire.answer("GET", LIST, "contacts-list")
    with pytest.raises(ContractError, match="twice"):
        list(gateway.pull_all_contacts(["email"], cursor="503"))


def test_the_recycle_bin_gives_ids_archived_since(wire, gateway) -> None:
    wire.answer("GET", LIST, "contacts-archived")
    assert list(gateway.pull_archived_contacts(datetime(2026, 3, 1, tzinfo=UTC))) == [("602",)]
    assert "archived=true" in wire.sent[0].url


def test_reading_back_follows_merges_and_leaves_out_what_is_gone(wire, gateway) -> None:
    """I12: the survivor is found under the id that was asked for."""
    wire.answer("POST", READ, "contacts-batch-read", status=207)
    found = gateway.read_contacts(["501", "502", "503"], ["lifecyclestage"], history=["lifecyclestage"])
    assert set(found) == {"501", "502"}
    assert (found["502"].id, found["502"].asked_id) == ("777", "502")
    assert [(edit.value, edit.by_person) for edit in found["501"].history["lifecyclestage"]] == [
        ("salesqualifiedlead", True),
        ("marketingqualifiedlead", False),
        ("lead", False),
    ]
    assert set(found["501"].properties) == {"lifecyclestage"}


def test_who_is_there_and_who_is_gone_for_good_is_told_by_the_same_answers(wire, gateway) -> None:
    """I11, P7: silence about a contact is no word that it is gone, and a merged one is neither."""
    there, merged = wire.sample("contacts-batch-read")["results"][:2]
    lost = {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["901", "902"]}}
    wire.answer("POST", READ, json={"results": [there, merged], "errors": [lost]}, status=207)
    wire.answer("POST", READ, json={"results": [], "errors": [lost | {"context": {"ids": ["902"]}}]}, status=207)
    found = gateway.look_at(["501", "502", "901", "902", "903"], ["lifecyclestage"])
    assert ([record.id for record in found.records], found.gone) == (["501"], {"902"})
    assert set(found.records[0].properties) == {"lifecyclestage"}
    assert [body["properties"] for body in wire.bodies()] == [
        ["lifecyclestage", "hs_merged_object_ids", "hs_additional_emails"], ["hs_merged_object_ids"],
    ]  # fmt: skip
    assert ("archived=true" in wire.sent[0].url, "archived=true" in wire.sent[1].url) == (False, True)


def test_two_ids_of_one_survivor_both_find_it(wire, gateway) -> None:
    wire.answer("POST", READ, "contacts-batch-read")
    found = gateway.read_contacts(["502", "444", "777"], ["email"])
    assert {one: record.id for one, record in found.items()} == {"502": "777", "444": "777", "777": "777"}
    assert all(set(record.properties) == {"email", "lifecyclestage"} for record in found.values())


def test_a_lone_survivor_needs_not_say_whom_it_took_over(wire, gateway) -> None:
    row = wire.sample("contacts-list-end")["results"][0]
    wire.answer("POST", READ, json={"results": [row]})
    assert gateway.read_contacts(["77"], ["email"])["77"].id == "503"


@pytest.mark.parametrize(("history", "sizes"), [([], [100, 50]), (["email"], [50, 50, 50])])
def test_reads_go_by_hundred_or_by_fifty_with_history(wire, gateway, history, sizes) -> None:
    """Pitfall 10"""
    for _ in sizes:
        wire.answer("POST", READ, json={"results": []})
    ids = [str(number) for number in range(150)]
    assert gateway.read_contacts(ids + ids, ["email"], history=history) == {}
    assert [len(body["inputs"]) for body in wire.bodies()] == sizes


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"id": "1"},
        {"id": "1", "properties": None, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"},
        {"id": "1", "properties": {}, "createdAt": "soon", "updatedAt": "2026-01-01T00:00:00Z"},
        {"id": "1", "properties": {}, "createdAt": "2026-01-01T00:00:00", "updatedAt": None},
    ],
)
def test_a_contact_that_is_none_is_refused(row) -> None:
    """P7"""
    with pytest.raises(ContractError):
        parse_record(json.loads(json.dumps(row)))
