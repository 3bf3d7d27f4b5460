"""Answers by link, as rows (R20)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from connector.domain.answer import Answer
from connector.domain.contact import ContactId
from connector.engine.ports.rows import Entry


class AnswerRows(Protocol):
    """Part of a unit of work."""

    clock: Callable[[], datetime]
    """The clock by which answers are received."""

    def put_answer(self, one: Answer, hinted_at: datetime) -> bool:
        """Store it with a hint at its contact, dated by the CRM's clock; False where the link was used before."""
        ...

    def answer(self, name: str) -> Answer | None: ...
    def answers(self, ids: Sequence[ContactId]) -> list[Answer]:
        """All of these contacts, in the order in which they came in."""
        ...

    def waiting_answers(self, limit: int, without: Collection[str] = ()) -> list[Answer]:
        """The oldest that wait but for those of some ids, each with its age."""
        ...

    def settle_answers(self, rows: Sequence[Answer]) -> None:
        """Of each its status, when it was answered, its write and the detail."""
        ...

    def notice(self, name: str) -> Entry | None:
        """One entry of the outbox."""
        ...
