"""A world for the command line: the acceptance tests' own, and commands that run in this process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "acceptance"))

from commands import Handoff, in_process
from portal_world import World, served

from connector.sandbox.portal import Sandbox


@pytest.fixture
def sandbox() -> Sandbox:
    """The state behind the address, for what the control API does not offer."""
    return Sandbox()


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox) -> Iterator[World]:
    """An Enterprise portal with a handful of contacts, made ready by `init`."""
    with served(sandbox) as url, closing(World(url, tmp_path, enterprise=True, contacts=5)) as made:
        made.init()
        yield made


@pytest.fixture
def handoff(world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Handoff:
    return in_process(world, monkeypatch, capfd)
