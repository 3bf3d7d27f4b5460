"""Digests: when many notices wait for one rep, and what the one that tells of them says (reliability.md, section 3)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from factories import NOW

from connector.delivery.destinations import Destination
from connector.delivery.payload import build_body
from connector.domain.contact import ContactId, OwnerId
from connector.domain.notice import Notice
from connector.domain.owner import Owner
from connector.domain.run import RunId, SyncRun
from connector.engine.clock import CrmClock
from connector.engine.context import Context, Options
from connector.engine.digest import MOST_WAITING, make_digests
from connector.engine.ports import Entry

from .world import World

REP, OTHER = OwnerId("7"), OwnerId("8")
LINE = "Time is running out for a lead: half of it is used up."
REPS = Destination(name="reps", type="webhook", url="https://reps.example/", personal=True)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    with made.store.lease(), made.store.transaction() as uow:
        uow.put_owners([Owner(id=REP, name="Rea Sample", email="rea@company.example")])
    yield made


def context(world: World, at: datetime = NOW, **more: Any) -> Context:
    def body(destination: str, notice: Notice, entry: str) -> str:
        return build_body(replace(REPS, name=destination), notice, entry)

    run = SyncRun(id=RunId("run_1"), started_at=at, as_of=at, fingerprint="f", seed=1, epoch=1)
    given: dict[str, Any] = {"build_body": body, "destinations": {"reps": True, "off": False}} | more
    return Context(
        source=world.crm, crm=world.crm, store=world.store, delivery=world.delivery, book=world.book,
        whole=world.book,
        portal=world.crm.portal(), schema=world.crm.schema(), run=run, options=Options(),
        clock=CrmClock(at), **given,
    )  # fmt: skip


def waiting(number: int, **more: Any) -> Entry:
    given: dict[str, Any] = {
        "destination": "reps", "kind": "sla.at_risk", "contact": ContactId(str(number)), "episode": None, "body": "{}",
        "status": "due", "due_at": NOW, "owner": REP, "summary": LINE,
        "queued_at": NOW,
    } | more  # fmt: skip
    return Entry(id=f"fx_{number:032}", **given)


def queue(world: World, *rows: Entry) -> None:
    with world.store.transaction() as uow:
        uow.put_entries(rows)


def digests(world: World) -> list[Entry]:
    return [entry for entry in world.entries() if entry.kind == "lead.digest"]


def data(entry: Entry) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(entry.body)["data"]
    return found


def test_fifty_are_read_one_by_one(world: World) -> None:
    queue(world, *(waiting(number) for number in range(MOST_WAITING)))
    assert make_digests(context(world)) == 0 and digests(world) == []


def test_more_than_fifty_come_in_digests_that_carry_their_ids_in_order(world: World) -> None:
    queue(world, *(waiting(number) for number in range(120)))
    made = make_digests(context(world))
    assert made == len(digests(world)) > 1
    told = [name for digest in digests(world) for name in data(digest)["ids"]]
    assert told == [waiting(number).id for number in range(120)]
    assert {entry.status for entry in world.entries() if entry.kind != "lead.digest"} == {"digested"}
    assert all(len(digest.body.encode()) < 20_000 and digest.owner == REP for digest in digests(world))
    assert sum(data(digest)["count"] for digest in digests(world)) == 120


def test_each_lead_in_it_says_what_happened_since_when_and_where(world: World) -> None:
    queue(world, *(waiting(number, contact=ContactId(f"{101 + number}")) for number in range(60)))
    make_digests(context(world, NOW + timedelta(hours=37)))
    first = data(digests(world)[0])
    assert first["owner"] == {"id": "7", "name": "Rea Sample", "email": "rea@company.example"}
    assert first["leads"][0] == {
        "id": waiting(0).id,
        "kind": "sla.at_risk",
        "contact_id": "101",
        "summary": "Time is running out for a lead: half of it is used up. (waited 37 hours)",
        "link": world.crm.record_url(ContactId("101")),
        "waited_hours": 37,
    }


def test_what_waited_less_than_a_day_is_not_called_late(world: World) -> None:
    queue(world, *(waiting(number) for number in range(51)))
    make_digests(context(world, NOW + timedelta(hours=23)))
    lead = data(digests(world)[0])["leads"][0]
    assert lead["waited_hours"] == 23 and "waited" not in lead["summary"]


def test_the_same_notices_make_the_same_digest_whenever_it_is_made() -> None:
    """I5: no time, no randomness in its id."""
    made = []
    for hours in (0, 5):
        world = World()
        queue(world, *(waiting(number) for number in range(51)))
        make_digests(context(world, NOW + timedelta(hours=hours)))
        made.append([digest.id for digest in digests(world)])
    assert made[0] == made[1] and len(set(made[0])) == len(made[0])


def test_made_once_it_is_not_made_again(world: World) -> None:
    queue(world, *(waiting(number) for number in range(51)))
    assert make_digests(context(world)) > 0
    before = world.entries()
    assert make_digests(context(world)) == 0 and world.entries() == before


def test_whoever_asked_for_sales_today_and_a_clock_that_ran_out_today_are_told_by_themselves(world: World) -> None:
    """Nothing urgent is hidden in a digest while it is fresh."""
    urgent = [waiting(900 + number, alone_until=NOW + timedelta(hours=1)) for number in range(60)]
    queue(world, *urgent, *(waiting(number) for number in range(51)))
    make_digests(context(world))
    stands = {entry.id: entry.status for entry in world.entries()}
    assert {stands[one.id] for one in urgent} == {"due"}
    assert stands[waiting(0).id] == "digested"
    make_digests(context(world, NOW + timedelta(hours=1)))
    stands = {entry.id: entry.status for entry in world.entries()}
    assert {stands[one.id] for one in urgent} == {"digested"}


def test_each_rep_and_each_destination_is_counted_by_itself(world: World) -> None:
    queue(world, *(waiting(number) for number in range(30)), *(waiting(100 + n, owner=OTHER) for n in range(30)),
          *(waiting(200 + n, destination="off") for n in range(80)))  # fmt: skip
    assert make_digests(context(world)) == 0


def test_a_rep_whom_the_crm_does_not_know_gets_a_digest_all_the_same(world: World) -> None:
    queue(world, *(waiting(number, owner=OTHER) for number in range(51)))
    assert make_digests(context(world)) > 0 and data(digests(world)[0])["owner"] is None


def test_long_words_make_more_digests_not_larger_ones(world: World) -> None:
    queue(world, *(waiting(number, summary="ä" * 140) for number in range(200)))
    make_digests(context(world))
    assert all(len(digest.body.encode()) < 20_000 for digest in digests(world))
    assert all(len(data(digest)["ids"]) == len(data(digest)["leads"]) for digest in digests(world)), "nothing was cut"
    assert sum(data(digest)["count"] for digest in digests(world)) == 200


@pytest.mark.parametrize("kind", ["slack", "teams", "google_chat", "apprise"])
def test_every_kind_of_destination_can_show_it(world: World, kind: str) -> None:
    def body(destination: str, notice: Notice, entry: str) -> str:
        return build_body(replace(REPS, name=destination, type=kind, personal=False), notice, entry)

    queue(world, *(waiting(number) for number in range(80)))
    assert make_digests(context(world, build_body=body)) > 0
    assert all("Time is running out" in digest.body and len(digest.body) < 20_000 for digest in digests(world))
