"""Pacing with a clock of its own, and through a file between processes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrate_limiter import InMemoryBucket, Rate

from connector.crm.hubspot.pacing import CALM_SECONDS, Pacer, Pacing
from connector.errors import SettingsError


class Clock:
    """Milliseconds that only sleeping moves."""

    def __init__(self) -> None:
        self.milliseconds = 0

    def sleep(self, seconds: float) -> None:
        self.milliseconds += max(1, round(seconds * 1000))

    def seconds(self) -> float:
        return self.milliseconds / 1000


class Bucket(InMemoryBucket):
    def __init__(self, limit: int, interval: int, clock: Clock) -> None:
        super().__init__([Rate(limit, interval)])
        self.clock = clock

    def now(self) -> int:
        return self.clock.milliseconds


def make(limit: int, interval: int) -> tuple[Pacer, Clock]:
    clock = Clock()
    return Pacer(Bucket(limit, interval, clock), sleep=clock.sleep, clock=clock.seconds), clock


def test_no_window_ever_holds_more_calls_than_allowed() -> None:
    """P8"""
    pacer, clock = make(5, 1000)
    went = []
    for _ in range(60):
        pacer.acquire()
        went.append(clock.milliseconds)
    assert all(sum(start <= moment < start + 1000 for moment in went) <= 5 for start in went)
    assert went[-1] < 13_000, "and hardly slower than allowed"


def test_a_429_lowers_the_rate_to_half_at_most_and_calm_brings_it_back() -> None:
    pacer, clock = make(100, 1000)
    pacer.slow_down()
    assert pacer.limit == 90
    for _ in range(20):
        pacer.slow_down()
    assert pacer.limit == 50
    clock.sleep(CALM_SECONDS + 1)
    pacer.acquire()
    assert pacer.limit == 100


def test_a_portal_that_takes_fewer_calls_than_the_settings_allow_is_believed_and_never_outrun() -> None:
    """P8: what its answers say is the ceiling, also after a slower time; a higher figure changes nothing."""
    pacer, clock = make(60, 10_100)
    pacer.fit(190)
    assert pacer.limit == 60
    pacer.fit(30)
    assert pacer.limit == 30
    pacer.slow_down()
    assert pacer.limit == 27
    clock.milliseconds += 400_000
    pacer.acquire()
    assert pacer.limit == 30


def test_a_clock_that_was_set_back_does_not_block_for_hours() -> None:
    """Fault table: clock wrong or stepping."""
    pacer, clock = make(2, 1000)
    clock.milliseconds = 7_200_000
    pacer.acquire()
    pacer.acquire()
    clock.milliseconds = 0
    pacer.acquire()
    assert clock.seconds() <= 2


def test_a_pacing_file_that_cannot_be_written_is_told_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    missing = tmp_path / "file" / "pacing.sqlite"
    with pytest.raises(SettingsError, match=r"pacing\.sqlite"):
        Pacing(per_10_seconds=1, searches_per_second=1, file=missing)


def test_the_bucket_forgets_what_left_its_window() -> None:
    pacer, _ = make(10, 100)
    for _ in range(2_000):
        pacer.acquire()
    assert pacer._bucket.count() <= 600


def test_searches_and_other_calls_have_windows_of_their_own() -> None:
    slept: list[float] = []
    pacing = Pacing(per_10_seconds=2, searches_per_second=0, sleep=slept.append)
    for _ in range(50):
        pacing.acquire(search=True)
    assert not slept
    pacing.refused(search=True, seconds=None)
    assert pacing.calls is not None and pacing.calls.limit == 2


TAKE = """
import sys, time
from pathlib import Path
from connector.crm.hubspot.pacing import Pacing
pacing = Pacing(per_10_seconds=0, searches_per_second=10, file=Path(sys.argv[1]))
for _ in range(12):
    pacing.acquire(search=True)
    print(time.time())
"""


def test_processes_with_one_file_share_one_rate(tmp_path: Path) -> None:
    """P8: two processes, one token."""
    root = Path(__file__).parent.parent.parent
    command = [sys.executable, "-c", TAKE, str(tmp_path / "pacing.sqlite")]
    began = time.time()
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(2)]
    went = sorted(float(line) for process in running for line in process.communicate(timeout=30)[0].splitlines())
    assert len(went) == 24
    assert all(sum(start <= moment < start + 0.95 for moment in went) <= 10 for start in went)
    assert went[-1] - began < 20


def test_a_429_makes_every_thread_wait_once_however_many_were_in_flight() -> None:
    """Fewer than one call in a hundred is refused: those in flight are the last."""
    pacer, clock = make(100, 1000)
    for _ in range(8):
        pacer.refused(None)
    assert (pacer.limit, pacer.refusals) == (90, 8)
    pacer.acquire()
    assert clock.seconds() == 1
    pacer.refused(4.0)
    pacer.refused(600.0)
    pacer.acquire()
    assert clock.seconds() == 11, "as long as it asks, but not for ever"
    assert pacer.held_up == 2


def test_where_the_portal_tells_its_count_a_429_costs_a_wider_window_not_a_tenth_of_the_rate() -> None:
    pacer, clock = make(100, 10_100)
    pacer.see(80)
    for _ in range(9):
        pacer.refused(None)
        clock.sleep(2)
    assert (pacer.limit, pacer._bucket.rates[0].interval) == (100, 10_600)
    clock.sleep(CALM_SECONDS + 1)
    pacer.acquire()
    assert pacer._bucket.rates[0].interval == 10_100


@given(st.lists(st.tuples(st.integers(0, 3_000), st.booleans()), max_size=120))
def test_together_with_others_the_portals_window_is_never_outrun_for_long(steps: list[tuple[int, bool]]) -> None:
    """P8: calls of others with the same token are counted by what the portal says is left."""
    pacer, clock = make(20, 10_150)
    arrived: list[int] = []

    def left() -> int:
        return 20 - sum(one > clock.milliseconds - 10_000 for one in arrived)

    ours = refused = 0
    for pause, others_call in steps:
        clock.milliseconds += pause
        if others_call and left():
            arrived.append(clock.milliseconds)
            continue
        pacer.acquire()
        ours += 1
        if left():
            arrived.append(clock.milliseconds)
            pacer.see(left())
        else:
            refused += 1
            pacer.refused(None)
    assert refused <= max(4, ours // 4)


def test_what_others_took_is_held_back_and_given_free_again() -> None:
    pacer, clock = make(10, 10_000)
    pacer.acquire()
    pacer.see(3)  # ten less one of ours would be nine: others took six
    for _ in range(3):
        pacer.acquire()
    assert clock.milliseconds == 0
    pacer.acquire()
    assert 9_000 <= clock.milliseconds <= 10_500


def test_a_rate_that_is_ours_to_choose_follows_what_the_portal_says() -> None:
    """P8: begun low, and a little is left to others."""
    clock = Clock()
    pacer = Pacer(Bucket(90, 10_150, clock), learns=True, sleep=clock.sleep, clock=clock.seconds)
    for told, paced in [(190, 184), (100, 97), (0, 97), (30, 29)]:
        pacer.fit(told)
        assert pacer.limit == paced
