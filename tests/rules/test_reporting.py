"""Reports (R17, R26, R28, R30): what is counted over leads handed over, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import comb
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from factories import ANA, BEN, DAY, HOUR, KIM, NOW, make_book, make_deal, make_episode
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.activity import Channel
from connector.domain.contact import ContactId
from connector.domain.deal import DealState
from connector.domain.episode import EpisodeId, State
from connector.rules.funnel import funnel
from connector.rules.reporting.cohorts import cohorts
from connector.rules.reporting.credit import credited
from connector.rules.reporting.facts import Facts, Period
from connector.rules.reporting.groups import Performs, by_category, groups, outperformers
from connector.rules.reporting.handed_back import reasons
from connector.rules.reporting.late import Limit, Why, boards, missed
from connector.rules.reporting.leaked import Leaked, by_mailing
from connector.rules.reporting.meeting import meeting_report
from connector.rules.reporting.money import money
from connector.rules.reporting.numbers import Share, chance_of, nearest_rank, quantile
from connector.rules.reporting.passed import Held, Passed, passed, whole_days
from connector.rules.reporting.results import owners_report
from connector.rules.reporting.settings import Campaign, CohortRules, Each
from connector.rules.reporting.spells import follow_up
from connector.rules.sla import Until, answer_due

UTC_ZONE = ZoneInfo("UTC")
HANDED = NOW - 2 * DAY


def make_passed(number: int = 1, **more: Any) -> Passed:
    handed: datetime = more.get("handed_at", HANDED)
    given = {
        "id": EpisodeId(f"ep_{number}"), "contact": ContactId(str(number)), "lane": "score", "owner": ANA,
        "arrived_at": handed - DAY, "opened_at": handed - HOUR, "handed_at": handed, "state": State.HANDED_OFF,
        "kinds": {"origin": "search"},
    }  # fmt: skip
    return Passed(**{**given, **more})


def many(count: int, won: int, **more: Any) -> list[Passed]:
    """Leads of long ago, so many of them won a day later."""
    old = NOW - 200 * DAY
    return [
        make_passed(place, handed_at=old, won_at=old + DAY if place < won else None, **more) for place in range(count)
    ]


def test_the_accepted_share_is_one_and_the_same_in_every_report() -> None:
    """R26: a lead whose time for an answer still runs says nothing, neither in `report` nor by owner or cohort."""
    clocks = make_book().sla
    rows = [
        make_episode(state=state, handed_off_at=NOW - ago * DAY, id=EpisodeId(f"ep_{place}"))
        for place, (state, ago) in enumerate(
            [(State.ACCEPTED, 1), (State.HANDED_OFF, 1), (State.HANDED_OFF, 9), (State.WORKING, 9), (State.JUNK, 1)]
        )
    ]
    leads = [
        lead
        for one in rows
        if one.handed_off_at is not None
        and (lead := passed(one, [(one.handed_off_at, one.state)], (), arrived_at=None, kinds={},
                            answer_due_at=answer_due(one, clocks, now=one.handed_off_at)))
    ]  # fmt: skip
    counted = funnel(rows, now=NOW, clocks=clocks)
    (group,) = groups(leads, by_category("origin"), now=NOW, zone=UTC_ZONE, mature_after=90 * DAY)
    (cohort,) = cohorts(leads, CohortRules(each=Each.QUARTER), now=NOW, zone=UTC_ZONE)
    assert Share(counted.accepted, counted.answerable) == group.accepted == cohort.accepted == Share(1, 4)


# -- numbers -------------------------------------------------------------------------------------------------------


def test_quantiles_are_linear_between_neighbours() -> None:
    assert quantile([], 0.5) is None
    assert (quantile([4], 0.9), quantile([1, 2], 0.5), quantile([10, 0, 20], 0.9)) == (4, 1.5, 18)


def test_nearest_rank_is_a_span_that_was_measured() -> None:
    spans = [hours * HOUR for hours in range(1, 11)]
    assert (nearest_rank(spans, 50), nearest_rank(spans, 90), nearest_rank([], 50)) == (5 * HOUR, 9 * HOUR, None)


def test_wilsons_interval_is_the_known_one() -> None:
    """Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 15 of 148 gives 0.0624 to 0.1605; 0 of 20 to 0.1611."""
    for share, low, high in ((Share(81, 263), 25.53, 36.62), (Share(15, 148), 6.24, 16.05), (Share(0, 20), 0, 16.11)):
        assert share.interval == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))
    assert Share(0, 0).interval is None and Share(0, 0).percent is None


@given(st.integers(0, 30), st.integers(1, 30), st.integers(0, 30), st.integers(1, 30))
def test_the_exact_test_is_the_sum_over_all_tables(a: int, n: int, b: int, m: int) -> None:
    a, b = min(a, n), min(b, m)
    hits = a + b
    tables = {x: comb(n, x) * comb(m, hits - x) for x in range(max(0, hits - m), min(n, hits) + 1)}
    by_hand = sum(ways for ways in tables.values() if ways <= tables[a] * (1 + 1e-9)) / comb(n + m, hits)
    assert chance_of(a, n, b, m) == pytest.approx(by_hand)
    assert chance_of(a, n, b, m) == pytest.approx(chance_of(b, m, a, n))


def test_nothing_next_to_something_is_no_difference() -> None:
    assert chance_of(0, 0, 5, 10) == chance_of(5, 10, 0, 0) == 1


# -- leads handed over -------------------------------------------------------------------------------------------------


def lead_of(episode: Any, *path: tuple[datetime, State], deals: Sequence[Any] = ()) -> Passed | None:
    return passed(episode, path, deals, arrived_at=HANDED - DAY, kinds={})


def test_a_lead_counts_as_far_as_it_ever_came() -> None:
    """R26: accepted, then handed back: both."""
    episode = make_episode(state=State.RECYCLED, exit_reason="not_ready", ended_at=NOW)
    one = lead_of(episode, (HANDED, State.HANDED_OFF), (NOW - DAY, State.ACCEPTED), (NOW, State.RECYCLED))
    assert one is not None
    assert (one.accepted_at, one.answered_at, one.opportunity_at, one.won_at) == (NOW - DAY, NOW - DAY, None, None)


def test_a_path_that_was_not_seen_does_not_hide_the_end() -> None:
    won = lead_of(make_episode(state=State.WON, ended_at=NOW), (NOW - DAY, State.HANDED_OFF))
    assert won is not None and (won.accepted_at, won.won_at) == (NOW, NOW)


def test_what_was_there_before_and_what_was_undone_is_not_passed() -> None:
    """R36, R41"""
    assert lead_of(make_episode(silent=True)) is None
    assert lead_of(make_episode(state=State.RECYCLED, exit_reason="undone")) is None
    assert lead_of(make_episode(handed_off_at=None)) is None


def test_what_telequalification_says_is_not_what_sales_says() -> None:
    """R12: accepted by the caller, passed on, and accepted by the rep a day later."""
    called, passed_on = (HANDED + HOUR, State.ACCEPTED), (HANDED + 2 * HOUR, State.TELEQUALIFIED)
    waiting = make_episode(state=State.ACCEPTED, party="desk", caller_touched_at=None)
    still = lead_of(waiting, (HANDED, State.HANDED_OFF), called)
    assert still is not None and (still.accepted_at, still.answered_at) == (None, None)
    episode = make_episode(state=State.ACCEPTED, party="desk", passed_on_at=passed_on[0], caller_touched_at=HANDED)
    one = lead_of(episode, (HANDED, State.HANDED_OFF), called, passed_on, (NOW, State.ACCEPTED))
    assert one is not None
    assert (one.accepted_at, one.passed_on_at, one.touched_at) == (NOW, passed_on[0], HANDED)
    junk = lead_of(make_episode(state=State.JUNK, party="desk"), called, (NOW, State.JUNK))
    assert junk is not None and (junk.accepted_at, junk.answered_at) == (None, NOW)


def test_a_won_lead_has_the_day_and_the_money_of_its_deal() -> None:
    """A deal that was closed before the lead qualified is not its own; an open one is pipeline."""
    deals = [
        make_deal(DealState.WON, id="d1", at=NOW - 90 * DAY, amount=9.0),
        make_deal(DealState.WON, id="d2", at=NOW - DAY, amount=100.0),
        make_deal(DealState.OPEN, id="d3", at=NOW - DAY, amount=7.0),
    ]
    one = lead_of(make_episode(state=State.WON, ended_at=NOW), (NOW, State.WON), deals=deals)
    assert one is not None and (one.won_at, one.revenue, one.pipeline) == (NOW - DAY, 100, 107)
    lost = lead_of(make_episode(state=State.LOST), deals=deals)
    assert lost is not None and lost.revenue is None


def leads_of(episodes: Sequence[Any], deals: Sequence[Any]) -> list[Passed]:
    """Each lead with the deals of its contact, and the money that is its own."""
    given = credited([(one, ()) for one in episodes], deals)
    made = [
        passed(one, (), [deal for deal in deals if one.contact in deal.contacts], arrived_at=None, kinds={},
               credited=given.get(one.id, ()))
        for one in episodes
    ]  # fmt: skip
    return [one for one in made if one is not None]


def test_a_deal_of_several_contacts_is_the_money_of_one_lead() -> None:
    """R26: the last that was passed before it was won; what was undone or not won does not take it."""
    both = (ContactId("101"), ContactId("102"), ContactId("103"), ContactId("104"), ContactId("105"))
    deal = make_deal(DealState.WON, at=NOW - DAY, amount=1000.0, contacts=both)
    since = {"opened_at": NOW - 9 * DAY, "ended_at": NOW, "state": State.WON}
    leads = leads_of(
        [
            make_episode(contact="101", **since, handed_off_at=NOW - 8 * DAY),
            make_episode(contact="102", **since, handed_off_at=NOW - 7 * DAY),
            make_episode(contact="103", **since, handed_off_at=NOW - HOUR),
            make_episode(contact="104", **since | {"state": State.LOST}, handed_off_at=NOW - 6 * DAY),
            make_episode(contact="105", **since | {"exit_reason": "undone"}, handed_off_at=NOW - 5 * DAY),
        ],
        [deal],
    )
    assert {one.contact: one.revenue for one in leads} == {"101": None, "102": 1000, "103": None, "104": None}
    assert {one.won_at for one in leads if one.contact != "104"} == {NOW - DAY}
    (group,) = groups_of(leads)
    assert (group.won.part, group.revenue) == (3, 1000)


def test_a_deal_that_began_after_a_lead_had_ended_is_the_next_ones() -> None:
    deals = [
        make_deal(DealState.WON, id="d1", at=NOW - 10 * DAY, amount=100.0),
        make_deal(DealState.WON, id="d2", at=NOW - HOUR, amount=1000.0),
        make_deal(DealState.OPEN, id="d3", at=NOW - HOUR, amount=7.0),
    ]
    first, second = NOW - 20 * DAY, NOW - 5 * DAY
    leads = leads_of(
        [
            make_episode(state=State.WON, opened_at=first, handed_off_at=first, ended_at=NOW - 10 * DAY),
            make_episode(ordinal=2, state=State.WON, opened_at=second, handed_off_at=second, ended_at=NOW),
        ],
        deals,
    )
    assert [(one.revenue, one.pipeline, one.won_at) for one in leads] == [
        (100, 100, NOW - 10 * DAY), (1000, 1007, NOW - HOUR),
    ]  # fmt: skip


def test_whole_days_are_midnights_of_the_portals_calendar() -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    assert whole_days(late, late + HOUR, UTC_ZONE) == 1
    assert whole_days(late, late + HOUR, ZoneInfo("America/New_York")) == 0
    assert whole_days(late, late - 3 * DAY, UTC_ZONE) == 0
    assert whole_days(None, late, UTC_ZONE) is None


def test_human_and_system_time_are_apart() -> None:
    """R19, R41: adopted leads are no delay of ours."""
    leads = [make_passed(touched_at=HANDED + 3 * HOUR), make_passed(2, lane="inferred", opened_at=HANDED - 300 * DAY)]
    found = follow_up(leads)
    assert (found.human_leads, found.human_median) == (1, 3 * HOUR)
    assert (found.system_leads, found.system_p90) == (1, HOUR)


# -- cohorts -------------------------------------------------------------------------------------------------------


def test_young_cohorts_are_marked_and_compared_at_equal_age() -> None:
    """R26: January is 90 days past its end, March is not; what January's lead won after its time is not compared."""
    january, march = datetime(2026, 1, 31, 12, tzinfo=UTC), datetime(2026, 3, 1, 12, tzinfo=UTC)
    leads = [
        make_passed(1, handed_at=january, won_at=january + 89 * DAY),
        make_passed(2, handed_at=january, won_at=january + 91 * DAY),
        make_passed(3, handed_at=march, won_at=march + DAY),
    ]
    rules, now = CohortRules(), datetime(2026, 5, 5, tzinfo=UTC)
    first, second = cohorts(leads, rules, now=now, zone=UTC_ZONE)
    assert (first.name, first.mature, first.won, first.in_time) == ("Jan 2026", True, Share(2, 2), Share(1, 2))
    assert (second.name, second.mature, second.in_time) == ("Mar 2026", False, None)
    assert second.matures_on == date(2026, 6, 30)


@pytest.mark.parametrize(
    ("each", "name", "last"),
    [(Each.WEEK, "2025-W01", date(2025, 1, 5)), (Each.MONTH, "Dec 2024", date(2024, 12, 31)),
     (Each.QUARTER, "Q4 2024", date(2024, 12, 31))],
)  # fmt: skip
def test_a_cohort_ends_with_its_span(each: Each, name: str, last: date) -> None:
    lead = make_passed(handed_at=datetime(2024, 12, 30, tzinfo=UTC))
    (found,) = cohorts([lead], CohortRules(each=each), now=NOW, zone=UTC_ZONE)
    assert (found.name, found.ends_on) == (name, last)


# -- groups --------------------------------------------------------------------------------------------------------


def groups_of(leads: list[Passed]) -> Any:
    return groups(leads, by_category("origin"), now=NOW, zone=UTC_ZONE, mature_after=90 * DAY)


def test_a_category_outperforms_only_where_chance_would_hardly_do_that() -> None:
    """R30"""
    sure = many(200, 40) + many(200, 8, kinds={"origin": "social"})
    assert {one.value: one.performs for one in groups_of(sure)} == {"search": Performs.ABOVE, "social": Performs.BELOW}
    unsure = many(200, 12) + many(200, 8, kinds={"origin": "social"})
    assert {one.performs for one in groups_of(unsure)} == {Performs.ALIKE}
    few = many(29, 20) + many(200, 8, kinds={"origin": "social"})
    assert groups_of(few)[-1].performs is Performs.TOO_FEW
    (best, worst) = outperformers({"origin": groups_of(sure)})
    assert (best.value, best.mature, best.others_percent) == ("search", Share(40, 200), 4)
    assert worst.performs is Performs.BELOW


def test_young_leads_do_not_make_a_category_look_bad() -> None:
    young = [replace(one, handed_at=NOW - DAY, kinds={"origin": "social"}) for one in many(200, 0)]
    found = {one.value: one for one in groups_of(many(200, 40) + young)}
    assert found["social"].mature == Share(0, 0)
    assert {one.performs for one in found.values()} == {Performs.TOO_FEW}


def test_sources_without_a_lead_passed_are_there() -> None:
    found = groups([make_passed()], by_category("origin"), now=NOW, zone=UTC_ZONE, mature_after=DAY,
                   arrived={"search": 3, "email": 7})  # fmt: skip
    assert [(one.value, one.arrived, one.handed) for one in found] == [("email", 7, 0), ("search", 3, 1)]
    assert found[0].won_of_arrived == Share(0, 7)


# -- handed back, money, clocks ------------------------------------------------------------------------------------


def test_a_shift_of_reasons_is_more_than_chance() -> None:
    """R21"""

    def back(count: int, reason: str, days_ago: int) -> list[Passed]:
        at = NOW - days_ago * DAY
        return [make_passed(n, state=State.RECYCLED, exit_reason=reason, ended_at=at) for n in range(count)]

    leads = back(30, "bad_fit", 5) + back(10, "not_ready", 5) + back(20, "bad_fit", 60) + back(60, "not_ready", 60)
    found = reasons(leads, now=NOW, recent=28 * DAY, before=84 * DAY)
    assert [(one.reason, one.recent, one.before, one.shifted) for one in found] == [
        ("bad_fit", Share(30, 40), Share(20, 80), True),
        ("not_ready", Share(10, 40), Share(60, 80), True),
    ]
    few = back(3, "bad_fit", 5) + back(1, "not_ready", 5) + back(2, "bad_fit", 60) + back(6, "not_ready", 60)
    calm = reasons(few, now=NOW, recent=28 * DAY, before=84 * DAY)
    assert not any(one.shifted for one in calm)


def test_revenue_stands_next_to_the_whole_portals() -> None:
    """R26: a deal of nobody we passed is the portal's; one without an amount is counted and not guessed."""
    lead = make_passed(contact=KIM, opened_at=NOW - 10 * DAY)
    deals = [
        make_deal(DealState.WON, id="d1", at=NOW - DAY, amount=300.0),
        make_deal(DealState.WON, id="d2", at=NOW - DAY, amount=100.0, contacts=(ContactId("999"),)),
        make_deal(DealState.WON, id="d3", at=NOW - DAY),
        make_deal(DealState.WON, id="d4", at=NOW - 99 * DAY, amount=5.0),
        make_deal(DealState.OPEN, id="d5", at=NOW - DAY, amount=50.0),
    ]
    found = money(deals, [lead], since=NOW - 5 * DAY, until=NOW)
    assert (found.won.number, found.won.amount, found.won.unpriced) == (2, 300, 1)
    assert (found.portal_won.number, found.portal_won.amount, found.revenue_share) == (3, 400, 75)
    assert (found.pipeline.amount, found.pipeline_share) == (50, 100)
    assert money([], [], since=None, until=NOW).revenue_share is None


def test_money_that_no_lead_is_credited_with_is_named() -> None:
    """R26: made after its lead had ended; what a lead that was won is credited with is not among it."""
    won = make_passed(1, state=State.WON, won_at=NOW - DAY, ended_at=NOW - DAY)
    ended = make_passed(2, state=State.RECYCLED, ended_at=HANDED + HOUR)
    deals = [
        make_deal(DealState.WON, id="d1", at=NOW - DAY, amount=300.0, contacts=(won.contact,)),
        make_deal(DealState.WON, id="d2", at=NOW - HOUR, amount=70.0, contacts=(ended.contact,)),
    ]
    found = money(deals, [won, ended], since=None, until=NOW)
    assert (found.won.amount, found.uncredited.number, found.uncredited.amount) == (370, 1, 70)


def test_leaks_are_counted_by_mailing() -> None:
    """R11: the one that reached most leads first; one without a name by its campaign."""
    told = [("1", "Spring news", "9"), ("2", "Spring news", "9"), ("1", "Spring news", "9"), ("3", "", "12")]
    leaks = [Leaked(contact=ContactId(who), mail=mail, campaign=one, told_at=NOW) for who, mail, one in told]
    found = [(one.mailing, one.leads, one.mails) for one in by_mailing(leaks)]
    assert found == [("Spring news", 2, 3), ("campaign 12", 1, 1)]


def test_velocity_is_what_open_opportunities_bring_a_day() -> None:
    """R26: two open ones, one of two won, 100 for a customer, 10 days to get there."""
    tried = [make_passed(number, opportunity_at=NOW - DAY, state=State.OPPORTUNITY) for number in (1, 2)]
    tried.append(make_passed(3, opportunity_at=NOW - DAY, state=State.LOST))
    tried.append(make_passed(4, contact=KIM, opportunity_at=NOW - DAY, state=State.WON, won_at=NOW - HOUR))
    sold = make_deal(DealState.WON, at=NOW - HOUR, amount=100.0)
    assert money([sold], tried, since=None, until=NOW, days_to_won=10).velocity_a_day == 10
    assert money([], tried, since=None, until=NOW, days_to_won=10).velocity_a_day is None


def clocks_of(leads: list[Passed], limits: list[Limit], **more: Any) -> Any:
    book = make_book()
    given = {"told_at": {}, "gone": frozenset(), **more}
    found = missed(leads, limits, book.sla, **given)
    return found, boards(leads, limits, found, book.sla)


def make_limit(number: int, *, is_missed: bool = True, **more: Any) -> Limit:
    due = HANDED + 8 * HOUR
    given = {"episode": EpisodeId(f"ep_{number}"), "clock": "first_touch", "assignment": 1, "due_at": due,
             "missed_at": due if is_missed else None}  # fmt: skip
    return Limit(**{**given, **more})


def test_each_missed_clock_has_the_first_cause_that_applies() -> None:
    """R17, R28"""
    late = {"touched_at": HANDED + 10 * HOUR}
    leads = [make_passed(number, **late) for number in (1, 3, 5)] + [make_passed(2), make_passed(4, owner=BEN)]
    limits = [*(make_limit(number) for number in (1, 2, 4, 5)), make_limit(3, assignment=2)]
    told = {EpisodeId("ep_5"): None, EpisodeId("ep_1"): HANDED + HOUR}
    found, (first, _, _) = clocks_of(leads, limits, told_at=told, gone={BEN})
    assert {one.lead.id[-1]: one.why for one in found} == {
        "1": Why.TOO_LATE, "2": Why.NOTHING, "3": Why.CHANGED_HANDS, "4": Why.LEFT, "5": Why.NOT_TOLD,
    }  # fmt: skip
    assert next(one for one in found if one.lead.id == "ep_1").late_by == 2 * HOUR
    assert (first.kept, first.running, first.late_median) == (Share(0, 5), 0, 2 * HOUR)


def test_a_missed_clock_is_charged_to_whoever_had_the_lead_then() -> None:
    """R12, R17: not to the rep whom a caller passed it on to, nor to who took it over; what they did is theirs."""
    moved = HANDED + 9 * HOUR
    holders = {1: Held(BEN, HANDED), 2: Held(ANA, moved)}
    taken = make_passed(1, holders=holders, touched_at=moved + HOUR, owner=ANA)
    called = make_passed(2, holders=holders, party="callers", passed_on_at=moved, caller=BEN, owner=ANA)
    found, board = clocks_of([taken, called], [make_limit(1), make_limit(2)])
    assert [(one.owner, one.why, one.late_by) for one in found] == [(BEN, Why.NOTHING, None)] * 2
    assert board[0].owners == ((BEN, Share(0, 2)),)


def test_a_clock_that_still_runs_is_neither_kept_nor_missed() -> None:
    _, (first, _, _) = clocks_of([make_passed(1), make_passed(2)], [make_limit(1, is_missed=False)])
    assert (first.kept, first.running) == (Share(1, 1), 1)
    assert first.owners == ((ANA, Share(1, 1)),)


def test_a_clock_of_telequalification_is_the_callers() -> None:
    """R12, R17: it never ran on a lead that went straight to sales; that of sales begins when it is passed on."""
    clocks = {
        "call": {"label": "call", "until": "touch", "limit": "8h", "hop": "telequalification"},
        "answer": {"label": "answer", "until": "verdict", "limit": "8h", "hop": "sales"},
    }
    book = make_book(sla={"clocks": clocks})
    leads = [
        make_passed(1, party="desk", caller=BEN, passed_on_at=HANDED + HOUR, began=frozenset({1, 2})),
        make_passed(2, party="desk", owner=None),  # an agency without seats in the CRM
        make_passed(3),
    ]
    limits = [make_limit(1, clock="call"), make_limit(1, clock="answer", assignment=2)]
    found = missed(leads, limits, book.sla, told_at={}, gone=frozenset())
    assert [(one.clock, one.owner, one.why) for one in found] == [
        ("call", BEN, Why.NOTHING), ("answer", ANA, Why.NOTHING),
    ]  # fmt: skip
    call, answer = boards(leads, limits, found, book.sla)
    assert (call.kept, call.owners) == (Share(1, 2), ((BEN, Share(0, 1)), (None, Share(1, 1))))
    assert answer.kept == Share(1, 2)


@pytest.mark.parametrize("state", [State.HANDED_OFF, State.JUNK])
def test_a_caller_answers_for_a_lead_that_was_not_passed_on(state: State) -> None:
    """R12, R17: while the desk has it, and where it ended there, whoever owns it is the caller."""
    clock = {"label": "call", "until": "touch", "limit": "8h", "hop": "telequalification"}
    book = make_book(sla={"clocks": {"call": clock}})
    leads, limits = [make_passed(1, party="desk", owner=BEN, state=state)], [make_limit(1, clock="call")]
    found = missed(leads, limits, book.sla, told_at={}, gone=frozenset())
    board = next(one for one in boards(leads, limits, found, book.sla) if one.clock == "call")
    assert ([one.owner for one in found], board.owners) == ([BEN], ((BEN, Share(0, 1)),))


def test_so_many_touches_that_came_late_did_come() -> None:
    """R17: late by the last that was asked for, of the hop whose clock it was; an answer is as good."""
    clock = {"label": "cadence", "until": "touches", "touches": 2, "at_least": {"call": 1}, "limit": "8h"}
    book, due = make_book(sla={"clocks": {"cadence": clock}}), HANDED + 8 * HOUR
    mails = [(HANDED + hour * HOUR, Channel.EMAIL) for hour in (1, 2)]
    call = (due + 3 * HOUR, Channel.CALL)
    leads = [
        make_passed(1, touches=[*mails, call]),
        make_passed(2, touches=mails),
        make_passed(3, touches=mails, answered_at=due + HOUR),
        make_passed(4, touches=[*mails, call], party="desk", passed_on_at=due + HOUR),
        make_passed(5, made={Channel.CALL: 1, Channel.EMAIL: 1}),  # its history was erased
        make_passed(6, made={Channel.EMAIL: 2}),
    ]
    limits = [make_limit(number, clock="cadence") for number in (1, 2, 3, 4, 5, 6)]
    found = missed(leads, limits, book.sla, told_at={}, gone=frozenset())
    assert [(one.why, one.late_by) for one in found] == [
        (Why.TOO_LATE, 3 * HOUR), (Why.NOTHING, None), (Why.TOO_LATE, HOUR), (Why.NOTHING, None),
        (Why.TOO_LATE, None), (Why.NOTHING, None),
    ]  # fmt: skip


@pytest.mark.parametrize("until", Until)
def test_whatever_stops_a_clock_may_come_late(until: Until) -> None:
    asked_for = {"touches": 1} if until is Until.TOUCHES else {}
    book = make_book(sla={"clocks": {"one": {"label": "one", "until": until.value, "limit": "8h", **asked_for}}})
    at = HANDED + 10 * HOUR
    lead = make_passed(1, touches=[(at, Channel.CALL)], touched_at=at, answered_at=at, ended_at=at)
    (found,) = missed([lead], [make_limit(1, clock="one")], book.sla, told_at={}, gone=frozenset())
    assert (found.why, found.late_by) == (Why.TOO_LATE, 2 * HOUR)


# -- the meeting ---------------------------------------------------------------------------------------------------


def make_facts(leads: list[Passed], **more: Any) -> Facts:
    given: dict[str, Any] = {
        "as_of": NOW, "zone": UTC_ZONE, "since": None, "book": make_book(), "leads": leads, "episodes": (),
        "reached": {}, "arrived": {}, "owners": {ANA: "Ana Sample"}, "gone": frozenset(), "limits": (), "told_at": {},
        "deals": (), "versions": {},
    }  # fmt: skip
    return Facts(**{**given, **more})


def test_an_owner_is_measured_by_what_they_did_themselves() -> None:
    """R12, R16: the rep who took a lead over has not called it because somebody at telequalification had."""
    lead = make_passed(1, party="ours", passed_on_at=HANDED + DAY, touched_at=HANDED + HOUR)
    other = replace(lead, id=EpisodeId("ep_2"), own_touched_at=HANDED + DAY + 2 * HOUR)
    period = Period(since=HANDED - DAY, until=NOW, words="these days")
    for leads, median in (([lead], None), ([lead, other], 2 * HOUR)):
        (line,) = owners_report(make_facts(leads), period).owners
        assert line.leads.follow_up_median == median


def test_the_meeting_is_prepared() -> None:
    """R28: wins, losses, disputed leads, missed clocks, campaigns to come and an agenda, without anybody's name."""
    book = make_book(
        reports={
            "campaigns": [
                {"name": "Webinar", "starts_on": date(2026, 3, 20)},
                {"name": "Long ago", "starts_on": date(2025, 3, 20)},
                {"name": "Far away", "starts_on": date(2026, 12, 20)},
            ],
            "meeting": {"who": ["head of sales"], "agenda": ["one lead that went well"]},
        }
    )
    leads = [
        make_passed(1, state=State.WON, won_at=NOW - DAY, ended_at=NOW - DAY, revenue=50.0),
        make_passed(2, state=State.JUNK, ended_at=NOW - DAY, why="Viewed the pricing page twice."),
        make_passed(3, state=State.RECYCLED, exit_reason="bad_fit", ended_at=NOW - DAY),
        make_passed(4, state=State.LOST, ended_at=NOW - DAY),
        make_passed(5, state=State.JUNK, ended_at=NOW - 30 * DAY),
    ]
    facts = make_facts(leads, book=book, limits=[make_limit(4)])
    week = Period(since=NOW - 7 * DAY, until=NOW + timedelta(seconds=1), words="this week")
    found = meeting_report(facts, week)
    assert found.counts == {"wins": 1, "losses": 1, "disputed": 2, "late": 1}
    assert (found.disputed[0].contact, found.disputed[0].why) == ("2", "Viewed the pricing page twice.")
    assert {one.outcome for one in found.disputed} == {"junk", "recycled: does not fit for now"}
    assert [one.name for one in found.campaigns] == ["Webinar"]
    assert found.late_owners == (("Ana Sample", 1),)
    agenda = "\n".join(found.agenda)
    assert found.agenda[-1] == "one lead that went well"
    for words in ("1 clock missed", "2 disputed leads", "1 win:", "Webinar (20 March 2026)"):
        assert words in agenda, words


def test_a_campaign_cannot_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="ends before it starts"):
        Campaign(name="Webinar", starts_on=date(2026, 3, 2), ends_on=date(2026, 3, 1))
