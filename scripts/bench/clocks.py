"""How many due times are worked out per CPU second: aware datetimes in, aware datetimes out (R18).

    python scripts/bench/run.py clocks [--seconds S] [--json]

Spans in business minutes, hours and days, and by the wall clock, on a calendar with a lunch break and public holidays.
Beside them stands the same by walking from day to day on the local clock, which is how it is mostly written; both must
give the same. Each figure is the median of three; the first table of a calendar is made before, and measured apart.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import holidays

from connector.rules.calendar import CalendarRules
from connector.rules.durations import Duration, parse_duration

ENOUGH = 500_000
"""Due times a second, over all spans."""
ZONE = ZoneInfo("Europe/Berlin")
BLOCKS = ((9 * 60, 12 * 60 + 30), (13 * 60 + 30, 18 * 60))
RULES: dict[str, Any] = {
    "zone": ZONE.key,
    "hours": {"mon-fri": ["09:00-12:30", "13:30-18:00"]},
    "holidays": {"country": "DE", "subdivision": "BY"},
}
SPANS = ("15bm", "1bh", "8bh", "1bd", "2bd", "48h")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU seconds of each measurement (default 1)")
    parser.add_argument("--starts", type=int, default=5_000, help="different instants within a year (default 5000)")
    parser.add_argument("--seed", type=int, default=1)


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """The figures, and whether they are enough and right."""
    begun = time.process_time()
    calendar = CalendarRules.model_validate(RULES).calendar("UTC")
    starts = _starts(options.starts, options.seed)
    local = [start.astimezone(ZONE) for start in starts]
    asked = time.process_time()
    calendar.add(starts[0], parse_duration("1bh"))
    first = time.process_time() - asked
    spans = [parse_duration(text) for text in SPANS]
    differ = sum(calendar.add(start, span) != _walk(start, span) for start in starts[::5] for span in spans)

    def rate(add: Callable[[datetime, Duration], datetime], span: Sequence[Duration], of: Sequence[datetime]) -> int:
        return _rate(add, span, of, options.seconds)

    overall = rate(calendar.add, spans, starts)
    figures: dict[str, Any] = {
        "starts": len(starts),
        "seconds_until_ready": round(asked - begun, 3),
        "seconds_of_the_first_answer": round(first, 4),
        "differ_from_walking": differ,
        "due_times_per_cpu_second": overall,
        **{f"of_{text}_per_cpu_second": rate(calendar.add, [parse_duration(text)], starts) for text in SPANS},
        "from_local_instants_per_cpu_second": rate(calendar.add, spans, local),
        "by_walking_per_cpu_second": rate(_walk, spans, starts[::10]),
    }
    return figures, differ == 0 and overall >= ENOUGH


def _starts(count: int, seed: int) -> list[datetime]:
    chance, begin = random.Random(seed), datetime(2025, 1, 1, tzinfo=UTC)
    return [begin + timedelta(seconds=chance.randrange(365 * 86_400)) for _ in range(count)]


def _rate(
    add: Callable[[datetime, Duration], datetime], spans: Sequence[Duration], starts: Sequence[datetime], seconds: float
) -> int:
    rates = []
    for _ in range(3):
        done, begun = 0, time.process_time()
        while (spent := time.process_time() - begun) < seconds:
            for span in spans:
                for start in starts:
                    add(start, span)
            done += len(spans) * len(starts)
        rates.append(done / spent)
    return round(median(rates))


# -- the same by walking over the days of the local clock -------------------------------------------------------------

_OFF = holidays.country_holidays("DE", subdiv="BY")


def _walk(start: datetime, span: Duration) -> datetime:
    unit = str(span)[-2:]
    if unit not in ("bm", "bh", "bd"):
        return start + timedelta(seconds=span.amount)
    local = start.astimezone(ZONE)
    if unit == "bd":
        return _walk_days(local, span.amount)
    left = timedelta(seconds=span.amount)
    day = local.date()
    while True:
        for opens, closes in _blocks(day):
            begins = max(opens, start)
            if closes > begins:
                if closes - begins >= left:
                    return begins + left
                left -= closes - begins
        day += timedelta(days=1)


def _walk_days(local: datetime, days: int) -> datetime:
    day = local.date()
    blocks = _blocks(day)
    while not blocks or blocks[-1][1] <= local:
        day += timedelta(days=1)
        blocks = _blocks(day)
    begin = next(max(opens, local.astimezone(UTC)) for opens, closes in blocks if closes > local).astimezone(ZONE)
    for _ in range(days):
        day += timedelta(days=1)
        while not _blocks(day):
            day += timedelta(days=1)
    same_time = datetime.combine(day, begin.timetz()).astimezone(UTC)
    blocks = _blocks(day)
    return min(max(same_time, blocks[0][0]), blocks[-1][1])


def _blocks(day: date) -> list[tuple[datetime, datetime]]:
    if day.weekday() > 4 or day in _OFF:
        return []
    return [(_at(day, opens), _at(day, closes)) for opens, closes in BLOCKS]


def _at(day: date, minute: int) -> datetime:
    return datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=ZONE).astimezone(UTC)
