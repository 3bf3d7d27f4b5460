"""Reliability.md, section 7: faults on calls to HubSpot, once and until healed; `make faults` tries every pair."""

from __future__ import annotations

import pytest
from fault_table import CALLS, FAULTS, Case, Lab, cases, differences, look, run, sample
from portal_world import World


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("lab"))


def test_the_sample_has_each_fault_and_each_kind_of_call() -> None:
    assert {case.fault for case in sample()} == set(FAULTS)
    assert {case.call for case in sample()} == set(CALLS)
    assert set(sample()) <= set(cases())


@pytest.mark.parametrize("case", sample(), ids=lambda case: case.name)
def test_nothing_is_lost_or_doubled(lab: Lab, case: Case) -> None:
    """P1, P7, I2, I4, I7: what people and receivers see in the end is what they would have seen."""
    assert lab.try_one(case) == ""


def test_a_difference_would_be_seen(lab: Lab) -> None:
    """The table itself: a world in which somebody was forgotten is not like the undisturbed one."""
    expected = lab.end_of("plain")
    found = lab.apart(lambda world: _forget_one(world, lab))
    assert "would have been" in found or "instead of" in found, expected


def _forget_one(world: World, lab: Lab) -> str:
    world.act("archive", contact="new.1@new-1.example")
    with world.connector() as connector:
        run(connector, "plain", lab.day)
    return differences(lab.end_of("plain"), look(world))
