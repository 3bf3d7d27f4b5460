"""The sandbox's clock: real, or frozen at an instant and moved by hand; and the spelling of instants.

Every stamp, the Date header and the index lag use it. Rate limits do not: they use the wall clock.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=8192)
def iso(ms: int) -> str:
    """Spell epoch milliseconds as HubSpot does: 2020-02-29T03:30:17.000Z."""
    days, rest = divmod(ms, 86_400_000)
    seconds, part = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_day(days)}T{hour:02d}:{minute:02d}:{second:02d}.{part:03d}Z"


@lru_cache(maxsize=4096)
def _day(days: int) -> str:
    return (EPOCH + timedelta(days=days)).strftime("%Y-%m-%d")


def to_ms(moment: datetime) -> int:
    """Give epoch milliseconds of an aware instant."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


@lru_cache(maxsize=16384)
def parse_instant(text: str) -> int:
    """Read ISO 8601 (a bare date or a naive time counts as UTC) or epoch milliseconds; give milliseconds.

    Raises:
        ValueError: the text is neither.
    """
    text = text.strip()
    if text.lstrip("-").isdigit() and len(text) != 8:
        ms = int(text)
        EPOCH + timedelta(milliseconds=ms)  # OverflowError beyond year 9999 is an ArithmeticError: turned below
        return ms
    moment = datetime.fromisoformat(text)
    return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


class Clock:
    """Real time until frozen; a frozen clock moves only when told to and never sleeps."""

    def __init__(self, frozen_at: datetime | None = None) -> None:
        self._frozen_ms = to_ms(frozen_at) if frozen_at else None

    @property
    def mode(self) -> str:
        """Say "real" or "frozen"."""
        return "real" if self._frozen_ms is None else "frozen"

    def ms(self) -> int:
        """Give the present instant in epoch milliseconds."""
        return time.time_ns() // 1_000_000 if self._frozen_ms is None else self._frozen_ms

    def now(self) -> datetime:
        """Give the present instant, aware, UTC."""
        return EPOCH + timedelta(milliseconds=self.ms())

    def iso(self) -> str:
        """Give the present instant in HubSpot's spelling."""
        return iso(self.ms())

    def http_date(self) -> str:
        """Give the present instant for the Date header (whole seconds)."""
        return format_datetime(self.now().replace(microsecond=0), usegmt=True)

    def freeze(self, ms: int) -> None:
        """Stand still at an instant (epoch milliseconds)."""
        self._frozen_ms = ms

    def advance(self, seconds: float) -> None:
        """Move a frozen clock on; a real one is first frozen where it is."""
        self._frozen_ms = self.ms() + round(seconds * 1000)

    def release(self) -> None:
        """Go back to the wall clock."""
        self._frozen_ms = None
