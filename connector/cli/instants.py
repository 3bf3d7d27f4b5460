"""Days and times as people write them on the command line."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo

from connector.errors import ConfigError, SettingsError
from connector.rules.durations import parse_duration


def instant(option: str, text: str, zone: tzinfo, *, to_its_end: bool = False) -> datetime | None:
    """A day or a time, as an instant in UTC; None where the text is empty.

    Args:
        option: its name, for the complaint.
        zone: of a text that names none.
        to_its_end: a day means its last moment, not its first.
    Raises:
        SettingsError: it is neither, or lies where no calendar goes.
    """
    if not text:
        return None
    try:
        at = _read(text, time.max if to_its_end else time.min)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise SettingsError(
            f"{option}: {text!r} is no day or time", advice="Write 2026-03-02 or 2026-03-02T14:30."
        ) from None


def day_gone_by(option: str, text: str, zone: tzinfo, *, known: datetime | None) -> datetime | None:
    """The end of a day, or an instant, that is not to come; None where none is given.

    `known`: when the last run looked, by the CRM's clock, which may be ahead of ours.

    Raises:
        SettingsError: also where it is still to come.
    """
    day = instant(option, text, zone, to_its_end=True)
    today = max(datetime.now(UTC), known or datetime.now(UTC)).astimezone(zone).date()
    if day is not None and day.astimezone(zone).date() > today:
        raise SettingsError(f"{option} {text}: that day is still to come", advice=f"Give {today} or a day before it.")
    return day


def since_instant(option: str, text: str, zone: tzinfo, last: datetime) -> datetime | None:
    """As instant(), or how long before `last`, such as 730d."""
    try:
        return last - parse_duration(text).wall()
    except (ValueError, ConfigError, OverflowError):
        pass
    try:
        return instant(option, text, zone)
    except SettingsError as error:
        raise SettingsError(str(error), advice="Write a day, such as 2026-03-02, or how far back: 730d.") from None


def _read(text: str, of_a_day: time) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), of_a_day)
    except ValueError:
        return datetime.fromisoformat(text)
