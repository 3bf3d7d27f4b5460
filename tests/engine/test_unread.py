"""A record that breaks us is set aside; the rest of its page goes on (P5, P7, I10)."""

from __future__ import annotations

from typing import Any

import pytest
from factories import HOUR, MINUTE, demo_request

from connector.domain.contact import Contact
from connector.domain.record import Record
from connector.domain.run import RunStatus
from connector.engine import intake, unread, write
from connector.errors import ContractError
from connector.rules import fields
from engine.world import World


class Poison:
    """Breaks the reading of records whose company is `poison`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.true, self.tries = fields.normalise, 0
        for module in (intake, write):
            monkeypatch.setattr(module, "normalise", self.normalise)

    def normalise(self, record: Record, *rest: Any, **more: Any) -> Contact:
        if record.properties.get("company") == "poison":
            self.tries += 1
            raise ZeroDivisionError(f"{record.properties.get('email')} divided by zero")
        return self.true(record, *rest, **more)


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Poison:
    return Poison(monkeypatch)


@pytest.fixture
def world() -> World:
    return World().begin()


def lead(world: World, contact: str, **values: Any) -> None:
    world.crm.add(contact, **values)
    world.crm.happen(demo_request(world.clock.now(), contact=contact, id=f"demo-{contact}"))


def three(world: World) -> None:
    lead(world, "101")
    lead(world, "102", company="poison")
    lead(world, "103")


def test_the_rest_of_the_page_goes_on_and_the_watermark_moves(world: World, poison: Poison) -> None:
    three(world)
    report = world.run()
    assert (report.status, report.counts.quarantined) == (RunStatus.COMPLETED_WITH_ERRORS, 1)
    assert (sorted(world.crm.listed), world.quarantined()) == (["101", "103"], ["102"])
    assert (world.watermark(), world.dirty()) == (report.run.as_of, [])


def test_it_is_told_of_by_id_kind_and_place_alone(world: World, poison: Poison) -> None:
    """I10"""
    three(world)
    report = world.run()
    with world.store.reading() as uow:
        shown = f"{report.troubles} {uow.quarantined()} {world.runs()}"
    assert "contact 102 could not be read (ZeroDivisionError in normalise" in shown
    assert "acme.example" not in shown


def test_it_is_read_once_a_run_three_runs_long_and_again_when_it_changes(world: World, poison: Poison) -> None:
    three(world)
    world.run()
    tries = []
    for _ in range(5):
        before = poison.tries
        world.run_later(HOUR)  # beyond the overlap: no window shows it
        tries.append(poison.tries - before)
    assert tries[:2] == [1, 1] and sum(tries) <= 3, "the trailing pass may bring it up once more"
    world.crm.edit("102", company="Acme")
    world.run_later()
    assert (world.quarantined(), "102" in world.crm.listed) == ([], True)


def test_it_is_read_once_a_run_though_its_window_shows_it_too(world: World, poison: Poison) -> None:
    three(world)
    world.run()
    before = poison.tries
    world.run_later(MINUTE)
    assert poison.tries == before + 1


def test_once_it_can_be_read_again_it_is_handed_over_though_nothing_in_the_crm_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1: a mended connector catches up by itself."""
    with monkeypatch.context() as broken:
        Poison(broken)
        three(world)
        world.run()
    world.run_later(HOUR)
    assert (sorted(world.crm.listed), world.quarantined()) == (["101", "102", "103"], [])


def test_nothing_is_decided_on_what_is_older_than_the_crm_shows(world: World, poison: Poison) -> None:
    """P7: a known contact asks for sales, and its newest record cannot be read."""
    world.crm.add("101")
    world.run()
    world.clock.pass_by(HOUR)
    world.crm.edit("101", company="poison")
    world.crm.happen(demo_request(world.clock.now(), contact="101", id="demo-101"))
    report = world.run()
    assert (report.counts.handed_off, world.episodes(), world.quarantined()) == (0, [], ["101"])
    world.crm.edit("101", company="Acme")
    world.run_later()
    assert world.kinds() == ["lead.handed_off"]


@pytest.mark.parametrize("boundary", ["read_contacts", "update_contacts"])
def test_a_record_that_turns_to_poison_while_it_is_written_stops_nobody(
    world: World, poison: Poison, boundary: str
) -> None:
    """P3: the one handover is told once, or not before the record can be read."""
    lead(world, "101")
    lead(world, "103")
    world.crm.before(boundary, lambda: world.crm.edit("101", company="poison"))
    world.run()
    assert ("lead.handed_off", "7") in world.told() or ("lead.handed_off", "8") in world.told()
    assert "103" in world.crm.listed
    world.run_later(HOUR)
    world.crm.edit("101", company="Acme")
    world.run_later(HOUR)
    world.run_later(HOUR)
    assert (world.kinds().count("lead.handed_off"), sorted(world.crm.listed)) == (2, ["101", "103"])
    assert (world.quarantined(), world.intents("open")) == ([], [])


def test_a_hint_of_such_a_record_stops_no_other_hint(world: World, poison: Poison) -> None:
    """P5"""
    three(world)
    world.hint("101", "102", "103")
    world.run_hints()
    assert world.quarantined() == ["102"] and world.waiting() == []
    world.run_later()
    assert sorted(world.crm.listed) == ["101", "103"]


def test_one_that_is_deleted_or_merged_is_forgotten(world: World, poison: Poison) -> None:
    three(world)
    lead(world, "104", company="poison")
    world.run()
    world.crm.archive("102")
    world.crm.merge("104", "103")
    world.run_later(HOUR)
    assert world.quarantined() == []


def test_very_many_at_once_are_no_odd_records(
    world: World, poison: Poison, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P7: a mistake of ours must not set a whole portal aside; the run stays open and goes on."""
    monkeypatch.setattr(unread, "TOO_MANY", 2)
    for number in range(4):
        lead(world, f"20{number}", company="poison")
    mark = world.watermark()
    with pytest.raises(ContractError):
        world.run()
    assert (world.watermark(), world.quarantined()) == (mark, [])
