"""Sleeping, so that a thread which is wanted no more need not sleep to the end.

A thread that works beside another says which event ends it; its sleeps, in the pacer and between tries, end with that.
Every other thread just sleeps.
"""

from __future__ import annotations

import threading
import time

_mine = threading.local()


class EndedError(Exception):
    """This thread is wanted no more. Seen by nobody but the one who began it."""


def end_with(event: threading.Event) -> None:
    """From now on this thread's naps end with EndedError when the event is set."""
    _mine.event = event


def nap(seconds: float) -> None:
    """Sleep so long.

    Raises:
        EndedError: the event of this thread was set.
    """
    event: threading.Event | None = getattr(_mine, "event", None)
    if event is None:
        time.sleep(seconds)
    elif event.wait(seconds):
        raise EndedError
