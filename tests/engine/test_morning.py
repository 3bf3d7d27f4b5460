"""The morning: each rep hears once a day what they have in hand, the strongest first (R15)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from factories import DAY, HOUR, MINUTE, NOW, demo_request, make_book
from fakes import kill
from sqlalchemy import select

from connector.domain.contact import ContactId
from connector.domain.notice import Notice
from connector.engine.context import Ports
from connector.engine.erase import PRIVACY, erase_now
from connector.store.tables import outbox
from engine.world import World

EIGHT = NOW.replace(hour=8, minute=0)
SLA: dict[str, Any] = {
    "calendars": {"office": {"zone": "UTC", "hours": {"mon-fri": ["08:00-18:00"]}}},
    "clocks": {"first": {"label": "first touch", "until": "touch", "limit": "4bh"}},
}


class Morning(World):
    """A portal whose reps are told at eight, with bodies that hold the whole packet."""

    def __init__(self, **more: Any) -> None:
        morning = {"at_opening_of": "office", "most": 2}
        super().__init__(make_book(notifications={"morning": morning}, sla=SLA, **more))
        self.clock.at = EIGHT - 3 * DAY + 4 * HOUR
        self.begin()

    @property
    def ports(self) -> Ports:
        def body(destination: str, notice: Notice, entry: str) -> str:
            return json.dumps({"owner": notice.owner, **notice.packet}, default=str)

        made = super().ports
        return Ports(
            source=made.source, crm=made.crm, store=made.store, delivery=made.delivery, build_body=body,
            destinations=made.destinations,
        )  # fmt: skip

    def mornings(self) -> list[dict[str, Any]]:
        return [json.loads(entry.body) for entry in self.delivery.sent if entry.kind == "rep.morning"]

    def asks(self, contact: str, **fields: str) -> None:
        self.crm.add(contact, **fields)
        self.crm.happen(demo_request(self.clock.now(), contact=contact, id=f"demo-{contact}"))


@pytest.fixture
def world() -> Morning:
    """Three leads since three days ago, all with Ana."""
    world = Morning(routing={"pools": {"everyone": {"members": [{"owner": "7"}]}}})
    for contact, company in (("101", "Acme"), ("102", "Berg"), ("103", "")):
        world.asks(contact, company=company)
    world.run()
    world.clock.at = EIGHT - HOUR
    return world


def test_the_first_run_after_the_opening_tells_and_no_other_one_of_that_day(world: Morning) -> None:
    world.run()
    assert world.mornings() == []
    for minutes in (5, 15, 300):
        world.clock.at = EIGHT + minutes * MINUTE
        world.run()
    (told,) = world.mornings()
    assert (told["owner"]["name"], told["count"], told["waiting"], len(told["leads"])) == ("Ana Sample", 3, 3, 2)
    world.clock.at = EIGHT + DAY
    world.run()
    assert len(world.mornings()) == 2


def test_the_strongest_come_first_with_what_is_due_and_without_the_person(world: Morning) -> None:
    for contact, score in (("101", "20"), ("102", "70"), ("103", "50")):
        world.crm.edit(contact, score=score)
    world.clock.at = EIGHT
    world.run()
    (told,) = world.mornings()
    first, second = [lead["summary"] for lead in told["leads"]]
    assert first.startswith("Berg: 70 points") and ", waits for a first call, " in first
    assert second.startswith("contact 103: 50 points")
    assert "late since" in first and told["late"] == 3
    assert not any(word in json.dumps(told["leads"]) for word in ("Kim", "kim10", "@"))


def test_hours_after_the_opening_and_on_days_off_nobody_is_told(world: Morning) -> None:
    saturday = EIGHT + timedelta(days=(5 - EIGHT.weekday()) % 7)
    for at in (EIGHT + 5 * HOUR, saturday + HOUR):
        world.clock.at = at
        world.run()
    assert world.mornings() == []


def test_who_has_no_lead_is_not_told(world: Morning) -> None:
    for contact in ("101", "102", "103"):
        world.crm.edit(contact, verdict="junk")
    world.run()
    world.clock.at = EIGHT
    world.run()
    assert world.mornings() == []


def test_a_kill_before_the_sending_loses_nothing_and_tells_nobody_twice(
    world: Morning, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1, P2"""
    world.clock.at = EIGHT
    with monkeypatch.context() as patched:
        patched.setattr(world.delivery, "deliver", lambda now: kill())
        world.run_and_die()
    world.run()
    world.run_later()
    assert len(world.mornings()) == 1


def test_erasing_a_person_takes_them_out_of_what_was_told_of_many(world: Morning) -> None:
    """I11"""
    world.clock.at = EIGHT
    world.run()
    erase_now(world.store, [ContactId("102")], at=world.clock.now(), cause=PRIVACY)
    with world.store.database.reading() as connection:
        bodies = connection.execute(select(outbox.c.body).where(outbox.c.kind == "rep.morning")).scalars().all()
    assert bodies == [""]


def test_a_portal_that_asks_for_none_has_none() -> None:
    world = World().begin()
    world.clock.at = EIGHT + DAY
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    assert world.kinds() == ["lead.handed_off"]
