"""How fast the past is lived through once more when only outcomes are kept, and that memory does not grow with it.

    python scripts/bench/run.py replay [--leads N] [--per-lead N] [--days N] [--seed N] [--json]

A history is made in a database of its own: leads that come over the days, with visits, mails, a few looks at prices
and fewer requests for a demo. It is replayed in a process of its own: by one rule book, then by two side by side. The
same people with four times the history show whether memory grows.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BEGAN = datetime(2025, 1, 6, 6, tzinfo=UTC)
PORTAL = "4711"
LONGER = 4
FLAT = 1.25
"""Peak memory with four times the history may be so much of that with the plain one."""
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


def make(path: Path, leads: int, per_lead: int, days: int, seed: int) -> int:
    """Write the history into a new database; gives how many activities it has."""
    from connector.domain.contact import Contact, ContactId, PortalId
    from connector.domain.record import Record
    from connector.domain.run import RunCounts, RunId, RunStatus, SyncRun
    from connector.engine.ports import FieldChange, PortalState, StoredContact
    from connector.rules.fields import normalise
    from connector.store import open_store, this_process

    book, chance = _book(), random.Random(seed)
    store = open_store(f"sqlite:///{path}", PortalId(PORTAL), holder=this_process(), wall_clock=lambda: BEGAN)
    runs = [BEGAN + timedelta(days=day) for day in range(days + 1)]
    with store.transaction() as uow:
        uow.put_owners(_owners())
        state = PortalState(id=PortalId(PORTAL), time_zone="UTC", ui_domain="app.hubspot.com", handoff_since=BEGAN)
        uow.put_portal_state(_replace(state, as_of=runs[-1]))
        for at in runs:
            run = RunId(f"run_{at:%Y%m%dT%H%M%S}")
            uow.put_run(SyncRun(id=run, started_at=at, as_of=at, fingerprint=book.fingerprint, seed=1, epoch=1))
            uow.finish_run(run, RunStatus.COMPLETED, RunCounts(), at, "")
    came = [(chance.randrange(days - 1) if number else 0) for number in range(leads)]
    by_day: dict[int, list[tuple[int, float]]] = {}
    for number, first in enumerate(came):
        made = 0
        while made < per_lead:
            day, begins = chance.randrange(first, days), chance.random()
            for _ in range(min(per_lead - made, chance.randint(1, 4))):
                by_day.setdefault(day, []).append((number, begins + made / 2_000 % 0.2))
                made += 1
    count = 0
    for day in range(days):
        seen_at = runs[day + 1]
        with store.transaction() as uow:
            new = [number for number, first in enumerate(came) if first == day]
            fresh = {ContactId(str(10_000 + number)) for number in new}
            rows, changes = [], []
            for number in new:
                raw = _raw(number, chance)
                one = ContactId(str(10_000 + number))
                at = runs[day] + timedelta(minutes=1)
                record = Record(id=one, asked_id=one, properties=raw, created_at=at, modified_at=at)
                contact: Contact = normalise(record, book.fields, book.stages.values)
                rows.append(StoredContact(contact=contact, raw=raw))
                changes.append(
                    FieldChange(
                        contact=one, field="*", value=json.dumps({k: v for k, v in raw.items() if v}), occurred_at=at,
                        observed_at=seen_at, source="baseline",
                    )
                )  # fmt: skip
            done = list(_activities(by_day.get(day, []), runs[day], day, chance))
            visits = {row.contact: row.occurred_at for row in done if row.kind == "page_view"}
            for one, at in visits.items():  # what HubSpot itself counts of a visit
                if one not in fresh:
                    changes.append(
                        FieldChange(
                            contact=one, field="last_visit_at", value=at.isoformat(), occurred_at=at,
                            observed_at=seen_at, source="crm",
                        )
                    )  # fmt: skip
            uow.put_contacts(rows)
            uow.put_field_changes(changes)
            uow.put_activities(done, seen_at)
            count += len(done)
    store.close()
    return count


def _raw(number: int, chance: random.Random) -> dict[str, str | None]:
    return {
        "email": f"lead.{number}@shop-{number}.example", "firstname": "Kim", "country": "US", "lifecyclestage": "lead",
        "numemployees": str(chance.choice((3, 20, 120, 900))), "jobtitle": chance.choice(("Buyer", "CEO", "Editor")),
    }  # fmt: skip


def _activities(visits: list[tuple[int, float]], begins: datetime, day: int, chance: random.Random) -> Iterator[Any]:
    from connector.domain.activity import Activity, ActivityKind
    from connector.domain.contact import ContactId

    shares = [share for *_, share in MIX]
    for place, (number, share) in enumerate(visits):
        kind, name, url, _ = chance.choices(MIX, shares)[0]
        topic = chance.randrange(400)
        yield Activity(
            stream=kind, id=f"{day}-{place}", contact=ContactId(str(10_000 + number)), kind=ActivityKind(kind),
            occurred_at=begins + timedelta(hours=24 * min(share, 0.99)), name=name.format(topic % 40),
            url=url.format(topic) if url else None,
        )  # fmt: skip


def _owners() -> list[Any]:
    from connector.domain.contact import OwnerId
    from connector.domain.owner import Owner

    return [Owner(id=OwnerId(str(n)), name=f"Rep {n}", email=f"rep.{n}@acme.example") for n in range(1, 11)]


def _book(*, changed: bool = False) -> Any:
    from connector.config.mappings import load_rulebook

    book = load_rulebook(ROOT / "mappings")
    if not changed:
        return book
    wanted = book.qualification.threshold.model_copy(update={"score": 45})
    return _replace(book, qualification=book.qualification.model_copy(update={"threshold": wanted}))


def _replace(value: Any, **changes: object) -> Any:
    from dataclasses import replace

    return replace(value, **changes)


# -- in a process of its own ---------------------------------------------------------------------------------------


def child(path: str, books: int) -> None:
    """Replay a database and print what it took."""
    from connector.domain.contact import PortalId
    from connector.engine.replay.lived import live
    from connector.store import open_store, this_process

    store = open_store(f"sqlite:///{path}", PortalId(PORTAL), holder=this_process(), wall_clock=lambda: BEGAN)
    today, other = _book(), _book(changed=True) if books == 2 else None
    with store.reading() as uow:
        state = uow.portal_state()
        assert state is not None and state.as_of is not None
        began = time.process_time()
        lived = live(uow, today, other, since=BEGAN - timedelta(days=1), until=state.as_of)
        seconds = time.process_time() - began
    store.close()
    print(json.dumps({"seconds": seconds, "activities": lived.activities, "handed": len(lived.today.handed)}))


def _replay(path: Path, books: int) -> tuple[dict[str, Any], int]:
    """What the child said, and its peak memory in MB."""
    command = [sys.executable, __file__, str(path), str(books)]
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, env=os.environ | {"PYTHONPATH": str(ROOT)})
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read()
    if process.returncode:
        raise SystemExit(f"the replay ended with {process.returncode}")
    return json.loads(said), used.ru_maxrss // 1024


def measure(leads: int, per_lead: int, days: int, seed: int) -> dict[str, Any]:
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory(prefix="handoff-replay-") as folder:
        plain, longer = Path(folder) / "plain.db", Path(folder) / "longer.db"
        make(plain, leads, per_lead, days, seed)
        make(longer, leads, LONGER * per_lead, LONGER * days, seed)
        one, plain_mb = _replay(plain, 1)
        two, _ = _replay(plain, 2)
        more, longer_mb = _replay(longer, 1)
    return {
        "leads": leads,
        "activities": one["activities"],
        "handed_over": one["handed"],
        "cpu_seconds": round(one["seconds"], 2),
        "activities_per_cpu_second": round(one["activities"] / one["seconds"]),
        "activities_per_cpu_second_two_rule_books": round(two["activities"] / two["seconds"]),
        "activities_of_longer_history": more["activities"],
        "activities_per_cpu_second_longer_history": round(more["activities"] / more["seconds"]),
        "peak_mb": plain_mb,
        "peak_mb_longer_history": longer_mb,
    }


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--leads", type=int, default=10_000)
    parser.add_argument("--per-lead", type=int, default=30, help="activities of each lead (default 30)")
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    figures = measure(options.leads, options.per_lead, options.days, options.seed)
    flat = figures["peak_mb_longer_history"] <= FLAT * figures["peak_mb"]
    return figures, flat and figures["handed_over"] > 0


if __name__ == "__main__":
    child(sys.argv[1], int(sys.argv[2]))
