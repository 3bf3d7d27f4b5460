"""Schedule: how many runs the settings still bring. The clockwork itself is jobs/scheduler.py's."""

from __future__ import annotations

from datetime import datetime, timedelta

from connector.config.cron import CronLine
from connector.config.settings import Settings

MINUTE = timedelta(minutes=1)


def runs_until(settings: Settings, now: datetime, end: datetime) -> int:
    """How many scheduled runs begin after `now` and not after `end`, at most a day or two later."""
    if settings.sync_interval is not None:
        return max(int((end - now) / settings.sync_interval), 0)
    line = settings.sync_cron
    assert line is not None
    first = now.replace(second=0, microsecond=0) + MINUTE
    minutes = range(int((end - first) / MINUTE) + 1) if first <= end else ()
    return sum(_is_due(line, first + MINUTE * number) for number in minutes)


def _is_due(line: CronLine, at: datetime) -> bool:
    if at.minute not in line.minutes or at.hour not in line.hours or at.month not in line.months:
        return False
    on_day, on_weekday = at.day in line.days, at.isoweekday() % 7 in line.weekdays
    return on_day or on_weekday if line.either else on_day and on_weekday
