"""Turns: who of this process's threads writes to a database file next; first come, first served.

SQLite lets one write at a time, and the others ask again and again, ever more seldom: a thread that writes often would
keep the rest from it for seconds. Other processes are SQLite's own to keep apart.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakValueDictionary


class Turns:
    """One file's."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Event] = deque()

    @contextmanager
    def turn(self, patience_seconds: float) -> Iterator[None]:
        """Waits so long at most; SQLite then says itself that it is busy."""
        ours = self._take(patience_seconds)
        try:
            yield
        finally:
            if ours:
                self._pass_on()

    def _take(self, patience_seconds: float) -> bool:
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            mine = threading.Event()
            self._waiting.append(mine)
        try:
            mine.wait(patience_seconds)
        except BaseException:  # somebody asked to stop
            if self._is_ours(mine):
                self._pass_on()
            raise
        return self._is_ours(mine)

    def _is_ours(self, mine: threading.Event) -> bool:
        """Whether the turn came; else nobody waits for it any more."""
        with self._guard:
            if not mine.is_set():
                self._waiting.remove(mine)
            return mine.is_set()

    def _pass_on(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False


_of_files: WeakValueDictionary[Path, Turns] = WeakValueDictionary()
_of_files_guard = threading.Lock()


def turns_of(path: Path) -> Turns:
    """The same for all who open this file; kept for as long as one of them has it."""
    with _of_files_guard:
        found = _of_files.get(path.absolute())
        if found is None:
            found = _of_files[path.absolute()] = Turns()
        return found
