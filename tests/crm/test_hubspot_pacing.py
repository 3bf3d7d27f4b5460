"""Pacing with a clock of its own, and through a file between processes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
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
    pacing.slow_down(search=True)
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
