"""Decide (I0): the order of precedence, pair by pair, and what each answer carries."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from factories import (
    ANA,
    BEN,
    DAY,
    HOUR,
    MINUTE,
    NOW,
    PORTAL,
    demo_request,
    make_activity,
    make_book,
    make_contact,
    make_deal,
    make_desk,
    make_episode,
    make_owner,
    make_situation,
    pricing_view,
    shipped_book,
    two_pricing_views,
)
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.activity import ActivityKind
from connector.domain.deal import DealState
from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode, State, episode_id
from connector.rules.decide import decide
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Situation

BEGAN = NOW - 10 * DAY
"""When Handoff came to the portal, in tests about what was there before."""


def decided(situation: Situation | None = None, book: RuleBook | None = None, **more: Any) -> Decision:
    return decide(situation or make_situation(**more), book or shipped_book(), now=NOW)


def rivals() -> RuleBook:
    """A book in which acme.example is a competitor."""
    return with_filters(competitors={"then": "triage", "domains": ["acme.example"]})


def with_filters(**filters: Any) -> RuleBook:
    old = shipped_book().qualification.filters.model_dump(by_alias=True)
    return make_book(qualification={"filters": old | filters})


# -- the order of precedence, one neighbouring pair at a time --------------------------------------------------------


def test_do_not_contact_beats_a_human_edit() -> None:
    """I0: a rep who goes on working it changes nothing."""
    contact = make_contact(
        do_not_contact=True, owner=BEN, verdict="qualified", changed_at={"verdict": NOW - HOUR}
    )
    decision = decided(contact=contact, episodes=[make_episode()])
    assert (decision.action, decision.evidence) == (Action.END, "do_not_contact")
    assert decision.episode is not None
    assert (decision.episode.state, decision.episode.owner) == (State.JUNK, ANA)


def test_a_human_edit_beats_a_request_by_hand() -> None:
    """I0, R39: what the rep did to the lead counts, whatever is asked for elsewhere."""
    contact = make_contact(owner=BEN, request="hold")
    decision = decided(contact=contact, episodes=[make_episode()])
    assert decision.action is Action.ADVANCE
    assert decision.episode is not None
    assert decision.episode.owner == BEN


def test_a_request_by_hand_beats_new_interest_of_an_open_episode() -> None:
    """I0, R39, R40: a lead on hold raises no alarm."""
    contact = make_contact(owner=ANA, request="hold")
    decision = decided(contact=contact, episodes=[make_episode()], activities=[demo_request()])
    assert decision.action is Action.NOTHING
    assert "asked to hold" in decision.sentence


def test_an_open_episode_beats_the_customers_own_way() -> None:
    """I0, R16, P3: a customer already in sales' hands gets no second episode."""
    contact = make_contact(owner=ANA, stage="customer")
    decision = decided(
        contact=contact, episodes=[make_episode(lane="customer")], activities=[demo_request(NOW - 3 * DAY)]
    )
    assert decision.action is Action.NOTHING


def test_a_customers_new_interest_beats_the_plain_hand_raise() -> None:
    """I0, R16: it goes to the account's owner, in the customers' lane."""
    contact = make_contact(owner=BEN, stage="customer")
    decision = decided(contact=contact, activities=[demo_request()])
    assert decision.action is Action.HAND_OVER
    assert decision.episode is not None
    assert (decision.episode.lane, decision.episode.owner) == ("customer", BEN)
    assert not decision.episode.marketing_held


def test_a_hand_raise_beats_the_filters_that_only_nurture() -> None:
    """I0, R02: a private address that asks for a demo goes to sales."""
    contact = make_contact(email="pat-nobody@gmail.com", domain=None)
    decision = decided(contact=contact, activities=[demo_request()])
    assert decision.action is Action.HAND_OVER
    assert decision.episode is not None
    assert decision.episode.lane == "hand_raiser"


def test_filters_beat_the_score() -> None:
    """I0, R03"""
    contact = make_contact(email="pat-nobody@gmail.com", domain=None)
    decision = decided(contact=contact, activities=two_pricing_views())
    assert decision.action is Action.NOTHING
    assert decision.sentence == "Uses a private e-mail address."


def test_only_erasure_beats_do_not_contact() -> None:
    """I0, I11: everything else that could speak for the contact at once, and nothing is opened."""
    contact = make_contact(
        do_not_contact=True, request="hand_over", stage="mql", changed_at={"request": NOW, "stage": NOW}
    )
    decision = decided(contact=contact, activities=[*two_pricing_views(), demo_request()], adopt=True)
    assert (decision.action, decision.episode) == (Action.NOTHING, None)
    assert decision.sentence == "Asked not to be contacted at all."


fields = st.fixed_dictionaries(
    {
        "stage": st.sampled_from([None, "lead", "mql", "sql", "opportunity", "customer"]),
        "status": st.sampled_from([None, "NEW", "IN_PROGRESS", "UNQUALIFIED", "BAD_TIMING"]),
        "owner": st.sampled_from([None, ANA, BEN]),
        "request": st.sampled_from([None, "hold", "hand_over"]),
        "verdict": st.sampled_from([None, "accepted", "recycle", "junk"]),
        "email": st.sampled_from(["kim@acme.example", "pat-nobody@gmail.com", None]),
    }
)
activities = st.lists(
    st.builds(
        lambda make, hours: make(NOW - timedelta(hours=hours)),
        st.sampled_from([demo_request, pricing_view]),
        st.integers(1, 900),
    ),
    max_size=4,
    unique_by=lambda row: (row.kind, row.occurred_at),
)
episodes = st.sampled_from(
    [
        [],
        [make_episode()],
        [make_episode(silent=True)],
        [make_episode(state=State.WORKING, touched_at=NOW - DAY)],
        [make_episode(state=State.RECYCLED, exit_reason="not_ready", track="consideration")],
        [make_episode(state=State.JUNK, exit_reason="bad_fit")],
        [make_episode(state=State.LOST, exit_reason="bad_fit", wakes_at=NOW - HOUR)],
    ]
)
situations = st.builds(
    lambda values, changed, rows, past, since, adopt: make_situation(
        contact=make_contact(changed_at=dict.fromkeys(values, changed), **values),
        activities=sorted(rows, key=lambda row: row.occurred_at),
        episodes=past,
        since=since,
        adopt=adopt,
    ),
    fields,
    st.sampled_from([NOW - 40 * DAY, NOW - 3 * DAY, NOW - HOUR]),
    activities,
    episodes,
    st.sampled_from([None, BEGAN, NOW]),
    st.booleans(),
)


@given(situations)
def test_no_situation_brings_a_do_not_contact_to_sales(situation: Situation) -> None:
    """I0"""
    contact = replace(situation.contact, fields={**situation.contact.fields, "do_not_contact": True})
    decision = decided(replace(situation, contact=contact))
    assert decision.action in (Action.NOTHING, Action.END)


@given(situations)
def test_there_is_never_more_than_one_open_episode(situation: Situation) -> None:
    """P3: a new one opens only where none is open, with an id of its own."""
    decision = decided(situation)
    opened = situation.open_episode
    if decision.action is Action.HAND_OVER:
        assert opened is None
        assert decision.episode is not None
        assert decision.episode.id not in {episode.id for episode in situation.episodes}
    elif opened is not None:
        assert decision.episode is not None
        assert decision.episode.id == opened.id


@given(situations)
def test_deciding_again_on_the_same_gives_the_same(situation: Situation) -> None:
    """I9"""
    assert decided(situation) == decided(situation)


# -- hand-raisers ----------------------------------------------------------------------------------------------------


def test_a_hand_raiser_goes_straight_to_an_owner_with_the_reason() -> None:
    """R02, R07"""
    decision = decided(activities=[demo_request()])
    episode = decision.episode
    assert decision.action is Action.HAND_OVER
    assert episode is not None
    assert decision.route is not None
    assert (episode.lane, episode.reason, episode.owner) == ("hand_raiser", "Asked for a demo.", decision.route.owner)
    assert (episode.opened_at, episode.handed_off_at) == (NOW - MINUTE, NOW)
    assert episode.id == episode_id(PORTAL, episode.contact, 1)
    assert episode.marketing_held


@pytest.mark.parametrize("then", ["triage", "junk"])
def test_a_hand_raiser_that_a_filter_stops_goes_to_triage_and_never_to_a_rep(then: str) -> None:
    """R02"""
    book = with_filters(competitors={"then": then, "domains": ["acme.example"]})
    decision = decided(book=book, activities=[demo_request()])
    assert (decision.action, decision.route, decision.episode) == (Action.TRIAGE, None, None)
    assert decision.sentence == "Asked for a demo. Works for a competitor."


def test_each_new_hand_raise_is_looked_at_by_triage() -> None:
    """R02: the second request of a competitor is another notice, not the echo of the first."""
    first, second = demo_request(NOW - DAY), demo_request(NOW - HOUR)
    assert decided(book=rivals(), activities=[first]).evidence == f"forms:{first.id}"
    assert decided(book=rivals(), activities=[first, second]).evidence == f"forms:{second.id}"


def test_a_hand_raise_after_junk_goes_to_triage() -> None:
    """R21: sales said no for good; somebody looks before a rep is told again."""
    junk = make_episode(state=State.JUNK, exit_reason="bad_fit")
    decision = decided(episodes=[junk], activities=[demo_request()])
    assert decision.action is Action.TRIAGE
    assert "sales called it junk before" in decision.sentence.lower()


@pytest.mark.parametrize("state", [State.JUNK, State.RECYCLED])
def test_junk_does_not_come_back_by_interest_alone(state: State) -> None:
    """R24: what brings back any other lead brings back no junk."""
    ended = make_episode(state=state, exit_reason="not_ready", ended_at=NOW - DAY)
    decision = decided(episodes=[ended], activities=[pricing_view(NOW - 3 * HOUR), pricing_view(NOW - HOUR)])
    assert decision.action is (Action.NOTHING if state is State.JUNK else Action.HAND_OVER)


def test_a_hand_raise_that_was_answered_by_the_last_episode_is_no_new_one() -> None:
    """R24, P3"""
    ended = make_episode(state=State.RECYCLED, exit_reason="not_ready")
    decision = decided(episodes=[ended], activities=[demo_request(NOW - 3 * DAY)])
    assert decision.action is Action.NOTHING


# -- requests by hand ------------------------------------------------------------------------------------------------


def test_a_person_hands_over_by_request() -> None:
    """R39"""
    decision = decided(contact=make_contact(request="hand_over", changed_at={"request": NOW - HOUR}))
    assert decision.action is Action.HAND_OVER
    assert decision.sentence == "A person asked to hand this lead to sales."
    assert decision.episode is not None
    assert decision.episode.lane == "request"


def test_a_person_hands_over_by_setting_the_stage() -> None:
    """R39"""
    decision = decided(contact=make_contact(stage="mql", changed_at={"stage": NOW - HOUR}))
    assert decision.action is Action.HAND_OVER
    assert decision.sentence == "A person marked this lead as marketing qualified."


def test_our_own_stage_of_a_handover_that_did_not_stand_is_no_wish_of_a_person() -> None:
    """I2: what we wrote just before a person's edit overtook us says nothing."""
    contact = make_contact(
        stage="mql", episode=episode_id(PORTAL, make_contact().id, 1), changed_at={"stage": NOW - MINUTE}
    )
    assert decided(contact=contact).action is Action.NOTHING
    raised = decided(contact=contact, activities=[demo_request()])
    assert raised.episode is not None
    assert raised.episode.lane == "hand_raiser"


def test_a_request_on_hold_keeps_a_hand_raiser_back() -> None:
    """R39"""
    decision = decided(contact=make_contact(request="hold"), activities=[demo_request()])
    assert decision.action is Action.NOTHING
    assert [verdict.rule for verdict in decision.verdicts] == ["request"]


def test_a_request_that_was_answered_by_the_last_episode_has_had_its_answer() -> None:
    contact = make_contact(request="hand_over", changed_at={"request": NOW - 3 * DAY})
    ended = make_episode(state=State.RECYCLED, exit_reason="not_ready")
    assert decided(contact=contact, episodes=[ended]).action is Action.NOTHING


# -- open episodes ---------------------------------------------------------------------------------------------------


def test_a_second_hand_raise_tells_once_per_activity() -> None:
    """R40"""
    episode, again = make_episode(), demo_request(NOW - HOUR)
    contact = make_contact(owner=ANA)
    first = decided(contact=contact, episodes=[episode], activities=[again])
    assert (first.action, first.evidence) == (Action.SIGNAL, f"forms:{again.id}")
    assert first.episode is not None
    second = decided(contact=contact, episodes=[first.episode], activities=[again])
    assert second.action is Action.NOTHING


def test_two_hand_raises_of_a_lead_in_work_are_two_signals_in_their_order() -> None:
    """R40"""
    one, two = demo_request(NOW - 2 * HOUR), demo_request(NOW - HOUR)
    contact, episode = make_contact(owner=ANA), make_episode()
    told = []
    while (answer := decided(contact=contact, episodes=[episode], activities=[one, two])).action is Action.SIGNAL:
        told.append(answer.evidence)
        assert answer.episode is not None
        episode = answer.episode
    assert told == [f"forms:{one.id}", f"forms:{two.id}"]


def test_interest_without_a_raised_hand_tells_the_holder_and_leaves_the_lead_in_work_alone() -> None:
    """R40: the episode stays as it is, but for when its holder was told; switched off, nothing happens at all."""
    contact, episode = make_contact(owner=ANA), make_episode()
    decision = decided(contact=contact, episodes=[episode], activities=two_pricing_views())
    assert decision.action is Action.INTEREST
    assert decision.episode == replace(episode, interest_told_at=NOW)
    off = make_book(notifications={"signals": {"active": False}})
    quiet = decided(contact=contact, episodes=[episode], activities=two_pricing_views(), book=off)
    assert (quiet.action, quiet.episode) == (Action.NOTHING, episode)


def test_a_won_deal_ends_the_episode_and_lets_marketing_go_on() -> None:
    """R11, R25"""
    decision = decided(
        contact=make_contact(owner=ANA), episodes=[make_episode()], deals=[make_deal(DealState.WON)]
    )
    assert decision.action is Action.END
    assert decision.episode is not None
    assert (decision.episode.state, decision.episode.marketing_held) == (State.WON, False)


def test_do_not_contact_ends_an_open_episode_and_keeps_the_hold() -> None:
    """I1: what stays on the list stays by the table."""
    decision = decided(contact=make_contact(do_not_contact=True), episodes=[make_episode()])
    assert decision.episode is not None
    assert (decision.episode.state, decision.episode.exit_reason) == (State.JUNK, "do_not_contact")
    assert decision.episode.marketing_held


def test_the_older_of_two_open_episodes_after_a_merge_is_found_wherever_it_stands() -> None:
    """I12"""
    opened = make_episode(ordinal=1)
    ended = make_episode(ordinal=2, state=State.UNREACHABLE, exit_reason="merged")
    situation = make_situation(episodes=[opened, ended])
    assert (situation.open_episode, situation.last_ended, situation.next_ordinal) == (opened, ended, 3)


# -- coming back -----------------------------------------------------------------------------------------------------


def back(**more: Any) -> Episode:
    return make_episode(**{"state": State.RECYCLED, "exit_reason": "not_ready", "track": "consideration", **more})


def test_new_interest_wakes_a_hand_back_without_a_condition() -> None:
    """R24: the score is regained by what was done after it, and the former owner has it again."""
    ended = back(owner=BEN)
    old = decided(episodes=[ended], activities=two_pricing_views(NOW - 3 * DAY))
    new = decided(episodes=[ended], activities=[pricing_view(NOW - 2 * HOUR), pricing_view(NOW - HOUR)])
    assert old.action is Action.NOTHING
    assert new.action is Action.HAND_OVER
    assert new.episode is not None
    assert (new.episode.ordinal, new.episode.owner) == (2, BEN)


def test_until_its_day_interest_does_not_wake_it_but_a_raised_hand_does() -> None:
    """R21"""
    ended = back(exit_reason="bad_fit", wakes_at=NOW + DAY)
    waiting = decided(episodes=[ended], activities=[pricing_view(NOW - 2 * HOUR), pricing_view(NOW - HOUR)])
    assert waiting.action is Action.NOTHING
    assert waiting.sentence.startswith("Came back from sales (does not fit for now); waits until 3 March 2026")
    assert decided(episodes=[ended], activities=[demo_request()]).action is Action.HAND_OVER


def test_from_its_day_on_interest_counts_again() -> None:
    ended = back(exit_reason="bad_fit", wakes_at=NOW)
    assert decided(episodes=[ended]).action is Action.NOTHING
    fresh = [pricing_view(NOW - 2 * HOUR), pricing_view(NOW - HOUR)]
    assert decided(episodes=[ended], activities=fresh).action is Action.HAND_OVER


def test_the_day_itself_hands_over_to_the_former_owner_where_the_reason_says_so() -> None:
    """R24"""
    ended = back(exit_reason="locked_in_contract", wakes_at=NOW, owner=BEN)
    decision = decided(episodes=[ended])
    assert decision.action is Action.HAND_OVER
    assert decision.episode is not None
    assert (decision.episode.lane, decision.episode.owner) == ("return", BEN)


@pytest.mark.parametrize(("hours_ago", "gets_it"), [(1, ANA), (24 * 365, BEN)])
def test_whom_somebody_gave_it_since_goes_before_the_former_owner(hours_ago: int, gets_it: Any) -> None:
    """I2, R12: but not whom the contact had as its owner before sales had it."""
    ended = back(exit_reason="locked_in_contract", wakes_at=NOW, owner=BEN)
    contact = make_contact(owner=ANA, changed_at={"owner": NOW - hours_ago * HOUR})
    decision = decided(contact=contact, episodes=[ended])
    assert decision.episode is not None and decision.episode.owner == gets_it


@pytest.mark.parametrize(
    ("said", "words"),
    [("not_ready", "not ready to buy yet."), ("", "not ready to buy yet (assumed, for no reason was given).")],
)
def test_a_reason_that_is_assumed_is_told_as_such(said: str, words: str) -> None:
    """R22, P6"""
    changed_at = {"verdict": NOW - HOUR, "verdict_reason": NOW - HOUR}
    contact = make_contact(stage="mql", owner=ANA, verdict="recycle", verdict_reason=said, changed_at=changed_at)
    decision = decided(contact=contact, episodes=[make_episode()])
    assert decision.sentence == f"Sales handed this lead back to marketing: {words}"


@pytest.mark.parametrize("former", [BEN, "9"])
def test_who_follows_a_lost_owner_knows_the_lead_where_somebody_does(former: Any) -> None:
    """R12: whom the lost one had it from is Handoff, and nobody's word on who should get it next."""
    earlier = back(owner=former, handed_off_at=NOW - 9 * DAY, ended_at=NOW - 5 * DAY)
    episodes = [earlier, make_episode(ordinal=2)]
    contact = make_contact(stage="mql", owner=ANA, changed_at={"owner": NOW - 2 * DAY})
    desk = make_desk(make_owner(ANA, archived=True), make_owner(BEN), make_owner("9"))
    decision = decided(contact=contact, episodes=episodes, desk=desk)
    assert decision.episode is not None and decision.episode.owner == former


@pytest.mark.parametrize("state", [State.WON, State.JUNK])
def test_won_and_junk_never_wake_by_a_day(state: State) -> None:
    ended = back(state=state, exit_reason="locked_in_contract", wakes_at=NOW)
    assert decided(episodes=[ended]).action is Action.NOTHING


# -- a living portal -------------------------------------------------------------------------------------------------


def test_what_sales_had_before_handoff_is_taken_in_silently() -> None:
    """R41"""
    decision = decided(contact=make_contact(stage="sql", owner=ANA), since=BEGAN)
    assert decision.action is Action.INFER
    assert decision.episode is not None
    assert (decision.episode.silent, decision.episode.state, decision.episode.owner) == (
        True, State.SALES_QUALIFIED, ANA,
    )  # fmt: skip
    assert not decision.episode.marketing_held


@pytest.mark.parametrize("rows", [two_pricing_views(BEGAN - HOUR), [demo_request(BEGAN - HOUR)]])
def test_what_qualified_on_signals_of_the_past_waits_to_be_adopted(rows: list[Any]) -> None:
    """R41"""
    book = make_book(qualification={"key_pages": [{"say": "viewed prices", "url": "*/pricing*", "within": "60d"}]})
    assert decided(book=book, activities=rows, since=BEGAN).action is Action.PREDATES
    assert decided(book=book, activities=rows, since=BEGAN, adopt=True).action is Action.HAND_OVER


def test_a_hand_raise_of_the_past_floods_no_triage_desk() -> None:
    """R41, R02"""
    rows = [demo_request(BEGAN - HOUR)]
    assert decided(book=rivals(), activities=rows, since=BEGAN).action is Action.PREDATES
    assert decided(book=rivals(), activities=rows, since=BEGAN, adopt=True).action is Action.TRIAGE


def test_news_on_a_contact_of_the_past_is_handed_over() -> None:
    """R41"""
    rows = [demo_request(BEGAN - HOUR), demo_request(NOW - HOUR)]
    decision = decided(activities=rows, since=BEGAN)
    assert decision.action is Action.HAND_OVER
    assert decision.signal_at == NOW - HOUR


def test_a_contact_that_came_after_handoff_has_no_past() -> None:
    contact = make_contact(created_at=BEGAN, stage="mql", changed_at={"stage": BEGAN})
    assert decided(contact=contact, since=BEGAN).action is Action.HAND_OVER


def silent(**more: Any) -> Episode:
    return make_episode(**{"silent": True, "lane": "inferred", "state": State.WORKING, **more})


def test_a_silent_episode_stays_so_until_adopted() -> None:
    """R41"""
    contact = make_contact(stage="mql", owner=ANA)
    assert decided(contact=contact, episodes=[silent()], since=BEGAN).action is Action.NOTHING
    decision = decided(contact=contact, episodes=[silent()], since=BEGAN, adopt=True)
    assert decision.action is Action.ADOPT
    assert decision.episode is not None
    assert (decision.episode.silent, decision.episode.owner, decision.episode.handed_off_at) == (False, ANA, NOW)
    assert decision.episode.marketing_held


@pytest.mark.parametrize(
    ("extra", "lane"),
    [({"activities": [demo_request()]}, "hand_raiser"), ({"request": "hand_over"}, "request")],
)
def test_who_asks_for_sales_is_never_left_silent(extra: dict[str, Any], lane: str) -> None:
    """R41, R39"""
    fields = {"request": extra["request"]} if "request" in extra else {}
    contact = make_contact(stage="mql", owner=ANA, changed_at=dict.fromkeys(fields, NOW - HOUR), **fields)
    decision = decided(
        contact=contact, episodes=[silent()], since=BEGAN, activities=extra.get("activities", [])
    )
    assert decision.action is Action.ADOPT
    assert decision.episode is not None
    assert decision.episode.lane == lane


def test_a_silent_lead_on_hold_is_not_adopted() -> None:
    """R39, R41"""
    contact = make_contact(stage="mql", owner=ANA, request="hold")
    decision = decided(contact=contact, episodes=[silent()], since=BEGAN, adopt=True, activities=[demo_request()])
    assert decision.action is Action.NOTHING


@pytest.mark.parametrize("owner", [None, ANA])
def test_an_adopted_lead_without_an_active_owner_is_routed(owner: str | None) -> None:
    """R41, R12"""
    contact = make_contact(stage="mql", owner=owner)
    decision = decided(
        contact=contact,
        episodes=[silent(owner=owner, state=State.QUALIFIED)],
        since=BEGAN,
        adopt=True,
        desk=make_desk(make_owner(ANA, archived=True), make_owner(BEN)),
    )
    assert decision.action is Action.ADOPT
    assert decision.episode is not None
    assert (decision.episode.owner, decision.episode.state) == (BEN, State.HANDED_OFF)


def test_sales_may_finish_a_silent_lead_without_a_word() -> None:
    """R41"""
    contact = make_contact(stage="customer", owner=ANA)
    decision = decided(contact=contact, episodes=[silent()], since=BEGAN)
    assert decision.action is Action.INFER
    assert decision.episode is not None
    assert decision.episode.state is State.WON


# -- owners ----------------------------------------------------------------------------------------------------------


def test_a_portal_without_an_active_owner_says_so_and_hands_over_nothing() -> None:
    """P7, R12"""
    desk = make_desk(make_owner(ANA, archived=True))
    decision = decided(activities=[demo_request()], desk=desk)
    assert (decision.action, decision.episode) == (Action.NOTHING, None)
    assert decision.sentence == "Asked for a demo. Nobody is there to take it: the portal has no active owner."


def test_what_was_missing_is_said_where_interest_is_too_little() -> None:
    """R34"""
    decision = decided(activities=[make_activity(ActivityKind.EMAIL_CLICK, stream="email_events", name="News")])
    assert decision.action is Action.NOTHING
    assert decision.missing


def complaint(then: str) -> RuleBook:
    rule = {"name": "complaint", "say": "has a complaint", "when": {"field": "comment", "op": "filled"}, "then": then}
    return make_book(qualification={"filters": {"rules": [rule]}})


def test_a_filter_that_holds_lets_nobody_through_and_the_wish_is_answered_once_its_cause_is_gone() -> None:
    """R02, R03: of hold, triage, junk and nurture a hand-raiser passes the last alone."""
    asked = make_situation(make_contact(comment="It broke."), activities=[demo_request()])
    held = decide(asked, complaint("hold"), now=NOW)
    assert (held.action, held.sentence) == (Action.NOTHING, "Held back: Has a complaint.")
    answers = [decide(asked, complaint(then), now=NOW).action for then in ("triage", "junk", "nurture")]
    assert answers == [Action.TRIAGE, Action.TRIAGE, Action.HAND_OVER]
    over = replace(asked, contact=make_contact())
    assert decide(over, complaint("hold"), now=NOW).action is Action.HAND_OVER


def test_a_person_may_hand_over_what_a_filter_holds() -> None:
    """R39"""
    asked = make_situation(make_contact(comment="It broke.", request="hand_over"))
    assert decide(asked, complaint("hold"), now=NOW).action is Action.HAND_OVER


@pytest.mark.parametrize(("cool_down", "action"), [("60d", Action.NOTHING), ("29d", Action.HAND_OVER)])
def test_a_key_page_keeps_still_for_its_cool_down_after_the_last_handover(cool_down: str, action: Action) -> None:
    """R06: handed over thirty days ago, handed back since; new views of the prices alone."""
    page = {"say": "viewed the prices", "url": "*/pricing*", "cool_down": cool_down}
    book = make_book(qualification={"key_pages": [page], "threshold": {"score": 90}})
    before = make_episode(state=State.RECYCLED, handed_off_at=NOW - 30 * DAY, ended_at=NOW - 9 * DAY)
    assert decided(episodes=[before], activities=two_pricing_views(), book=book).action is action


NURTURE = st.lists(
    st.tuples(st.sampled_from(["email_sent", "email_open", "email_click"]), st.integers(0, 4), st.integers(1, 80)),
    max_size=14,
)


@given(NURTURE, st.booleans())
def test_a_nurture_programme_is_finished_by_mails_and_clicks_and_never_by_opens(
    steps: list[tuple[str, int, int]], by_machine: bool
) -> None:
    """R05: labelled by what the shipped trigger says: three mails of the campaign, two clicks, all within 90 days."""
    rows = sorted(
        (
            make_activity(
                ActivityKind(kind), NOW - day * DAY, name=f"Nurture {mail}", id=str(place), stream="emails",
                automatic=by_machine and kind == "email_click",
            )
            for place, (kind, mail, day) in enumerate(steps)
        ),
        key=lambda row: row.occurred_at,
    )  # fmt: skip
    book = make_book(scoring={"engagement": {"rules": []}}, qualification={"threshold": {"score": 40}})
    made = [kind for kind, _, _ in steps]
    label = made.count("email_sent") >= 3 and made.count("email_click") >= 2 and not by_machine
    answer = decided(activities=rows, book=book)
    assert (answer.action is Action.HAND_OVER) is label
