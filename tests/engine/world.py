"""A portal in memory with a connector at work in it: runs, kills and restarts, and what came of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from factories import NOW, PORTAL, shipped_book
from fakes import FakeClock, FakeCrm, FakeDelivery, Killed
from sqlalchemy import select

from connector.domain.contact import ContactId
from connector.domain.episode import Episode
from connector.domain.hint import Hint, HintKind
from connector.domain.notice import Notice
from connector.domain.timer import Timer
from connector.engine.context import Options, Ports
from connector.engine.hint_run import ask, sync_hints
from connector.engine.ports import Entry, Intent, StoredContact
from connector.engine.report import RunReport
from connector.engine.run import sync
from connector.rules.rulebook import RuleBook
from connector.store import SqlInbox
from connector.store.outbox import read_entry
from connector.store.tables import audit, hint, outbox
from engine.memory import empty_store


def build_body(destination: str, notice: Notice, entry: str) -> str:
    """Who is told what, without the packet's prose."""
    facts = {"to": destination, "kind": notice.kind.value, "owner": notice.owner, "why": notice.packet.get("why_now")}
    told = ("held", "would_hand_over", "level", "due", "leads")
    more = {key: notice.packet[key] for key in told if key in notice.packet}
    return json.dumps(facts | more, default=str)


class World:
    """`run()` is one `handoff sync`; time passes by `crm.clock`."""

    def __init__(self, book: RuleBook | None = None, **crm: Any) -> None:
        self.clock = FakeClock()
        self.book = book or shipped_book()
        self.crm = FakeCrm(self.clock, self.book, **crm)
        self.store = empty_store(self.clock)
        self.delivery = FakeDelivery(self.store)
        self.destinations = {"reps": True}

    @property
    def ports(self) -> Ports:
        return Ports(
            source=self.crm, crm=self.crm, store=self.store, delivery=self.delivery, build_body=build_body,
            destinations=self.destinations,
        )  # fmt: skip

    def run(self, **options: Any) -> RunReport:
        return sync(self.ports, self.book, self.crm.portal(), Options(**options))

    def hint(self, *contacts: str, kind: HintKind = HintKind.CHANGED, at: datetime | None = None) -> list[Hint]:
        """The CRM says that something happened to these contacts, now or at `at`; gives the hints, to repeat them."""
        moment = at or self.clock.now()
        made = [
            Hint(id=f"{one}-{kind}-{moment.isoformat()}", contact=ContactId(one), kind=kind, occurred_at=moment)
            for one in contacts
        ]
        self.take(made)
        return made

    def take(self, hints: Sequence[Hint]) -> None:
        """As the receiver stores them."""
        SqlInbox(self.store.database, PORTAL).put(hints)

    def waiting(self) -> list[Hint]:
        with self.store.reading() as uow:
            return uow.waiting_hints(1000)

    def run_hints(self, **options: Any) -> int | None:
        """What `handoff serve` does when a hint comes in."""
        return sync_hints(self.ports, self.book, ask(self.crm), Options(**options))

    def run_later(self, span: timedelta = timedelta(minutes=10), **options: Any) -> RunReport:
        self.clock.pass_by(span)
        return self.run(**options)

    def begin(self) -> World:
        """The first run, on an empty portal: what comes after it is news (R41)."""
        self.run()
        self.clock.pass_by(timedelta(minutes=10))
        self.crm.forget()
        return self

    def run_and_die(self, **options: Any) -> None:
        """A run that a kill cuts off, as the test said where."""
        with pytest.raises(Killed):
            self.run(**options)

    # -- what came of it -----------------------------------------------------------------------------------------

    def episodes(self, contact: str = "101") -> list[Episode]:
        with self.store.reading() as uow:
            return uow.episodes([ContactId(contact)])[ContactId(contact)]

    def episode(self, contact: str = "101") -> Episode:
        """The newest."""
        return self.episodes(contact)[-1]

    def timers(self, contact: str = "101") -> list[Timer]:
        with self.store.reading() as uow:
            return uow.timers(ContactId(contact))

    def stored(self, contact: str = "101") -> StoredContact:
        with self.store.reading() as uow:
            return uow.contacts([ContactId(contact)])[ContactId(contact)]

    def dirty(self) -> list[str]:
        with self.store.reading() as uow:
            return list(uow.dirty(1000))

    def intents(self, status: str) -> list[Intent]:
        with self.store.reading() as uow:
            return uow.intents(status, 1000)

    def quarantined(self) -> list[str]:
        with self.store.reading() as uow:
            return [str(row["contact"]) for row in uow.quarantined()]

    def decisions(self, contact: str = "101") -> list[str]:
        """Actions in their order."""
        with self.store.reading() as uow:
            return [str(row["action"]) for row in uow.decisions(ContactId(contact))]

    def watermark(self, stream: str = "contacts") -> object:
        with self.store.reading() as uow:
            return uow.watermark(stream)

    def decided_at(self, contact: str) -> object:
        """The `as_of` of the newest decision."""
        with self.store.reading() as uow:
            return uow.decisions(ContactId(contact))[-1]["as_of"]

    def hints_of(self, contact: str) -> int:
        """Rows, done or waiting."""
        with self.store.database.reading() as connection:
            return len(connection.execute(select(hint).where(hint.c.contact == contact)).all())

    def runs(self) -> list[Mapping[str, object]]:
        """Newest first."""
        with self.store.reading() as uow:
            return uow.runs(20)

    def rotation(self) -> object:
        with self.store.reading() as uow:
            return uow.rotation()

    def audit_of(self, key: str) -> list[object]:
        """What the audit trail holds under that key of its inputs."""
        with self.store.database.reading() as connection:
            rows = connection.execute(select(audit.c.inputs).order_by(audit.c.at)).scalars().all()
        return [inputs[key] for inputs in rows if key in inputs]

    def entries(self) -> list[Entry]:
        """The whole outbox, in order of queueing."""
        with self.store.database.reading() as connection:
            return [read_entry(row) for row in connection.execute(select(outbox).order_by(outbox.c.sequence))]

    def told(self) -> list[tuple[str, str | None]]:
        """Kind and addressee of everything that was sent, in order."""
        return [(entry.kind, json.loads(entry.body)["owner"]) for entry in self.delivery.sent]

    def kinds(self) -> list[str]:
        return self.delivery.kinds()


__all__ = ["NOW", "World"]
