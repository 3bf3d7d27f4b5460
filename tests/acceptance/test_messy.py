"""Messy people: processed or set aside with a reason, never a stop (P5; the issue's "Bad input")."""

from __future__ import annotations

import json

from portal_world import MONDAY, Build, World

LONG = "A very long story. " * 3_158  # 60,002 characters


def test_every_kind_of_mess_is_processed_and_handed_over_when_it_asks(world: World) -> None:
    """No e-mail, bad phone, unknown country, emoji name, 60,000 characters, and odd values all at once."""
    owner = world.api("GET", "/crm/v3/owners")["results"][0]["id"]
    nobody = world.contact(None, firstname="No", lastname="Address", phone="+49 30 901820")
    at = world.now.isoformat()
    world.act("meeting", contact=nobody, owner=owner, at=at, starts_at=at)
    empty = world.contact(None)
    people = {
        "phone": world.asks("bad@phone.example", phone="call me after six, ext. ☎"),
        "country": world.asks("bad@country.example", country="Atlantis"),
        "emoji": world.asks("bad@emoji.example", firstname="🦊🦊🦊", lastname="‮Ñandú\u0000\t"),
        "long": world.asks("bad@long.example", message=LONG),
        "script": world.asks("bad@script.example", firstname="<script>alert(1)</script>", lastname="=cmd()"),
        "all": world.asks("bad+all@xn--bcher-kva.example", phone="0", country="🏴", firstname="💥", message=LONG),
    }

    report = world.sync()

    assert (report.exit_code, report.counts.quarantined, list(report.troubles)) == (0, 0, [])
    assert world.listed() == {*people.values(), nobody} and empty not in world.listed()
    bodies = [json.dumps(notice) for notice in world.receiver.of("lead.handed_off")]
    assert len(bodies) == 7 and all(len(body) < 20_000 for body in bodies)
    told = {notice["data"]["contact_id"]: notice["data"]["contact"] for notice in world.receiver.notices}
    assert told[people["emoji"]]["first_name"] == "🦊🦊🦊"
    assert told[people["country"]]["country"] == "" and told[people["phone"]]["phone"] == ""
    text = world.handoff("explain", people["phone"]).stdout
    assert "Could not be read" in text and "phone" in text


def test_a_seeded_portal_with_all_its_mess_is_decided_without_a_complaint(build: Build) -> None:
    """R41 off: everything counts from the first run on; nothing is refused, nothing set aside."""
    world = build(contacts=700, seed=5)
    report = world.sync(env={"HANDOFF_SINCE": "2020-01-01"})
    assert (report.exit_code, report.counts.decided, report.counts.quarantined) == (0, 700, 0)
    assert report.counts.handed_off == len(world.receiver.of("lead.handed_off")) > 20


def test_one_contact_that_the_crm_refuses_is_set_aside_with_the_reason_and_tried_once_a_run(world: World) -> None:
    """P5: a refused change is shown, the others go through, and the next run tries again."""
    asked = [world.asks(f"p{number}@refused-{number}.example") for number in range(5)]
    body = {"status": "error", "category": "VALIDATION_ERROR", "message": "no such value"}
    refuse = {"kind": "status", "status": 400, "method": "POST", "path": "contacts/batch/update", "body": body}
    world.faults({**refuse, "times": 4})
    report = world.sync()
    assert report.exit_code == 1
    shown = json.loads(world.handoff("runs", "--json").stdout)
    assert len(shown["set_aside"]) >= 1
    held_back = {row["contact"] for row in shown["set_aside"]}
    told = {notice["data"]["contact_id"] for notice in world.receiver.of("lead.handed_off")}
    assert told == set(asked) - held_back
    world.later(minutes=10)
    assert world.sync().exit_code == 0
    assert {notice["data"]["contact_id"] for notice in world.receiver.of("lead.handed_off")} == set(asked)
    assert json.loads(world.handoff("runs", "--json").stdout)["set_aside"] == []
    assert world.now > MONDAY
