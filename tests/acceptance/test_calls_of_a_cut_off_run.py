"""A run that is cut off and gone on with tells the calls of all its processes (R38)."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from portal_world import World, served

from connector.errors import ConnectorError


def test_what_a_run_called_before_it_was_cut_off_counts_too(tmp_path: Path) -> None:
    """R38: else they would count as calls of others."""
    with served() as url, closing(World(url, tmp_path, contacts=250, enterprise=True)) as world:
        world.init()
        world.calls()
        world.faults({"kind": "status", "status": 400, "path": "/crm/v3/objects/deals/search", "times": 1})
        with pytest.raises(ConnectorError):
            world.sync()
        cut_off = sum(world.calls().values())
        report = world.sync()
        assert report.run.resumed
        made = cut_off + sum(world.calls().values())
        assert cut_off > 10
        assert sum(report.counts.api_calls.values()) >= made - 3  # what came after the last page that was stored
        assert sum(report.counts.quota.by_purpose.values()) == sum(report.counts.api_calls.values())
