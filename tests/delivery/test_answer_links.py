"""Links to answer by: genuine ones are read, nobody can make another, and only the lead's holder gets them (R20)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kinds import TYPES, breached, destination
from leads import notice as handed_off

from connector.delivery.answer_links import SIGNS, TOKEN, AnswerLinks
from connector.delivery.payload import build_body
from connector.delivery.size import LIMIT_BYTES
from connector.domain.answer import AnswerKind
from connector.domain.contact import PortalId
from connector.domain.episode import Hop
from connector.domain.notice import NoticeKind
from connector.rules.notifications import Role

ENTRY = "fx_" + "0123456789abcdef" * 2
OLD, NEW = "an-old-secret-" + "o" * 24, "a-new-secret-" + "n" * 24
KINDS = (AnswerKind.ACCEPT, AnswerKind.CALLED, AnswerKind.RECYCLE, AnswerKind.JUNK)
REPS = frozenset({Role.REP})


def links(*secrets: str, portal: str = "62515") -> AnswerLinks:
    return AnswerLinks(
        base_url="https://handoff.example", portal=PortalId(portal), secrets=secrets or (NEW,),
        offered={Hop.SALES: KINDS, Hop.TELEQUALIFICATION: (*KINDS, AnswerKind.QUALIFY)},
    )  # fmt: skip


def token(made: AnswerLinks | None = None, kind: AnswerKind = AnswerKind.ACCEPT) -> str:
    return (made or links()).url(ENTRY, kind).rpartition("/")[2]


def body(kind: str = "webhook", notice: Any = None, **changed: Any) -> str:
    to = replace(destination(kind, personal=True), **{"to": REPS, **changed})
    return build_body(to, notice or handed_off(), ENTRY, links())


@pytest.mark.parametrize("kind", AnswerKind)
def test_a_link_is_read_as_what_it_was_made_for(kind: AnswerKind) -> None:
    assert links().url(ENTRY, kind).startswith("https://handoff.example/answer/")
    assert links().read(token(kind=kind)) == (ENTRY, kind)


@settings(max_examples=60)
@given(place=st.integers(min_value=0), sign=st.sampled_from("0123456789abcdefghijklmnopqrstuvwxyz-"))
def test_one_sign_changed_is_no_link(place: int, sign: str) -> None:
    genuine = token()
    place %= len(genuine)
    changed = genuine[:place] + sign + genuine[place + 1 :]
    assert links().read(changed) == ((ENTRY, AnswerKind.ACCEPT) if changed == genuine else None)


@settings(max_examples=40)
@given(st.text(max_size=200))
def test_whatever_is_given_is_no_error(text: str) -> None:
    assert links().read(text) is None


def test_a_link_for_one_answer_or_portal_is_none_for_another() -> None:
    genuine = token()
    assert links().read(genuine.replace("accept", "junk")) is None
    assert links(portal="62516").read(genuine) is None
    assert links().read(genuine[:-1]) is None and links().read(genuine + "0") is None


def test_while_a_secret_is_changed_the_new_one_signs_and_both_are_read() -> None:
    old, both = token(links(OLD)), links(NEW, OLD)
    assert both.read(old) == (ENTRY, AnswerKind.ACCEPT) and token(both) == token(links(NEW))
    assert links(NEW).read(old) is None, "a secret that was taken out reads no more"


def test_a_token_is_160_bits_and_names_nobody() -> None:
    assert SIGNS * 4 == 160 and TOKEN.fullmatch(token())
    assert NEW not in repr(links())


@pytest.mark.parametrize("kind", TYPES)
def test_who_has_the_lead_gets_one_link_for_each_answer(kind: str) -> None:
    """R20: in each type of destination, and the body stays within its limit."""
    made = body(kind)
    for one in KINDS:
        assert made.count(links().url(ENTRY, one)) == 1
    assert AnswerKind.QUALIFY.value + "-" not in made and len(made.encode()) < LIMIT_BYTES


def test_a_webhook_finds_them_by_name() -> None:
    data = json.loads(body())["data"]
    assert data["answers"] == {one.value: links().url(ENTRY, one) for one in KINDS}


def test_links_are_whole_in_the_largest_body() -> None:
    """Cutting a body to its size cuts no link."""
    notice = handed_off()
    large = replace(notice, packet={**notice.packet, "why_now": "x" * 30_000})
    for kind in TYPES:
        made = body(kind, large)
        assert len(made.encode()) < LIMIT_BYTES and links().url(ENTRY, AnswerKind.JUNK) in made


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "changed", [{"personal": False}, {"to": frozenset({Role.MANAGER})}, {"to": frozenset({Role.MARKETING})}]
)
def test_where_others_read_it_there_are_none(kind: str, changed: dict[str, Any]) -> None:
    assert "/answer/" not in body(kind, **changed)


def test_a_clock_that_a_manager_hears_of_has_none_where_both_read_it() -> None:
    assert "/answer/" in body(notice=breached())
    assert "/answer/" not in body(notice=breached(), to=frozenset({Role.REP, Role.MANAGER}))


@pytest.mark.parametrize("kind", [NoticeKind.LEAD_WITHDRAWN, NoticeKind.LEAD_RECYCLED, NoticeKind.LEAD_TRIAGED])
def test_what_needs_no_answer_has_none(kind: NoticeKind) -> None:
    everybody = frozenset(Role)
    assert "/answer/" not in body(notice=replace(handed_off(), kind=kind), to=everybody)


def test_telequalification_may_pass_the_lead_on_too() -> None:
    """R12"""
    notice = handed_off()
    theirs = replace(notice, packet={**notice.packet, "tell": ["telequalification"]})
    assert "qualify" in json.loads(body(notice=theirs, to=frozenset({Role.TELEQUALIFICATION})))["data"]["answers"]


def test_an_agency_without_seats_answers_by_link_and_a_lead_without_owner_has_none() -> None:
    """R12"""
    notice = replace(handed_off(), owner=None)
    agency = replace(notice, packet={**notice.packet, "tell": ["agency"]})
    assert "qualify" in json.loads(body(notice=agency, to=frozenset({Role.AGENCY})))["data"]["answers"]
    assert "/answer/" not in body(notice=notice)


def test_without_links_a_body_is_as_before() -> None:
    assert build_body(destination("webhook", personal=True), handed_off(), ENTRY) == body(personal=True, to=frozenset())
