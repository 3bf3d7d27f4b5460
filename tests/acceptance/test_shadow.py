"""Shadow mode (R41): everything is decided and reported, nothing is written, and nobody is told but ops."""

from __future__ import annotations

from portal_world import Build, World

SHADOW = {"HANDOFF_SHADOW": "true"}


def test_shadow_mode_decides_all_writes_nothing_and_tells_ops_alone(world: World) -> None:
    asked = {world.asks(f"shadow.{number}@shadow-{number}.example") for number in range(4)}
    report = world.sync(env=SHADOW)
    assert report.exit_code == 0
    assert {str(lead.decision.contact) for lead in report.planned} == asked
    assert world.ours(mark="ours") == [] and world.listed() == set()
    assert world.receiver.kinds() == {"run.shadow": 1}
    (notice,) = world.receiver.notices
    assert notice["data"]["would_hand_over"] == 4 and notice["data"]["contact_id"] is None


def test_the_first_live_run_after_shadow_mode_does_not_make_up_for_it(build: Build) -> None:
    """The past ends where live work begins; what comes after that is handed over."""
    world = build(enterprise=True)
    world.sync(env=SHADOW)
    world.later(days=3)
    early = world.asks("early@bird.example")
    world.sync(env=SHADOW)
    world.later(days=1)
    live = world.sync()
    assert live.exit_code == 0 and live.counts.handed_off == 0 and world.ours(mark="ours") == []
    world.later(hours=2)
    late = world.asks("late@bird.example")
    assert world.sync().counts.handed_off == 1
    assert world.listed() == {late}
    assert early not in {notice["data"]["contact_id"] for notice in world.receiver.notices}


def test_shadow_mode_says_so_on_the_command_line(world: World) -> None:
    world.asks("ana@shadow.example")
    said = world.handoff("sync", **SHADOW)
    assert said.returncode == 0
    assert "Shadow mode: 1 lead would have changed; nothing was written" in said.stderr
