"""The bell: what the one working thread waits for. Rung by the schedule, by the receiver, and by a signal to stop."""

from __future__ import annotations

import threading
import time


class Bell:
    """Safe to ring from any thread and from a signal's handler."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._run = self._hints = self._stop = False

    def ring_run(self) -> None:
        self._ring(run=True)

    def ring_hints(self) -> None:
        self._ring(hints=True)

    def ring_stop(self) -> None:
        self._ring(stop=True)

    def _ring(self, *, run: bool = False, hints: bool = False, stop: bool = False) -> None:
        with self._changed:
            self._run |= run
            self._hints |= hints
            self._stop |= stop
            self._changed.notify_all()

    @property
    def stops(self) -> bool:
        return self._stop

    def run_is_done(self) -> None:
        """Ticks that fell into a run have had their run."""
        with self._changed:
            self._run = False

    def wait(self, seconds: float, *, not_hints_before: float = 0.0) -> str:
        """What to do next: `stop`, `run`, `hints`, or `look` when nothing rang for so long.

        Args:
            not_hints_before: instant of time.monotonic() before which hints ring in vain.
        """
        until = time.monotonic() + seconds
        with self._changed:
            while True:
                now = time.monotonic()
                if self._stop:
                    return "stop"
                if self._run:
                    return "run"
                if self._hints and now >= not_hints_before:
                    self._hints = False
                    return "hints"
                if now >= until:
                    return "look"
                wake = min(until, not_hints_before) if self._hints else until
                self._changed.wait(max(0.001, wake - now))
