"""The bell: what the working thread does next."""

from __future__ import annotations

import threading
import time

from connector.jobs.bell import Bell


def test_stopping_goes_before_runs_and_runs_before_hints() -> None:
    bell = Bell()
    bell.ring_hints()
    assert bell.wait(0) == "hints"
    assert bell.wait(0) == "look"
    bell.ring_hints()
    bell.ring_run()
    assert bell.wait(0) == "run"
    bell.ring_stop()
    assert bell.wait(0) == "stop"
    assert bell.stops


def test_ticks_that_fall_into_a_run_have_had_their_run() -> None:
    bell = Bell()
    bell.ring_run()
    assert bell.wait(0) == "run"
    bell.ring_run()
    bell.run_is_done()
    assert bell.wait(0) == "look"


def test_hints_wait_for_their_pace_and_are_not_forgotten() -> None:
    bell = Bell()
    bell.ring_hints()
    later = time.monotonic() + 0.2
    assert bell.wait(0.01, not_hints_before=later) == "look"
    assert bell.wait(30, not_hints_before=later) == "hints"
    assert time.monotonic() >= later


def test_it_is_heard_from_another_thread() -> None:
    bell = Bell()
    timer = threading.Timer(0.05, bell.ring_run)
    timer.start()
    assert bell.wait(30) == "run"
    timer.join()
