"""The stories: told from a seed alone, and their crossing days by arithmetic that a reader can do again."""

import ast
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import SCRIPTS
from hypothesis import given, settings
from hypothesis import strategies as st
from olist.plan import End, Plan, Story, Way, make_plan
from olist.points import Signal, total
from olist.steps import ALL_DAYS, FIRST_DAY, LAST_DAY, Calendar
from olist_samples import LEADS, WORTH

REASONS = ("not_ready", "bad_fit")


def told(every: int = 1, seed: int = 1) -> Plan:
    return make_plan(LEADS, Calendar(every=every), WORTH, REASONS, seed)


def signals_of(story: Story) -> list[Signal]:
    views = [Signal(at=view.at, points=WORTH.pages[view.path]) for view in story.views]
    return [Signal(at=story.arrives_at, points=WORTH.download), *views]


def test_the_time_is_519_days_and_every_day_is_in_one_step() -> None:
    assert ALL_DAYS == 519
    for every in (1, 7):
        steps = Calendar(every=every).steps
        days = [day for step in steps for day in step.days]
        assert days == sorted(set(days)) and (days[0], days[-1]) == (FIRST_DAY, LAST_DAY) and len(days) == 519
        assert all(Calendar(every=every).step_of(day) == step.number for step in steps for day in step.days)


@pytest.mark.parametrize("every", [1, 7])
def test_a_download_crosses_the_threshold_at_its_sync_and_at_none_before(every: int) -> None:
    plan = told(every)
    steps = plan.calendar.steps
    for story in (each for each in plan.stories if each.way is Way.DOWNLOAD):
        scores = [total(signals_of(story), WORTH, step.first_sync_at) for step in steps[: story.handed_in + 1]]
        assert scores[-1] >= WORTH.threshold + 1
        assert all(score <= WORTH.threshold - 1 for score in scores[:-1])
        assert all(view.at.date() > story.lead.arrived_on for view in story.views)
        if every == 1:
            assert story.handed_in > plan.calendar.step_of(story.lead.arrived_on)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_every_story_is_handed_over_before_it_ends_and_a_third_downloads(seed: int) -> None:
    plan = told(seed=seed)
    assert Counter(story.way for story in plan.stories)[Way.DOWNLOAD] == round(len(LEADS) / 3)
    for story in plan.stories:
        assert plan.calendar.step_of(story.lead.arrived_on) <= story.handed_in
        assert story.ends_in is None or story.handed_in <= story.ends_in
        assert (story.end is End.WON) == (story.lead.won_on is not None)
        assert story.way is Way.DOWNLOAD or story.handed_in == plan.calendar.step_of(story.lead.arrived_on)
        if story.end is not End.WON:
            handed_on = plan.calendar.steps[story.handed_in].last
            assert timedelta(days=3) <= story.ends_on - handed_on <= timedelta(days=45)
            assert (story.reason in REASONS) == (story.end is End.RECYCLED)


def test_the_same_seed_tells_the_same_and_another_one_something_else() -> None:
    assert told(seed=5).stories == told(seed=5).stories
    assert told(seed=5).stories != told(seed=6).stories


def test_the_hold_begins_with_the_handoff_and_stays_only_for_junk() -> None:
    plan = told()
    for story in plan.stories[:60]:
        assert story.number not in plan.held_after(story.handed_in - 1)
        assert story.ends_in is not None
        if story.ends_in > story.handed_in:
            assert story.number in plan.held_after(story.ends_in - 1)
        assert (story.number in plan.held_after(story.ends_in)) == (story.end is End.JUNK)


def test_points_halve_with_every_half_life() -> None:
    at = Calendar(every=1).steps[0].first_sync_at
    signal = Signal(at=at, points=20)
    assert total([signal], WORTH, at) == 20
    assert total([signal], WORTH, at + WORTH.half_life) == 10
    assert total([signal], WORTH, at - timedelta(seconds=1)) == 0


def test_nothing_here_shares_code_with_the_connector() -> None:
    """The proof is worth something only so far as one mistake cannot hide on both sides."""
    for path in sorted((SCRIPTS / "olist").glob("*.py")):
        for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "connector"], path.name
