"""One contact that breaks the connector stops no other, on the real wire (P5)."""

from __future__ import annotations

from typing import Any

import pytest
from portal_world import Build

from connector.domain.contact import Contact
from connector.domain.record import Record
from connector.engine import intake, write
from connector.rules import fields


def test_one_record_that_breaks_us_is_set_aside_and_a_mended_connector_catches_up(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1, P5, P7, I10"""
    world = build()
    world.sync()
    world.later(hours=1)
    one, other = world.asks("kim@harbour.example"), world.asks("lee@orchard.example")
    true = fields.normalise

    def normalise(record: Record, *rest: Any, **more: Any) -> Contact:
        if record.id == one:
            raise OverflowError(f"{record.properties.get('email')} is too much")
        return true(record, *rest, **more)

    with monkeypatch.context() as broken:
        for module in (intake, write):
            broken.setattr(module, "normalise", normalise)
        report = world.sync()
    assert (report.counts.handed_off, report.counts.quarantined) == (1, 1)
    assert world.members() == {other} and report.watermark is not None
    shown = world.handoff("runs")
    assert shown.returncode == 0 and one in shown.stdout and "OverflowError" in shown.stdout
    assert "kim@harbour.example" not in shown.stdout + " ".join(report.troubles)

    world.later(hours=1)
    report = world.sync()
    assert (report.counts.handed_off, report.counts.quarantined, world.members()) == (1, 0, {one, other})
