"""Plans on their way into the CRM, and the audit trail of what became of every effect (P6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from connector.domain.contact import ContactId
from connector.domain.run import RunId
from connector.engine.ports import AuditRow, Intent
from connector.store.codec import (
    changes_from_plain,
    changes_to_plain,
    episode_from_plain,
    episode_to_plain,
    turn_from_plain,
)
from connector.store.part import IDS, PORTAL, Part
from connector.store.tables import audit, intent

_BY_STATUS = (
    select(intent)
    .where(intent.c.portal == PORTAL, intent.c.status == bindparam("status_"))
    .order_by(intent.c.intent)
    .limit(bindparam("most"))
)
_OPEN = (
    select(intent.c.intent, intent.c.contact)
    .where(intent.c.portal == PORTAL, intent.c.status == "open")
    .order_by(intent.c.intent)
    .limit(bindparam("most"))
)
_BY_ID = select(intent).where(intent.c.portal == PORTAL, intent.c.intent.in_(IDS)).order_by(intent.c.intent)
_OF_CONTACTS = select(intent).where(intent.c.portal == PORTAL, intent.c.contact.in_(IDS)).order_by(intent.c.intent)
_SETTLE = (
    update(intent)
    .where(intent.c.portal == PORTAL, intent.c.intent == bindparam("intent_"))
    .values({name: bindparam(f"{name}_", type_=intent.c[name].type) for name in ("status", "detail", "tries")})
)


class Intents(Part):
    def put_intents(self, rows: Sequence[Intent]) -> None:
        """An intent planned anew replaces what was left of it: it says what must stand there, so twice is once."""
        self.upsert(intent, [_row(self.portal, one) for one in rows])

    def intents(self, status: str, limit: int) -> list[Intent]:
        """In id order."""
        return [read_intent(row) for row in self.select(_BY_STATUS, status_=status, most=limit)]

    def open_intents(self, limit: int) -> dict[str, ContactId]:
        """In id order."""
        return {row.intent: row.contact for row in self.select(_OPEN, most=limit)}

    def intents_by_id(self, ids: Sequence[str]) -> list[Intent]:
        return [read_intent(row) for row in self.select_by_id(_BY_ID, ids)]

    def intents_of(self, ids: Sequence[ContactId]) -> list[Intent]:
        """Of any status; those of old runs are gone (retention.py)."""
        return [read_intent(row) for row in self.select_by_id(_OF_CONTACTS, ids)]

    def settle_intents(self, rows: Sequence[Intent]) -> None:
        """Of each its status, detail and tries; what was planned stands as it is."""
        self.change_each(_SETTLE, [
            {"intent_": one.id, "status_": one.status, "detail_": one.detail, "tries_": one.tries} for one in rows
        ])

    def audit(self, run: RunId, rows: Sequence[AuditRow], at: datetime) -> None:
        """One row for each effect, run and outcome; the first one stays."""
        self.insert_new(audit, [
            {
                "portal": self.portal, "effect": row.effect, "run": run, "outcome": row.outcome, "at": at,
                "contact": row.contact, "episode": row.episode, "rule": row.rule, "inputs": dict(row.inputs),
            }
            for row in rows
        ])


def _row(portal: str, one: Intent) -> dict[str, Any]:
    return {
        "portal": portal, "intent": one.id, "run": one.run, "contact": one.contact, "episode": one.episode,
        "changes": changes_to_plain(one.changes), "expected": dict(one.expected),
        "before": episode_to_plain(one.before), "turn": one.turn, "status": one.status, "detail": one.detail,
        "tries": one.tries,
    }


def read_intent(row: Row[Any]) -> Intent:
    return Intent(
        id=row.intent, run=row.run, contact=row.contact, episode=row.episode, changes=changes_from_plain(row.changes),
        expected=row.expected, before=episode_from_plain(row.before), turn=turn_from_plain(row.turn),
        status=row.status, detail=row.detail, tries=row.tries,
    )
