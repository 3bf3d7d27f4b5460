"""Only one run at a time works on a portal: the second says so within a second and exits 5 (I8)."""

from __future__ import annotations

import time

import pytest
from portal_world import World

from connector.errors import AlreadyRunningError


def test_a_second_run_is_told_within_a_second_and_the_first_one_is_not_disturbed(world: World) -> None:
    """I8; design section 6."""
    world.asks("ana@two.example")
    world.switch(latency_ms=700)
    first = world.start("sync", "--json")
    try:
        wait_for_call(world, "/crm/v3/owners")
        with world.connector() as connector:
            portal = connector.portal()
            store = connector.store(portal)
            began = time.monotonic()
            with pytest.raises(AlreadyRunningError), store.lease():
                pass
            assert time.monotonic() - began < 1
        second = world.handoff("sync")
        assert second.returncode == 5
        assert "already works on this portal" in second.stderr and "What to do:" in second.stderr
        assert "Traceback" not in second.stderr
    finally:
        out, err = first.communicate(timeout=90)
    assert first.returncode == 0, err
    assert '"handed_off": 1' in out


def wait_for_call(world: World, path: str) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if any(path in call for call in world.counted()):
            return
        time.sleep(0.02)
    raise AssertionError(f"no call of {path} within 30 s")
