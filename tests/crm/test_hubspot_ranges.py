"""Reading side by side: as many threads as help, an end without a trace, and a door that can be left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from connector.crm.hubspot.naps import nap
from connector.crm.hubspot.ranges import MOST, Doors, Fetched, Growth, Ranges
from connector.crm.hubspot.spans import LIST, SEARCH, Plan, Span
from connector.domain.contact import ContactId
from connector.domain.record import Record
from connector.errors import ContractError, CrmUnavailableError

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LAST = 2_000


def record(number: int) -> Record:
    identity = ContactId(str(number))
    return Record(id=identity, asked_id=identity, properties={}, created_at=NOON, modified_at=NOON)


def page(span: Span, size: int = 20) -> Fetched:
    """Of a portal that has every id from 1 to LAST."""
    until = min(LAST + 1, span.low + size)
    ids = range(span.low, until)
    return Fetched(tuple([record(one) for one in ids]), ids, str(until), until > LAST)


class Scripted(Growth):
    """Opens what it is told to, one door a page."""

    def __init__(self, *wanted: str) -> None:
        super().__init__()
        self.wanted = list(wanted)

    def judge(self, **_: object) -> str | None:
        return self.wanted.pop(0) if self.wanted else None


def doors(
    fetch: Callable[[Span], Fetched] = page,
    search: Callable[[Span], Fetched] = page,
    refusals: Callable[[], int] = lambda: 0,
) -> Doors:
    fetches: Mapping[str, Callable[[Span], Fetched]] = {LIST: fetch, SEARCH: search}
    return Doors(fetches, lambda: LAST - 50, lambda door: 0, refusals)


def left() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("handoff-")]


@pytest.mark.parametrize("wanted", [(), (LIST,), (LIST, LIST, SEARCH, LIST, SEARCH)])
def test_threads_together_give_what_one_gives(wanted: tuple[str, ...]) -> None:
    given = list(Ranges(Plan([Span(1)]), doors(), Scripted(*wanted)).pages())
    ids = [int(row.id) for one in given for row in one.rows]
    assert len(ids) == LAST and set(ids) == set(range(1, LAST + 1))
    assert all(one.cursor for one in given[:-1])
    assert wanted or given[-1].cursor is None
    assert left() == []


def test_one_thread_has_one_page_out_and_asks_for_the_next_when_it_is_stored() -> None:
    """A kill loses at most one page a door: nothing is read ahead of what is stored."""
    asked: list[int] = []

    def fetch(span: Span) -> Fetched:
        asked.append(span.low)
        return page(span)

    pages = Ranges(Plan([Span(1)]), doors(fetch), Scripted()).pages()
    for number in range(1, 6):
        next(pages)
        assert len(asked) == number
    pages.close()


def test_a_pull_that_is_given_up_wakes_the_threads_that_sleep() -> None:
    """Neither a stop nor an error waits for the pacer."""
    asleep = threading.Event()

    def fetch(span: Span) -> Fetched:
        if span.low > 20:
            asleep.set()
            nap(3_600)
        return page(span)

    pages = Ranges(Plan([Span(1)]), doors(fetch), Scripted(LIST)).pages()
    next(pages)
    assert asleep.wait(30) and left()
    pages.close()
    assert left() == []


def test_an_error_of_one_thread_comes_after_the_pages_that_came_before_it() -> None:
    def fetch(span: Span) -> Fetched:
        if span.low > 100:
            raise CrmUnavailableError("no answer")
        return page(span)

    seen = 0
    with pytest.raises(CrmUnavailableError):
        for one in Ranges(Plan([Span(1)]), doors(fetch), Scripted()).pages():
            seen += len(one.rows)
    assert seen == 100
    assert left() == []


def test_a_search_that_is_refused_is_left_and_the_list_reads_its_span() -> None:
    def refuse(_: Span) -> Fetched:
        raise ContractError("no such filter")

    given = list(Ranges(Plan([Span(1)]), doors(search=refuse), Scripted(SEARCH)).pages())
    assert {int(row.id) for one in given for row in one.rows} == set(range(1, LAST + 1))
    assert {one.door for one in given} == {LIST}


def test_searches_are_left_to_others_when_the_portal_runs_short_of_them() -> None:
    """P8: the search limit is the whole portal's."""
    refused, searches = 0, 0

    def search(span: Span) -> Fetched:
        nonlocal refused, searches
        refused, searches = refused + 1, searches + 1
        return page(span)

    given = list(Ranges(Plan([Span(1)]), doors(search=search, refusals=lambda: refused), Scripted(SEARCH)).pages())
    assert {int(row.id) for one in given for row in one.rows} == set(range(1, LAST + 1))
    assert searches <= 3


# -- growth ------------------------------------------------------------------------------------------------------


class Machine:
    def __init__(self, busy: float = 0.1) -> None:
        self.wall = self.used = 0.0
        self.busy = busy

    def growth(self) -> Growth:
        return Growth(lambda: self.wall, lambda: self.used)

    def turn(self, growth: Growth, *, starved: bool, threads: Mapping[str, int], held: Mapping[str, int]) -> str | None:
        self.wall += 0.1
        self.used += 0.1 * self.busy
        return growth.judge(starved=starved, threads=threads, held_up=lambda door: held[door])


def turns(machine: Machine, *, starved: bool, threads: Mapping[str, int], held: Mapping[str, int]) -> list[str | None]:
    growth = machine.growth()
    return [machine.turn(growth, starved=starved, threads=threads, held=held) for _ in range(4)]


ONE, FREE = {LIST: 1, SEARCH: 0}, {LIST: 0, SEARCH: 0}


def test_one_more_thread_reads_while_the_taker_waits_and_nothing_holds_up() -> None:
    assert turns(Machine(), starved=True, threads=ONE, held=FREE) == [None, LIST, None, LIST]


def test_a_taker_that_does_not_wait_needs_no_other_thread() -> None:
    assert turns(Machine(), starved=False, threads=ONE, held=FREE) == [None] * 4


def test_a_processor_that_is_busy_gains_nothing_by_another_thread() -> None:
    """On a fast link one thread is not slower than four."""
    assert turns(Machine(busy=0.9), starved=True, threads=ONE, held=FREE) == [None] * 4


def test_where_the_list_is_held_up_the_search_helps_until_it_is_held_up_too() -> None:
    machine = Machine()
    growth = machine.growth()
    said = []
    for turn in range(1, 7):
        held = {LIST: turn, SEARCH: turn if turn > 2 else 0}
        said.append(machine.turn(growth, starved=True, threads=ONE, held=held))
    assert said == [None, SEARCH, None, None, None, None]


def test_there_are_never_more_threads_than_are_of_use() -> None:
    assert turns(Machine(), starved=True, threads=MOST, held=FREE) == [None] * 4
