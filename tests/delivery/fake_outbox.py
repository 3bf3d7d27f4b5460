"""An outbox in memory that keeps the promises of ports.Outbox and remembers what it was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from connector.domain.contact import ContactId
from connector.engine.ports import DestinationState, Entry, Learn, Try

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CLAIM = timedelta(minutes=5)


def entry(number: int, destination: str = "crm", contact: str | None = None, **more: object) -> Entry:
    made = Entry(
        id=f"msg_{number}",
        destination=destination,
        kind="lead.handed_off",
        contact=ContactId(contact or str(number)),
        episode=None,
        body=f'{{"number":{number}}}',
        status="due",
        sequence=number,
        due_at=NOW,
    )
    return replace(made, **more)  # type: ignore[arg-type]  # a test says which fields matter


@dataclass
class FakeOutbox:
    """Attributes: rows by id; tried: every record, in order; claims: how many calls there were; states by name."""

    rows: dict[str, Entry]
    tried: list[tuple[str, str, str]] = field(default_factory=list)
    claims: int = 0
    states: dict[str, DestinationState] = field(default_factory=dict)
    _claimed_until: dict[str, datetime] = field(default_factory=dict)

    @classmethod
    def of(cls, *entries: Entry) -> FakeOutbox:
        return cls({one.id: one for one in entries})

    def destinations(self) -> dict[str, DestinationState]:
        return dict(self.states)

    def learn(self, destination: str, how: Learn) -> DestinationState:
        self.states[destination] = how(self.states.get(destination, DestinationState(name=destination)))
        return self.states[destination]

    def claim(self, now: datetime, limit: int, destination: str | None = None) -> list[Entry]:
        self.claims += 1
        found: list[Entry] = []
        for name in sorted({row.destination for row in self.rows.values()}):
            if destination in (None, name) and self.states.get(name, DestinationState(name=name)).may_send(now):
                free = [row for row in self.rows.values() if row.destination == name and self._is_free(row, now)]
                found += sorted(free, key=lambda row: row.sequence)[:limit]
        for row in found:
            self._claimed_until[row.id] = now + CLAIM
        return sorted(found, key=lambda row: row.sequence)

    def next_due(self, now: datetime) -> datetime | None:
        return min((row.due_at or now for row in self.rows.values() if row.status == "due"), default=None)

    def give_back(self, entries: Sequence[str]) -> None:
        for name in entries:
            self._claimed_until.pop(name, None)

    def record(self, tries: Sequence[Try]) -> list[DestinationState]:
        learnt: dict[str, DestinationState] = {}
        for one in tries:
            row = self.rows[one.entry]
            assert row.status == "due" and one.seconds >= 0
            self.tried.append((one.entry, one.status, one.error))
            self._claimed_until.pop(one.entry)
            self.rows[one.entry] = replace(
                row, status=one.status, due_at=one.due_at, tries=row.tries + 1, last_error=one.error,
                sent_at=one.at if one.status == "sent" else row.sent_at,
            )  # fmt: skip
            if one.learn is not None:
                learnt[row.destination] = self.learn(row.destination, one.learn)
        return list(learnt.values())

    def _is_free(self, row: Entry, now: datetime) -> bool:
        if row.status != "due" or (row.due_at or now) > now or self._claimed_until.get(row.id, now) > now:
            return False
        return not any(
            other.contact == row.contact and other.destination == row.destination
            and other.sequence < row.sequence and other.status in ("due", "held", "digested")
            for other in self.rows.values()
        ) or row.tries > 0  # fmt: skip
