"""How many calls of a kind a sandbox has answered, and when: looked at beside a command while it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from portal import Portal

LOOK_SECONDS = 0.25


class Watch:
    """Looks until `stop`, on a thread of its own. `counts`: whether a call, such as `GET /crm/v3/…`, is of the kind."""

    def __init__(self, portal: Portal, counts: Callable[[str], bool]) -> None:
        self._portal, self._counts, self._ended = portal, counts, threading.Event()
        self._seen: list[tuple[float, int]] = []
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            by_path = self._portal.control("counters")["by_path"]
            self._seen.append((time.monotonic(), sum(made for call, made in by_path.items() if self._counts(call))))

    def stop(self) -> list[tuple[float, int]]:
        """Seconds of a clock that only runs on, and calls until then, from the first one on."""
        self._ended.set()
        self._thread.join()
        return [(at, calls) for at, calls in self._seen if calls > self._seen[0][1]]


def until_the_last(seen: list[tuple[float, int]]) -> float:
    """When the last call was answered."""
    return next(at for at, calls in seen if calls == seen[-1][1])
