"""SLA (R17, R18): the clocks on a lead, their warnings, and whom a broken promise concerns."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from ruamel.yaml import YAML

from connector.domain.contact import ContactId, OwnerId
from connector.domain.episode import Episode, EpisodeId, State
from connector.domain.timer import Timer, TimerKind
from connector.errors import ConfigError
from connector.rules.notifications import Role
from connector.rules.sla import SlaRules, clocks, explain_timer, first_due, stopped_clocks, tell

MAPPINGS = Path(__file__).parents[2] / "mappings"
SHIPPED = SlaRules.model_validate(YAML(typ="safe").load(MAPPINGS / "sla.yaml"))
BERLIN = SHIPPED.in_zone("Europe/Berlin")
SATURDAY = datetime(2025, 3, 1, 17, tzinfo=ZoneInfo("Europe/Berlin"))


def make_episode(**what_matters: object) -> Episode:
    defaults: dict[str, object] = {
        "id": EpisodeId("ep_1"), "contact": ContactId("1"), "ordinal": 1, "state": State.HANDED_OFF,
        "lane": "score", "opened_at": SATURDAY, "owner": OwnerId("7"),
    }  # fmt: skip
    return Episode(**{**defaults, **what_matters})  # type: ignore[arg-type] - a factory for tests


def levels(timers: tuple[Timer, ...], clock: str) -> dict[str, datetime]:
    return {timer.level: timer.due_at for timer in timers if timer.name == clock}


def test_a_hand_raiser_of_saturday_is_due_on_monday_morning() -> None:
    """R18: one business hour after Saturday 17:00 is Monday 10:00."""
    timers = clocks(make_episode(lane="hand_raiser"), BERLIN, now=SATURDAY)
    monday = datetime(2025, 3, 3, 9, tzinfo=ZoneInfo("Europe/Berlin"))
    assert levels(timers, "first_touch") == {
        "at_risk_50": monday + timedelta(minutes=30),
        "at_risk_80": monday + timedelta(minutes=48),
        "breach": monday + timedelta(hours=1),
    }


def test_the_lane_decides_the_limit_and_the_verdict_runs_by_the_wall_clock() -> None:
    """R17: first touch by lane, verdict within 48 hours."""
    timers = clocks(make_episode(lane="score"), BERLIN, now=SATURDAY)
    assert levels(timers, "first_touch")["breach"] == datetime(2025, 3, 3, 17, tzinfo=ZoneInfo("Europe/Berlin"))
    assert levels(timers, "verdict") == {
        "at_risk_50": SATURDAY + timedelta(hours=24),
        "at_risk_80": SATURDAY + timedelta(hours=38, minutes=24),
        "breach": SATURDAY + timedelta(hours=48),
    }


def test_timers_carry_episode_and_assignment() -> None:
    """I5: the second owner's reminders are not the first one's."""
    timers = clocks(make_episode(assignment=2), BERLIN, now=SATURDAY)
    assert {(timer.kind, timer.episode, timer.assignment) for timer in timers} == {(TimerKind.SLA, "ep_1", 2)}
    assert len({(timer.name, timer.level) for timer in timers}) == len(timers) == 8


def test_the_portals_zone_settles_the_calendar() -> None:
    episode, noon = make_episode(lane="hand_raiser"), datetime(2025, 3, 3, 12, tzinfo=UTC)
    assert first_due(episode, SHIPPED, now=noon) == noon + timedelta(hours=1)
    assert first_due(episode, SHIPPED.in_zone("Asia/Tokyo"), now=noon) == datetime(2025, 3, 4, 1, tzinfo=UTC)
    with pytest.raises(ConfigError, match="Nowhere"):
        SHIPPED.in_zone("Nowhere")
    assert BERLIN.in_zone("Nowhere") == BERLIN


def test_nothing_runs_on_silent_or_ended_leads() -> None:
    """R41"""
    for episode in (make_episode(silent=True), make_episode(state=State.RECYCLED)):
        assert clocks(episode, BERLIN, now=SATURDAY) == ()
        assert first_due(episode, BERLIN, now=SATURDAY) is None
        assert stopped_clocks(episode, BERLIN) == ("first_touch", "verdict", "age")


@pytest.mark.parametrize(
    ("change", "stopped"),
    [
        ({}, ()),
        ({"state": State.WORKING}, ()),
        ({"touched_at": SATURDAY, "state": State.WORKING}, ("first_touch",)),
        ({"state": State.ACCEPTED}, ("first_touch", "verdict")),
        ({"state": State.OPPORTUNITY, "touched_at": SATURDAY}, ("first_touch", "verdict")),
    ],
)
def test_a_touch_and_an_answer_stop_their_clocks(change: dict[str, object], stopped: tuple[str, ...]) -> None:
    assert stopped_clocks(make_episode(**change), BERLIN) == stopped


@pytest.mark.parametrize("state", [State.ACCEPTED, State.OPPORTUNITY])
def test_whoever_has_answered_is_on_the_clock_to_the_end_alone(state: State) -> None:
    """R12, R17: in a default installation no accepted lead is silent; one reminder, and the limit 90 days on."""
    now = SATURDAY.astimezone(UTC)
    timers = clocks(make_episode(state=state), BERLIN, now=now)
    assert {timer.name for timer in timers} == {"age"}
    assert levels(timers, "age") == {"at_risk_90": now + timedelta(days=81), "breach": now + timedelta(days=90)}


def test_a_fired_timer_says_whom_it_concerns_and_what_it_means() -> None:
    episode = make_episode(lane="hand_raiser")
    warning, *_, breach = clocks(episode, replace_clocks(BERLIN, "first_touch"), now=SATURDAY)
    assert tell(warning, BERLIN) == (Role.REP,)
    assert tell(breach, BERLIN) == (Role.REP, Role.MANAGER)
    time = "1 business hour for the first call or e-mail"
    assert explain_timer(warning, episode, BERLIN) == f"50 % of the {time} is used up."
    assert explain_timer(breach, episode, BERLIN) == f"The {time} ran out."
    assert tell(replace(breach, name="forgotten"), BERLIN) == ()
    assert explain_timer(replace(breach, name="forgotten"), episode, BERLIN) == "The time for the answer ran out."


def replace_clocks(rules: SlaRules, *names: str) -> SlaRules:
    return rules.model_copy(update={"clocks": {name: rules.clocks[name] for name in names}})


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        ({"limit": "8"}, "has no unit"),
        ({}, "needs a `limit`"),
        ({"limit": "8bh", "calendar": "moon"}, "no calendar moon; use one of office"),
        ({"limit": "3000bh"}, "more than its calendar opens in a year"),
        ({"limit": "8bh", "warn_at": [80, 50]}, "must rise"),
        ({"limit": "8bh", "tell_breach": ["boss"]}, "rep"),
    ],
)
def test_what_cannot_be_kept_is_refused(clock: dict[str, object], words: str) -> None:
    calendars = {"office": {"hours": {"mon-fri": ["09:00-18:00"]}}}
    with pytest.raises(ValidationError, match=words):
        SlaRules.model_validate({"calendars": calendars, "clocks": {"c": {"label": "x", "until": "touch", **clock}}})


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
    st.sampled_from(["5m", "48h", "30bm", "8bh", "1bd", "3bd"]),
)
def test_warnings_come_in_order_and_before_the_breach(now: datetime, limit: str) -> None:
    """R18"""
    rules = SlaRules.model_validate(
        {
            "calendars": {"c": {"zone": "Europe/Berlin", "hours": {"mon-fri": ["09:00-12:30", "13:30-18:00"]}}},
            "clocks": {"c": {"label": "answer", "until": "end", "limit": limit, "warn_at": [1, 50, 99]}},
        }
    )
    dues = [timer.due_at for timer in clocks(make_episode(), rules, now=now)]
    assert dues == sorted(dues)
    assert now < dues[0] < dues[-1]
