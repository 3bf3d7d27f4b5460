"""A person is erased, by hand or since HubSpot erased them: out of every table, not taken in again (R37, I11)."""

from __future__ import annotations

import json
import re
from pathlib import Path

from commands import Handoff
from portal_world import World
from sqlalchemy import create_engine, select

from connector.store.tables import metadata

LEAD = "quirina@canary.example"
FACTS = {"firstname": "Quirina", "lastname": "Canaryson", "phone": "+1 555 867 4321", "company": "Canary Works"}


def lead(world: World) -> str:
    """Asked for sales, was handed over and told of; a reminder and a second notice may follow."""
    contact = world.contact(LEAD, **FACTS)
    world.asks(LEAD, message="Quirina here, please call")
    world.views(contact, 1, 2)
    assert world.sync().counts.handed_off == 1
    return contact


def rows(world: World) -> dict[str, list[str]]:
    """Every value of every table, as text."""
    engine = create_engine(f"sqlite:///{world.folder / 'handoff.db'}")
    with engine.connect() as connection:
        found = {
            table.name: [repr(value) for row in connection.execute(select(table)) for value in row]
            for table in metadata.sorted_tables
        }
    engine.dispose()
    return found


def alone(contact: str) -> re.Pattern[str]:
    """The contact's id as a word of its own: a few digits stand in any digest by chance."""
    return re.compile(rf"(?<!\w){contact}(?!\w)")


def traces(world: World, contact: str) -> dict[str, list[str]]:
    """Where the person still is: in a table, or in the bytes of a file."""
    marks = ("uirina", "anaryson", "Canary Works", "867 4321", "8674321")
    who = re.compile("|".join((*marks, alone(contact).pattern)))
    found = {table: [value for value in values if who.search(value)] for table, values in rows(world).items()}
    for path in Path(world.folder).glob("handoff.db*"):
        content = path.read_bytes()
        found[path.name] = [mark for mark in marks if mark.encode() in content]
    return {name: values for name, values in found.items() if values}


def test_a_person_is_erased_by_hand_and_a_later_sync_takes_nobody_in(world: World, handoff: Handoff) -> None:
    """R37, I11: tables and bytes; the contact is still in HubSpot, changes, and stays out; figures stay."""
    contact = lead(world)
    funnel = json.loads(handoff("report", "--json").out)["funnel"]
    assert traces(world, contact)
    counted = json.loads(handoff("erase", LEAD, "--dry-run", "--json").out)
    assert counted["erased"] is False and counted["removed"]["contact"] == 1 and counted["in_hubspot"] is True

    refused = handoff("erase", LEAD)
    assert refused.code == 2 and "--yes" in refused.err
    done = handoff("erase", LEAD, "--yes", "--json")

    assert done.code == 0, done.err
    receipt = json.loads(done.out)
    assert receipt["in_hubspot"] is True and receipt["cause"] == "by hand" and receipt["removed"]["outbox"] == 1
    assert "uirina" not in done.out and not alone(contact).search(done.out)
    assert traces(world, contact) == {}
    assert "HubSpot still has the contact" in done.err

    told = len(world.receiver.notices)
    world.edit(contact, jobtitle="Head of Canaries", lastname="Canaryson")
    world.views(contact, 0.1)
    world.asks(LEAD)
    world.later(minutes=20)
    report = world.sync()
    assert (report.exit_code, report.counts.decided, report.counts.handed_off) == (0, 0, 0)
    world.later(days=3)
    assert world.sync(full=True).exit_code == 0
    assert traces(world, contact) == {} and len(world.receiver.notices) == told
    after = json.loads(handoff("report", "--json").out)["funnel"]
    assert (after["handed"], after["open"]) == (funnel["handed"], funnel["open"] - 1)


def test_it_works_without_hubspot_and_a_second_erasure_prints_the_first_receipt(world: World, handoff: Handoff) -> None:
    """A deletion must not wait until a portal answers."""
    contact = lead(world)
    said = handoff("erase", contact, "--yes", "--json", HUBSPOT_ACCESS_TOKEN="pat-of-nobody")
    assert said.code == 0, said.err
    first = json.loads(said.out)
    assert first["in_hubspot"] is None and "could not be asked" in said.err
    assert traces(world, contact) == {}
    again = handoff("erase", LEAD, "--json")
    facts = json.loads(again.out)
    assert again.code == 0 and facts["already"] is True
    assert (facts["removed"], facts["at"]) == (first["removed"], first["at"])
    nobody = handoff("erase", "nobody@nowhere.example", "--yes")
    assert nobody.code == 2 and "no such contact" in nobody.err and "Traceback" not in nobody.err


def test_a_person_who_comes_anew_under_the_same_address_is_a_new_lead(world: World, handoff: Handoff) -> None:
    """A later request is a new relationship; only what was before the erasure stays out."""
    contact = lead(world)
    handoff("erase", LEAD, "--yes")
    world.act("erase", contact=contact)
    world.later(days=2)
    world.asks(LEAD)
    assert world.sync().counts.handed_off == 1


def test_what_was_waiting_to_be_sent_is_cancelled(world: World, handoff: Handoff) -> None:
    """I0, I11: erasure beats delivery."""
    world.receiver.answer = 503
    contact = lead(world)
    handoff("erase", contact, "--yes")
    world.receiver.answer = 204
    world.later(days=1)
    world.sync()
    assert world.receiver.of("lead.handed_off") == []
    (entry,) = json.loads(handoff("outbox", "list", "--json").out)["entries"]
    assert (entry["status"], entry["last_error"]) == ("cancelled", "the person was erased")


def test_a_privacy_deletion_that_no_webhook_told_of_is_found_and_one_in_the_bin_is_not_taken_for_one(
    world: World,
) -> None:
    """I11, P4: HubSpot's own word that it has the contact neither live nor in its bin; a merged one lives on."""
    contact, kept, merged = lead(world), world.asks("kept@bin.example"), world.asks("merged@bin.example")
    survivor = world.asks("survivor@bin.example")
    world.later(hours=1)
    world.sync()
    world.act("erase", contact=contact)
    world.act("archive", contact=kept)
    world.act("merge", contact=survivor, other=merged)
    world.later(days=1)
    assert world.sync().exit_code == 0
    world.later(minutes=10)
    assert world.sync().exit_code == 0
    assert traces(world, contact) == {}
    known = {value.strip("'") for value in rows(world)["contact"]}
    assert {kept, survivor} <= known
    assert world.violations() == []


def test_an_alarm_about_several_leads_goes_on_to_tell_of_the_others(world: World, handoff: Handoff) -> None:
    """I11, R11, P2: it is told once and for all; one lead less makes it no less true."""
    contacts = [world.asks(f"kim@acme-{number}.example") for number in range(3)]
    world.sync()
    world.later(hours=2)
    for number in range(3):
        world.act("email_event", email=f"kim@acme-{number}.example", type="SENT", campaign_id="901", name="Spring mail")
    world.receiver.answer = 503
    assert world.sync().counts.mails_leaked == 3
    assert handoff("erase", contacts[0], "--yes").code == 0
    world.receiver.answer = 204
    world.later(days=1)
    world.sync()
    (told,) = [notice for notice in world.receiver.notices if notice["type"] == "mail.leaked"]
    assert sorted(lead["contact_id"] for lead in told["data"]["leads"]) == contacts[1:]
    assert told["data"]["sentence"].startswith("The marketing e-mail “Spring mail”")
