"""Waiting: calls are full, and nobody waits long for company (P8, I1, I2, I7)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from factories import demo_request, make_activity
from fakes import kill
from hypothesis import given, settings
from hypothesis import strategies as st

import connector.engine.consider as consider
import connector.engine.waiting as waiting
import connector.engine.write as write
from connector.domain.contact import ContactId
from engine.world import World

CALLS = ("add_to_list", "read_contacts", "update_contacts", "remove_from_list")
SMALL = 4
HUNDRED = ["read_contacts", "update_contacts", "read_contacts"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is four contacts, a group twenty."""
    for module in (consider, waiting, write):
        monkeypatch.setattr(module, "BATCH", SMALL)


def asking(count: int) -> World:
    """So many ask for sales, beginning with contact 1000."""
    world = World().begin()
    for number in range(count):
        raises_hand(world, str(1_000 + number))
    return world


def raises_hand(world: World, contact: str) -> None:
    world.crm.add(contact)
    world.crm.happen(demo_request(world.clock.now(), contact=contact, id=contact))


def looks_around(world: World, contact: str) -> None:
    """Somebody about whom there is something to decide, and nothing comes of it."""
    world.crm.add(contact)
    world.crm.happen(make_activity(at=world.clock.now(), contact=contact, id=contact))


def listed(world: World) -> list[int]:
    return [len(what[1]) for call, what in world.crm.asked if call == "add_to_list"]


# -- full calls ------------------------------------------------------------------------------------------------------


def test_leads_go_onto_the_list_for_five_batches_at_once_and_each_batch_is_looked_at_right_before_it_is_written(
    small: None,
) -> None:
    """I1, I2"""
    world = asking(23)
    world.run()
    assert listed(world) == [20, 3]
    assert world.crm.calls(*CALLS) == ["add_to_list", *5 * HUNDRED, "add_to_list", *HUNDRED]
    assert world.kinds().count("lead.handed_off") == len(world.crm.listed) == 23


def test_a_batch_that_is_done_stands_whatever_becomes_of_the_next(small: None) -> None:
    """P1, P3, I4: killed between two batches of a group."""
    world = asking(12)
    world.crm.before("update_contacts", kill, nth=2)
    world.run_and_die()
    assert (len(world.intents("written")), len(world.intents("open"))) == (4, 8)
    world.run()
    assert world.kinds().count("lead.handed_off") == len(world.crm.listed) == 12
    assert world.crm.calls("update_contacts") == 3 * ["update_contacts"]  # the one that was cut off never came


def test_whoever_is_gone_when_the_list_is_filled_is_dropped_in_whichever_batch(small: None) -> None:
    world = asking(12)
    for contact in ("1000", "1005", "1011"):
        world.crm.before("add_to_list", partial(world.crm.archive, contact))
    world.run()
    assert world.kinds().count("lead.handed_off") == len(world.crm.listed) == 9
    assert (world.intents("open"), world.dirty()) == ([], [])


def test_those_without_a_clear_answer_are_tried_again_at_the_end_not_with_each_batch(small: None) -> None:
    """I7"""
    world = asking(23)
    world.crm.lists.pop(world.crm.list_name)
    world.run()
    assert len(world.intents("open")) == 23
    assert sum(listed(world)) <= 2 * 23


# -- not for long ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raised_by", [["1000"], ["1000", "1001", "1009", "1010", "1011"]])
def test_a_lead_is_not_kept_waiting_by_many_decisions(
    small: None, monkeypatch: pytest.MonkeyPatch, raised_by: list[str]
) -> None:
    """R13: whoever was decided first is written first, and the youngest wait for the next full call."""
    monkeypatch.setattr(waiting, "WAIT_AT_MOST", 16)
    world, decided, everybody = World().begin(), list[int](), [str(1_000 + number) for number in range(60)]
    for contact in everybody:
        (raises_hand if contact in raised_by else looks_around)(world, contact)
    world.crm.before("add_to_list", lambda: decided.append(sum(bool(world.decisions(one)) for one in everybody)))
    world.run()
    assert decided == [20]  # the first batch of decisions and those behind which it may wait
    first = next(what[1] for call, what in world.crm.asked if call == "add_to_list")
    assert "1000" in first and len(first) == min(SMALL, len(raised_by))
    assert world.kinds().count("lead.handed_off") == len(raised_by)


class Run:
    """As much of a run as Waiting asks for."""

    def __init__(self) -> None:
        self.open: dict[str, ContactId] = {}
        self.unclear: set[ContactId] = set()
        self.effort = 0
        self.store = self

    @contextmanager
    def reading(self) -> Iterator[Any]:
        yield self

    def open_intents(self, limit: int) -> dict[str, ContactId]:
        return dict(sorted(self.open.items())[:limit])


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100), st.booleans()), max_size=30),
    st.randoms(use_true_random=False),
)
def test_nobody_waits_behind_more_than_a_thousand_decisions_and_calls_are_full(
    batches: list[tuple[int, int, bool]], names: Any
) -> None:
    """P8: by whatever ids the intents are known, the first decided goes first."""
    run, since = Run(), dict[str, int]()
    queue = waiting.Waiting(run)  # type: ignore[arg-type]
    for number, (planned, idle, blurred) in enumerate(batches):
        idle = min(idle, 100 - planned)
        new = [f"{names.random()}-{number}-{one}" for one in range(planned)]
        run.open |= {one: ContactId(one) for one in new}
        run.effort += (100 - idle) * 10 + idle
        done = run.effort // 10
        since |= dict.fromkeys(new, done)
        taken = queue.take()
        assert len(taken) <= 500 and set(taken) <= run.open.keys() - run.unclear
        waits = [one for one in since if one not in taken]
        assert all(since[one] >= max((since[two] for two in taken), default=0) for one in waits)
        assert all(done - since[one] < 1_000 for one in waits)
        assert len(taken) % 100 == 0 or (done - since[min(taken, key=since.__getitem__)] >= 1_000 and not waits)
        for one in taken:
            del since[one]
            if blurred:
                run.unclear.add(ContactId(one))
            else:
                del run.open[one]
