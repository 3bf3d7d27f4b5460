"""The deep check: what differs between the CRM and the database is named both ways, and nothing is written (I4, P4)."""

from __future__ import annotations

import random
from typing import Any

import pytest
from factories import DAY, HOUR, make_book

from connector.engine.deep import deep_check
from connector.engine.deep_report import DeepReport
from connector.engine.ports import NoProgress
from connector.errors import SettingsError
from engine.world import World

HALF = {None: "all", 40: "a sample that holds all"}


def portal_in_step() -> World:
    """Seven contacts, two a page, read half a day ago."""
    world = World(page_size=2)
    for number in range(7):
        world.crm.add(str(101 + number))
    world.run()
    world.clock.pass_by(12 * HOUR)
    world.run()
    world.crm.forget()
    return world


def look(world: World, sample: int | None = None) -> DeepReport:
    return deep_check(
        world.crm, world.crm, world.store, world.book, world.crm.portal(),
        sample=sample, rng=random.Random(7), progress=NoProgress(),
    )  # fmt: skip


def found(report: DeepReport) -> list[tuple[str, str, tuple[str, ...]]]:
    return sorted((one.contact, one.kind.value, one.fields) for one in report.differences)


def set_unseen(world: World, contact: str, name: str, value: str) -> None:
    """As a calculated property changes: the contact's own instant does not move."""
    rule = world.book.fields.fields[name]
    world.crm.rows[contact].properties[rule.property] = value


@pytest.mark.parametrize("sample", HALF, ids=HALF.values())
def test_where_nothing_differs_it_says_so(sample: int | None) -> None:
    report = look(portal_in_step(), sample)
    assert (report.exit_code, report.ours, report.differences, report.open) == (0, 7, [], 0)
    assert report.whole == (sample is None)


@pytest.mark.parametrize("sample", HALF, ids=HALF.values())
def test_what_differs_is_named_both_ways_without_its_value(sample: int | None) -> None:
    """Lost here, gone there, merged there, a value that moved no instant."""
    world = portal_in_step()
    set_unseen(world, "102", "company", "Canary Ltd")
    row = world.crm.rows["101"]
    world.crm.add("99", created_at=row.created_at)
    world.crm.erase("105")
    world.crm.merge("106", "107")
    world.crm.rows["107"].modified_at = row.modified_at
    report = look(world, sample)
    assert found(report) == [
        ("102", "differs", ("company",)),
        ("105", "gone in the CRM", ()),
        ("106", "merged in the CRM", ()),
        ("99", "missing here", ()),
    ]
    assert (report.exit_code, report.fields, sum(report.kinds.values())) == (1, {"company": 1}, 4)
    assert "Canary" not in str(report.as_dict())
    assert world.crm.calls("update_contacts", "add_to_list", "remove_from_list", "ensure_tasks") == []


@pytest.mark.parametrize("sample", HALF, ids=HALF.values())
def test_what_the_next_run_may_still_bring_is_no_difference(sample: int | None) -> None:
    world = portal_in_step()
    world.crm.edit("102", company="New")
    world.crm.add("108")
    world.crm.archive("103")
    report = look(world, sample)
    assert (report.exit_code, report.differences, report.open) == (0, [], 3 if sample is None else 2)
    world.run_later(HOUR)
    world.clock.pass_by(HOUR)
    world.run_later(HOUR)
    assert look(world, sample).open == 0


def test_a_contact_of_somebody_erased_here_is_not_missed() -> None:
    """I11"""
    from connector.engine.erase import BY_HAND, erase_now

    world = portal_in_step()
    erase_now(world.store, ["104"], at=world.clock.now(), cause=BY_HAND)
    report = look(world)
    assert (report.exit_code, report.erased, report.ours) == (0, 1, 6)


def test_all_of_them_cost_a_call_a_page_and_no_more() -> None:
    """P8: stored ones that the list showed are not asked about again."""
    world = portal_in_step()
    report = look(world)
    assert report.api_calls == {"pull_all_contacts": 4}


def test_a_sample_is_as_large_as_asked_and_differs_from_time_to_time() -> None:
    world = portal_in_step()
    asked: set[Any] = set()
    for seed in range(6):
        world.crm.forget()
        report = deep_check(
            world.crm, world.crm, world.store, world.book, world.crm.portal(),
            sample=2, rng=random.Random(seed), progress=NoProgress(),
        )  # fmt: skip
        assert report.ours == 2
        asked |= {one for name, ids in world.crm.asked if name == "read_contacts" for one in ids}
    assert len(asked) > 4


def test_before_a_first_run_or_with_other_rules_there_is_nothing_to_compare() -> None:
    world = World()
    with pytest.raises(SettingsError, match="no run"):
        look(world)
    world.run()
    world.clock.pass_by(DAY)
    world.book = make_book()
    with pytest.raises(SettingsError, match="rules changed"):
        look(world)
