"""How numbers are said to people: percent, spans, money, days. A dash where there is nothing to say."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from connector.cli.reporting.document import Cell, Kind
from connector.rules.durations import in_short
from connector.rules.reporting.numbers import Share
from connector.rules.reporting.told import NOTHING as NOTHING
from connector.rules.reporting.told import percent as percent
from connector.rules.reporting.told import readable as readable
from connector.rules.words import day


def shown(value: Cell, kind: Kind) -> str:
    """One cell of a table."""
    if value is None:
        return NOTHING
    if isinstance(value, Share):
        return percent(value.percent)
    if isinstance(value, timedelta):
        return time_taken(value)
    if isinstance(value, datetime | date):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, str):
        return value
    match kind:
        case Kind.PERCENT:
            return percent(value)
        case Kind.POINTS:
            return f"{value:+.1f}"
        case Kind.DAYS:
            return f"{value:,.1f}".removesuffix(".0")
        case Kind.MONEY:
            return f"{value:,.2f}".removesuffix(".00")
        case _:
            return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def interval(share: Share) -> str:
    """Such as `8.1–12.4 %`."""
    found = share.interval
    return NOTHING if found is None else f"{found[0]:.1f}–{found[1]:.1f} %"


def time_taken(value: timedelta | None) -> str:
    """Such as `4 h 20 min`."""
    return NOTHING if value is None else in_short(value)


def within(value: timedelta | None) -> str:
    """Of nine in ten, such as `90 % within 4 h`; says so where nothing was measured."""
    return "nothing to measure yet" if value is None else f"90 % within {time_taken(value)}"


def days(value: float | None) -> str:
    if value is None:
        return NOTHING
    number = shown(value, Kind.DAYS)
    return f"{number} day{'' if number == '1' else 's'}"


def as_of(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{day(local)} at {local:%H:%M} ({zone.key})"
