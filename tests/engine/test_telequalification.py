"""Telequalification in a run (R12): two hops in one episode, each with its packet, its clocks and its notices (I5)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from factories import HOUR, MINUTE, make_book, make_owner, pricing_view
from fakes import kill

from connector.domain.episode import Hop, State
from connector.engine.undo import undo
from connector.rules.rulebook import RuleBook
from engine.world import World

CLOCKS = {
    "call": {"label": "first call", "hop": "telequalification", "until": "touch", "limit": "2h"},
    "qualify": {"label": "answer of telequalification", "hop": "telequalification", "until": "end", "limit": "72h"},
    "first_touch": {"label": "first call by the rep", "hop": "sales", "until": "touch", "limit": "8h"},
}
POOLS = {"callers": {"members": [{"owner": "9"}]}, "sales": {"label": "sales", "everyone": True}}


def book(**party: Any) -> RuleBook:
    """Cleo (9) calls first; Ana (7) and Ben (8) sell."""
    return make_book(
        routing={
            "telequalification": [{"name": "callers", "label": "our callers", **(party or {"pool": "callers"})}],
            "pools": POOLS,
            "default_pool": "sales",
        },
        sla={"clocks": CLOCKS},
        notifications={"destinations": {name: slack(role) for name, role in ROLES.items()}},
    )


ROLES = {"reps": "rep", "callers": "telequalification", "partner": "agency", "other": "agency", "boss": "manager"}


def slack(role: str) -> dict[str, str]:
    return {"type": "slack", "to": role, "url_env": "SLACK_URL"}


def lead_of(rules: RuleBook) -> World:
    world = World(rules)
    world.destinations = dict.fromkeys(ROLES, True)
    world.crm.people.append(make_owner("9", name="Cleo Sample"))
    world.begin()
    world.crm.add()
    for minutes in (1, 0):
        world.crm.happen(pricing_view(world.clock.now() - minutes * MINUTE))
    world.run()
    return world


@pytest.fixture
def called() -> World:
    """A lead that is with our callers."""
    return lead_of(book())


def heard(world: World) -> list[tuple[str, str, str | None]]:
    """Destination, kind and addressee of everything that was sent since it was last asked."""
    rows = [json.loads(entry.body) for entry in world.delivery.sent]
    world.delivery.sent.clear()
    return [(row["to"], row["kind"], row["owner"]) for row in rows]


def clocks(world: World) -> set[str]:
    return {timer.name for timer in world.timers()}


def test_two_hops_in_one_episode_each_with_its_packet_and_its_clocks(called: World) -> None:
    """R12, R14, R17: one episode, its id never changes; the rep's clocks begin when the rep gets the lead."""
    first = called.episode()
    assert (first.owner, first.hop, called.crm.value("101", "owner")) == ("9", Hop.TELEQUALIFICATION, "9")
    assert heard(called) == [("callers", "lead.handed_off", "9")]
    assert clocks(called) == {"call", "qualify"}
    called.clock.pass_by(HOUR)
    called.crm.edit(last_touch_at=called.clock.now().isoformat(), verdict="accepted")
    called.run_later()
    assert (called.episode().state, clocks(called)) == (State.ACCEPTED, {"qualify"})
    called.crm.edit(verdict="qualified", comment="Budget is there")
    called.run_later()
    second = called.episode()
    assert (second.id, second.owner, second.hop, second.caller) == (first.id, "7", Hop.SALES, "9")
    assert (second.touched_at, second.caller_touched_at is not None) == (None, True)
    assert heard(called) == [("reps", "lead.handed_off", "7")]
    assert clocks(called) == {"first_touch"}
    assert (called.crm.value("101", "owner"), called.crm.value("101", "verdict")) == ("7", "")
    assert called.crm.value("101", "reason").startswith("Our callers qualified this lead. ")
    called.crm.edit(verdict="accepted")
    called.run_later()
    assert (called.episode().state, called.episode().hop, len(called.episodes())) == (State.ACCEPTED, Hop.SALES, 1)


def test_the_reps_packet_says_what_was_done_and_said_before(called: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """R14: the answer is emptied in the CRM, and stands in the packet."""
    packets = []
    monkeypatch.setattr("engine.world.build_body", lambda to, notice, entry: packets.append(notice.packet) or "{}")
    called.crm.edit(verdict="qualified", comment="Budget is there")
    called.run_later()
    (packet,) = packets
    first, *called_then = packet["since_last_time"]
    assert str(first).startswith("Why it was called: ")
    assert called_then == ["Cleo Sample (our callers) had it first.", "They noted: Budget is there."]
    assert packet["why_now"] == "Our callers qualified this lead."


def test_the_clock_of_the_first_hop_warns_telequalification_and_not_the_reps(called: World) -> None:
    """R17"""
    heard(called)
    called.run_later(HOUR + MINUTE)
    assert heard(called) == [("callers", "sla.at_risk", "9")]
    called.run_later(2 * HOUR)
    assert ("boss", "sla.breached", "9") in heard(called)


def test_an_agency_hears_of_its_leads_alone_and_the_crm_shows_no_owner() -> None:
    """R12: no seat in the CRM; other agencies hear nothing."""
    world = lead_of(book(agency="partner"))
    assert (world.episode().owner, world.crm.value("101", "owner"), heard(world)) == (
        None, "", [("partner", "lead.handed_off", None)]
    )  # fmt: skip
    assert world.run_later().counts.changes_written == 0
    world.crm.edit(owner="8")
    world.run_later()
    assert (world.episode().owner, world.episode().hop) == ("8", Hop.SALES)
    assert heard(world) == [("reps", "lead.handed_off", "8"), ("partner", "lead.withdrawn", None)]


def test_an_agency_that_does_not_answer_is_no_silent_lead() -> None:
    """P4: its clock runs like anybody's, and the manager hears of it."""
    world = lead_of(book(agency="partner"))
    heard(world)
    world.run_later(3 * HOUR)
    told = heard(world)
    assert ("partner", "sla.breached", None) in told and ("boss", "sla.breached", None) in told


def test_a_write_that_was_overtaken_leaves_the_lead_where_it_was(called: World) -> None:
    """I2, I4: nobody is told of a second hop that did not reach the CRM; the next decision makes it again."""
    heard(called)
    called.crm.edit(verdict="qualified")
    called.crm.before("update_contacts", lambda: called.crm.edit(verdict="junk"))
    called.run_later()
    called.run_later()
    assert (called.episode().state, called.episode().hop) == (State.JUNK, Hop.TELEQUALIFICATION)
    assert [row for row in heard(called) if row[0] == "reps"] == []


def test_a_run_that_died_in_the_second_hop_ends_as_if_it_had_not(called: World) -> None:
    """I5, P3: one rep, told once."""
    heard(called)
    called.crm.edit(verdict="qualified")
    called.clock.pass_by(MINUTE)
    called.crm.after("update_contacts", kill)
    called.run_and_die()
    called.run_later()
    assert (called.episode().owner, called.episode().hop) == ("7", Hop.SALES)
    assert heard(called) == [("reps", "lead.handed_off", "7")]
    assert clocks(called) == {"first_touch"}


def test_an_undone_second_hop_puts_the_lead_back_at_telequalification(called: World) -> None:
    """R36: with its clocks; the rep's turn goes back, and the rep hears of it."""
    heard(called)
    before = called.rotation()
    called.crm.edit(verdict="qualified")
    run = called.run_later().run
    called.clock.pass_by(MINUTE)
    undo(called.ports, called.book, called.crm.portal(), run.id)
    called.clock.pass_by(MINUTE)
    assert (called.episode().owner, called.episode().hop) == ("9", Hop.TELEQUALIFICATION)
    assert called.rotation() == before
    assert heard(called) == [("reps", "lead.handed_off", "7"), ("reps", "lead.withdrawn", "7")]
    assert clocks(called) == {"call", "qualify"}


def owners_of_four(world: World) -> tuple[list[str | None], list[str | None]]:
    """Who calls the leads 101 to 104, and to whom they are passed on."""
    found = []
    for _ in range(2):
        world.run_later()
        found.append([world.episode(str(number)).owner for number in range(101, 105)])
        for number in range(101, 105):
            world.crm.edit(str(number), verdict="qualified")
    return found[0], found[1]


def test_colleagues_of_one_batch_are_called_by_one_person_and_sold_to_by_one_rep() -> None:
    """R12: one owner per account, inside one batch too, on both hops."""
    callers = {"members": [{"owner": "9"}, {"owner": "4"}]}
    rules = make_book(
        routing={
            "telequalification": [{"name": "callers", "pool": "callers", "lanes": ["request"]}],
            "pools": {**POOLS, "callers": callers},
            "default_pool": "sales",
            "stickiness": ["account_owner"],
        }
    )
    world = World(rules)
    world.crm.people += [make_owner("9"), make_owner("4")]
    world.begin()
    for number in range(101, 105):
        world.crm.add(str(number), email=f"kim@firm{number % 2}.example", request="hand_over")
    assert owners_of_four(world) == (["4", "9", "4", "9"], ["7", "8", "7", "8"])


def test_a_mailbox_that_the_admin_calls_private_is_no_account() -> None:
    """R12: a provider of `web_mail.also` or `throw_away.also` keeps nobody's leads together, on neither hop."""
    rules = make_book(
        qualification={
            "filters": {"web_mail": {"also": ["box.post.example"]}, "throw_away": {"also": ["gone.example"]}}
        },
        routing={
            "telequalification": [{"name": "callers", "pool": "callers", "lanes": ["request"]}],
            "pools": {**POOLS, "callers": {"members": [{"owner": "9"}, {"owner": "4"}]}},
            "default_pool": "sales",
            "stickiness": ["account_owner"],
        },
    )
    world = World(rules)
    world.crm.people += [make_owner("9"), make_owner("4")]
    world.begin()
    for number, provider in enumerate(("box.post", "box.post", "gone", "gone"), 101):
        world.crm.add(str(number), email=f"kim{number}@{provider}.example", request="hand_over")
    assert owners_of_four(world) == (["4", "9", "4", "9"], ["7", "8", "7", "8"])
