"""`handoff check --deep` against a portal over HTTP; and a full pull there that is cut off and gone on with (I4)."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest
from commands import Handoff
from portal_world import World

from connector.crm.hubspot import contacts
from connector.sandbox.portal import Sandbox


def test_what_is_missing_or_differs_is_named_and_a_full_sync_mends_it(
    world: World, handoff: Handoff, sandbox: Sandbox
) -> None:
    """A row that was lost, and a value that changed without moving the contact's date."""
    world.sync()
    world.later(hours=3)
    world.sync()
    fine = handoff("check", "--deep")
    assert fine.code == 0 and "Nothing differs" in fine.out and "5 rows that HubSpot shows" in fine.out
    records = next(iter(sandbox.portals.values())).objects["contacts"].records
    lost, other = sorted(records)[:2]
    records[other].props["company"] = "Canary Ltd"
    with sqlite3.connect(world.folder / "handoff.db") as database:
        database.execute("delete from contact where contact = ?", (lost,))
    world.calls()
    said = handoff("check", "--deep", "--all", "--json")
    found, asked = json.loads(said.out), world.calls()
    assert said.code == 1 and sum(found["api_calls"].values()) == sum(asked.values()) == 3
    assert found["differences"] == [
        {"contact": lost, "kind": "missing here", "fields": []},
        {"contact": other, "kind": "differs", "fields": ["company"]},
    ]
    shown = handoff("check", "--deep", "--sample", "50")
    assert shown.code == 1 and "handoff sync --full" in shown.err and lost in shown.out
    assert "Canary" not in said.out + said.err + shown.out + shown.err
    assert world.ours() == []
    world.sync(full=True)
    assert handoff("check", "--deep", "--all").code == 0


def test_how_much_goes_with_deep_alone(world: World, handoff: Handoff) -> None:
    for words, said in (
        (("--sample", "3"), "Add --deep"),
        (("--deep", "--all", "--sample", "3"), "Leave one"),
        (("--deep",), "The first `handoff sync` makes it"),
    ):
        answer = handoff("check", *words)
        assert answer.code == 2 and said in answer.err, words


def test_a_full_sync_that_was_cut_off_reads_the_rest_in_full(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """I4: the next plain sync goes on with it, and loses nobody behind the place where it stopped."""
    world.sync()
    world.later(hours=1)
    ids = sorted(world.api("GET", "/crm/v3/objects/contacts")["results"], key=lambda one: int(one["id"]))
    world.edit(ids[2]["id"], company="Changed Ltd")
    looked = contacts.see_that_all_exist
    pages: list[Any] = []

    def dies_at_the_second_page(*given: Any) -> None:
        pages.append(given)
        if len(pages) == 2:
            raise KeyboardInterrupt
        looked(*given)

    monkeypatch.setattr(contacts, "LIST_PAGE", 2)
    monkeypatch.setattr(contacts, "see_that_all_exist", dies_at_the_second_page)
    with pytest.raises(KeyboardInterrupt):
        world.sync(full=True)
    report = world.sync()
    assert report.run.resumed and report.counts.completeness["contacts"].rows == 5
    with world.connector() as connector, connector.store(connector.portal()).reading() as uow:
        assert uow.contacts([ids[2]["id"]])[ids[2]["id"]].contact.text("company") == "Changed Ltd"
