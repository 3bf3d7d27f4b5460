"""A call that was not logged and is claimed by link counts as a touch of whoever had the lead then (R17, R20, R40)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from factories import ANA, BEN, DAY, HOUR, NOW, make_activity, make_contact, make_episode, make_situation, shipped_book

from connector.domain.activity import Activity, ActivityKind
from connector.domain.answer import CLAIMED
from connector.domain.decision import Action, Decision
from connector.domain.episode import State
from connector.rules.decide import decide
from connector.rules.packet import build_packet
from connector.rules.suppression import Allowed
from connector.rules.touches import claims, last_touch


def claim(at: datetime = NOW - HOUR) -> Activity:
    return make_activity(ActivityKind.TOUCH, at, stream=CLAIMED, name="call", ref=ANA)


def decided(*activities: Activity, fields: dict[str, Any] | None = None, **episode: Any) -> Decision:
    contact = make_contact(**{"owner": ANA, **(fields or {})})
    situation = make_situation(contact, activities=activities, episodes=[make_episode(**episode)])
    return decide(situation, shipped_book(), now=NOW)


def test_a_claimed_call_is_the_first_touch() -> None:
    found = decided(claim())
    assert found.action is Action.ADVANCE and found.episode is not None
    assert (found.episode.state, found.episode.touched_at) == (State.WORKING, NOW - HOUR)


def test_an_earlier_one_that_was_logged_comes_first() -> None:
    found = decided(claim(), fields={"first_touch_at": NOW - DAY})
    assert found.episode is not None and found.episode.touched_at == NOW - DAY


def test_a_claim_from_before_the_handover_counts_for_nothing() -> None:
    found = decided(claim(NOW - 3 * DAY))
    assert found.episode is not None and found.episode.touched_at is None


def test_who_gets_the_lead_later_has_not_touched_it() -> None:
    """R17: what a former holder claimed is not theirs."""
    fields = {"owner": BEN, "changed_at": {"owner": NOW - HOUR}}
    found = decided(claim(NOW - 2 * HOUR), fields=fields)
    assert found.episode is not None and (found.episode.owner, found.episode.touched_at) == (BEN, None)


def test_the_last_touch_may_be_a_claim() -> None:
    """R40: it stops the clock of a second hand-raise."""
    rows = [claim(NOW - DAY), claim(NOW - HOUR), make_activity(at=NOW)]
    assert claims(rows) == [NOW - DAY, NOW - HOUR]
    assert last_touch(make_contact(), rows) == NOW - HOUR
    assert last_touch(make_contact(last_touch_at=NOW), rows) == NOW
    assert last_touch(make_contact(), []) is None


def test_the_packet_says_that_it_was_claimed() -> None:
    episode = make_episode()
    decision = Decision(
        contact=episode.contact, as_of=NOW, fingerprint="f" * 64, action=Action.NOTHING, sentence="", episode=episode
    )
    packet = build_packet(
        decision=decision, contact=make_contact(), activities=[claim()], owner=None, previous=None,
        portal_time_zone="UTC", record_url="", due_at=None,
        allowed=Allowed(marketing_mail=True, personal_mail=True, call=True, reasons=()),
    )  # fmt: skip
    history = packet["history"]
    assert isinstance(history, list) and history[0]["what"] == "was contacted by sales (call), as sales says"
