"""A fresh world for each test: its own sandbox with a frozen clock, its own portal, receiver and folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from commands import Handoff, in_process
from portal_world import API_VERSION, Build, World, served, spawned


@pytest.fixture
def version(request: pytest.FixtureRequest) -> str:
    """Of the CRM's API: the one that the test names (`both_versions`), else the one of the whole run."""
    return str(getattr(request, "param", API_VERSION))


@pytest.fixture
def build(tmp_path: Path, version: str) -> Iterator[Build]:
    """Builds worlds: keywords are those of POST /_sandbox/portals; `process=True` gives the sandbox a process."""
    with ExitStack() as stack:

        def make(*, process: bool = False, ready: bool = True, **portal: Any) -> World:
            folder = tmp_path / f"world-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            url = stack.enter_context(spawned() if process else served())
            world = stack.enter_context(closing(World(url, folder, **portal)))
            world.env["HUBSPOT_API_VERSION"] = version
            stack.callback(check, world)
            if ready:
                world.lay_tables()
                world.init()
            return world

        yield make


def check(world: World) -> None:
    """A test that saw an invariant broken has failed, whatever else it says."""
    assert world.violations() == []


@pytest.fixture
def world(build: Build) -> World:
    """An empty Enterprise portal, made ready by `init`, with a first sync behind it: all that follows is news."""
    made = build(enterprise=True)
    made.sync()
    made.later(hours=1)
    made.ours(mark="ours")
    made.calls()
    return made


@pytest.fixture
def handoff(world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Handoff:
    """The command line without a process of its own; `World.handoff` gives it one, where that is what is tested."""
    return in_process(world, monkeypatch, capfd)
