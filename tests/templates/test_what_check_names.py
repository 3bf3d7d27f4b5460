"""A book that was written for other portals: `handoff check` names everything in it that this one lacks (R32)."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from commands import in_process
from portal_world import World, served

from connector.config.templates import write_template


def test_properties_teams_and_forms_that_the_portal_lacks_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write_template(tmp_path / "mappings", "manufacturing")
    with served() as url, closing(World(url, tmp_path, enterprise=True)) as world:
        handoff = in_process(world, monkeypatch, capfd)
        said = handoff("check")
        assert said.code == 2
        assert "of Handoff's own properties" in said.err and "handoff init --apply" in said.err
        assert "field `credit_block` names the property `credit_block`, which the portal lacks" in said.err
        assert "the portal has no form “Request a quote”: nobody can ask for sales by it" in said.err
        assert "nobody in the portal is in the team “Export” of the pool `export`" in said.err
        assert "Contact us" not in said.err and "Americas" not in said.err  # these it has
