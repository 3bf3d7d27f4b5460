"""Reassigning: a clock that ran out takes the lead from its holder, who never gets it back (R17)."""

from __future__ import annotations

import json
from typing import Any

from factories import HOUR, MINUTE, make_book, make_owner, pricing_view
from fakes import kill

from connector.domain.contact import ContactId
from connector.domain.episode import State
from connector.engine.explain import as_text, explain
from connector.engine.ports import Entry
from connector.rules.rulebook import RuleBook
from engine.world import World

ANA, BEN, CLEO = "7", "8", "9"
TOUCH = {"label": "first call", "until": "touch", "limit": "2h", "warn_at": [], "reassign_at": 150}
ROLES = {"reps": "rep", "boss": "manager", "callers": "telequalification"}


def book(clock: dict[str, Any] = TOUCH, **routing: Any) -> RuleBook:
    return make_book(
        routing={"stickiness": ["existing_owner"], **routing},
        sla={"clocks": {"first_touch": clock}},
        notifications={
            "destinations": {
                name: {"type": "slack", "to": role, "url_env": "SLACK_URL"} for name, role in ROLES.items()
            }
        },
    )


def lead_of(rules: RuleBook, *people: str) -> World:
    """A lead handed over just now; Ana has it, where she is in its pool."""
    world = World(rules)
    world.destinations = dict.fromkeys(ROLES, True)
    world.crm.people += [make_owner(one, name=f"Owner {one}") for one in people]
    world.begin()
    world.crm.add()
    for minutes in (1, 0):
        world.crm.happen(pricing_view(world.clock.now() - minutes * MINUTE))
    world.run()
    world.delivery.sent.clear()
    return world


def told(world: World, destination: str = "reps") -> list[tuple[str, str | None]]:
    """Kind and addressee of what one destination was sent."""

    def to(entry: Entry) -> bool:
        return entry.destination == destination

    return [(entry.kind, json.loads(entry.body)["owner"]) for entry in world.delivery.sent if to(entry)]


def explained(world: World) -> str:
    with world.store.reading() as uow:
        found = explain(uow, ContactId("101"), world.book)
    assert found is not None
    return as_text(found)


def test_the_lead_goes_to_somebody_else_at_its_time_and_both_are_told() -> None:
    """R17, R14: the first breach is told; the lead goes half of the time later, with a clock of its own."""
    world = lead_of(book())
    world.run_later(2 * HOUR)
    assert world.episode().owner == ANA
    assert told(world) == [("sla.breached", ANA)]
    world.delivery.sent.clear()
    world.run_later(HOUR)
    episode = world.episode()
    assert (episode.owner, episode.assignment, episode.former_owners) == (BEN, 2, (ANA,))
    assert world.crm.value("101", "owner") == BEN
    assert told(world) == [("lead.withdrawn", ANA), ("lead.moved", BEN)]
    assert {(timer.level, timer.assignment) for timer in world.timers()} == {("breach", 2), ("reassign", 2)}
    text = explained(world)
    assert "Ben Sample: The time for the first call ran out; somebody else takes this lead over." in text
    assert "not Ana Sample: had this lead before" in text


def test_it_never_comes_back_and_stays_with_the_last_one_there_is() -> None:
    """R17: nobody is left, so it stays, the manager is told once, and nothing more happens by itself."""
    world = lead_of(book())
    world.run_later(3 * HOUR)
    world.delivery.sent.clear()
    world.run_later(3 * HOUR)
    for _ in range(3):
        world.run_later(3 * HOUR)
    assert (world.episode().owner, world.episode().assignment) == (BEN, 2)
    assert told(world, "boss") == [("sla.breached", BEN), ("sla.breached", BEN)]
    assert "lead.withdrawn" not in world.kinds()
    assert "everybody who could take this lead has had it: it stays" in explained(world)


def test_a_named_fallback_takes_it_before_it_stays() -> None:
    """R12: who takes what nobody else can, and who was never in the pool."""
    world = lead_of(book(fallback={"owner": CLEO}, pools={"two": {"members": [{"owner": ANA}, {"owner": BEN}]}},
                         default_pool="two"), CLEO)  # fmt: skip
    owners = []
    for _ in range(4):
        world.run_later(3 * HOUR)
        owners.append(world.episode().owner)
    assert owners == [BEN, CLEO, CLEO, CLEO]


def test_caps_and_absences_hold() -> None:
    """R12: who is away, or has as many as may be, gets none of what others leave."""
    away = [{"owner": BEN, "away": [{"from": "2026-03-01", "until": "2026-03-03"}]}]
    pools = {"all": {"everyone": True, "members": [{"owner": CLEO, "max_open_leads": 1}]}}
    world = lead_of(book(people=away, pools=pools, default_pool="all"), CLEO)
    world.crm.add("102", owner=CLEO)
    for minutes in (1, 0):
        world.crm.happen(pricing_view(world.clock.now() - minutes * MINUTE, contact=ContactId("102")))
    world.run()
    assert world.episode("102").owner == CLEO
    world.run_later(3 * HOUR)
    assert world.episode().owner == ANA


def test_who_reacted_keeps_the_lead() -> None:
    """R17: between the breach and the hour at which it would be taken."""
    world = lead_of(book())
    world.run_later(2 * HOUR)
    world.crm.edit(last_touch_at=world.clock.now().isoformat())
    world.run_later(2 * HOUR)
    assert (world.episode().owner, world.episode().state) == (ANA, State.WORKING)


def test_a_persons_change_of_owner_wins() -> None:
    """I2: be it before the hour, or in the very moment of our write."""
    world = lead_of(book(), CLEO)
    world.crm.edit(owner=CLEO)
    world.run_later(3 * HOUR)
    assert (world.episode().owner, world.episode().assignment) == (CLEO, 2)
    other = lead_of(book(), CLEO)
    other.crm.before("update_contacts", lambda: other.crm.edit(owner=CLEO))
    other.run_later(3 * HOUR)
    assert (other.episode().owner, other.crm.value("101", "owner")) == (CLEO, CLEO)


def test_a_person_who_holds_the_lead_stops_it() -> None:
    """R39"""
    world = lead_of(book())
    world.crm.edit(request="hold")
    world.run_later(3 * HOUR)
    assert world.episode().owner == ANA


def test_telequalification_keeps_it_among_its_own() -> None:
    """R12, R17: the next caller, and never a rep."""
    rules = book(
        telequalification=[{"name": "callers", "label": "our callers", "pool": "callers"}],
        pools={"callers": {"members": [{"owner": CLEO}, {"owner": "10"}]}, "sales": {"everyone": True}},
        default_pool="sales",
    )
    world = lead_of(rules, CLEO, "10")
    first = world.episode().owner
    world.run_later(3 * HOUR)
    second = world.episode().owner
    assert {first, second} == {CLEO, "10"}
    assert told(world, "callers")[-2:] == [("lead.withdrawn", first), ("lead.moved", second)]
    world.run_later(3 * HOUR)
    assert (world.episode().owner, world.episode().party) == (second, "callers")


def test_a_kill_at_any_of_its_calls_changes_nothing() -> None:
    """P1, P3"""
    for method in ("read_contacts", "update_contacts"):
        world = lead_of(book())
        world.clock.pass_by(3 * HOUR)
        world.crm.before(method, kill)
        world.run_and_die()
        world.run()
        assert (world.episode().owner, world.episode().assignment, world.crm.value("101", "owner")) == (BEN, 2, BEN)
        moved = [one for one in told(world) if one[0].startswith("lead.")]
        assert moved == [("lead.withdrawn", ANA), ("lead.moved", BEN)]


def test_off_by_default() -> None:
    """R17"""
    world = lead_of(book({name: value for name, value in TOUCH.items() if name != "reassign_at"}))
    world.run_later(30 * HOUR)
    assert world.episode().owner == ANA


def test_an_answer_and_a_change_of_owner_seen_at_once_leave_the_new_one_a_clock() -> None:
    """R17: as with a run in between; who takes over an answered lead has not reacted."""
    found = []
    for between in (True, False):
        world = lead_of(book({name: value for name, value in TOUCH.items() if name != "reassign_at"}), CLEO)
        world.clock.pass_by(MINUTE)
        world.crm.edit(verdict="accepted")
        world.clock.pass_by(MINUTE)
        if between:
            world.run()
        world.clock.pass_by(MINUTE)
        world.crm.edit(owner=CLEO)
        world.run_later()
        world.run_later(3 * HOUR)
        episode = world.episode()
        found.append((episode.owner, episode.state, episode.inherited, told(world)[-1]))
    assert found[0] == found[1] == (CLEO, State.ACCEPTED, True, ("sla.breached", CLEO))


def test_an_answer_in_the_moment_in_which_a_clock_takes_the_lead_is_none_of_the_next_one() -> None:
    """R17, I2: it stands, and whoever has it next has still to react."""
    world = lead_of(book(), CLEO)
    world.clock.pass_by(3 * HOUR)
    world.crm.before("update_contacts", lambda: world.crm.edit(verdict="accepted"))
    world.run()
    world.run_later()
    assert (world.episode().owner, world.episode().state, world.episode().inherited) == (BEN, State.ACCEPTED, True)
    world.run_later(3 * HOUR)
    assert world.episode().owner == CLEO
