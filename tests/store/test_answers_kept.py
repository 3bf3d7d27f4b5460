"""Answers by link in the database: each link once, through merges and erasures (R20, I8, I12, S14)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from values import ANA, BEN, NOW, REP, entry, hours

from connector.domain.answer import Answer, AnswerKind, AnswerStatus, Said
from connector.domain.contact import ContactId
from connector.domain.episode import EpisodeId
from connector.domain.hint import HintKind
from connector.store import SqlDesk, SqlStore, open_desk
from connector.store.retention import BODIES


def answer(name: str = "fx_answer", contact: str = ANA, **only: Any) -> Answer:
    given: dict[str, Any] = {
        "episode": EpisodeId("ep_1"), "entry": "fx_notice", "kind": AnswerKind.RECYCLE, "owner": REP, "assignment": 1,
        "said": Said(reason="not_ready", return_on=date(2026, 9, 1), comment="call in autumn"), "received_at": NOW,
    } | only  # fmt: skip
    return Answer(id=name, contact=ContactId(contact), **given)


@pytest.fixture
def desk(store: SqlStore, url: str) -> Iterator[SqlDesk]:
    with closing(open_desk(url, store.portal, wall_clock=lambda: hours(1))) as made:
        yield made


def put(desk: SqlDesk, one: Answer, at: datetime = NOW) -> bool:
    with desk.writing() as unit:
        return unit.put_answer(one, at)


def test_an_answer_comes_back_as_it_was_given_with_its_age_and_a_hint(store: SqlStore, desk: SqlDesk) -> None:
    assert put(desk, answer())
    with desk.reading() as unit:
        (waiting,) = unit.waiting_answers(9)
        assert replace(waiting, age=timedelta(0)) == answer() == unit.answer("fx_answer")
        assert waiting.age == timedelta(hours=1) or desk_is_a_server(store)
        (hint,) = unit.waiting_hints(9)
    assert (hint.contact, hint.kind, hint.occurred_at) == (ANA, HintKind.ANSWERED, NOW)


def desk_is_a_server(store: SqlStore) -> bool:
    return store.database.dialect == "postgresql"


def test_of_two_clicks_at_once_one_counts(desk: SqlDesk) -> None:
    """R20: each link is usable once, be it from two windows in the same moment."""
    ready, taken = threading.Barrier(2), []

    def click(comment: str) -> None:
        one = replace(answer(), said=Said(comment=comment))
        ready.wait(30)
        taken.append(put(desk, one))

    clicks = [threading.Thread(target=click, args=(comment,)) for comment in ("one", "two")]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join(60)
    assert sorted(taken) == [False, True]
    with desk.reading() as unit:
        assert len(unit.waiting_answers(9)) == len(unit.waiting_hints(9)) == 1


def test_answers_are_taken_in_while_another_process_holds_the_lease(
    open_it: Callable[..., SqlStore], desk: SqlDesk
) -> None:
    """I8: an insert can hurt nobody."""
    with open_it(holder="another").lease():
        assert put(desk, answer())


def test_those_settled_wait_no_more_and_others_can_be_left_out(store: SqlStore, desk: SqlDesk) -> None:
    for number, name in enumerate(("a", "b", "c")):
        put(desk, answer(name, received_at=hours(number)))
    done = replace(answer("b"), status=AnswerStatus.DONE, answered_at=hours(1), intent="fx_1", detail="said")
    with store.transaction() as unit:
        unit.settle_answers([done])
        assert [one.id for one in unit.waiting_answers(9)] == ["a", "c"]
        assert [one.id for one in unit.waiting_answers(1, {"a"})] == ["c"]
        known = unit.answer("b")
    assert known == replace(done, received_at=hours(1))


def test_the_survivor_of_a_merge_has_the_answers(store: SqlStore, desk: SqlDesk) -> None:
    """I12"""
    put(desk, answer())
    with store.transaction() as unit:
        unit.merge_contact(ANA, BEN)
        assert [one.contact for one in unit.answers([BEN])] == [BEN]


def test_a_comment_goes_after_30_days_and_the_answer_stays(store: SqlStore, desk: SqlDesk) -> None:
    """S14"""
    put(desk, answer())
    done = replace(answer(), status=AnswerStatus.DONE, answered_at=NOW)
    with store.transaction() as unit:
        unit.settle_answers([done])
        assert unit.forget_old(NOW + BODIES, 9) == 0
        assert unit.forget_old(NOW + BODIES + timedelta(seconds=1), 9) == 1
        assert unit.answer("fx_answer") == replace(done, said=replace(done.said, comment=""))


def test_one_notice_is_found_by_its_id(store: SqlStore, desk: SqlDesk) -> None:
    with store.transaction() as unit:
        unit.put_entries([entry("fx_notice")])
    with desk.reading() as unit:
        found = unit.notice("fx_notice")
        assert found is not None and found.contact == ANA
        assert unit.notice("fx_other") is None
