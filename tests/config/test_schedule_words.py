"""How many runs the schedule still brings (R38)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.config.schedule import runs_until
from connector.config.settings import load_settings

NOON = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)  # a Monday


@pytest.mark.parametrize(
    ("every", "hours", "runs"),
    [
        ("5m", 1, 12), ("1h", 0.5, 0), ("*/5 * * * *", 1, 12), ("0 13 * * 2-5", 26, 1), ("0 13 3 * 1", 26, 2),
        ("0 0 1 1 *", 24, 0),
    ],
)  # fmt: skip
def test_runs_are_counted_as_the_scheduler_would_make_them(every: str, hours: float, runs: int) -> None:
    settings = load_settings({"HANDOFF_SYNC_EVERY": every})
    assert runs_until(settings, NOON, NOON + timedelta(hours=hours)) == runs
    assert runs_until(settings, NOON, NOON - timedelta(hours=1)) == 0
