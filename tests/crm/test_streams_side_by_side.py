"""A long window of activities, read side by side: what one cursor gives, each once, and it goes on after a kill."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot import activities, forms, ranges, stretches
from connector.crm.hubspot.gateway import HubSpotGateway
from connector.crm.hubspot.protocol import MILLISECOND
from connector.crm.hubspot.spans import LIST
from connector.crm.hubspot.stretches import MOST_STRETCHES, ONE_CURSOR_PAGES, divide, within
from connector.domain.activity import Activity
from connector.engine.ports import ActivityPage, StreamOff, Window
from connector.errors import ContractError
from connector.sandbox.server import Server

NOW = datetime.now(UTC).replace(microsecond=0)
WINDOW = Window(since=NOW - timedelta(days=90), until=NOW)
VIEWS, MAILS, FORMS, PER_FORM = 400, 300, 9, 24
PAGE = 10
STREAMS = {"page_views": VIEWS, "emails": MAILS, "forms": FORMS * PER_FORM}


@pytest.fixture(scope="module")
def url(server: Server) -> str:
    return server.url


@pytest.fixture(scope="module")
def token(url: str) -> str:
    """Of a portal whose people did much, more of it lately than long ago."""
    spec = {"enterprise": True, "contacts": 0, "switches": {"rate_per_10s": 0, "search_per_second": 0}}
    portal = requests.post(f"{url}/_sandbox/portals", json=spec, timeout=60).json()
    chance = random.Random(7)

    def send(path: str, rows: list[dict[str, Any]]) -> None:
        asked = {"portal": portal["portalId"]}
        requests.post(f"{url}/_sandbox/{path}", params=asked, json=rows, timeout=60).raise_for_status()

    def some_time() -> str:
        return (NOW - timedelta(days=89) * chance.random() ** 3).isoformat(timespec="milliseconds")

    send("forms", [{"name": f"form {number}"} for number in range(FORMS)])
    made = [
        {"kind": "form_submission", "form": f"form {number % FORMS}", "email": f"kim{number}@buyer.example"}
        for number in range(FORMS * PER_FORM)
    ]
    send("acts", [{**act, "at": some_time()} for act in made])
    mail = {"kind": "email_event", "type": "OPEN", "campaign_id": 5}
    send("acts", [{**mail, "email": f"kim{number % 50}@buyer.example", "at": some_time()} for number in range(MAILS)])
    view = {"kind": "page_view", "url": "https://www.seller.example/pricing"}
    send("acts", [{**view, "contact": f"kim{number % 50}@buyer.example", "at": some_time()} for number in range(VIEWS)])
    switches = {"latency_ms": 3, "occurrences_page_max": PAGE}
    requests.put(
        f"{url}/_sandbox/switches", params={"portal": portal["portalId"]}, json=switches, timeout=30
    ).raise_for_status()
    return str(portal["token"])


@pytest.fixture
def gateway(url: str, token: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubSpotGateway]:
    """With small pages, and four threads as soon as there is more than one."""
    monkeypatch.setattr(activities, "OCCURRENCES_PAGE", PAGE)
    monkeypatch.setattr(activities, "EMAIL_EVENTS_PAGE", PAGE)
    monkeypatch.setattr(forms, "SUBMISSIONS_PAGE", PAGE)
    monkeypatch.setattr(
        ranges.Growth, "judge", lambda self, threads, **_: LIST if sum(threads.values()) < 4 else None
    )
    made = HubSpotGateway(token=token, base_url=url, rate_per_10s=0, search_per_second=0, sleep=lambda _: None)
    yield made
    made.close()


def pages(gateway: HubSpotGateway, stream: str, cursor: str | None = None) -> Iterator[ActivityPage]:
    for page in gateway.pull_activities(stream, WINDOW, cursor=cursor):
        assert not isinstance(page, StreamOff), page.why
        yield page


def counted(pages: Iterable[ActivityPage]) -> list[Activity]:
    """What a run counts: all rows, but none before a page that begins anew."""
    found: list[Activity] = []
    for page in pages:
        found = [*([] if page.anew else found), *page.rows]
    return found


@pytest.mark.parametrize(("stream", "there"), STREAMS.items())
def test_side_by_side_gives_what_one_cursor_gives_and_each_once(
    gateway: HubSpotGateway, monkeypatch: pytest.MonkeyPatch, stream: str, there: int
) -> None:
    """R31, I4"""
    threads = set[str]()
    keep = ranges.Ranges._keep

    def told(self: Any, *page: Any) -> None:
        threads.add(threading.current_thread().name)
        keep(self, *page)

    monkeypatch.setattr(ranges.Ranges, "_keep", told)
    together = counted(pages(gateway, stream))
    assert len(together) == len({row.id for row in together}) == there
    assert threads
    monkeypatch.setattr(stretches, "SHORT", timedelta(days=365))
    threads.clear()
    alone = counted(pages(gateway, stream))
    assert not threads
    assert sorted(together, key=lambda row: row.id) == sorted(alone, key=lambda row: row.id)


@pytest.mark.parametrize(("stream", "there"), STREAMS.items())
@pytest.mark.parametrize("number", [1, ONE_CURSOR_PAGES, ONE_CURSOR_PAGES + 1, 12, 20])
def test_killed_in_the_middle_it_goes_on_where_it_stopped(
    gateway: HubSpotGateway, stream: str, there: int, number: int
) -> None:
    """I4: nothing is lost, and nothing is counted twice."""
    begun, taken = pages(gateway, stream), list[ActivityPage]()
    while sum(bool(page.rows) for page in taken) < number:
        taken.append(next(begun))
    begun.close()
    cursor = taken[-1].cursor
    assert cursor is not None
    rows = counted([*taken, *pages(gateway, stream, cursor)])
    assert len(rows) == len({row.id for row in rows}) == there


def test_a_small_portal_is_asked_no_call_more(gateway: HubSpotGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """P8"""
    monkeypatch.setattr(activities, "EMAIL_EVENTS_PAGE", MAILS // ONE_CURSOR_PAGES)
    before = sum(gateway.api_calls().values())
    assert len(counted(pages(gateway, "emails"))) == MAILS
    assert sum(gateway.api_calls().values()) - before == ONE_CURSOR_PAGES


def test_a_cursor_that_comes_twice_ends_it(gateway: HubSpotGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """P7: not an endless loop, and not as if all had been read."""
    real = activities._read_page_views

    def turning(client: Any, window: Window, cursor: str | None) -> tuple[Any, str | None]:
        rows, after = real(client, window, None if cursor == "SAME" else cursor)
        return rows, "SAME" if after and threading.current_thread() is not threading.main_thread() else after

    monkeypatch.setattr(activities, "_read_page_views", turning)
    with pytest.raises(ContractError, match="the same page cursor twice"):
        list(pages(gateway, "page_views"))


@pytest.mark.parametrize(("stream", "there"), [("page_views", VIEWS), ("emails", MAILS)])
def test_a_place_that_hubspot_does_not_know_any_more_is_begun_anew(
    gateway: HubSpotGateway, stream: str, there: int
) -> None:
    """I4: a run may be gone on with a day later; that says nothing of what the portal gives."""
    for stale in ("bm90LW91cnM", '{"ranges":[[1,4102444800000,"bm90LW91cnM"]]}'):
        assert len(counted(pages(gateway, stream, stale))) == there


def test_a_place_that_is_refused_in_mid_stream_is_no_word_about_the_portal(
    gateway: HubSpotGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P5: this run goes without, and the next one asks again."""
    real = activities._read_page_views

    def forgetting(client: Any, window: Window, cursor: str | None) -> tuple[Any, str | None]:
        rows, after = real(client, window, cursor)
        return rows, after and "bm90LW91cnM"

    monkeypatch.setattr(activities, "_read_page_views", forgetting)
    with pytest.raises(ContractError):
        list(pages(gateway, "page_views"))


def test_an_answer_of_another_stretch_is_noticed_and_one_cursor_reads_all(
    gateway: HubSpotGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P7: a proxy that mixes answers up must not lose a row."""
    real, first = activities._read_page_views, []

    def mixed_up(client: Any, window: Window, cursor: str | None) -> tuple[Any, str | None]:
        found = real(client, window, cursor)
        if threading.current_thread() is threading.main_thread():
            return found
        first.append(found)
        return first[0] if len(first) == 20 else found

    monkeypatch.setattr(activities, "_read_page_views", mixed_up)
    taken = list(pages(gateway, "page_views"))
    assert sum(page.anew for page in taken) == 2
    assert len(counted(taken)) == VIEWS


def test_few_rows_that_lie_close_are_divided_into_few_stretches() -> None:
    """P8: each costs a call."""
    window = Window(since=NOW - timedelta(days=180), until=NOW)
    numbers = [len(divide(window, [NOW, NOW - took]).spans) for took in (timedelta(hours=3), timedelta(days=30))]
    assert numbers[0] <= 40 and numbers[1] <= 10


LENGTHS = st.timedeltas(min_value=stretches.SHORT, max_value=timedelta(days=400))
MOMENTS = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2027, 1, 1), timezones=st.just(UTC))


@given(
    until=MOMENTS,
    length=LENGTHS,
    places=st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=20),
    seen=st.lists(st.floats(min_value=0, max_value=1), max_size=20),
)
def test_stretches_leave_nothing_out_and_hold_nothing_twice(
    until: datetime, length: timedelta, places: list[float], seen: list[float]
) -> None:
    """I4: to the microsecond, and to the ends of the window."""
    window = Window(since=until - length, until=until)
    plan = divide(window, [window.since + length * place for place in seen])
    assert 2 <= len(plan.spans) <= MOST_STRETCHES
    parts = [within(window, span) for span in plan.spans]
    ends = [at + step for part in parts for at in (part.since, part.until) for step in (-MILLISECOND, timedelta(0))]
    for at in (window.since, window.until, *ends, *(window.since + length * place for place in places)):
        holding = [part for part in parts if part.since <= at <= part.until]
        assert len(holding) == (1 if window.since <= at <= window.until else 0)
