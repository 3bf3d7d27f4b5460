"""What the CRM's index shows late is not missed: each run re-reads an overlap behind its watermark (I4)."""

from __future__ import annotations

import pytest
from portal_world import Build


@pytest.mark.parametrize("enterprise", [True, False])
def test_a_lag_of_ninety_seconds_loses_nobody(build: Build, enterprise: bool) -> None:
    """A run every thirty seconds, somebody new in each; a minute and a half later each is with sales, once."""
    world = build(enterprise=enterprise, switches={"lag_seconds": 90, "lag_jitter_seconds": 20})
    world.sync()
    world.later(minutes=10)
    asked = set()
    for number in range(8):
        asked.add(world.asks(f"late.{number}@lag-{number}.example"))
        world.edit(world.contact(f"by.hand.{number}@lag-{number}.example"), handoff_request="hand_over")
        world.later(seconds=30)
        assert world.sync().exit_code == 0
    by_hand = {event["id"] for event in world.log("created") if event["object"] == "contacts"} - asked
    for _ in range(5):
        world.later(seconds=30)
        assert world.sync().exit_code == 0
    told = [notice["data"]["contact_id"] for notice in world.receiver.of("lead.handed_off")]
    assert sorted(told) == sorted(asked | by_hand) and len(told) == 16
