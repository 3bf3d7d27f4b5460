"""Who joined a list, read from the local HubSpot in both API versions, from static and active lists alike (R05)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from connector.crm.hubspot import joined
from connector.crm.hubspot.gateway import HubSpotGateway
from connector.domain.activity import Activity
from connector.engine.ports import ActivityPage, StreamOff, Window
from connector.sandbox.server import Server

BRANCH = {"filterBranchType": "OR", "filterBranches": [], "filters": []}


class Portal:
    """A gateway to a portal of seven contacts, and what the portal's own people and workflows do."""

    def __init__(self, url: str, version: str) -> None:
        free = {"rate_per_10s": 0, "search_per_second": 0}
        spec = {"contacts": 7, "seed": 5, "switches": free}
        self.url, self.http = url, requests.Session()
        self.made = self.control("POST", "portals", spec)
        self.gateway = HubSpotGateway(
            token=self.made["token"], base_url=url, api_version=version, rng=random.Random(1), **free
        )
        pages = self.gateway.pull_all_contacts(["email"], cursor=None)
        self.contacts = [str(record.id) for page in pages for record in page.records]

    def control(self, method: str, path: str, body: Any) -> Any:
        where = {"portal": self.made["portalId"]} if hasattr(self, "made") else {}
        answer = self.http.request(method, f"{self.url}/_sandbox/{path}", json=body, params=where, timeout=60)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def api(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.made['token']}"}
        answer = self.http.request(method, f"{self.url}/crm/v3{path}", json=body, headers=headers, timeout=60)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def make(self, name: str, kind: str = "MANUAL") -> str:
        body = {"name": name, "objectTypeId": "0-1", "processingType": kind}
        made = self.api("POST", "/lists", body if kind == "MANUAL" else {**body, "filterBranch": BRANCH})
        return str(made["list"]["listId"])

    def members(self, number: str, *, add: list[str] | None = None, remove: list[str] | None = None) -> None:
        """As a workflow or a filter would."""
        self.control("PUT", f"lists/{number}/members", {"add": add or [], "remove": remove or []})
        self.control("PUT", "clock", {"advance_seconds": 60})

    def pull(self, stream: str, cursor: str | None = None) -> list[ActivityPage | StreamOff]:
        now = self.gateway.portal().now
        return list(self.gateway.pull_activities(stream, self.window(now - timedelta(days=1)), cursor=cursor))

    def window(self, since: Any) -> Window:
        return Window(since=since, until=self.gateway.portal().now + timedelta(minutes=1))


@pytest.fixture(params=["v3", "2026-03"])
def portal(request: pytest.FixtureRequest, server: Server) -> Iterator[Portal]:
    made = Portal(server.url, request.param)
    yield made
    made.gateway.close()
    made.http.close()


def rows(pages: list[ActivityPage | StreamOff]) -> list[Activity]:
    return [row for page in pages if isinstance(page, ActivityPage) for row in page.rows]


def place(pages: list[ActivityPage | StreamOff]) -> str:
    last = pages[-1]
    assert isinstance(last, ActivityPage) and last.cursor is None and last.place is not None
    return last.place


def test_members_come_in_the_order_of_joining_and_the_next_pull_goes_on_at_the_last_page(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, calls: Callable[[Portal], int]
) -> None:
    """P8: a call where nobody new came; who left and joined again has joined twice."""
    monkeypatch.setattr(joined, "PAGE", 2)
    number, chosen = portal.make("Nurture finished", "DYNAMIC"), portal.contacts[4::-1]
    for one in chosen:
        portal.members(number, add=[one])
    first = portal.pull("list:Nurture finished")
    assert [row.contact for row in rows(first)] == chosen
    row = rows(first)[0]
    assert (row.kind, row.name, row.ref, row.stream) == ("list_joined", "Nurture finished", number, "lists")
    calls(portal)
    again = portal.pull("list:Nurture finished", place(first))
    assert [row.contact for row in rows(again)] == chosen[4:] and calls(portal) == 1
    portal.members(number, remove=chosen[:4])
    portal.members(number, add=chosen[:1])
    more = rows(portal.pull("list:Nurture finished", place(again)))
    assert [row.contact for row in more] == [chosen[4], chosen[0]]
    assert len({row.id for row in (*rows(first), *more)}) == 6


@pytest.fixture
def calls() -> Callable[[Portal], int]:
    """How many calls for members since the last look."""
    seen = 0

    def count(portal: Portal) -> int:
        nonlocal seen
        found = sum(times for path, times in portal.gateway.api_calls().items() if "join-order" in path)
        new, seen = found - seen, found
        return new

    return count


@pytest.mark.parametrize("portal", ["v3"], indirect=True)
def test_a_list_is_known_by_its_id_under_any_name(portal: Portal) -> None:
    number = portal.make("Nurture finished")
    portal.members(number, add=portal.contacts[:1])
    (row,) = rows(portal.pull(f"list-id:{number}"))
    assert (row.contact, row.name) == (portal.contacts[0], "Nurture finished")
    body = {"name": "Companies", "objectTypeId": "0-2", "processingType": "MANUAL"}
    other = portal.api("POST", "/lists", body)["list"]["listId"]
    assert [page.lasts for page in portal.pull(f"list-id:{other}") if isinstance(page, StreamOff)] == [False]
    assert len(portal.gateway.missing_lists(["list-id:999", "list:Nurture finished", "list:Elsewhere"])) == 2


@pytest.mark.parametrize("portal", ["v3"], indirect=True)
def test_a_list_that_was_deleted_is_looked_up_again_and_its_place_is_not_the_new_one_s(portal: Portal) -> None:
    number = portal.make("Nurture finished")
    portal.members(number, add=portal.contacts[:2])
    first = portal.pull("list:Nurture finished")
    portal.api("DELETE", f"/lists/{number}")
    (off,) = portal.pull("list:Nurture finished", place(first))
    assert isinstance(off, StreamOff) and not off.lasts and "“Nurture finished”" in off.why
    other = portal.make("Nurture finished")
    portal.members(other, add=portal.contacts[2:4])
    found = rows(portal.pull("list:Nurture finished", place(first)))
    assert [row.contact for row in found] == portal.contacts[2:4]


@pytest.mark.parametrize("portal", ["v3"], indirect=True)
def test_who_joins_after_the_window_is_left_to_the_next_pull(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I4: a run's window ends at its `as_of`, and the place must not lie behind it."""
    monkeypatch.setattr(joined, "PAGE", 2)
    number = portal.make("Nurture finished")
    for one in portal.contacts[:5]:
        portal.members(number, add=[one])
    late = portal.gateway.portal().now - timedelta(seconds=150)
    window = Window(since=late - timedelta(days=1), until=late)
    pages = list(portal.gateway.pull_activities("list:Nurture finished", window, cursor=None))
    assert [row.contact for row in rows(pages)] == portal.contacts[:3]
    assert [row.contact for row in rows(portal.pull("list:Nurture finished", place(pages)))] == portal.contacts[2:5]


@pytest.mark.parametrize("portal", ["v3"], indirect=True)
def test_without_the_scope_the_stream_is_off_and_says_which_lacks(portal: Portal) -> None:
    """S2"""
    poor = portal.control("POST", "portals", {"seed": 6, "scopes": ["crm.objects.contacts.read", "oauth"]})
    gateway = HubSpotGateway(
        token=poor["token"], base_url=portal.url, rate_per_10s=0, search_per_second=0, rng=random.Random(1)
    )
    now = portal.gateway.portal().now
    (off,) = gateway.pull_activities("list:Nurture finished", portal.window(now - timedelta(days=1)), cursor=None)
    gateway.close()
    assert isinstance(off, StreamOff) and off.lasts and "crm.lists.read" in off.why
