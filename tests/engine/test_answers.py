"""Answers by link, taken up: what stands in the CRM afterwards, and what does not (R20, I2, I7, P1)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest
from factories import HOUR, MINUTE, NOW, demo_request
from fakes import Killed, kill

from connector.domain.answer import AnswerKind, AnswerStatus, Said
from connector.domain.contact import ContactId
from connector.domain.episode import State
from connector.domain.run import RunId
from connector.engine.answering import look, take
from connector.engine.explain import explain
from connector.engine.undo import undo
from connector.rules.answers import Standing
from connector.store.desk import SqlDesk
from engine.world import World

KIM = ContactId("101")


class Desk:
    """`click` is a form that was sent; the links are those of the newest notice to whoever has the lead."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.desk = SqlDesk(world.store.database, world.store.portal)

    def newest(self) -> str:
        return [one.id for one in self.world.entries() if one.kind in ("lead.handed_off", "lead.moved")][-1]

    def click(self, kind: AnswerKind, entry: str | None = None, **said: Any) -> Standing:
        with self.desk.writing() as uow:
            return take(uow, entry or self.newest(), kind, Said(**said))

    def looks(self, kind: AnswerKind, entry: str | None = None) -> Standing:
        with self.desk.reading() as uow:
            return look(uow, entry or self.newest(), kind).standing

    def outcome(self) -> list[AnswerStatus]:
        with self.world.store.reading() as uow:
            return [one.status for one in uow.answers([KIM])]


@pytest.fixture
def world() -> Iterator[World]:
    """Kim asked for a demo and was handed to a rep."""
    made = World().begin()
    made.crm.add()
    made.crm.happen(demo_request(at=NOW + 9 * MINUTE))
    made.run()
    made.clock.pass_by(MINUTE)
    with closing(made.store):
        yield made


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def test_accepting_by_link_is_as_if_the_rep_had_said_so_in_the_crm(world: World, desk: Desk) -> None:
    assert desk.looks(AnswerKind.ACCEPT) is Standing.OPEN
    assert desk.click(AnswerKind.ACCEPT) is Standing.OPEN
    assert world.run_hints() == 1
    assert world.crm.value("101", "verdict") == "accepted"
    assert (world.episode().state, world.crm.value("101", "state")) == (State.ACCEPTED, "accepted")
    assert desk.outcome() == [AnswerStatus.DONE]
    assert desk.looks(AnswerKind.ACCEPT) is Standing.USED and desk.looks(AnswerKind.JUNK) is Standing.OPEN


def test_handing_back_takes_reason_day_and_comment_along(world: World, desk: Desk) -> None:
    """R21: the return condition is the reason's, on the day that the rep named."""
    said: dict[str, Any] = {"reason": "locked_in_contract", "return_on": date(2026, 9, 1), "comment": "until autumn"}
    desk.click(AnswerKind.RECYCLE, **said)
    world.run_hints()
    ended = world.episode()
    assert (ended.state, ended.exit_reason) == (State.RECYCLED, "locked_in_contract")
    assert ended.wakes_at is not None and ended.wakes_at.date() == date(2026, 8, 2)
    assert world.crm.value("101", "comment") == "until autumn"
    assert desk.looks(AnswerKind.JUNK) is Standing.ENDED


def test_a_call_that_was_not_logged_counts_as_a_touch(world: World, desk: Desk) -> None:
    """R17, R20: marked as claimed."""
    desk.click(AnswerKind.CALLED)
    world.run_hints()
    assert (world.episode().state, world.episode().touched_at is not None) == (State.WORKING, True)
    with world.store.reading() as uow:
        touches = [row for row in uow.activities([KIM], world.clock.now() - HOUR)[KIM] if row.stream == "answers"]
        explained = explain(uow, KIM, world.book)
    assert [(row.name, row.ref) for row in touches] == [("call", world.episode().owner)]
    assert explained is not None
    ((_, told),) = explained.answered
    assert told.endswith(" said by link that they called; no call is logged in the CRM; done")
    assert world.crm.value("101", "verdict") == ""


def test_without_a_hint_the_scheduled_run_takes_it_up(world: World, desk: Desk) -> None:
    """P4"""
    desk.click(AnswerKind.JUNK)
    with world.store.transaction() as uow:
        uow.finish_hints([one.id for one in world.waiting()], world.clock.now())
    world.run()
    assert world.episode().state is State.JUNK


def test_two_answers_are_taken_up_in_their_order(world: World, desk: Desk) -> None:
    desk.click(AnswerKind.ACCEPT)
    world.clock.pass_by(MINUTE)
    desk.click(AnswerKind.RECYCLE, reason="not_ready")
    world.run_hints()
    assert world.episode().state is State.RECYCLED
    assert desk.outcome() == [AnswerStatus.DONE, AnswerStatus.DONE]


@pytest.mark.parametrize(
    ("call", "phase", "nth"),
    [
        ("read_contacts", "after", 1), ("read_contacts", "before", 2),
        ("update_contacts", "before", 1), ("update_contacts", "after", 1), ("update_contacts", "after", 2),
    ],
)  # fmt: skip
def test_killed_on_the_way_it_is_carried_out_once(world: World, desk: Desk, call: str, phase: str, nth: int) -> None:
    """P1, I7"""
    desk.click(AnswerKind.RECYCLE, reason="not_ready")
    getattr(world.crm, phase)(call, kill, nth=nth)
    with pytest.raises(Killed):
        world.run_hints()
    world.clock.pass_by(MINUTE)
    world.run()
    assert world.crm.values_over_time("101", "verdict").count("recycle") == 1
    assert world.episode().state is State.RECYCLED and desk.outcome() == [AnswerStatus.DONE]
    assert [one.kind for one in world.entries()].count("lead.recycled") == 1


def test_whoever_lost_the_lead_can_answer_no_more(world: World, desk: Desk) -> None:
    """R20: only its addressee; links die with the owner."""
    old = desk.newest()
    other = next(one.id for one in world.crm.owners() if one.id != world.episode().owner and not one.archived)
    world.crm.edit(owner=other)
    world.run_later()
    assert desk.looks(AnswerKind.ACCEPT, old) is Standing.MOVED
    assert desk.click(AnswerKind.ACCEPT, old) is Standing.MOVED
    assert desk.click(AnswerKind.ACCEPT) is Standing.OPEN


def test_an_owner_changed_in_the_crm_before_it_was_taken_up_wins(world: World, desk: Desk) -> None:
    """I2"""
    other = next(one.id for one in world.crm.owners() if one.id != world.episode().owner and not one.archived)
    desk.click(AnswerKind.JUNK)
    world.crm.edit(owner=other)
    world.run_hints()
    assert desk.outcome() == [AnswerStatus.MOVED]
    assert (world.episode().state, world.crm.value("101", "verdict")) == (State.HANDED_OFF, "")


def test_a_verdict_set_in_the_crm_after_the_answer_wins(world: World, desk: Desk) -> None:
    """I2"""
    desk.click(AnswerKind.JUNK)
    world.clock.pass_by(MINUTE)
    world.crm.edit(verdict="accepted")
    world.clock.pass_by(MINUTE)
    world.run_hints()
    assert world.episode().state is State.ACCEPTED
    assert desk.outcome() == [AnswerStatus.OVERTAKEN]


def test_a_verdict_set_in_the_very_moment_wins_too(world: World, desk: Desk) -> None:
    """I2: between our reading and our writing."""
    desk.click(AnswerKind.JUNK)
    world.clock.pass_by(MINUTE)
    world.crm.before("read_contacts", lambda: world.crm.edit(verdict="accepted"), nth=2)
    world.run_hints()
    assert (world.episode().state, world.crm.value("101", "verdict")) == (State.ACCEPTED, "accepted")
    assert desk.outcome() == [AnswerStatus.OVERTAKEN]


def test_what_the_crm_refuses_waits_for_the_next_run_and_says_why(world: World, desk: Desk) -> None:
    """P5"""
    world.crm.refuse("101", "INVALID_OPTION handoff_verdict")
    desk.click(AnswerKind.ACCEPT)
    world.run_hints()
    with world.store.reading() as uow:
        (one,) = uow.waiting_answers(9)
    assert "INVALID_OPTION" in one.detail and world.episode().state is State.HANDED_OFF
    world.run_later()
    assert (world.episode().state, desk.outcome()) == (State.ACCEPTED, [AnswerStatus.DONE])


def test_a_link_expires(world: World, desk: Desk) -> None:
    world.run_later(timedelta(days=30, minutes=1))
    assert desk.looks(AnswerKind.ACCEPT) is Standing.EXPIRED
    assert desk.click(AnswerKind.ACCEPT) is Standing.EXPIRED
    assert desk.outcome() == []


def test_of_notices_to_others_there_are_no_links(world: World, desk: Desk) -> None:
    desk.click(AnswerKind.RECYCLE, reason="not_ready")
    world.run_hints()
    (told,) = [one.id for one in world.entries() if one.kind == "lead.recycled"]
    assert desk.looks(AnswerKind.ACCEPT, told) is Standing.UNKNOWN
    assert desk.looks(AnswerKind.ACCEPT, "fx_unheard_of") is Standing.UNKNOWN


def test_a_replay_hears_what_was_answered_by_link(world: World, desk: Desk) -> None:
    """R35: an answer is somebody's word, and no echo of ours."""
    desk.click(AnswerKind.ACCEPT)
    world.run_hints()
    with world.store.reading() as uow:
        sources = {row.source for row in uow.field_changes(KIM) if row.field == "verdict" and row.value}
    assert sources == {"answered"}


def test_the_run_of_an_answer_undone_leaves_what_its_holder_said(world: World, desk: Desk) -> None:
    """R36, I2"""
    desk.click(AnswerKind.ACCEPT)
    world.run_hints()
    (made,) = [row["run"] for row in world.runs() if str(row["run"]).startswith("hints")][:1]
    undo(world.ports, world.book, world.crm.portal(), RunId(str(made)))
    assert world.crm.value("101", "verdict") == "accepted"


def test_the_handover_is_not_undone_under_an_answer_that_waits(world: World, desk: Desk) -> None:
    """R36, I0: sales has answered, though the CRM does not show it yet."""
    (made,) = [row["run"] for row in world.runs() if row["counts"].get("handed_off")]
    desk.click(AnswerKind.ACCEPT)
    report = undo(world.ports, world.book, world.crm.portal(), RunId(str(made)))
    assert [line.why for line in report.lines] == ["sales has answered by a link; the next run takes that up"]
    world.run_hints()
    assert world.episode().state is State.ACCEPTED


@pytest.mark.parametrize(
    ("kind", "word", "state"),
    [(AnswerKind.RECYCLE, "recycle", State.RECYCLED), (AnswerKind.ACCEPT, "accepted", State.ACCEPTED)],
)
def test_what_was_undone_can_be_answered_again(
    world: World, desk: Desk, kind: AnswerKind, word: str, state: State
) -> None:
    """R20, R36: the word still stands in the CRM, so it is emptied first and counts anew."""
    world.crm.edit(verdict=word)
    world.run_later()
    undo(world.ports, world.book, world.crm.portal(), RunId(str(world.runs()[0]["run"])))
    world.run_later()
    assert (world.episode().state, world.crm.value("101", "verdict")) == (State.HANDED_OFF, word)
    told = [one.id for one in world.entries() if one.kind == "lead.handed_off"][-1]
    assert desk.click(kind, told) is Standing.OPEN
    world.run_hints()
    assert (world.episode().state, desk.outcome()) == (state, [AnswerStatus.DONE])
    assert world.crm.values_over_time("101", "verdict") == [word, "", word]
