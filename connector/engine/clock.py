"""The CRM's clock between its answers: what it said last, and the time since."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

WHOLE_SECONDS = timedelta(seconds=1)
"""What the CRM's Date header may lack: it has no fractions."""


class CrmClock:
    """Args:
    said: the CRM's own time, just now.
    ticks: seconds that only rise; for tests.
    """

    def __init__(self, said: datetime, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self.hear(said)

    def hear(self, said: datetime) -> None:
        """The CRM said it again."""
        self._said, self._at = said, self._ticks()

    def latest(self) -> datetime:
        """Never before anything that the CRM dates now, and hardly a second after it."""
        return self._said + WHOLE_SECONDS + timedelta(seconds=self.age_seconds)

    @property
    def age_seconds(self) -> float:
        """How long ago the CRM said it."""
        return self._ticks() - self._at
