"""Replay lives through the past as live runs did (R35, P6)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from factories import DAY, MINUTE, NOW, make_owner, shipped_book
from sqlalchemy import select

from connector.cli.replay_page import page
from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import ContactId, OwnerId
from connector.domain.decision import Decision
from connector.domain.timer import Timer
from connector.engine.replay.lived import live, make_setting, make_world, read, step
from connector.engine.replay.outcome import GAINED, LOST, Outcome, outcome
from connector.engine.replay.past import moments
from connector.rules.rulebook import RuleBook
from connector.store.decisions import digest_of
from connector.store.tables import decision, run
from engine.world import World

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


def replayed(world: World, book: RuleBook, *, in_full: bool = True) -> list[tuple[str, str, str, str]]:
    """Every decision of the whole past by this rule book."""
    scribe = Scribe()
    with world.store.reading() as uow:
        until = world.clock.now()
        since = NOW - EARLIEST
        again = make_world(uow, book, make_setting(uow, since), scribe, in_full=in_full)
        reader = read(uow, [again], since, until)
        for moment in moments(uow, since, until):
            if moment.kept:
                step(again, moment, reader.until(moment.as_of))
    return sorted(scribe.rows)


WEEKS = 3


def set_clock(world: World, week: int, day: float) -> None:
    """By the calendar and not by what was done meanwhile: two worlds then live through the same instants."""
    world.clock.at = NOW + week * 7 * DAY + day * DAY + DAY


def view(world: World, contact: str, number: int, path: str) -> None:
    at = world.clock.pass_by(MINUTE)
    world.crm.activities["page_views"].append(
        Activity(
            stream="page_views", id=f"{contact}-{number}", contact=ContactId(contact),
            kind=ActivityKind.PAGE_VIEW, occurred_at=at, url=f"https://www.acme.example{path}",
        )
    )  # fmt: skip


def some_weeks(book: RuleBook) -> World:
    """Weeks of a small portal: visits, answers of reps and of nobody, hand-backs and what comes of them."""
    world = World(book)
    world.crm.people.append(make_owner("9"))
    world.crm.activities["page_views"] = []
    world.begin()
    for week in range(WEEKS):
        set_clock(world, week, 0)
        people = [str(100 + week * 10 + number) for number in range(5)]
        for number, contact in enumerate(people):
            world.crm.add(contact, created_at=world.clock.now(), employees=str(5 + 30 * number))
            for look in range(number + 1):
                view(world, contact, look, "/pricing" if look % 2 else "/blog")
        world.run()
        set_clock(world, week, 0.5)
        _answer(world, week, people)
        world.run_later(MINUTE)
        set_clock(world, week, 1)
        for contact in people[:4]:
            view(world, contact, 90, "/pricing")
        world.run()
        set_clock(world, week, 5)
        world.run()
    set_clock(world, WEEKS + 20, 0)  # the day has come on which leads are to be asked again
    world.run()
    return world


def _answer(world: World, week: int, people: list[str]) -> None:
    kind = week % 3
    if kind == 0:
        world.crm.edit(people[4], verdict="recycle", verdict_reason="not_ready")
        world.crm.edit(people[3], owner="9")
    elif kind == 1:
        world.crm.edit(people[4], verdict="accepted")
        world.crm.edit(people[3], verdict="junk")
    else:
        world.crm.edit(people[1], request="hand_over")
        world.crm.edit(people[0], request="hold")


def usual_book() -> RuleBook:
    """As shipped; two of three owners take turns."""
    return with_turns(shipped_book(), "9")


def changed_book() -> RuleBook:
    """Another threshold, no key pages, and one owner who gets all of it."""
    book = shipped_book()
    wanted = book.qualification.threshold.model_copy(update={"score": 45, "engagement": 20})
    qualification = book.qualification.model_copy(update={"threshold": wanted, "key_pages": ()})
    return with_turns(replace(book, qualification=qualification), "7", "9")


def with_turns(book: RuleBook, *without: str) -> RuleBook:
    name = book.routing.default_pool
    pool = book.routing.pools[name].model_copy(update={"exclude": without})
    return replace(book, routing=book.routing.model_copy(update={"pools": {**book.routing.pools, name: pool}}))


@pytest.fixture(scope="module")
def usual() -> World:
    return some_weeks(usual_book())


def test_the_same_rules_decide_in_replay_what_they_decided_live(usual: World) -> None:
    """Every stored decision, by its digest: sentence, score, owner, who else was considered, episode."""
    found = stored(usual)
    assert {row[2] for row in found} >= {"nothing", "hand_over", "advance", "end"}
    assert replayed(usual, usual_book()) == found


def test_changed_rules_decide_in_replay_what_another_world_decided_live(usual: World) -> None:
    """Both worlds saw the same people do the same; only one of them lived by the changed rules from its first day."""
    found = replayed(usual, changed_book())
    assert found == stored(some_weeks(changed_book()))
    assert found != stored(usual)


@pytest.mark.parametrize("book", [usual_book(), changed_book()], ids=["usual", "changed"])
def test_who_is_passed_over_is_one_of_whom_nothing_would_have_come(usual: World, book: RuleBook) -> None:
    whole, short = replayed(usual, book), replayed(usual, book, in_full=False)
    assert [row for row in short if row[2] != "nothing"] == [row for row in whole if row[2] != "nothing"]
    assert set(short) < set(whole)


def test_runs_that_retention_has_removed_are_replayed_as_they_were() -> None:
    """Rows of runs go after 400 days; what was heard and decided says when they were (S14)."""
    world = World(shipped_book())
    world.crm.activities["page_views"] = []
    world.begin()
    for week in range(2):
        set_clock(world, week, 0)
        world.crm.add(str(200 + week), created_at=world.clock.now(), employees="100")
        for look in range(2):
            view(world, str(200 + week), look, "/pricing")
        world.run()
    set_clock(world, 60, 0)
    world.run()
    with world.store.reading() as uow:
        kept = uow.connection.execute(select(run.c.as_of)).all()
        assert len(kept) < len(uow.past_runs(NOW - EARLIEST, world.clock.now()))
    found = stored(world)
    assert [row[2] for row in found].count("hand_over") == 2
    assert replayed(world, shipped_book()) == found


def side_by_side(world: World, since: datetime) -> Outcome:
    with world.store.reading() as uow:
        lived = live(uow, usual_book(), changed_book(), since=since, until=world.clock.now())
        return outcome(uow, lived, usual_book(), changed_book())


def test_the_outcome_says_who_would_move_and_why_and_how_far_it_can_be_trusted(usual: World) -> None:
    found = side_by_side(usual, NOW - EARLIEST)
    counted = found.counted()
    assert found.handed_today + counted[GAINED] - counted[LOST] == found.handed_changed
    assert counted.total() == len(found.moves) > 0
    assert all(move.why for move in found.moves)
    assert all(move.why_not for move in found.moves if move.kind in (GAINED, LOST))
    assert found.agreement.same == found.agreement.handovers == found.handed_today
    assert (found.agreement.other_owner, found.agreement.invented) == (0, 0)
    assert [load.changed for load in found.loads if load.owner == "7"] == [0]
    assert sum(count for _, (count, _) in found.weeks.items()) == found.handed_today + found.again_today
    assert found.became["both"].junk + found.became[LOST].junk == 1


def test_a_later_beginning_takes_over_what_sales_had_by_then(usual: World) -> None:
    """Leads of before stay in sales' hands by both rule books; nobody is handed over twice."""
    middle = NOW + 9 * DAY
    found = side_by_side(usual, middle)
    before = side_by_side(usual, NOW - EARLIEST)
    assert 0 < found.handed_today < before.handed_today
    assert found.agreement.same == found.agreement.handovers == found.handed_today
    assert any("in sales' hands at the beginning" in words for words, _ in found.unknown)


def test_the_page_loads_nothing_and_lets_no_text_through_as_markup(usual: World) -> None:
    found = side_by_side(usual, NOW - EARLIEST)
    nasty = replace(found.loads[0], name="<script>alert(1)</script>")
    drawn = page(replace(found, loads=(nasty, *found.loads[1:]), taken_in_today=3, taken_in_changed=9))
    assert "before Handoff began: 3 by today&#x27;s rules, 9 by the changed ones." in drawn
    assert "<script" not in drawn
    assert "&lt;script&gt;" in drawn
    assert not re.search(r"""(src|href)=|url\(|@import""", drawn)
    assert drawn.count("<svg") == drawn.count("</svg>") >= 3
