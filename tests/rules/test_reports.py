"""Reports (R17, R19, R26): the funnel's figures, targets and marketing's promise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from ruamel.yaml import YAML

from connector.domain.contact import ContactId
from connector.domain.episode import Episode, EpisodeId, State
from connector.rules.funnel import funnel, handed_between, mature_ones
from connector.rules.reports import Figure, Kpi, Level, ReportRules
from connector.rules.sla import SlaRules
from connector.rules.targets import measure, promise, verdict

MAPPINGS = Path(__file__).parents[2] / "mappings"
SHIPPED = ReportRules.model_validate(YAML(typ="safe").load(MAPPINGS / "reports.yaml"))
CLOCKS = SlaRules.model_validate(
    {
        "calendars": {"office": {"zone": "UTC", "hours": {"mon-sun": ["00:00-24:00"]}}},
        "clocks": {
            "first_touch": {"label": "first call", "until": "touch", "limit": "8bh"},
            "verdict": {"label": "answer", "until": "verdict", "limit": "48h"},
        },
    }
)
NOW = datetime(2025, 3, 16, 12, tzinfo=UTC)
HANDED = NOW - timedelta(days=5)


def make_episode(state: State = State.HANDED_OFF, **what_matters: object) -> Episode:
    defaults: dict[str, object] = {
        "id": EpisodeId("ep_1"), "contact": ContactId("1"), "ordinal": 1, "state": state, "lane": "score",
        "opened_at": HANDED - timedelta(minutes=2), "handed_off_at": HANDED,
    }  # fmt: skip
    return Episode(**{**defaults, **what_matters})  # type: ignore[arg-type] - a factory for tests


def test_a_funnel_counts_what_became_of_the_leads_handed_over() -> None:
    """R26"""
    counted = funnel(
        [
            make_episode(),
            make_episode(State.WORKING, touched_at=HANDED + timedelta(hours=1)),
            make_episode(State.ACCEPTED, touched_at=HANDED + timedelta(hours=3)),
            make_episode(State.SALES_QUALIFIED),
            make_episode(State.OPPORTUNITY),
            make_episode(State.WON),
            make_episode(State.LOST),
            make_episode(State.RECYCLED, exit_reason="not_ready"),
            make_episode(State.RECYCLED, exit_reason="bad_fit"),
            make_episode(State.RECYCLED, exit_reason="not_ready"),
            make_episode(State.JUNK),
            make_episode(State.UNREACHABLE),
        ],
        now=NOW,
    )
    assert (counted.handed, counted.open, counted.touched, counted.untouched) == (12, 5, 11, 1)
    assert (counted.accepted, counted.opportunities, counted.won, counted.lost) == (5, 3, 1, 1)
    assert (dict(counted.recycled), counted.junk, counted.unreachable) == ({"not_ready": 2, "bad_fit": 1}, 1, 1)
    assert list(counted.recycled) == ["not_ready", "bad_fit"]
    assert counted.value(Figure.CONVERSION) == pytest.approx(100 / 12)
    assert counted.value(Figure.RECYCLED) == 3


def test_silent_waiting_and_future_leads_do_not_count() -> None:
    """R41"""
    rows = [
        make_episode(silent=True),
        make_episode(State.QUALIFIED, handed_off_at=None),
        make_episode(handed_off_at=NOW + timedelta(days=1)),
    ]
    assert funnel(rows, now=NOW).handed == 0


def test_human_time_and_system_time_are_measured_apart() -> None:
    """R19: handover to touch is the rep's, signal to handover is ours."""
    rows = [make_episode(State.WORKING, touched_at=HANDED + timedelta(hours=hours)) for hours in range(1, 11)]
    counted = funnel(rows, now=NOW)
    assert (counted.speed_to_lead, counted.speed_to_lead_p90) == (timedelta(hours=5), timedelta(hours=9))
    assert (counted.system_delay, counted.system_delay_p90) == (timedelta(minutes=2), timedelta(minutes=2))


def test_what_is_not_due_yet_is_missed_by_nobody() -> None:
    """R26: the same two leads, a minute after the handover, when the first touch is due, and when the answer is."""
    waiting = make_episode()
    answered = make_episode(State.ACCEPTED, touched_at=HANDED)

    def told(after: timedelta, *rows: Episode) -> dict[Figure, tuple[str, bool | None]]:
        counted = funnel(rows, now=HANDED + after, clocks=CLOCKS)
        return {result.kpi.figure: (result.shown, result.met) for result in measure(counted, SHIPPED)}

    early = told(timedelta(minutes=1), waiting)
    assert early[Figure.UNTOUCHED] == ("0", True)
    assert early[Figure.TOUCHED_RATE] == early[Figure.ACCEPTANCE_RATE] == ("nothing to measure yet", None)
    both = told(timedelta(minutes=1), waiting, answered)
    assert both[Figure.TOUCHED_RATE] == both[Figure.ACCEPTANCE_RATE] == ("100.0 %", True)
    touch_due = told(timedelta(hours=8), waiting, answered)
    assert (touch_due[Figure.UNTOUCHED], touch_due[Figure.TOUCHED_RATE]) == (("1", False), ("50.0 %", False))
    assert touch_due[Figure.ACCEPTANCE_RATE] == ("100.0 %", True)
    assert told(timedelta(hours=48), waiting, answered)[Figure.ACCEPTANCE_RATE] == ("50.0 %", False)


def test_leads_older_than_handoff_do_not_count_as_its_delay() -> None:
    """R19, R41"""
    adopted = make_episode(lane="inferred", opened_at=HANDED - timedelta(days=300))
    older = make_episode(opened_at=HANDED - timedelta(days=30))
    counted = funnel([adopted, older, make_episode()], now=NOW, since=HANDED - timedelta(days=1))
    assert (counted.handed, counted.system_delay_p90) == (3, timedelta(minutes=2))


def test_a_rate_over_nothing_is_none() -> None:
    empty = funnel([], now=NOW)
    assert empty.value(Figure.CONVERSION) is None
    assert empty.value(Figure.SPEED_TO_LEAD) is None
    assert [result.met for result in measure(empty, SHIPPED) if result.kpi.figure is Figure.TOUCHED_RATE] == [None]


def test_figures_are_measured_against_their_targets_in_words() -> None:
    rows = [make_episode(State.WON, touched_at=HANDED + timedelta(hours=5)), make_episode(), make_episode(State.JUNK)]
    told = {r.kpi.figure: (r.shown, r.target, r.met) for r in measure(funnel(rows, now=NOW), SHIPPED)}
    assert told[Figure.HANDED] == ("3", "", None)
    assert told[Figure.SPEED_TO_LEAD] == ("5 h", "within 4 hours", False)
    assert told[Figure.UNTOUCHED] == ("1", "at most 0", False)
    assert told[Figure.TOUCHED_RATE] == ("66.7 %", "at least 95.0 %", False)
    assert told[Figure.CONVERSION] == ("33.3 %", "", None)


@pytest.mark.parametrize(
    ("target", "won", "old", "old_won", "told"),
    [
        ({"at_least": 20}, 0, 0, 0, ("0.0 %", None, True)),
        ({"at_least": 20}, 1, 0, 0, ("25.0 %", True, False)),
        ({"at_least": 20}, 0, 2, 1, ("16.7 %; 50.0 % of those older than 90 days", True, False)),
        ({"at_least": 20}, 0, 10, 1, ("7.1 %; 10.0 % of those older than 90 days", False, False)),
        ({"at_most": 20}, 0, 0, 0, ("0.0 %", None, True)),
        ({"at_most": 20}, 1, 0, 0, ("25.0 %", False, False)),
    ],
)
def test_a_target_is_not_missed_before_leads_have_had_their_time(
    target: dict[str, float], won: int, old: int, old_won: int, told: tuple[str, bool | None, bool]
) -> None:
    """R26: four leads are minutes old. What more time cannot change stands; the rest is judged by the mature alone."""
    young = [make_episode(State.WON)] * won + [make_episode()] * (4 - won)
    long_ago = HANDED - timedelta(days=90)
    mature = [make_episode(State.WON, handed_off_at=long_ago)] * old_won
    mature += [make_episode(State.LOST, handed_off_at=long_ago)] * (old - old_won)
    rules = ReportRules(kpis=(Kpi(figure=Figure.CONVERSION, label="won", level=Level.REVENUE, **target),))
    ripe = mature_ones([*young, *mature], HANDED, rules.cohorts.mature_after)
    (result,) = measure(funnel([*young, *mature], now=NOW), rules, funnel(ripe, now=NOW))
    assert (result.shown, result.met, result.too_early) == told


def test_a_count_that_may_still_be_reached_is_not_missed() -> None:
    """R26: answers that sales still has time for may come; customers may come until the leads have had their time."""
    kpis = (
        Kpi(figure=Figure.ACCEPTED, label="accepted", level=Level.TACTICAL, at_least=2),
        Kpi(figure=Figure.WON, label="won", level=Level.REVENUE, at_least=1),
        Kpi(figure=Figure.JUNK, label="junk", level=Level.REVENUE, at_most=0),
    )
    rows, none = [make_episode(State.ACCEPTED), make_episode()], funnel([], now=NOW)
    for hours, accepted in ((1, "too early"), (48, "missed")):
        counted = funnel(rows, now=HANDED + timedelta(hours=hours), clocks=CLOCKS)
        found = [verdict(one.met, one.too_early) for one in measure(counted, ReportRules(kpis=kpis), none)]
        assert found == [accepted, "too early", "ok"]


def test_a_cohort_is_what_was_handed_over_in_it() -> None:
    rows = [make_episode(), make_episode(handed_off_at=NOW), make_episode(silent=True)]
    assert handed_between(rows, HANDED, NOW) == rows[:1]


@pytest.mark.parametrize(
    ("count", "accepted", "rejected", "met"),
    [(25, 0, 0, True), (24, 0, 0, False), (25, 6, 4, True), (25, 5, 5, False)],
)
def test_marketings_promise_is_followed_through_the_month(count: int, accepted: int, rejected: int, met: bool) -> None:
    """R17: half of March has passed, so half of 50 leads are due; quality counts where sales has answered."""
    rows = [make_episode(State.ACCEPTED)] * accepted + [make_episode(State.JUNK)] * rejected
    rows += [make_episode()] * (count - len(rows))
    february = make_episode(handed_off_at=NOW - timedelta(days=20))
    kept = promise([*rows, february], SHIPPED, now=NOW, portal_time_zone="UTC")
    assert kept is not None
    assert (kept.month, kept.handed, kept.promised, kept.due_by_now, kept.met) == ("March 2025", count, 50, 25, met)


@pytest.mark.parametrize(("days_ago", "due"), [(0, 0), (3.1, 5), (200, 25), (-1, 0)])
def test_the_promise_begins_when_handoff_does(days_ago: float, due: int) -> None:
    """R17, R41: on its first day nobody has missed anything yet."""
    since = NOW - timedelta(days=days_ago)
    kept = promise([], SHIPPED, now=NOW, portal_time_zone="UTC", since=since)
    assert kept is not None and (round(kept.due_by_now), kept.met) == (due, due == 0)


def test_a_month_begins_in_the_portals_zone() -> None:
    late = datetime(2025, 2, 28, 20, tzinfo=UTC)
    rows = [make_episode(handed_off_at=late)]
    tokyo = promise(rows, SHIPPED, now=NOW, portal_time_zone="Asia/Tokyo")
    berlin = promise(rows, SHIPPED, now=NOW, portal_time_zone="Europe/Berlin")
    assert tokyo is not None and berlin is not None
    assert (tokyo.handed, berlin.handed) == (1, 0)
    assert promise(rows, ReportRules(), now=NOW, portal_time_zone="UTC") is None


@pytest.mark.parametrize(
    ("kpi", "words"),
    [
        ({"figure": "speed_to_lead", "at_most": 4}, "takes a duration"),
        ({"figure": "won", "within": "4h"}, "takes a duration"),
        ({"figure": "won", "at_least": 1, "at_most": 2}, "one target"),
        ({"figure": "conversion", "at_least": 110}, "0 to 100"),
        ({"figure": "luck"}, "handed"),
    ],
)
def test_a_target_that_does_not_suit_its_figure_is_refused(kpi: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ReportRules.model_validate({"kpis": [{"label": "x", "level": "tactical", **kpi}]})


def test_a_figure_stands_once() -> None:
    kpi = {"figure": "won", "label": "x", "level": "revenue"}
    with pytest.raises(ValidationError, match="stands twice"):
        ReportRules.model_validate({"kpis": [kpi, kpi]})


STATES = st.lists(st.tuples(st.sampled_from(State), st.booleans(), st.booleans()), max_size=40)


@given(STATES)
def test_every_lead_handed_over_is_counted_exactly_once(drawn: list[tuple[State, bool, bool]]) -> None:
    """No lead is silent: open, won, lost, handed back, junk and unreachable make up all that were handed over."""
    rows = [
        make_episode(state, silent=silent, touched_at=HANDED if touched else None, exit_reason="not_ready")
        for state, silent, touched in drawn
    ]
    counted = funnel(rows, now=NOW)
    ends = counted.won + counted.lost + sum(counted.recycled.values()) + counted.junk + counted.unreachable
    assert counted.handed == counted.open + ends == sum(not silent for _, silent, _ in drawn)
    assert counted.won <= counted.opportunities <= counted.accepted <= counted.touched <= counted.handed
    assert counted.untouched + counted.not_due <= counted.open
    assert {figure: counted.value(figure) for figure in Figure}


def test_leads_from_before_handoff_are_not_what_marketing_passed_this_month() -> None:
    """R17, R41: bringing them to life is no work of this month."""
    rows = [make_episode(), make_episode(opened_at=HANDED - timedelta(days=100))]
    kept = promise(rows, SHIPPED, now=NOW, portal_time_zone="UTC", since=HANDED - timedelta(days=30))
    assert kept is not None and kept.handed == 1
