"""Sending again: a notice that came to its end is due once more, with its id, its bytes and ten tries anew (P2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, case, update

from connector.store.part import IDS, PORTAL, Part
from connector.store.tables import outbox

AGAIN = ("exhausted", "sent")
"""What has come to its end can be sent again; what was cancelled cannot: its cause still holds."""

_AGAIN = (
    update(outbox)
    .where(outbox.c.portal == PORTAL, outbox.c.entry.in_(IDS), outbox.c.status.in_(("due", *AGAIN)))
    .values(
        spent=case((outbox.c.status == "due", outbox.c.spent), else_=outbox.c.tries),
        status="due", due_at=bindparam("now"), claimed_until=None, claimed_by=None,
    )
)
_MEMBERS_AGAIN = (
    update(outbox)
    .where(outbox.c.portal == PORTAL, outbox.c.digest.in_(IDS), outbox.c.status.in_(AGAIN))
    .values(status="digested")
)


def send_again(part: Part, ids: Sequence[str], now: datetime | None) -> int:
    """Due at `now` (None: at once), and with each digest those that stand in it; gives how many."""
    changed = part.change_by_id(_AGAIN, ids, now=now)
    part.change_by_id(_MEMBERS_AGAIN, ids)
    return changed
