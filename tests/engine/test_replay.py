"""Replay lives through the past as live runs did (R35, P6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from factories import ANA, DAY, HOUR, MINUTE, shipped_book
from sqlalchemy import select
from engine.world import World

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import ContactId, OwnerId
from connector.domain.decision import Decision
from connector.domain.timer import Timer
from connector.engine.replay.lived import Lived, live, make_setting, make_world, step
from connector.engine.replay.past import Reader, moments
from connector.rules.rulebook import RuleBook
from connector.store.decisions import digest_of
from connector.store.tables import decision

EARLIEST = timedelta(days=1)


class Scribe:
    """Keeps every decision by its digest."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str]] = []

    def decided(self, decision: Decision) -> None:
        row = (decision.as_of.isoformat(), decision.contact, decision.action.value, digest_of(decision))
        if row not in self.rows:  # the same answer twice in one run is stored once
            self.rows.append(row)

    def broke(self, owner: OwnerId | None, timer: Timer) -> None: ...

    def failed(self, contact: ContactId, error: Exception) -> None:
        raise error


def stored(world: World) -> list[tuple[str, str, str, str]]:
    with world.store.database.reading() as connection:
        rows = connection.execute(select(decision)).all()
    return sorted((row.as_of.isoformat(), row.contact, row.action, row.digest) for row in rows)


def replayed(world: World, book: RuleBook) -> list[tuple[str, str, str, str]]:
    """Every decision of the whole past by this rule book."""
    scribe = Scribe()
    with world.store.reading() as uow:
        since = uow.past_runs(world.clock.now() - 999 * DAY, world.clock.now())[0].as_of - EARLIEST
        setting = make_setting(uow, since)
        again = make_world(uow, book, setting, scribe)
        until = world.clock.now()
        reader = Reader(uow, since, until, lambda row: not again.people.is_ours(row))
        for moment in moments(uow, since, until):
            if moment.kept:
                step(again, moment, *reader.until(moment.as_of))
    return sorted(scribe.rows)


def view(world: World, contact: str, number: int, path: str = "/pricing") -> None:
    at = world.clock.pass_by(MINUTE)
    rows = world.crm.activities.setdefault("page_views", [])
    rows.append(
        Activity(
            stream="page_views", id=f"{contact}-{number}-{at.isoformat()}", contact=ContactId(contact),
            kind=ActivityKind.PAGE_VIEW, occurred_at=at, url=f"https://www.acme.example{path}",
        )
    )  # fmt: skip


def quarter(book: RuleBook) -> World:
    """Twelve weeks of a small portal: views, demos, answers of reps, hand-backs and what comes of them."""
    world = World(book)
    world.crm.activities["page_views"] = []
    world.begin()
    for week in range(12):
        for one in range(5):
            contact = world.crm.add(f"{100 + week * 10 + one}", employees=str(10 + 30 * one))
            for number in range(one + 1):
                view(world, contact, number, "/pricing" if number % 2 else "/blog")
        world.run_later(2 * HOUR)
        early = str(100 + week * 10 + 4)
        if week % 3 == 0:
            world.crm.edit(early, verdict="recycle", verdict_reason="not_ready")
        elif week % 3 == 1:
            world.crm.edit(early, verdict="accepted")
            world.crm.edit(early, status="OPEN_DEAL")
        else:
            world.crm.edit(early, request="hold")
        world.run_later(20 * HOUR)
        for one in range(3):
            view(world, str(100 + week * 10 + one), 90, "/pricing")
        world.run_later(2 * DAY)
        world.run_later(4 * DAY)
    return world


def test_the_same_rules_decide_in_replay_what_they_decided_live() -> None:
    """Every stored decision, by its digest: sentence, score, owner, who else was considered, episode."""
    book = shipped_book()
    world = quarter(book)
    found = stored(world)
    assert len(found) > 100
    assert any(row[2] == "end" for row in found)
    assert replayed(world, book) == found
