"""Spans of ids: nothing lost, nothing twice, wherever a pull is cut off and whoever reads what."""

from __future__ import annotations

import random
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.crm.hubspot.spans import LIST, SEARCH, OutOfOrderError, Plan, Span

PAGE = 3


@dataclass
class Portal:
    """Rows by rising id; its list takes any id, and gives that id's row too or does not."""

    ids: list[int]
    inclusive: bool

    def page(self, door: str, span: Span) -> tuple[list[int], str | None, bool]:
        if door == SEARCH:
            assert span.end is not None
            found = self.ids[bisect_left(self.ids, span.low) : bisect_left(self.ids, span.end)]
            return found[:PAGE], None, len(found) <= PAGE
        after = int(span.asked or 0)
        first = bisect_left(self.ids, after + (not self.inclusive))
        found, rest = self.ids[first : first + PAGE], self.ids[first + PAGE :]
        following = str(rest[0] if self.inclusive else found[-1]) if rest else None
        return found, following, following is None


@dataclass
class Life:
    """One process: pages are read and given out in any order, as threads would."""

    portal: Portal
    plan: Plan
    choose: random.Random
    given: list[int] = field(default_factory=list)
    ready: list[tuple[Span, list[int]]] = field(default_factory=list)
    most_out: int = 0

    def run(self, pages: int, workers: int, newest: int) -> str | None:
        """Gives so many pages out at most; the cursor that came with the last one, None when nothing is left."""
        cursor: str | None = self.plan.write(Span(-1))
        asked: list[tuple[str, Span]] = []
        self.plan.most = workers
        while pages and not self.plan.is_done:
            if self.choose.random() < 0.2:
                self.plan.open(newest)
            door = self.choose.choice([LIST, LIST, SEARCH])
            if (span := self.plan.claim(door)) is not None:
                asked.append((door, span))
            self.most_out = max(self.most_out, sum(one.out for one in self.plan.spans))
            if asked and self.choose.random() < 0.6:
                self._arrive(*asked.pop(self.choose.randrange(len(asked))))
            if self.ready and self.choose.random() < 0.6:
                span, rows = self.ready.pop(0)
                cursor = self.plan.write(span)
                self.given += rows
                self.plan.stored(span)
                pages -= 1
        return cursor if pages == 0 else None

    def _arrive(self, door: str, span: Span) -> None:
        if self.choose.random() < 0.1:
            self.plan.put_back(span)
            return
        ids, following, ended = self.portal.page(door, span)
        kept = ids[span.take_in(ids, following, ended=ended)]
        if kept:
            self.ready.append((span, kept))
        else:
            self.plan.stored(span)


@settings(deadline=None, max_examples=150)
@given(
    st.sets(st.one_of(st.integers(1, 80), st.integers(1, 10**9)), min_size=1, max_size=60),
    st.lists(st.integers(1, 8), max_size=4),
    st.integers(1, 5),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_every_id_comes_and_none_twice_in_one_life_wherever_it_is_killed(
    ids: set[int], lives: list[int], workers: int, inclusive: bool, seed: int
) -> None:
    """I4: any prefix of the pages that were given out, then resumed; a kill costs one page a worker at most."""
    portal, choose, seen = Portal(sorted(ids), inclusive), random.Random(seed), list[int]()
    plan = Plan([Span(1)])
    newest = portal.ids[-PAGE] if len(ids) >= PAGE else portal.ids[0]
    for pages in [*lives, 10_000]:
        life = Life(portal, plan, choose)
        cursor = life.run(pages, workers, newest)
        assert len(life.given) == len(set(life.given))
        assert not set(life.given) & set(seen), "what was given out and stored is not read again"
        assert life.most_out <= workers
        seen += life.given
        if cursor is None:
            break
        plan = Plan.read(cursor)
    assert sorted(seen) == portal.ids


@pytest.mark.parametrize("ids", [[5, 4], [5, 5], [3, 9]])
def test_rows_out_of_order_or_from_below_are_no_page(ids: list[int]) -> None:
    """P7: a portal whose list has no order, or that begins where it likes, is not read in spans."""
    with pytest.raises(OutOfOrderError):
        Span(low=5).take_in(ids, None, ended=True)


def test_a_rest_of_a_page_or_two_is_not_divided() -> None:
    plan = Plan([Span(low=1)], most=2)
    plan.open(1_000)
    one = plan.claim(LIST)
    assert one is not None and plan.claim(SEARCH) is None, "of what nothing was read, nobody knows how much it is"
    one.take_in(list(range(1, 801)), "801", ended=False)
    assert (tail := plan.claim(LIST)) is not None and (tail.low, tail.end) == (1_000, None)


def test_the_newest_are_left_to_the_list() -> None:
    """A search may not show yet what was just made."""
    plan = Plan([Span(low=1)], most=3)
    assert plan.claim(SEARCH) is None
    plan.open(1_000)
    first = plan.claim(SEARCH)
    assert first is not None and (first.low, first.end) == (1, 1_000)
    assert plan.claim(SEARCH) is None


def test_who_has_nothing_to_do_takes_the_upper_half_of_the_largest_rest() -> None:
    plan = Plan([Span(low=1)], most=4)
    plan.open(100_001)
    one = plan.claim(LIST)
    assert one is not None
    one.take_in(list(range(1, 101)), "101", ended=False)
    tail, upper, another = plan.claim(LIST), plan.claim(SEARCH), plan.claim(LIST)
    assert tail is not None and upper is not None and another is not None
    assert (tail.low, upper.low) == (100_001, 50_052)
    assert another.low in (25_077, 75_027), "of two that are equally large, either"
    bounds = sorted((span.low, span.end or 10**9) for span in plan.spans)
    assert all(two[0] == one[1] for one, two in pairwise(bounds)), "no gap and no overlap"
