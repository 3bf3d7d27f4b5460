"""A privacy deletion without a webhook is noticed all the same, and beats everything (I0, I11, P4)."""

from __future__ import annotations

import pytest
from factories import DAY, HOUR, MINUTE, demo_request
from fakes import kill

from connector.domain.contact import ContactId
from connector.engine import vanished
from connector.engine.erase import PRIVACY, erase_now
from engine.world import World


@pytest.fixture
def world() -> World:
    return World().begin()


def lead(world: World, contact: str = "101") -> None:
    world.crm.add(contact)
    world.crm.happen(demo_request(world.clock.now(), contact=contact, id=f"demo-{contact}"))


def is_erased(world: World, contact: str = "101") -> bool:
    with world.store.reading() as uow:
        return not uow.contacts([ContactId(contact)]) and bool(uow.erased([contact]))


def test_who_is_neither_live_nor_in_the_bin_is_erased_within_a_day(world: World) -> None:
    """P4, I11: with all webhooks lost; the clock that would have reminded somebody is gone too."""
    lead(world)
    world.run()
    world.crm.erase("101")
    world.run_later(MINUTE)
    assert not is_erased(world), "nothing that can be pulled tells of it"
    world.run_later(DAY)
    assert is_erased(world)
    told = world.kinds()
    world.run_later(5 * DAY)
    assert world.kinds() == told and world.timers() == []


def test_who_is_in_the_bin_waits_until_it_is_emptied(world: World) -> None:
    """A person may restore it; ninety days later HubSpot forgets it, and so do we."""
    lead(world)
    world.run()
    world.crm.archive("101")
    for span in (MINUTE, DAY, DAY):
        world.run_later(span)
    assert world.stored().gone and not is_erased(world)
    world.crm.erase("101")
    world.run_later(DAY + HOUR)
    assert is_erased(world)


def test_who_is_missing_at_a_write_is_erased_in_the_same_run(world: World) -> None:
    """I11: within one run of noticing."""
    lead(world)
    world.crm.before("read_contacts", lambda: world.crm.erase("101"))
    world.run()
    assert is_erased(world) and world.kinds() == []


def test_an_open_write_of_somebody_who_was_erased_is_never_sent(world: World) -> None:
    """I0: a run half way through; privacy beats the handover that was decided before."""
    lead(world)
    world.crm.before("add_to_list", kill)
    world.run_and_die()
    assert len(world.intents("open")) == 1
    erase_now(world.store, [ContactId("101")], at=world.clock.now(), cause=PRIVACY)
    world.crm.forget()
    world.run_later(MINUTE)
    assert world.crm.calls("add_to_list", "update_contacts") == [] and world.kinds() == []
    assert world.crm.value("101", "stage") == "lead" and world.crm.listed == set()


def test_who_was_erased_is_not_taken_in_again_whatever_happens_in_the_crm(world: World) -> None:
    """I0: neither a person's request nor a hand-raise brings a person back who was erased."""
    lead(world)
    world.run()
    erase_now(world.store, [ContactId("101")], at=world.clock.now(), cause=PRIVACY)
    world.clock.pass_by(HOUR)
    world.crm.edit("101", request="hand_over")
    world.crm.happen(demo_request(world.clock.now(), contact="101", id="demo-again"))
    for full in (False, True):
        report = world.run_later(MINUTE, full=full)
        assert report.counts.decided == 0 and report.counts.handed_off == 0
    assert is_erased(world)


def test_who_only_seemed_to_have_vanished_is_taken_in_anew(world: World) -> None:
    """P7: a mistake of the CRM's loses no lead."""
    lead(world)
    world.run()
    row = world.crm.rows.pop(ContactId("101"))
    world.run_later(DAY + HOUR)
    assert is_erased(world)
    world.crm.rows[row.id] = row
    world.clock.pass_by(HOUR)
    world.crm.edit("101", country="DE")
    world.run_later(MINUTE)
    assert world.stored().contact.text("country") == "DE" and not is_erased(world)


def test_too_many_at_once_are_told_and_not_believed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """P7."""
    monkeypatch.setattr(vanished, "SUSPICIOUS", 3)
    for number in range(8):
        world.crm.add(str(200 + number), email=f"p{number}@firm.example")
    world.run()
    for number in range(5):
        world.crm.erase(str(200 + number))
    report = world.run_later(DAY + HOUR)
    assert any("too many at once" in line for line in report.troubles)
    assert not is_erased(world, "200")


def test_a_round_costs_one_call_for_a_hundred_contacts_once_a_day(world: World) -> None:
    """Quiet runs in between ask nothing; merged-away ids are not asked about."""
    for number in range(250):
        world.crm.add(str(1000 + number), email=f"p{number}@firm{number}.example")
    world.run()
    world.crm.forget()
    for _ in range(5):
        world.run_later(MINUTE)
    assert world.crm.calls("gone_for_good") == []
    world.run_later(DAY)
    for _ in range(5):
        world.run_later(MINUTE)
    asked = [one for name, ids in world.crm.asked if name == "gone_for_good" for one in ids]
    assert len(world.crm.calls("gone_for_good")) == 3 and len(asked) == len(set(asked)) == 250


def test_a_value_that_changes_without_moving_the_date_is_seen_by_the_daily_round(world: World) -> None:
    """I4: a property that the CRM works out itself; at the round's own calls, decided by the next run."""
    lead(world)
    world.crm.add("102")
    world.run()
    row, company = world.crm.rows[ContactId("102")], world.book.fields.fields["company"].property
    world.run_later(3 * HOUR)
    row.properties[str(company)] = "Worked Out Ltd"
    world.run_later(MINUTE)
    assert world.stored("102").contact.text("company") == ""
    world.crm.forget()
    report = world.run_later(DAY)
    assert (report.exit_code, world.dirty(), len(world.crm.calls("gone_for_good"))) == (0, [], 1)
    assert world.stored("102").contact.text("company") == "Worked Out Ltd"
    with world.store.reading() as uow:
        assert [(one.field, one.value) for one in uow.field_changes(ContactId("102")) if one.source == "recheck"] == [
            ("company", "Worked Out Ltd")
        ]
    assert world.run_later(MINUTE).counts.decided == 1
    assert world.run_later(DAY).counts.decided == 0
