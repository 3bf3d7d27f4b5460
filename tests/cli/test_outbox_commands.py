"""`handoff outbox`: looking, sending again, pausing and resuming, and what is said of mistakes (P2)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from commands import Handoff, Said
from portal_world import World

from connector.engine.ports import Entry

LEADS = 3
SCHEDULE = (0.1, 0.2, 0.6, 2.3, 5.6, 11.1, 15.5, 22.1, 26.5)
"""Hours that make each of ten tries due, the longest jitter included; less than the five days that switch off."""


def rows(handoff: Handoff, *words: str) -> list[dict[str, Any]]:
    said = handoff("outbox", "list", "--json", *words)
    assert said.code == 0, said
    found: list[dict[str, Any]] = json.loads(said.out)["entries"]
    return found


def object_of(said: Said, code: int = 0) -> dict[str, Any]:
    assert said.code == code, said
    found: dict[str, Any] = json.loads(said.out)
    return found


@pytest.fixture
def refused(world: World) -> World:
    """Three leads whose notices the receiver would not take."""
    world.sync()
    world.later(hours=1)
    world.receiver.answer = 500
    for number in range(LEADS):
        world.asks(f"lead-{number}@outbox.example")
    assert world.sync().counts.handed_off == LEADS
    return world


def sent(world: World) -> list[str]:
    return [notice["webhook-id"] for notice in world.receiver.notices]


def test_pause_keeps_all_and_resume_sends_it_in_order(refused: World, handoff: Handoff) -> None:
    refused.receiver.answer = 204
    refused.later(hours=1)
    said = handoff("outbox", "pause", "reps")
    assert said.code == 0 and "handoff outbox resume reps" in said.out
    assert object_of(handoff("outbox", "pause", "reps", "--json")) == {
        "destination": "reps", "was_off": True, "off_by": "person",
    }
    report = refused.sync()
    assert sent(refused) == [] and any("somebody paused it" in line for line in report.troubles)
    for words in (("outbox", "list"), ("check",)):
        said = handoff(*words)
        assert "Destination reps is off since" in said.err and "handoff outbox resume reps" in said.err, words
    off = object_of(handoff("outbox", "list", "--json"))["destinations_off"]
    assert [(one["name"], one["off_by"], one["waiting"]) for one in off] == [("reps", "person", len(rows(handoff)))]

    found = object_of(handoff("outbox", "resume", "reps", "--json"))
    assert (found["was_off"], found["off_by"], found["waiting"]) == (True, "person", len(rows(handoff)))
    refused.sync()
    assert sent(refused) == [row["id"] for row in reversed(rows(handoff))]
    assert "was on already" in handoff("outbox", "resume", "reps").out


def test_replay_of_what_was_given_up_sends_the_same_ids(refused: World, handoff: Handoff) -> None:
    for hours in SCHEDULE:
        refused.later(hours=hours)
        refused.sync()
    given_up = {row["id"] for row in rows(handoff, "--status", "exhausted")}
    assert len(given_up) >= LEADS
    refused.receiver.answer = 204
    said = handoff("outbox", "replay", "--status", "exhausted")
    assert said.code == 2 and "Add --yes" in said.err and str(len(given_up)) in said.err and sent(refused) == []
    found = object_of(handoff("outbox", "replay", "--destination", "reps", "--yes", "--json"))
    assert found["replayed"] == found["sent"] == len(given_up) and set(found["ids"]) == given_up <= set(sent(refused))
    nothing = handoff("outbox", "replay", "--destination", "reps", "--yes")
    assert nothing.code == 0 and "nothing of that kind" in nothing.err


def test_replay_of_what_the_receiver_lost_and_of_one_by_its_id(refused: World, handoff: Handoff) -> None:
    refused.receiver.answer = 204
    refused.later(minutes=1)
    refused.sync()
    first = sent(refused)
    assert len(first) == LEADS
    day = f"{refused.now:%Y-%m-%d}"
    found = object_of(handoff("outbox", "replay", "--status", "sent", "--since", day, "--yes", "--json"))
    assert found["sent"] == LEADS and sent(refused) == first + first
    assert refused.receiver.wrongs == [], "byte for byte"
    said = handoff("outbox", "replay", first[1], first[0])
    assert said.code == 0 and "2 of 2 notices" in said.out and sent(refused)[-2:] == [first[0], first[1]]
    assert handoff("outbox", "replay", "--status", "sent", "--until", day, "--yes").err.startswith("There is nothing")


def test_replay_to_a_receiver_that_is_still_down_says_how_much_waits(refused: World, handoff: Handoff) -> None:
    name = rows(handoff)[0]["id"]
    said = handoff("outbox", "replay", name)
    assert said.code == 1 and "Sent again: 0 of 1 notice, 1 are due" in said.out
    assert object_of(handoff("outbox", "retry", name, "--json"), code=1) == {"id": name, "sent": False}
    handoff("outbox", "pause", "reps")
    said = handoff("outbox", "retry", name)
    assert said.code == 1 and "Destination reps is off" in said.err


MISTAKES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("pause", "rep"): ("there is no destination 'rep'", "notifications.yaml names reps"),
    ("resume", "rep"): ("there is no destination 'rep'", "notifications.yaml names reps"),
    ("replay", "--destination", "rep", "--yes"): ("there is no destination 'rep'",),
    ("replay",): ("say which notices", "--destination"),
    ("replay", "fx_0"): ("'fx_0' cannot be sent again: there is no such notice",),
    ("replay", "fx_0", "--status", "sent"): ("ids or a range, not both",),
    ("replay", "--status", "due"): ("'due' is none of the words",),
    ("replay", "--since", "yesterday"): ("'yesterday' is no day or time", "2026-03-02T14:30"),
    ("replay", "--since", "9999-12-31T23:59:59-14:00"): ("is no day or time", "2026-03-02T14:30"),
    ("replay", "--since", "2026-03-02", "--until", "2026-03-01"): ("--until lies before --since",),
    ("list", "--status", "gone"): ("'gone' is none of the words",),
}


def test_mistakes_are_told_with_what_to_do(world: World, handoff: Handoff) -> None:
    world.sync()
    for words, says in MISTAKES.items():
        said = handoff("outbox", *words)
        assert said.code == 2 and "What to do:" in said.err and "Traceback" not in said.err, words
        assert all(part in said.err for part in says), said.err


def test_while_a_run_works_replay_says_so_and_pause_works(refused: World, handoff: Handoff) -> None:
    """Exit code 5; switching needs no lease."""
    name = rows(handoff)[0]["id"]
    with refused.connector() as connector, connector.store(connector.portal()).lease():
        said = handoff("outbox", "replay", name)
        assert said.code == 5 and "already works" in said.err
        assert handoff("outbox", "pause", "reps").code == 0
        assert handoff("outbox", "resume", "reps").code == 0


def test_show_tells_tries_and_the_digest_that_tells_of_it(refused: World, handoff: Handoff) -> None:
    name = rows(handoff)[0]["id"]
    digest = Entry(
        id="fx_digest", destination="reps", kind="lead.digest", contact=None, episode=None, status="due",
        body=json.dumps({"ids": [name]}),
    )  # fmt: skip
    with refused.connector() as connector, connector.store(connector.portal()).transaction() as uow:
        uow.put_digest(digest, [name])
    said = handoff("outbox", "show", name)
    assert "Told by the digest fx_digest" in said.out and "500" in said.out
    assert name in handoff("outbox", "show", "fx_digest").out
    assert object_of(handoff("outbox", "show", "fx_digest", "--json"))["tells_of"] == [name]
