"""When to try again: ten tries over three days, spread a little, and never sooner than the receiver asks.

Pure; reads no clock. Source: reliability.md, section 3.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256

DELAYS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long after the last failure each try comes; the first comes at once."""

MOST_TRIES = len(DELAYS)
LONGEST_WAIT = timedelta(hours=24)
JITTER = 0.10


def next_try(entry: str, tries: int, failed_at: datetime, retry_after: timedelta | None = None) -> datetime | None:
    """When the entry is due again after its `tries`-th try (from 1) failed; None when that was the last one.

    Args:
        entry: its id; it alone seeds the jitter (I9), so an entry's waits never shrink from one try to the next.
        retry_after: what the receiver asked for; kept up to 24 h, and never shortens our own wait.
    """
    if tries >= MOST_TRIES:
        return None
    own = DELAYS[max(tries, 0)] * _factor(entry)
    asked = min(retry_after, LONGEST_WAIT) if retry_after is not None else timedelta(0)
    return failed_at + max(own, asked)


def parse_retry_after(header: str | None, now: datetime) -> timedelta | None:
    """A Retry-After header, seconds or a date (RFC 9110, section 10.2.3); None where it is absent or unreadable."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return timedelta(seconds=int(text))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now, timedelta(0))


def _factor(entry: str) -> float:
    """Between 0.9 and 1.1, the same for an entry for ever."""
    share = int.from_bytes(sha256(entry.encode()).digest()[:4], "big") / 0xFFFFFFFF
    return 1 - JITTER + 2 * JITTER * share
