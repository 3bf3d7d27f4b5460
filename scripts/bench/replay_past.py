"""An invented past for the bench of replay: leads that come over the days, visits, mails, few looks at prices.

Written straight into a new database as runs would have left it, without going through them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connector.config.mappings import load_rulebook, shipped_folder
from connector.domain.contact import ContactId, OwnerId, PortalId
from connector.domain.owner import Owner
from connector.domain.record import Record
from connector.domain.run import RunCounts, RunId, RunStatus, SyncRun
from connector.engine.ports import FieldChange, PortalState, StoredContact
from connector.rules.fields import normalise
from connector.rules.rulebook import RuleBook
from connector.store import open_store, this_process
from connector.store.store import SqlStore
from connector.store.tables import activity

BEGAN = datetime(2025, 1, 6, 6, tzinfo=UTC)
PORTAL = PortalId("4711")
REPS = 10
MIX: tuple[tuple[str, str, str | None, float], ...] = (
    ("page_view", "", "https://www.acme.example/blog/{}", 46.4),
    ("page_view", "", "https://www.acme.example/pricing", 0.3),
    ("email_sent", "Newsletter {}", None, 34),
    ("email_open", "Newsletter {}", None, 14),
    ("email_click", "Newsletter {}", "https://www.acme.example/blog/{}", 3.4),
    ("form_submission", "A guide to {}", None, 0.3),
    ("form_submission", "Request a demo", None, 0.05),
)
"""Kind, name, address, share."""
SHARES = [share for *_, share in MIX]
AT_ONCE = 10
"""Days that are written in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """`per_lead`: activities of each lead in each stretch of `days`; all leads come within the first stretch."""

    leads: int
    per_lead: int
    days: int
    stretches: int
    seed: int

    def moment(self, stretch: int) -> datetime:
        """The last run of so many stretches."""
        return BEGAN + timedelta(days=stretch * self.days)


def open_past(path: Path | str) -> SqlStore:
    return open_store(f"sqlite:///{path}", PORTAL, holder=this_process(), wall_clock=lambda: BEGAN)


def make_book(*, changed: bool = False) -> RuleBook:
    """As shipped; `changed` asks for fewer points."""
    book = load_rulebook(shipped_folder())
    if not changed:
        return book
    wanted = book.qualification.threshold.model_copy(update={"score": 45})
    return replace(book, qualification=book.qualification.model_copy(update={"threshold": wanted}))


def make(path: Path, shape: Shape) -> None:
    """Write the whole past into a new database."""
    book, chance, store = make_book(), random.Random(shape.seed), open_past(path)
    days = shape.days * shape.stretches
    came = [chance.randrange(shape.days - 1) if number else 0 for number in range(shape.leads)]
    visits = _visits(shape, came, chance)
    with store.transaction() as uow:
        uow.put_owners(_owners())
        state = PortalState(id=PORTAL, time_zone="UTC", ui_domain="app.hubspot.com", handoff_since=BEGAN)
        uow.put_portal_state(replace(state, as_of=BEGAN + timedelta(days=days)))
        for at in (BEGAN + timedelta(days=day) for day in range(days + 1)):
            run = RunId(f"run_{at:%Y%m%dT%H%M%S}")
            uow.put_run(SyncRun(id=run, started_at=at, as_of=at, fingerprint=book.fingerprint, seed=1, epoch=1))
            uow.finish_run(run, RunStatus.COMPLETED, RunCounts(), at, "")
    for first in range(0, days, AT_ONCE):
        with store.transaction() as uow:
            for day in range(first, min(first + AT_ONCE, days)):
                new = [number for number, at in enumerate(came) if at == day]
                contacts, changes = _arrivals(new, day, book, chance)
                done = list(_activities(visits.pop(day, []), day, chance))
                uow.put_contacts(contacts)
                uow.put_field_changes([*changes, *_last_visits(done, {row.contact.id for row in contacts}, day)])
                uow.insert_new(activity, done)  # they are known to be new: put_activities() would look for each
    store.close()


def _visits(shape: Shape, came: list[int], chance: random.Random) -> dict[int, list[tuple[int, float]]]:
    """Per day: number of the lead and the part of the day, for each activity; a visit is one to four of them."""
    found: dict[int, list[tuple[int, float]]] = {}
    for number, first in enumerate(came):
        for stretch in range(shape.stretches):
            earliest, end, made = max(first, stretch * shape.days), (stretch + 1) * shape.days, 0
            while made < shape.per_lead:
                day, begins = chance.randrange(earliest, end), chance.random()
                for _ in range(min(shape.per_lead - made, chance.randint(1, 4))):
                    found.setdefault(day, []).append((number, min(begins + made / 2_000, 0.99)))
                    made += 1
    return found


def _seen_at(day: int) -> datetime:
    return BEGAN + timedelta(days=day + 1)


def _contact(number: int) -> ContactId:
    return ContactId(str(10_000 + number))


def _arrivals(
    new: list[int], day: int, book: RuleBook, chance: random.Random
) -> tuple[list[StoredContact], list[FieldChange]]:
    contacts, changes, at = [], [], BEGAN + timedelta(days=day, minutes=1)
    for number in new:
        one, raw = _contact(number), _raw(number, chance)
        record = Record(id=one, asked_id=one, properties=raw, created_at=at, modified_at=at)
        contacts.append(StoredContact(contact=normalise(record, book.fields, book.stages.values), raw=raw))
        first_sight = json.dumps({name: value for name, value in raw.items() if value})
        changes.append(_change(one, "*", first_sight, at, day, "baseline"))
    return contacts, changes


def _last_visits(done: list[dict[str, Any]], fresh: set[ContactId], day: int) -> list[FieldChange]:
    """What HubSpot itself notes of a visit."""
    visits = {row["contact"]: row["occurred_at"] for row in done if row["kind"] == "page_view"}
    return [
        _change(one, "last_visit_at", at.isoformat(), at, day, "crm") for one, at in visits.items() if one not in fresh
    ]


def _change(one: ContactId, field: str, value: str, at: datetime, day: int, source: str) -> FieldChange:
    return FieldChange(
        contact=one, field=field, value=value, occurred_at=at, observed_at=_seen_at(day), source=source
    )


def _raw(number: int, chance: random.Random) -> dict[str, str | None]:
    return {
        "email": f"lead.{number}@shop-{number}.example", "firstname": "Kim", "country": "US", "lifecyclestage": "lead",
        "numemployees": str(chance.choice((3, 20, 120, 900))), "jobtitle": chance.choice(("Buyer", "CEO", "Editor")),
    }  # fmt: skip


def _activities(visits: list[tuple[int, float]], day: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    begins, seen_at = BEGAN + timedelta(days=day), _seen_at(day)
    for place, ((number, part), mix) in enumerate(zip(visits, chance.choices(MIX, SHARES, k=len(visits)), strict=True)):
        kind, name, url, _ = mix
        topic = chance.randrange(400)
        yield {
            "portal": PORTAL, "stream": kind, "activity": f"{day}-{place}", "contact": _contact(number), "email": "",
            "kind": kind, "occurred_at": begins + timedelta(days=part), "observed_at": seen_at,
            "name": name.format(topic % 40), "ref": "", "url": url.format(topic) if url else None, "automatic": False,
        }  # fmt: skip


def _owners() -> list[Owner]:
    people = range(1, REPS + 1)
    return [Owner(id=OwnerId(str(n)), name=f"Rep {n}", email=f"rep.{n}@acme.example") for n in people]
