"""People: a contact as it was known at an instant of the past, from the history of its fields and what it did.

What Handoff itself wrote in the past is left out, for by other rules it would not have been written; what the replay
writes is laid over instead, at its own time. What people wrote stands as it stands in the history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from connector.domain.activity import Activity
from connector.domain.contact import Contact, ContactId, Value
from connector.domain.deal import Deal, DealState
from connector.domain.json_text import loads
from connector.domain.record import Record
from connector.engine.ports import FieldChange, UnitOfWork
from connector.engine.ports.history import News, Origin, instant_of
from connector.rules.fields import normalise, to_wire
from connector.rules.plan import ANSWERS
from connector.rules.rulebook import RuleBook
from connector.rules.scanners import Dropped, sift

BASELINE, OURS = "*", "handoff"
"""Field of a contact's first sight; source of what was read back after a write of ours."""


class Written(NamedTuple):
    """What the replay wrote to one contact in one run: field -> value."""

    at: datetime
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Person:
    """One contact with its past, as known at an instant."""

    contact: Contact
    activities: Sequence[Activity]
    dropped: Sequence[Dropped]
    deals: Sequence[Deal]


class People:
    """Reads them by the fields and stages of one rule book.

    Args:
        past: signals before it are the past (R41); nobody knows when fields of older contacts took their values.
        since: where the replay begins; what Handoff wrote until then stands.
    """

    def __init__(self, uow: UnitOfWork, book: RuleBook, past: datetime | None, since: datetime) -> None:
        self._uow, self._book, self._past, self._since = uow, book, past, since
        rules = book.fields.fields
        self._property = {name: rule.property for name, rule in rules.items() if rule.property is not None}
        self._ours = {name for name, rule in rules.items() if rule.may_write()} | set(ANSWERS)

    def load(
        self, ids: Sequence[ContactId], now: datetime, written: Mapping[ContactId, Sequence[Written]]
    ) -> dict[ContactId, Person]:
        """As seen until `now`; those that no run had seen by then, or that were merged into others, are missing."""
        if not ids:
            return {}
        uow = self._uow
        history = uow.field_history(ids, now)
        origins = uow.origins(list(history))
        known = [one for one in history if one in origins and not origins[one].merged]
        activities = uow.activities_seen(known, now - self._book.scoring.look_back, now)
        deals = uow.deals(known)
        found: dict[ContactId, Person] = {}
        for one in known:
            contact = self._contact(one, origins[one], history[one], written.get(one, ()))
            if contact is not None:
                done = activities.get(one, ())
                seen = [deal for row in deals.get(one, ()) if (deal := as_known(row, now)) is not None]
                sifted = sift(done, self._book.scoring.scanners)
                found[one] = Person(contact, sifted.kept, sifted.dropped, seen)
        return found

    def is_ours(self, row: FieldChange | News) -> bool:
        """Whether it is an effect of what Handoff decided within the replayed time, and no cause of anything."""
        return row.source == OURS and row.field in self._ours and instant_of(row.observed_at) > self._since

    def _contact(
        self, one: ContactId, origin: Origin, history: Sequence[FieldChange], written: Sequence[Written]
    ) -> Contact | None:
        raw: dict[str, str | None] = {}
        changed_at: dict[str, datetime] = {}
        modified_at, looks = origin.created_at, 0
        to_come = list(written)
        for row in history:
            while to_come and to_come[0].at < row.observed_at:
                looks += self._lay_over(to_come.pop(0), raw, changed_at)
            if row.field == BASELINE:
                raw.update(loads(row.value or "{}"))
                if self._past is None or origin.created_at >= self._past:
                    dated = (name for name, prop in self._property.items() if raw.get(prop))
                    changed_at.update(dict.fromkeys(dated, origin.created_at))
                modified_at = row.occurred_at
            elif row.field in self._property and not self.is_ours(row):
                raw[self._property[row.field]] = row.value
                changed_at[row.field] = modified_at = row.occurred_at
                looks += 1
        if not raw and not looks:
            return None
        for late in to_come:
            looks += self._lay_over(late, raw, changed_at)
        record = Record(id=one, asked_id=one, properties=raw, created_at=origin.created_at, modified_at=modified_at)
        contact = normalise(record, self._book.fields, self._book.stages.values)
        if not looks and changed_at:
            changed_at = dict.fromkeys(contact.fields, origin.created_at)  # worked-out fields too, at first sight
        return replace(contact, changed_at=changed_at)

    def _lay_over(self, written: Written, raw: dict[str, str | None], changed_at: dict[str, datetime]) -> int:
        for name, value in written.values.items():
            raw[self._property[name]] = to_wire(name, value, self._book.fields, self._book.stages.values)
            changed_at[name] = written.at
        return 1


def as_known(deal: Deal, now: datetime) -> Deal | None:
    """The deal as it was by its own dates; None where it was not made yet. Of its states only the last is kept."""
    if deal.created_at > now:
        return None
    if deal.state is DealState.OPEN or closing(deal) <= now:
        return deal
    return replace(deal, state=DealState.OPEN, closed_at=None, lost_reason="")


def closing(deal: Deal) -> datetime:
    """When a closed deal was closed: its closing date, or the day it was last changed where that is earlier."""
    return min(deal.closed_at or deal.modified_at, deal.modified_at)
