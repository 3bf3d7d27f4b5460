"""Touches (R17): so many calls, mails and meetings within a time, minima per channel, and who hears when they lack."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from factories import (
    ANA,
    BEN,
    DAY,
    HOUR,
    NOW,
    make_activity,
    make_book,
    make_contact,
    make_deal,
    make_desk,
    make_episode,
    make_owner,
    make_situation,
)
from pydantic import ValidationError

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact
from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode, State
from connector.domain.timer import BREACH
from connector.rules import sla
from connector.rules.decide import decide
from connector.rules.notifications import Role
from connector.rules.rulebook import RuleBook
from connector.rules.sla import ClockRules

CADENCE: dict[str, Any] = {
    "label": "5 touches", "until": "touches", "touches": 5, "at_least": {"call": 2}, "limit": "7d", "warn_at": [80],
    "escalate": [{"at": 150, "tell": ["ops"]}],
}  # fmt: skip


def book(**keys: Any) -> RuleBook:
    calendars = {"office": {"zone": "UTC", "hours": {"mon-fri": ["09:00-18:00"]}}}
    return make_book(sla={"calendars": calendars, "clocks": {"cadence": CADENCE | keys}})


def touch(channel: str, at: datetime, **more: Any) -> Activity:
    given = {"stream": "touches", "id": f"{channel}-{at.isoformat()}", "name": channel, **more}
    return make_activity(ActivityKind.TOUCH, at, **given)


def seen(episode: Episode, *activities: Activity, rules: RuleBook | None = None) -> Decision:
    contact = make_contact(owner=episode.owner)
    return decide(make_situation(contact, activities=activities, episodes=[episode]), rules or book(), now=NOW)


def test_touches_since_the_handover_are_counted_by_channel() -> None:
    """R17: those before it belong to the past."""
    before = touch("call", NOW - 3 * DAY)
    decision = seen(make_episode(), before, touch("call", NOW - DAY), touch("call", NOW - HOUR), touch("email", NOW))
    assert (decision.action, decision.sentence) == (Action.ADVANCE, "Sales has reached out: 2 calls, 1 e-mail.")
    assert decision.episode is not None
    assert (decision.episode.calls, decision.episode.mails, decision.episode.meetings) == (2, 1, 0)
    assert seen(decision.episode, before, touch("call", NOW - DAY), touch("call", NOW - HOUR),
                touch("email", NOW)).action is Action.NOTHING  # fmt: skip


def moved_to_ben() -> Contact:
    return make_contact(owner=BEN, changed_at={"owner": NOW - 5 * HOUR})


def test_a_new_owner_begins_with_no_touches() -> None:
    """R17: a person gave it to Ben five hours ago; what Ana did before is hers."""
    made = [touch("call", NOW - DAY), touch("call", NOW - 6 * HOUR)]
    hers = make_episode(owner=ANA, calls=2)
    moved = decide(make_situation(moved_to_ben(), activities=made, episodes=[hers]), book(), now=NOW).episode
    assert moved is not None and (moved.owner, moved.calls) == (BEN, 0)
    made.append(touch("call", NOW - HOUR))
    later = decide(make_situation(moved_to_ben(), activities=made, episodes=[moved]), book(), now=NOW).episode
    assert later is not None and later.calls == 1


def test_the_first_owner_keeps_what_came_before_the_crm_had_the_name() -> None:
    """The handover counts, and not the later instant at which its owner was written."""
    made = [touch("call", NOW - 6 * HOUR)]
    found = decide(make_situation(moved_to_ben(), activities=made, episodes=[make_episode(owner=BEN)]), book(), now=NOW)
    assert found.episode is not None and found.episode.calls == 1


def test_who_takes_over_from_an_owner_who_left_begins_with_no_touches() -> None:
    """R12, R17: and so the clock of the new owner runs."""
    made = [touch("call", NOW - DAY - hour * HOUR) for hour in range(6)]
    contact = make_contact(owner=ANA)
    desk = make_desk(make_owner(ANA, archived=True), make_owner(BEN))
    case = make_situation(contact, activities=made, episodes=[make_episode(owner=ANA)], desk=desk)
    found = decide(case, book(), now=NOW).episode
    assert found is not None and (found.owner, found.assignment, found.calls) == (BEN, 2, 0)
    assert sla.clocks(found, book().sla, now=NOW)


def test_the_rep_to_whom_a_caller_passes_a_lead_begins_with_no_touches() -> None:
    """R12, R17: what telequalification did is behind it."""
    routing = {
        "telequalification": [{"name": "callers", "label": "our callers", "pool": "callers"}],
        "pools": {"callers": {"members": [{"owner": ANA}]}, "sales": {"label": "sales", "everyone": True}},
        "default_pool": "sales",
    }
    made = [touch("call", NOW - DAY - hour * HOUR) for hour in range(3)]
    episode = make_episode(owner=ANA, party="callers", calls=3)
    case = make_situation(make_contact(owner=ANA), activities=made, episodes=[episode], deals=[make_deal()])
    found = decide(case, make_book(routing=routing, sla={"clocks": {"cadence": CADENCE}}), now=NOW).episode
    assert found is not None and found.passed_on_at is not None
    assert (found.owner, found.calls) == (BEN, 0)


def test_where_no_clock_asks_for_touches_nobody_counts_them() -> None:
    plain = make_book()
    assert seen(make_episode(), touch("call", NOW - HOUR), rules=plain).action is Action.NOTHING
    assert (sla.counts_touches(plain.sla), sla.counts_touches(book().sla)) == (False, True)


@pytest.mark.parametrize(
    ("made", "runs"),
    [
        ({"calls": 2, "mails": 3}, False),
        ({"calls": 1, "mails": 9}, True),                       # too few calls
        ({"calls": 2, "mails": 1, "meetings": 1}, True),        # four in all
        ({"calls": 2, "mails": 2, "meetings": 1}, False),
        ({"state": State.WORKING, "calls": 1}, True),
        ({"state": State.ACCEPTED}, False),                     # an answer is what they are for
        ({"state": State.UNREACHABLE}, False),
    ],
)  # fmt: skip
def test_the_clock_runs_until_there_are_enough_of_each_or_an_answer(made: dict[str, Any], *, runs: bool) -> None:
    """R17: N touches in M days, minima per channel."""
    timers = sla.clocks(make_episode(**made), book().sla, now=NOW)
    assert bool(timers) == runs
    if runs:
        assert {timer.level: timer.due_at - NOW for timer in timers} == {
            "at_risk_80": timedelta(days=7) * 0.8, BREACH: timedelta(days=7), "escalated_150": timedelta(days=10.5),
        }  # fmt: skip


def test_a_step_of_escalation_tells_whom_it_names_and_how_far_sales_got() -> None:
    episode = make_episode(calls=1)
    step = sla.clocks(episode, book().sla, now=NOW)[-1]
    assert sla.tell(step, book().sla) == (Role.OPS,)
    assert sla.explain_timer(step, episode, book().sla) == (
        "The 7 days for the 5 touches ran out, and at 150 % of it nothing has happened. So far: 1 call."
    )


def test_an_escalation_in_business_time_counts_open_hours_only() -> None:
    """R18: 150 % of 8 business hours from Monday 09:00 are 12 of them: Tuesday 12:00."""
    rules = book(limit="8bh").sla
    steps = {timer.level: timer.due_at for timer in sla.clocks(make_episode(), rules, now=NOW)}
    assert steps["escalated_150"] == NOW + timedelta(days=1, hours=3)


@pytest.mark.parametrize(
    "keys",
    [
        {"until": "touch", "touches": 3},
        {"until": "verdict", "at_least": {"call": 1}},
        {"until": "touches"},
        {"until": "touches", "touches": 0},
        {"until": "touches", "at_least": {"fax": 1}},
        {"until": "end", "escalate": [{"at": 100, "tell": ["ops"]}]},
        {"until": "end", "escalate": [{"at": 200, "tell": ["ops"]}, {"at": 150, "tell": ["ops"]}]},
    ],
)
def test_what_makes_no_sense_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ClockRules.model_validate({"label": "x", "limit": "1d", **keys})
