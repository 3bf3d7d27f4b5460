"""Replay counts what each owner got since midnight as live runs do, so that caps per day bite alike (R12, R35)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from factories import HOUR, MINUTE, NOW, make_owner, pricing_view, shipped_book
from sqlalchemy import select

from connector.engine.replay.lived import make_setting, make_world, read, step
from connector.engine.replay.opening import open_desk
from connector.engine.replay.past import moments
from connector.rules.rulebook import RuleBook
from connector.store.tables import decision
from engine.test_replay import Scribe, replayed, stored
from engine.world import World


def capped_book() -> RuleBook:
    """Two leads a day for each; who comes after that goes to the fallback. Nobody sticks to anybody."""
    book = shipped_book()
    name = book.routing.default_pool
    pool = book.routing.pools[name].model_copy(update={"max_per_day": 2})
    return replace(book, routing=book.routing.model_copy(update={"stickiness": (), "pools": {name: pool}}))


def two_days() -> World:
    """Leads come in the morning and in the evening; a person moves one, so that its new owner has had one more."""
    world = World(capped_book())
    world.crm.people.append(make_owner("9"))
    world.begin()
    for day in range(2):
        for part in (1, 9):
            world.clock.at = NOW + timedelta(days=day) + part * HOUR
            come(world, f"{day + 1}{part}", 4)
            world.run()
            if (day, part) == (0, 1):
                world.crm.edit("110", owner="9")
                world.run_later(MINUTE)
    return world


def come(world: World, name: str, number: int) -> None:
    for place in range(number):
        contact = f"{name}{place}"
        world.crm.add(contact, created_at=world.clock.now(), employees="100")
        for minutes in (1, 0):
            at = world.clock.now() - minutes * MINUTE
            world.crm.happen(pricing_view(at, contact=contact, id=f"{contact}-{minutes}"))


def test_caps_per_day_bite_in_replay_as_they_did_live() -> None:
    """Every stored decision by its digest, with who was passed over and why; from the middle of a day, too."""
    world = two_days()
    assert fallen_back(world) == 5, "9 got a lead from a person, and so one less by turns"
    assert replayed(world, capped_book()) == stored(world)
    noon, night = NOW + 4 * HOUR, NOW + 12 * HOUR  # later on, whose turn it was at noon would count, which is not kept
    evening = [row for row in stored(world) if noon.isoformat() < row[0] < night.isoformat()]
    assert len(evening) == 4
    assert later(world, noon)[:4] == evening


def fallen_back(world: World) -> int:
    with world.store.database.reading() as connection:
        rules = [(row.body.get("route") or {}).get("rule") for row in connection.execute(select(decision))]
    return rules.count("routing.fallback")


def later(world: World, since: datetime) -> list[tuple[str, str, str, str]]:
    """The replay of a span that begins in the middle of a day."""
    scribe = Scribe()
    with world.store.reading() as uow:
        again = make_world(uow, capped_book(), make_setting(uow, since), scribe, in_full=True)
        open_desk(uow, again, since)
        reader = read(uow, [again], since, world.clock.now())
        for moment in moments(uow, since, world.clock.now()):
            if moment.kept:
                step(again, moment, reader.until(moment.as_of))
    return sorted(scribe.rows)
