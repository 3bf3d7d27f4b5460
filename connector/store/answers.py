"""Answers by link: what holders of leads said through the links in their notices (R20).

The server puts them in without the lease, for an insert can hurt nobody (desk.py); who holds the lease takes them up.
An answer has the id of its link, so that a second one finds it there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, select, update

from connector.domain.answer import Answer, AnswerKind, AnswerStatus, Said
from connector.domain.contact import ContactId, PortalId
from connector.domain.hint import Hint, HintKind
from connector.engine.ports import Entry
from connector.store.outbox import read_entry
from connector.store.part import IDS, PORTAL, Insert, Part, insert_into, key_of, per_dialect
from connector.store.tables import answer, hint, outbox


def _given(column: str) -> BindParameter[Any]:
    return bindparam(f"{column}_", type_=answer.c[column].type)


_MINE = select(answer).where(answer.c.portal == PORTAL)
_NAMED = _MINE.where(answer.c.answer == bindparam("answer_"))
_IN_ORDER = (answer.c.received_at, answer.c.answer)
_OF_CONTACTS = _MINE.where(answer.c.contact.in_(IDS)).order_by(*_IN_ORDER)
_WAITING = _MINE.where(answer.c.status == AnswerStatus.WAITING.value).order_by(*_IN_ORDER).limit(bindparam("most"))
_SETTLED = ("status", "answered_at", "intent", "detail")
_SETTLE = (
    update(answer)
    .where(answer.c.portal == PORTAL, answer.c.answer == bindparam("answer_"))
    .values({name: _given(name) for name in _SETTLED})
)
_NOTICE = select(outbox).where(outbox.c.portal == PORTAL, outbox.c.entry == bindparam("entry_"))


@per_dialect
def _insert(dialect: str) -> Insert:
    return insert_into(answer, dialect).on_conflict_do_nothing(index_elements=key_of(answer))


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class Answers(Part):
    """`clock` is set by whoever hands out the unit of work: the clock by which answers are received."""

    def __init__(self, connection: Connection, portal: PortalId) -> None:
        super().__init__(connection, portal)
        self.clock: Callable[[], datetime] = _wall_clock

    def put_answer(self, one: Answer, hinted_at: datetime) -> bool:
        """Store it with a hint at its contact, dated by the CRM's clock; False where the link was used before."""
        counted = {"preserve_rowcount": True}
        done = self.connection.execute(_insert(self.dialect), _row(self.portal, one), execution_options=counted)
        if not done.rowcount:
            return False
        told = Hint(id=one.id, contact=one.contact, kind=HintKind.ANSWERED, occurred_at=hinted_at)
        self.insert_new(hint, [
            {
                "portal": self.portal, "hint": told.id, "contact": told.contact, "kind": told.kind.value,
                "occurred_at": told.occurred_at, "received_at": one.received_at, "done_at": None,
            }
        ])  # fmt: skip
        return True

    def answer(self, name: str) -> Answer | None:
        return next((read_answer(row) for row in self.select(_NAMED, answer_=name)), None)

    def answers(self, ids: Sequence[ContactId]) -> list[Answer]:
        """All of these contacts, in the order in which they came in."""
        found = [read_answer(row) for row in self.select_by_id(_OF_CONTACTS, ids)]
        return sorted(found, key=lambda one: (one.received_at, one.id))

    def waiting_answers(self, limit: int, without: Collection[str] = ()) -> list[Answer]:
        """The oldest that wait but for those of some ids, each with its age."""
        rows = self.select(_WAITING, most=limit + len(without))
        now = self.clock() if rows else None
        return [
            read_answer(row, max(now - row.received_at, timedelta(0)))
            for row in rows
            if now is not None and row.answer not in without
        ][:limit]

    def settle_answers(self, rows: Sequence[Answer]) -> None:
        """Of each its status, when it was answered, its write and the detail."""
        self.change_each(_SETTLE, [
            {
                "answer_": one.id, "status_": one.status.value, "answered_at_": one.answered_at,
                "intent_": one.intent, "detail_": one.detail,
            }
            for one in rows
        ])  # fmt: skip

    def notice(self, name: str) -> Entry | None:
        """One entry of the outbox."""
        return next((read_entry(row) for row in self.select(_NOTICE, entry_=name)), None)


def _row(portal: str, one: Answer) -> dict[str, Any]:
    return {
        "portal": portal, "answer": one.id, "contact": one.contact, "episode": one.episode, "entry": one.entry,
        "kind": one.kind.value, "owner": one.owner, "assignment": one.assignment, "reason": one.said.reason,
        "return_on": one.said.return_on.isoformat() if one.said.return_on else None, "comment": one.said.comment,
        "received_at": one.received_at, "answered_at": one.answered_at, "status": one.status.value,
        "intent": one.intent, "detail": one.detail,
    }  # fmt: skip


def read_answer(row: Row[Any], age: timedelta = timedelta(0)) -> Answer:
    return Answer(
        id=row.answer, contact=row.contact, episode=row.episode, entry=row.entry, kind=AnswerKind(row.kind),
        owner=row.owner, assignment=row.assignment,
        said=Said(
            reason=row.reason, return_on=date.fromisoformat(row.return_on) if row.return_on else None,
            comment=row.comment,
        ),
        received_at=row.received_at, answered_at=row.answered_at, status=AnswerStatus(row.status), intent=row.intent,
        detail=row.detail, age=age,
    )  # fmt: skip
