"""Days and times of options, as instants."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from connector.cli.instants import instant, since_instant
from connector.errors import SettingsError

LISBON = ZoneInfo("Europe/Lisbon")


@pytest.mark.parametrize(
    ("text", "to_its_end", "said"),
    [("2026-07-01", False, "2026-06-30T23:00:00"), ("20260701", True, "2026-07-01T22:59:59.999999"),
     ("2026-07-01T14:30", True, "2026-07-01T13:30:00"), ("2026-07-01T14:30+05:00", False, "2026-07-01T09:30:00")],
)  # fmt: skip
def test_a_day_or_a_time_is_an_instant_in_the_zone_given(text: str, to_its_end: bool, said: str) -> None:
    assert instant("--since", text, LISBON, to_its_end=to_its_end) == datetime.fromisoformat(said).replace(tzinfo=UTC)


def test_nothing_is_none() -> None:
    assert instant("--since", "", UTC) is None


@pytest.mark.parametrize("text", ["soon", "2026-02-30", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00-05:00"])
def test_what_is_on_no_calendar_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"--since: .* is no day or time") as refused:
        instant("--since", text, UTC)
    assert refused.value.advice


@pytest.mark.parametrize(("text", "said"), [("730d", "2024-07-02"), ("2w", "2026-06-18"), ("2026-01-01", "2026-01-01")])
def test_where_to_begin_is_a_day_or_how_long_before_the_end(text: str, said: str) -> None:
    found = since_instant("--since", text, UTC, datetime(2026, 7, 2, tzinfo=UTC))
    assert found == datetime.fromisoformat(said).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["2y", "3bd", "0d", "99999999d", "last year"])
def test_a_beginning_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"--since: .* is no day or time") as refused:
        since_instant("--since", text, UTC, datetime(2026, 7, 2, tzinfo=UTC))
    assert "730d" in refused.value.advice
    assert since_instant("--since", "", UTC, datetime(2026, 7, 2, tzinfo=UTC)) is None
