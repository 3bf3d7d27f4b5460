"""The span that a report is about, from what stands on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from connector.cli.instants import instant
from connector.engine.ports import PortalState
from connector.errors import SettingsError
from connector.rules.local_time import portal_zone
from connector.rules.reporting.facts import Basis, Period
from connector.rules.words import day


def span(
    state: PortalState, since: str, until: str, month: str, by: str = "handed", *, back: timedelta | None = None
) -> Period:
    """Days and months are those of the portal's calendar; what is left open ends with the last run, that included.

    Args:
        back: how long before the end it begins where nobody says; None: with the first lead.
    Raises:
        SettingsError: no such day or month, both a month and days, or the end lies before the beginning.
    """
    zone = portal_zone(state.time_zone)
    assert state.as_of is not None
    if month and (since or until):
        raise SettingsError("--month goes with neither --since nor --until", advice="Give the month, or the days.")
    last = state.as_of + timedelta(microseconds=1)
    if month:
        begin, end = _month(month, zone)
        return Period(since=begin, until=min(end, last), words=f"{begin.astimezone(zone):%B %Y}", basis=Basis(by))
    final = instant("--until", until, zone, to_its_end=True)
    stop = last if final is None else min(final + timedelta(microseconds=1), last)
    first: datetime | None = instant("--since", since, zone)
    if first is None and back is not None:
        first = stop - back
    if first is not None and first >= stop:
        raise SettingsError(
            f"nothing lies between {first.astimezone(zone):%Y-%m-%d} and {stop.astimezone(zone):%Y-%m-%d}",
            advice=f"The last run was on {day(state.as_of.astimezone(zone))}; begin before it, and end after --since.",
        )
    shown_end = day((stop - timedelta(microseconds=1)).astimezone(zone))
    words = f"from {day(first.astimezone(zone))} to {shown_end}" if first else f"up to {shown_end}"
    return Period(since=first, until=stop, words=_capital(words), basis=Basis(by))


def _month(text: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    try:
        first = datetime.strptime(text, "%Y-%m").replace(tzinfo=zone)
        after = (first + timedelta(days=32)).replace(day=1)
        return first.astimezone(UTC), after.astimezone(UTC)
    except (ValueError, OverflowError):
        raise SettingsError(f"--month: {text!r} is no month", advice="Write it like 2026-03.") from None


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
