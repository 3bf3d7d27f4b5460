"""When runs come: the settings' schedule given to the scheduler's library (R31)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.config.settings import load_settings
from connector.jobs.scheduler import trigger

SATURDAY = datetime(2026, 2, 28, 12, tzinfo=UTC)


def following(schedule: str, count: int = 3) -> list[str]:
    made = trigger(load_settings({"HANDOFF_SYNC_EVERY": schedule}, dotenv=None))
    found, now, before = [], SATURDAY, None
    for _ in range(count):
        before = made.get_next_fire_time(before, now)
        assert before is not None
        now = before
        found.append(f"{before:%a %d %b %H:%M}")
    return found


@pytest.mark.parametrize(
    ("schedule", "times"),
    [("0 9 * * 1-5", ["Mon 02 Mar 09:00", "Tue 03 Mar 09:00", "Wed 04 Mar 09:00"]),
     ("30 6,18 * * 0", ["Sun 01 Mar 06:30", "Sun 01 Mar 18:30", "Sun 08 Mar 06:30"]),
     ("0 9 5 * mon", ["Mon 02 Mar 09:00", "Thu 05 Mar 09:00", "Mon 09 Mar 09:00"]),
     ("0 0 29 2 *", ["Tue 29 Feb 00:00", "Sun 29 Feb 00:00", "Fri 29 Feb 00:00"])],
)  # fmt: skip
def test_a_cron_line_comes_on_the_days_that_crontab_means(schedule: str, times: list[str]) -> None:
    assert following(schedule) == times


def test_an_interval_comes_within_its_length() -> None:
    made = trigger(load_settings({"HANDOFF_SYNC_EVERY": "90s"}, dotenv=None))
    first = made.get_next_fire_time(None, SATURDAY)
    assert first is not None and abs((first - datetime.now(UTC)).total_seconds()) < 3600
