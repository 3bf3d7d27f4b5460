"""The day's calls: what stops when, how many are ours, and where the day ends at the present schedule (R38)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.quota import Purpose, Spent
from connector.rules.quota import RunCalls, day_of, floor, forecast, shed_order, since

NOON = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)  # noon in Berlin
BERLIN = "Europe/Berlin"


def run(hours: float, calls: int, *, scheduled: bool = True, left: int | None = None, backfill: int = 0) -> RunCalls:
    made = {Purpose.DELTA.value: calls, **({Purpose.BACKFILL.value: backfill} if backfill else {})}
    at = NOON + timedelta(hours=hours)
    return RunCalls(at=at, by_purpose=made, scheduled=scheduled, limit=10_000 if left is not None else None, left=left)


def test_what_can_wait_stops_first_and_the_share_for_others_is_nobodys() -> None:
    assert shed_order(10_000, 0.2) == {"backfill": 4_000, "write": 2_000}
    assert floor(1_000, 0.2, Purpose.SETUP) == floor(1_000, 0.2, Purpose.DECIDE) == 200
    assert floor(1_000, 0, Purpose.BACKFILL) == 250


@given(st.integers(1, 10_000_000), st.floats(0, 0.9))
def test_the_order_of_shedding_holds_for_every_limit_and_share(limit: int, share: float) -> None:
    backfill, write = shed_order(limit, share).values()
    assert limit >= backfill >= write >= int(limit * share)


def test_the_forecast_goes_on_as_the_last_day_went_without_its_backfill() -> None:
    """12 hours are left of Berlin's day; what hints cost goes on too."""
    runs = [run(-13, 30), run(-2, 10, backfill=500, left=9_000), run(-1, 20, left=8_900), run(-3, 24, scheduled=False)]
    found = forecast(runs, now=NOON, zone_name=BERLIN, runs_left=144, share=0.2)
    assert found.ends_at == datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    assert found.so_far == {"backfill": 500, "delta": 54}, "the run of last night was yesterday's"
    assert found.a_run == 20 and found.at_the_end == 554 + 20 * 144 + 12
    assert (found.limit, found.left, found.others) == (10_000, 8_900, 1_100 - 554)
    assert found.stops_first == ""


def test_what_the_forecast_makes_wait_is_named() -> None:
    found = forecast([run(-1, 50, left=5_000)], now=NOON, zone_name=BERLIN, runs_left=30, share=0.2)
    assert found.stops_first == "backfill"
    found = forecast([run(-1, 50, left=5_000)], now=NOON, zone_name=BERLIN, runs_left=70, share=0.2)
    assert found.stops_first == "backfill", "the first that stops, whatever follows"


def test_a_portal_that_said_nothing_and_a_day_without_runs_are_no_error() -> None:
    found = forecast([], now=NOON, zone_name="Nowhere/At_All", runs_left=3, share=0.2)
    assert (found.total, found.a_run, found.at_the_end, found.floors, found.others) == (0, None, 0, {}, None)


def test_days_of_23_and_25_hours_end_at_midnight() -> None:
    begins, ends = day_of(datetime(2026, 3, 29, 12, tzinfo=UTC), BERLIN)
    assert ends - begins == timedelta(hours=23)
    begins, ends = day_of(datetime(2026, 10, 25, 12, tzinfo=UTC), BERLIN)
    assert ends - begins == timedelta(hours=25)


def test_what_was_spent_between_two_looks() -> None:
    before, now = Spent(by_purpose={"setup": 3}), Spent(by_purpose={"setup": 3, "write": 2}, limit=9, left=1)
    assert since(before, now) == Spent(by_purpose={"write": 2}, limit=9, left=1)
