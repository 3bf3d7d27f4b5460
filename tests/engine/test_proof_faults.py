"""The nightly proof under faults: its alarm is not lost and told once, and a CRM that refuses stops nobody (P1, P5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factories import DAY, HOUR, MINUTE, demo_request, make_book
from fakes import Killed
from sqlalchemy import select

from connector.domain.contact import ContactId
from connector.engine import run as running
from connector.engine.erase import erase_now
from connector.engine.ports.proof import PROVED
from connector.errors import ContractError
from connector.store.tables import outbox
from engine.world import World

OPS = {"ops": {"type": "slack", "to": "ops", "url_env": "SLACK_URL"}}
CLOCKS = {"age": {"label": "end of the work", "until": "end", "limit": "60d", "warn_at": []}}


def with_a_silent_lead(prove_at: str = "02:00") -> World:
    """Ana accepted 101, and a person wrote over what Handoff shows of it: the next proof lists it."""
    world = World(make_book(notifications={"destinations": OPS}, sla={"clocks": CLOCKS, "prove_at": prove_at}))
    world.destinations = {"ops": True}
    world.begin()
    hand_over(world, "101")
    world.crm.edit(state="")
    return world


def hand_over(world: World, contact: str) -> None:
    world.crm.add(contact, email=f"kim@firm{contact}.example")
    world.crm.happen(demo_request(world.clock.now(), contact=contact, id=contact))
    world.run()


def alarms(world: World) -> list[str]:
    return [entry.kind for entry in world.delivery.sent if entry.kind == "alarm.raised"]


def test_a_kill_before_the_alarm_is_stored_proves_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """P1: told once, as without the kill."""
    world = with_a_silent_lead()
    world.clock.pass_by(DAY)

    def dies(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(running, "raise_alarms", dies)
        world.run_and_die()
    world.clock.pass_by(MINUTE)
    world.run()
    world.run_later(DAY)
    assert alarms(world) == ["alarm.raised"]


def test_two_proofs_on_one_day_have_an_alarm_each() -> None:
    """Nobody was there at the hour: what the late proof told does not silence that of the evening."""
    world = with_a_silent_lead(prove_at="22:00")
    world.clock.pass_by(DAY)
    world.run()
    hand_over(world, "102")
    world.crm.edit("102", state="")
    world.run_later(14 * HOUR)
    assert alarms(world) == ["alarm.raised", "alarm.raised"]


def test_who_is_erased_stands_in_no_alarm() -> None:
    """I11: it goes on to tell of the others."""
    world = with_a_silent_lead()
    world.run_later(DAY)
    erase_now(world.store, [ContactId("101")], at=world.clock.now(), cause="asked")
    with world.store.database.reading() as connection:
        bodies = connection.execute(select(outbox.c.body).where(outbox.c.kind == "alarm.raised")).all()
    assert len(bodies) == 1 and "101" not in bodies[0].body and '"leads":[]' in bodies[0].body


def test_a_proof_that_the_crm_refuses_keeps_nobody_from_sales() -> None:
    """P5, P7: the lead that asks meanwhile is handed over, and the next run proves again."""
    world = with_a_silent_lead()
    world.clock.pass_by(DAY)
    proved = world.watermark(PROVED)
    world.crm.add("102", email="kim@firm102.example")
    world.crm.happen(demo_request(world.clock.now(), contact="102", id="102"))

    def refuses() -> None:
        raise ContractError("the CRM cannot answer that")

    world.crm.before("read_contacts", refuses)
    report = world.run()
    assert report.troubles[0].startswith("the nightly proof stopped") and len(world.episodes("102")) == 1
    assert world.watermark(PROVED) == proved
    world.run_later(timedelta(minutes=10))
    assert world.watermark(PROVED) == world.clock.now()
