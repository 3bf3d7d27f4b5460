"""`handoff preview` names exactly what the sync then does, field by field, and does nothing itself (R33)."""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from portal_world import World

from connector.config.mappings import load_rulebook
from connector.domain.contact import ContactId
from connector.engine.report import RunReport
from connector.rules.fields import property_of, to_wire

Key = tuple[str, str]
"""Contact and property; or contact and `list`."""


def planned(world: World, report: RunReport) -> dict[Key, tuple[str, str]]:
    """(before, after) as they stand in the CRM."""
    book = load_rulebook(world.mappings)
    found: dict[Key, tuple[str, str]] = {}
    for lead in report.planned:
        for change in lead.changes:
            if change.kind.value == "field":
                name = property_of(change.field, book.fields)
                before, after = (
                    to_wire(change.field, value, book.fields, book.stages.values)
                    for value in (change.before, change.after)
                )
                found[change.contact, name] = (before, after)
            else:
                found[change.contact, "list"] = ("", change.kind.value)
    return found


def made(world: World, mark: str) -> dict[Key, tuple[str, str]]:
    """What the connector changed since the last look: the value before the first and after the last write."""
    found: dict[Key, tuple[str, str]] = {}
    for event in world.ours("property", "list_add", "list_remove", mark=mark):
        if event["kind"] != "property":
            found[event["record_id"], "list"] = ("", event["kind"])
            continue
        key = event["id"], event["name"]
        before = found.get(key, (event["before"] or "", ""))[0]
        found[key] = (before, event["after"] or "")
    return found


def database(world: World) -> dict[str, str]:
    """A digest of every table's rows."""
    with sqlite3.connect(f"file:{world.folder / 'handoff.db'}?mode=ro", uri=True) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    return {name: hashlib.sha256(repr(sorted(found, key=repr)).encode()).hexdigest() for name, found in rows.items()}


def busy_portal(world: World) -> dict[str, str]:
    """Leads on every path: asking, qualifying, known ones that were handed back, rejected, won, filtered."""
    return {
        "asks": world.asks("ana@asks.example", firstname="Ana", phone="+49 30 1234567"),
        "qualifies": world.contact("ben@looks.example", country="Germany", jobtitle="CEO"),
        "private": world.contact("pat-nobody@gmail.com", country="Germany"),
        "back": world.asks("cora@back.example"),
        "junk": world.asks("dan@junk.example"),
        "won": world.asks("eve@won.example"),
    }


def go_on(world: World, people: dict[str, str]) -> None:
    world.views(people["qualifies"], 18, 2)
    world.views(people["private"], 18, 2)
    world.edit(people["back"], handoff_verdict="recycle", handoff_verdict_reason="not_ready")
    world.edit(people["junk"], handoff_verdict="junk")
    world.act("deal", contact=people["won"], properties={"dealstage": "closedwon", "amount": "900"})
    for number in range(12):
        world.asks(f"more.{number}@more-{number}.example")


def test_a_preview_names_every_change_of_the_sync_with_its_values_before_and_after(world: World) -> None:
    """R33: field by field, the list too; compared with the CRM's own journal."""
    people = busy_portal(world)
    first = planned(world, world.preview())
    assert first and world.ours(mark="ours") == []
    world.sync()
    assert made(world, "ours") == first

    world.later(hours=20)
    go_on(world, people)
    world.log(mark="ours")
    foreseen = world.preview()
    report = world.sync()
    assert made(world, "ours") == planned(world, foreseen)
    assert report.counts.handed_off == foreseen.counts.handed_off == 13
    stage = planned(world, foreseen)[people["back"], "lifecyclestage"]
    assert stage == ("marketingqualifiedlead", "lead"), "a backward step is one change, whatever requests it takes"


def test_a_preview_leaves_database_and_portal_as_they_are(world: World) -> None:
    """R33: no table changes by a byte, no call writes, nobody is told."""
    people = busy_portal(world)
    world.sync()
    world.later(hours=20)
    go_on(world, people)
    before, told = database(world), len(world.receiver.notices)
    world.log(mark="ours")
    world.calls()

    assert world.preview().planned

    assert database(world) == before
    assert world.ours(mark="ours") == [] and len(world.receiver.notices) == told
    asked = set(world.calls())
    assert all(call.startswith("GET ") or call.endswith(("/read", "/search")) for call in asked), asked


def test_when_people_edit_in_between_the_sync_differs_exactly_there(world: World) -> None:
    """R33, I2: an edited contact goes its own way; all others get what was foreseen, to the letter.

    The last two give their turn away; owners take turns, so that would move every lead behind them on by one.
    """
    leads = [world.asks(f"lead.{number}@between-{number}.example") for number in range(8)]
    world.later(minutes=5)
    foreseen = planned(world, world.preview())
    staged, renamed, stopped, taken = leads[0], leads[1], leads[6], leads[7]
    owners = [owner["id"] for owner in world.api("GET", "/crm/v3/owners")["results"]]
    other = next(owner for owner in owners if owner != foreseen[taken, "hubspot_owner_id"][1])
    earlier = (world.now - timedelta(minutes=1)).isoformat()
    world.act("edit", contact=staged, properties={"lifecyclestage": "salesqualifiedlead"}, at=earlier)
    world.edit(renamed, firstname="Renamed", phone="+49 30 7654321")
    world.edit(stopped, handoff_do_not_contact="true")
    world.edit(taken, hubspot_owner_id=other)

    world.sync()

    done = made(world, "ours")
    gone = {key for key in foreseen if key[0] == stopped} | {(taken, "hubspot_owner_id"), (staged, "lifecyclestage")}
    assert done == {key: value for key, value in foreseen.items() if key not in gone}


def test_an_edit_in_the_moment_of_the_write_takes_that_contact_alone_out(world: World) -> None:
    """I2: between pull and write a person was faster; the turn that lead had is given back."""
    leads = [world.asks(f"lead.{number}@moment-{number}.example") for number in range(6)]
    foreseen = planned(world, world.preview())
    owners = [owner["id"] for owner in world.api("GET", "/crm/v3/owners")["results"]]
    other = next(owner for owner in owners if owner != foreseen[leads[2], "hubspot_owner_id"][1])
    with world.connector() as connector:
        add, edited = connector.gateway.add_to_list, []

        def add_and_edit(name: str, ids: Sequence[ContactId]) -> frozenset[ContactId]:
            if not edited:
                edited.append(leads[2])
                world.edit(leads[2], hubspot_owner_id=other)
            return add(name, ids)

        connector.gateway.add_to_list = add_and_edit  # type: ignore[method-assign]  # the one moment that matters
        report = connector.sync()

    done = made(world, "ours")
    assert done == {key: value for key, value in foreseen.items() if key != (leads[2], "hubspot_owner_id")}
    assert report.counts.handed_off == 6, "decided twice, handed over once"
    assert world.receiver.kinds() == {"lead.handed_off": 6}
    (notice,) = [notice for notice in world.receiver.notices if notice["data"]["contact_id"] == leads[2]]
    assert notice["data"]["owner_id"] == other


def test_a_preview_is_exported_saved_and_approved_by_the_command_line(world: World) -> None:
    """R33: CSV, summary; what was edited since is left out and listed, what was not is done as it was shown."""
    kept, edited = world.asks("ana@cli.example"), world.asks("ben@cli.example")
    table, file = world.folder / "plan.csv", world.folder / "plan.json"
    said = world.handoff("preview", "--out", str(table), "--save", str(file), "--json")
    assert said.returncode == 0, said.stderr
    found: dict[str, Any] = json.loads(said.stdout)
    assert found["summary"]["actions"] == {"hand_over": 2} and found["summary"]["fields"]["stage"] == 2
    assert found["summary"]["owners"] == {"Ana Corvo": 2}, "one company, one rep"
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == found["changes"] and {row["contact"] for row in rows} == {kept, edited}
    assert file.stat().st_mode & 0o077 == 0 and "cli.example" not in file.read_text(encoding="utf-8")
    world.edit(edited, firstname="Benno")
    world.log(mark="ours")
    done = json.loads(world.handoff("sync", "--approve", str(file), "--json").stdout)
    assert (done["approved"], done["carried_out"], done["handed_off"]) == (2, 1, 1)
    assert done["left_out"] == [{"contact": edited, "why": "its record was edited since"}]
    assert {contact for contact, _ in made(world, "ours")} == {kept}
    nothing = world.handoff("preview", "--approve", str(world.folder / "none.json"))
    assert nothing.returncode == 2 and "cannot be read" in nothing.stderr


def test_the_preview_of_the_command_line_says_the_same_as_json(world: World) -> None:
    """`handoff preview --json`: one object; `handoff sync --dry-run` is the same."""
    contact = world.asks("ana@cli.example")
    said = world.handoff("preview", "--json")
    assert said.returncode == 0, said.stderr
    found: dict[str, Any] = json.loads(said.stdout)
    assert (found["leads"], found["handed_off"]) == (1, 1)
    assert found["changes"] == len(found["planned"])
    assert {line["contact"] for line in found["planned"]} == {contact}
    again = json.loads(world.handoff("sync", "--dry-run", "--json").stdout)
    assert again == found
    assert world.ours(mark="ours") == []
