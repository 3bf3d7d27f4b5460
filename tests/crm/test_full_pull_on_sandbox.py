"""A full pull of a portal that is not small: side by side it gives what one cursor gives, through both doors."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from itertools import islice
from typing import Any

import pytest
import requests

from connector.crm.hubspot import contacts, full_pull, ranges, spans
from connector.crm.hubspot.gateway import HubSpotGateway
from connector.crm.hubspot.spans import LIST, SEARCH, Span
from connector.domain.quota import Purpose
from connector.sandbox.server import Server

MANY = 1_200
ASKED = ["email", "lifecyclestage"]


@pytest.fixture(scope="module")
def url(server: Server) -> str:
    return server.url


@pytest.fixture(scope="module")
def token(url: str) -> str:
    spec = {"contacts": MANY, "seed": 4, "switches": {"rate_per_10s": 0, "search_per_second": 0, "latency_ms": 5}}
    return str(requests.post(f"{url}/_sandbox/portals", json=spec, timeout=60).json()["token"])


@pytest.fixture
def gateway(url: str, token: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubSpotGateway]:
    monkeypatch.setattr(contacts, "LIST_PAGE", 20)
    monkeypatch.setattr(full_pull, "SEARCH_PAGE", 40)
    wanted = [LIST, LIST, SEARCH, SEARCH]
    monkeypatch.setattr(ranges.Growth, "judge", lambda self, threads, **_: next_of(wanted, threads))
    made = HubSpotGateway(
        token=token, base_url=url, rate_per_10s=0, search_per_second=0, rng=random.Random(1), sleep=lambda _: None
    )
    yield made
    made.close()


def next_of(wanted: list[str], threads: Mapping[str, int]) -> str | None:
    """What is to be opened next, of the doors there are."""
    return next((wanted.pop(0) for _ in wanted[:1] if wanted[0] in threads), None)


def switch(url: str, token: str, **values: Any) -> None:
    portal = requests.get(f"{url}/account-info/v3/details", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    asked = {"portal": portal.json()["portalId"]}
    requests.put(f"{url}/_sandbox/switches", json=values, params=asked, timeout=30).raise_for_status()


def ids(pages: Any) -> list[str]:
    return [record.id for page in pages for record in page.records]


def test_side_by_side_gives_what_one_cursor_gives_and_each_once(
    gateway: HubSpotGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R31, I4: several ranges of ids, two doors, one result; the portal's own count comes with it."""
    searched, search = threading.Event(), full_pull.FullPull._search

    def told(full: full_pull.FullPull, span: Span) -> ranges.Fetched:
        searched.set()
        return search(full, span)

    monkeypatch.setattr(full_pull.FullPull, "_search", told)
    monkeypatch.setattr(spans, "FEWEST_ROWS", 40)
    pages = []
    for page in gateway.pull_all_contacts(ASKED, cursor=None):
        pages.append(page)
        if len(pages) == 16:  # by then all doors are opened; a thread that comes late must not make a difference
            assert searched.wait(60)
    together = {record.id: record for page in pages for record in page.records}
    assert len(together) == len(ids(pages)) == MANY
    doors = {page.door for page in pages}
    assert doors == {LIST, SEARCH}
    rows = 0
    for page in pages:
        assert page.left in (None, MANY - rows)
        rows += len(page.records)
    assert any(page.left for page in pages)

    gateway._client.has_order = False
    alone = {record.id: record for page in gateway.pull_all_contacts(ASKED, cursor=None) for record in page.records}
    assert together == alone


def test_killed_in_the_middle_it_goes_on_where_it_stopped(gateway: HubSpotGateway) -> None:
    """I4: what was stored is not read again, and nothing is lost."""
    seen: list[str] = []
    pages = gateway.pull_all_contacts(ASKED, cursor=None)
    for number, page in enumerate(pages):
        seen += ids([page])
        if number == 25:
            break
    assert isinstance(pages, Generator)
    pages.close()
    assert page.cursor is not None and page.cursor.startswith("{")
    seen += ids(gateway.pull_all_contacts(ASKED, cursor=page.cursor))
    assert len(seen) == len(set(seen)) == MANY


def test_a_portal_that_takes_only_its_own_cursors_is_read_with_one(
    gateway: HubSpotGateway, url: str, token: str
) -> None:
    switch(url, token, list_after="given")
    try:
        found = ids(gateway.pull_all_contacts(ASKED, cursor=None))
        assert len(found) == len(set(found)) == MANY
        assert not gateway._client.has_order
        stale = '{"ranges":[[1,null,null],[7,9000000,"5"]]}'
        assert len(set(ids(gateway.pull_all_contacts(ASKED, cursor=stale)))) == MANY
    finally:
        switch(url, token, list_after="any")


def test_what_must_not_go_by_an_index_is_read_from_the_list_alone(gateway: HubSpotGateway) -> None:
    """P7: a full pull that somebody asks for, and a check of what is there."""
    pages = list(gateway.pull_all_contacts(ASKED, cursor=None, by_search=False))
    assert len(ids(pages)) == MANY
    assert {page.door for page in pages} == {LIST}


def test_a_short_pull_makes_no_call_more(gateway: HubSpotGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """P8: a small portal needs no survey."""
    monkeypatch.setattr(contacts, "LIST_PAGE", 100)
    monkeypatch.setattr(full_pull, "ONE_CURSOR_PAGES", 12)
    before = sum(gateway.api_calls().values())
    assert len(ids(gateway.pull_all_contacts(ASKED, cursor=None))) == MANY
    assert sum(gateway.api_calls().values()) - before == MANY // 100


def test_what_is_read_beside_counts_as_what_it_is_for(gateway: HubSpotGateway) -> None:
    """R38: while the taker does something else, such as asking for other streams."""
    with gateway.spend(Purpose.BACKFILL):
        pages = gateway.pull_all_contacts(ASKED, cursor=None)
        found = len(ids(islice(pages, 11)))  # the eleventh is read by a thread, which reads on
        with gateway.spend(Purpose.STREAMS):
            until = time.monotonic() + 30
            while gateway.spent().by_purpose[Purpose.BACKFILL] < 14 and time.monotonic() < until:
                time.sleep(0.01)
        found += len(ids(pages))
    assert found == MANY
    assert dict(gateway.spent().by_purpose).keys() == {Purpose.BACKFILL}
