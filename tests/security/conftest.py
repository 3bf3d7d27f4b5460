"""The acceptance tests' own worlds, for whole commands in processes of their own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "acceptance"))

from portal_world import World, served


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An Enterprise portal, made ready by `init`, with a first sync behind it: all that follows is news."""
    with served() as url, closing(World(url, tmp_path, enterprise=True)) as made:
        made.init()
        made.sync()
        made.later(hours=1)
        yield made
