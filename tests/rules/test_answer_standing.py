"""Whether a link counts, what is offered and what an answer sets: values in, values out (R20, I2)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from factories import ANA, BEN, DAY, HOUR, NOW, make_book, make_contact, make_episode, shipped_book
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.answer import AnswerKind, Said
from connector.domain.contact import Contact, OwnerId
from connector.domain.episode import Episode, Hop, State
from connector.domain.notice import NoticeKind
from connector.rules.answers import (
    EXPIRES,
    TOLD_WITH,
    Standing,
    is_overtaken,
    offered,
    standing,
    stands_unheard,
    values,
)

TOLD = NoticeKind.LEAD_HANDED_OFF


def stands(
    episode: Episode | None = None, *, told: NoticeKind = TOLD, owner: OwnerId | None = ANA, **more: Any
) -> Standing:
    given: dict[str, Any] = {
        "queued_at": NOW - HOUR, "cancelled": False, "held_from": NOW - HOUR, "now": NOW
    } | more  # fmt: skip
    return standing(told, owner, given.pop("queued_at"), episode or make_episode(), **given)


def test_the_holders_link_to_an_open_lead_counts() -> None:
    assert stands() is Standing.OPEN


@pytest.mark.parametrize("state", [state for state in State if state.is_end])
def test_with_the_episode_its_links_end(state: State) -> None:
    assert stands(make_episode(state=state)) is Standing.ENDED


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ({"owner": BEN}, Standing.MOVED),
        ({"owner": None}, Standing.MOVED),
        ({"held_from": NOW}, Standing.MOVED),
        ({"cancelled": True}, Standing.WITHDRAWN),
        ({"now": NOW - HOUR + EXPIRES}, Standing.OPEN),
        ({"now": NOW - HOUR + EXPIRES + timedelta(seconds=1)}, Standing.EXPIRED),
        ({"queued_at": None}, Standing.UNKNOWN),
    ],
)
def test_a_link_is_dead_for_a_reason(case: dict[str, Any], expected: Standing) -> None:
    assert stands(**case) is expected


def test_a_lead_that_nobody_adopted_or_that_is_gone_has_no_links() -> None:
    """R41"""
    assert stands(make_episode(silent=True)) is Standing.ENDED
    gone = standing(TOLD, ANA, NOW, None, cancelled=False, held_from=None, now=NOW)
    assert gone is Standing.UNKNOWN


@pytest.mark.parametrize("kind", [kind for kind in NoticeKind if kind not in TOLD_WITH])
def test_other_notices_have_none(kind: NoticeKind) -> None:
    assert stands(told=kind) is Standing.UNKNOWN


@settings(max_examples=60)
@given(
    owner=st.sampled_from([ANA, BEN, None]), holder=st.sampled_from([ANA, BEN, None]), state=st.sampled_from(State),
    told=st.sampled_from(NoticeKind), hours=st.integers(0, 2_000), held=st.integers(-10, 10), back=st.booleans(),
)  # fmt: skip
def test_only_the_holder_of_an_open_lead_can_ever_answer(
    owner: OwnerId | None, holder: OwnerId | None, state: State, told: NoticeKind, hours: int, held: int, back: bool
) -> None:
    """R20: whatever else is so."""
    episode = make_episode(owner=holder, state=state)
    found = stands(
        episode, told=told, owner=owner, queued_at=NOW, held_from=NOW + held * HOUR, now=NOW + hours * HOUR,
        cancelled=back,
    )  # fmt: skip
    may = told in TOLD_WITH and not state.is_end and owner == holder and held <= 0 and not back and hours <= 720
    assert (found is Standing.OPEN) == may


def test_telequalification_may_pass_on_and_a_rep_may_not() -> None:
    """R12"""
    assert AnswerKind.QUALIFY in offered(shipped_book(), Hop.TELEQUALIFICATION)
    assert offered(shipped_book(), Hop.SALES) == (
        AnswerKind.ACCEPT, AnswerKind.CALLED, AnswerKind.RECYCLE, AnswerKind.JUNK
    )  # fmt: skip


def test_what_the_rules_have_no_word_for_is_not_offered() -> None:
    book = make_book(recycling={"verdicts": {"zurück": "recycled"}})
    assert offered(book, Hop.SALES) == (AnswerKind.CALLED, AnswerKind.RECYCLE)
    assert values(AnswerKind.RECYCLE, Said(), book) == {"verdict": "zurück"}
    assert values(AnswerKind.JUNK, Said(), book) == {}


def test_an_answer_sets_what_was_filled_in_and_leaves_the_rest() -> None:
    said = Said(reason="not_ready", return_on=date(2026, 9, 1), comment="later")
    assert values(AnswerKind.RECYCLE, said, shipped_book()) == {
        "verdict": "recycle", "verdict_reason": "not_ready", "return_on": date(2026, 9, 1), "comment": "later",
    }  # fmt: skip
    assert values(AnswerKind.ACCEPT, Said(reason="made_up"), shipped_book()) == {"verdict": "accepted"}
    assert values(AnswerKind.CALLED, Said(), shipped_book()) == {}


@pytest.mark.parametrize(
    ("said_at", "word", "overtaken"),
    [(None, "", False), (NOW - HOUR, "junk", False), (NOW + HOUR, "junk", True), (NOW + HOUR, "accepted", False)],
)
def test_a_verdict_set_after_the_answer_stands_unless_it_is_ours(
    said_at: datetime | None, word: str, overtaken: bool
) -> None:
    contact = make_contact(verdict=word, changed_at={"verdict": said_at} if said_at else {})
    assert is_overtaken(contact, NOW, frozenset({"accepted"})) is overtaken


def test_a_former_holders_word_is_no_answer_of_the_present_one() -> None:
    episode = make_episode(assignment=2, handed_off_at=NOW - 2 * DAY, state=State.ACCEPTED)
    changed = {"owner": NOW - HOUR, "verdict": NOW - DAY}
    contact = make_contact(owner=ANA, verdict="accepted", changed_at=changed)
    assert unheard(contact, episode, "accepted")
    assert not unheard(contact, episode, "junk")
    again = make_contact(owner=ANA, verdict="accepted", changed_at={**changed, "verdict": NOW})
    assert not unheard(again, episode, "accepted")


@pytest.mark.parametrize(
    ("word", "state", "expected"),
    [
        ("recycle", State.HANDED_OFF, True),
        ("accepted", State.HANDED_OFF, True),
        ("accepted", State.ACCEPTED, False),
        ("accepted", State.SALES_QUALIFIED, False),
    ],
)
def test_a_word_that_moved_nothing_was_undone(word: str, state: State, expected: bool) -> None:
    """R36"""
    contact = make_contact(owner=ANA, verdict=word, changed_at={"verdict": NOW - HOUR})
    assert unheard(contact, make_episode(state=state), word) is expected


def unheard(contact: Contact, episode: Episode, word: str) -> bool:
    return stands_unheard(contact, episode, word, shipped_book().recycling)
