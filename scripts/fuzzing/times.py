"""Texts that say when: schedules, intervals, durations, days and instants, from settings and the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connector.cli.instants import instant
from connector.config.settings import load_settings
from connector.errors import SettingsError
from connector.jobs.scheduler import trigger
from connector.rules.durations import in_words, parse_duration
from connector.rules.local_time import portal_zone
from fuzzing.choices import Choices

NOW = datetime(2026, 3, 2, 10, 16, tzinfo=UTC)
PIECES = (
    "*", "*/5", "0", "59", "60", "1-5", "5-1", "mon", "mon-fri", "sun", "sun-mon", "7", "1,2", "last", "2nd fri", "jan",
    "31", "*/0", "1-60/7", "L", "#", "?", "@daily", ",", "-", "/", "00", "999999999999",
)  # fmt: skip


def feed_durations(data: bytes) -> None:
    """R18: a duration that reads the same again and can be told in words, or ValueError."""
    text = data.decode("utf-8", "replace")
    try:
        duration = parse_duration(text)
    except ValueError:
        return
    assert parse_duration(str(duration)) == duration and duration.words()
    if str(duration).endswith(("s", "m", "h", "d")) and "b" not in str(duration):
        assert in_words(duration.wall())


def feed_schedules(data: bytes) -> None:
    """R31: a schedule that will come, or one SettingsError; an instant that can be compared and stored, or one."""
    choices = Choices(data)
    if choices.below(3):
        text = " ".join(_field(choices) for _ in range(5))
    else:
        text = choices.rest().decode("utf-8", "replace")
    try:
        settings = load_settings({"HUBSPOT_ACCESS_TOKEN": "x", "HANDOFF_SYNC_EVERY": text}, dotenv=None)
    except SettingsError as error:
        assert "HANDOFF_SYNC_EVERY" in str(error) and error.advice
        return
    first = trigger(settings).get_next_fire_time(None, NOW)
    assert first is not None and first < NOW + timedelta(days=366 * 9), f"never: {text!r}"


def feed_instants(data: bytes) -> None:
    """An instant of settings or options is UTC's and comparable, or one SettingsError."""
    choices = Choices(data)
    zone = choices.pick(("UTC", "Europe/Lisbon", "America/Los_Angeles", "Pacific/Kiritimati", "Mars/Olympus", ""))
    first = choices.text(40)
    for read in (
        lambda: load_settings({"HUBSPOT_ACCESS_TOKEN": "x", "HANDOFF_SINCE": first}, dotenv=None).since,
        lambda: instant("--as-of", first, UTC, to_its_end=True),
        lambda: instant("--since", first, portal_zone(zone)),
    ):
        try:
            found = read()
        except SettingsError as error:
            assert error.advice
        else:
            assert found is None or found.utcoffset() == timedelta(0)


def _field(choices: Choices) -> str:
    if choices.below(6) == 0:
        return choices.text(6)
    return "".join(choices.pick(PIECES) for _ in range(1 + choices.below(3) // 2))
