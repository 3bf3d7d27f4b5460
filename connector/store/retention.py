"""What is removed with age (S14): technical rows after 400 days; sent bodies, done hints, comments after 30.

An entry of the outbox stays with its id when its body goes: it is what keeps the same notice from being sent twice
(P2, P3). Decisions, the routing log, field history, audit and episodes stay for good; erasing a person is erasure.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnClause, bindparam, delete, exists, literal_column, select, tuple_, update

from connector.store.part import IDS, PORTAL, Part
from connector.store.tables import answer, hint, intent, outbox, outbox_attempt, run

TECHNICAL = timedelta(days=400)
BODIES = timedelta(days=30)

# Written out, not bound, wherever a partial index must serve.
_SENT: ColumnClause[Any] = literal_column("'sent'")
_NO_BODY: ColumnClause[Any] = literal_column("''")
_GIVEN_UP: tuple[ColumnClause[Any], ...] = (literal_column("'cancelled'"), literal_column("'exhausted'"))

_BEFORE: BindParameter[Any] = bindparam("before")
_MOST: BindParameter[Any] = bindparam("most")
_OLD_RUNS = (
    select(run.c.run)
    .where(run.c.portal == PORTAL, run.c.started_at < _BEFORE, run.c.status != "running")
    .order_by(run.c.started_at)
    .limit(_MOST)
)
_ITS_INTENTS = (
    select(intent.c.intent)
    .where(intent.c.portal == PORTAL, intent.c.run.in_(IDS), intent.c.status != "open")
    .limit(_MOST)
)
_DROP_INTENTS = delete(intent).where(intent.c.portal == PORTAL, intent.c.intent.in_(IDS))
_DROP_RUNS = delete(run).where(
    run.c.portal == PORTAL, run.c.run.in_(IDS),
    ~exists().where(intent.c.portal == run.c.portal, intent.c.run == run.c.run),
)
_DROP_ATTEMPTS = delete(outbox_attempt).where(
    outbox_attempt.c.portal == PORTAL,
    tuple_(outbox_attempt.c.entry, outbox_attempt.c.number).in_(
        select(outbox_attempt.c.entry, outbox_attempt.c.number)
        .where(outbox_attempt.c.portal == PORTAL, outbox_attempt.c.at < _BEFORE)
        .order_by(outbox_attempt.c.at)
        .limit(_MOST)
    ),
)
_EMPTY = update(outbox).values(body="")
_EMPTY_SENT = _EMPTY.where(
    outbox.c.portal == PORTAL,
    outbox.c.entry.in_(
        select(outbox.c.entry)
        .where(
            outbox.c.portal == PORTAL, outbox.c.status == _SENT, outbox.c.body != _NO_BODY, outbox.c.sent_at < _BEFORE
        )
        .order_by(outbox.c.sent_at)
        .limit(_MOST)
    ),
)
_EMPTY_GIVEN_UP = _EMPTY.where(
    outbox.c.portal == PORTAL,
    outbox.c.entry.in_(
        select(outbox.c.entry)
        .where(
            outbox.c.portal == PORTAL, outbox.c.status.in_(_GIVEN_UP), outbox.c.body != _NO_BODY,
            outbox.c.queued_at < _BEFORE,
        )
        .order_by(outbox.c.queued_at)
        .limit(_MOST)
    ),
)
_DROP_HINTS = delete(hint).where(
    hint.c.portal == PORTAL,
    hint.c.hint.in_(
        select(hint.c.hint)
        .where(hint.c.portal == PORTAL, hint.c.done_at.is_not(None), hint.c.done_at < _BEFORE)
        .order_by(hint.c.done_at)
        .limit(_MOST)
    ),
)
_EMPTY_COMMENTS = (
    update(answer)
    .where(
        answer.c.portal == PORTAL,
        answer.c.answer.in_(
            select(answer.c.answer)
            .where(answer.c.portal == PORTAL, answer.c.comment != _NO_BODY, answer.c.answered_at < _BEFORE)
            .order_by(answer.c.answered_at)
            .limit(_MOST)
        ),
    )
    .values(comment="")
)


class Retention(Part):
    """Each statement finds its rows by an index, oldest first: the cost is that of what goes, not of what stays."""

    def forget_old(self, now: datetime, limit: int) -> int:
        """Remove at most `limit` rows of each kind; gives how many went in all, 0 when nothing is left to go."""
        technical, bodies = now - TECHNICAL, now - BODIES
        return (
            self._forget_runs(technical, limit)
            + self.change(_DROP_ATTEMPTS, before=technical, most=limit)
            + self.change(_EMPTY_GIVEN_UP, before=technical, most=limit)
            + self.change(_EMPTY_SENT, before=bodies, most=limit)
            + self.change(_DROP_HINTS, before=bodies, most=limit)
            + self.change(_EMPTY_COMMENTS, before=bodies, most=limit)
        )

    def _forget_runs(self, before: datetime, limit: int) -> int:
        """A run goes after its intents; one that still has an open intent stays."""
        runs = [row.run for row in self.select(_OLD_RUNS, before=before, most=limit)]
        intents = [row.intent for row in self.select_by_id(_ITS_INTENTS, runs, most=limit)] if runs else []
        gone = self.change_by_id(_DROP_INTENTS, intents[:limit])
        return gone + self.change_by_id(_DROP_RUNS, runs)
