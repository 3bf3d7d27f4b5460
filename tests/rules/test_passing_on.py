"""Telequalification (R12): a party of its own, with an answer that passes the lead on to a rep, or returns it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from factories import (
    ANA,
    BEN,
    DAY,
    HOUR,
    KIM,
    MINUTE,
    NOW,
    demo_request,
    make_activity,
    make_book,
    make_contact,
    make_deal,
    make_desk,
    make_episode,
    make_owner,
    make_situation,
    two_pricing_views,
)

from connector.domain.activity import ActivityKind
from connector.domain.contact import OwnerId
from connector.domain.deal import DealState
from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode, Hop, State
from connector.domain.owner import Owner
from connector.rules.decide import decide
from connector.rules.plan import plan
from connector.rules.sla import clocks

CLEO = OwnerId("9")
PEOPLE = (make_owner(ANA), make_owner(BEN), make_owner(CLEO, name="Cleo Sample"))
"""Cleo calls first; Ana and Ben sell."""
PARTY = {"name": "callers", "label": "our callers", "pool": "callers", "lanes": ["score", "return"]}
POOLS = {"callers": {"members": [{"owner": CLEO}]}, "sales": {"label": "sales", "everyone": True}}
ROUTING = {"telequalification": [PARTY], "pools": POOLS, "default_pool": "sales"}
BOOK = make_book(routing=ROUTING)
OUTSIDE = make_book(
    routing={**ROUTING, "telequalification": [{"name": "agency", "agency": "agency"}]},
    notifications={"destinations": {"agency": {"type": "slack", "to": "agency", "url_env": "AGENCY_URL"}}},
)


def calling(**more: Any) -> Episode:
    """With Cleo since two days ago."""
    return make_episode(**{"owner": CLEO, "party": "callers", **more})


def look(
    episode: Episode | None = None, *, book: Any = BOOK, people: tuple[Owner, ...] = PEOPLE, at: datetime = NOW,
    activities: Any = (), deals: Any = (), **fields: Any,
) -> Decision:  # fmt: skip
    """Decide a contact in that episode; fields that are given were changed an hour ago."""
    changed = dict.fromkeys(fields, NOW - HOUR)
    owner = {"owner": episode.owner} if episode is not None and episode.owner else {}
    contact = make_contact(changed_at=changed, **{"stage": "mql", **owner, **fields})
    episodes = [episode] if episode is not None else []
    given = {"activities": activities, "deals": deals, "episodes": episodes, "desk": make_desk(*people)}
    return decide(make_situation(contact, **given), book, now=at)


def after(decision: Decision) -> Episode:
    assert decision.episode is not None
    return decision.episode


# -- the first hop -----------------------------------------------------------------------------------------------


def test_telequalification_gets_the_leads_of_its_lanes_and_reps_the_others() -> None:
    """R02, R12: who asks for sales is not called first, unless the file says so."""
    scored = look(activities=two_pricing_views(), stage="lead")
    asked = look(activities=[demo_request()], stage="lead")
    assert (scored.action, after(scored).owner, after(scored).hop) == (Action.HAND_OVER, CLEO, Hop.TELEQUALIFICATION)
    assert scored.route is not None
    assert scored.route.sentence == "It was Cleo Sample's turn in the pool “callers”."
    assert (after(asked).owner, after(asked).hop, after(asked).party) == (ANA, Hop.SALES, "")


def test_callers_take_no_turns_of_everyone_and_reps_none_of_theirs() -> None:
    for number in range(6):
        asked = look(activities=[demo_request()], stage="lead", email=f"kim{number}@acme.example")
        assert after(asked).owner in (ANA, BEN)


def test_where_nobody_calls_the_lead_goes_straight_to_sales_and_says_so() -> None:
    gone = (*PEOPLE[:2], make_owner(CLEO, archived=True))
    decision = look(activities=two_pricing_views(), stage="lead", people=gone)
    assert decision.route is not None and after(decision).hop is Hop.SALES
    assert decision.route.sentence.startswith("Nobody in the pool “callers” is free.")


def test_a_lead_that_a_rep_had_before_goes_to_that_rep_at_once() -> None:
    """R24"""
    last = make_episode(state=State.RECYCLED, owner=BEN, exit_reason="not_ready", ended_at=NOW - 9 * DAY)
    decision = look(last, activities=two_pricing_views(), owner=None, stage="lead")
    assert (decision.action, after(decision).owner, after(decision).hop) == (Action.HAND_OVER, BEN, Hop.SALES)


def test_a_lead_that_came_back_from_telequalification_is_called_by_the_same_person() -> None:
    """R24: a caller is nobody's rep."""
    dan = make_owner("4", name="Dan Sample")
    pools = {**POOLS, "callers": {"members": [{"owner": dan.id}, {"owner": CLEO}]}}
    book = make_book(routing={**ROUTING, "pools": pools})
    last = calling(state=State.RECYCLED, exit_reason="not_ready", ended_at=NOW - 9 * DAY)
    decision = look(last, book=book, people=(*PEOPLE, dan), activities=two_pricing_views(), stage="lead")
    assert (after(decision).owner, after(decision).party, after(decision).ordinal) == (CLEO, "callers", 2)


def test_an_agency_outside_gets_the_lead_without_an_owner_in_the_crm() -> None:
    decision = look(activities=two_pricing_views(), stage="lead", book=OUTSIDE)
    assert (after(decision).owner, after(decision).party, after(decision).hop) == (
        None, "agency", Hop.TELEQUALIFICATION
    )  # fmt: skip
    contact = make_contact(stage="lead", owner=BEN)
    changes = plan(decision, contact, OUTSIDE, on_list=False, now=NOW).changes
    assert "owner" not in {change.field for change in changes}


# -- the second hop ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        {"verdict": "qualified"},
        {"status": "OPEN_DEAL"},
        {"stage": "sql"},
        {"deals": [make_deal(owner=None)]},
        {"meeting_booked_at": NOW - HOUR},
        {"activities": [make_activity(ActivityKind.MEETING, stream="meetings")]},
    ],
    ids=lambda said: next(iter(said)),
)
def test_what_means_qualified_passes_the_lead_on_inside_the_episode(said: dict[str, Any]) -> None:
    before = calling(state=State.ACCEPTED, touched_at=NOW - DAY)
    decision = look(before, **said)
    moved = after(decision)
    assert (decision.action, decision.passes_on, moved.id) == (Action.ADVANCE, True, before.id)
    assert (moved.state, moved.hop, moved.owner, moved.assignment) == (State.TELEQUALIFIED, Hop.SALES, ANA, 2)
    assert (moved.caller, moved.caller_touched_at, moved.touched_at) == (CLEO, NOW - DAY, None)
    assert moved.reason.startswith("Our callers ")
    assert moved.reason.endswith(" Viewed the pricing page twice.")


@pytest.mark.parametrize("words", [{"verdict": "accepted"}, {"status": "CONNECTED"}])
def test_what_telequalification_accepts_stays_with_it(words: dict[str, str]) -> None:
    decision = look(calling(), **words)
    assert (after(decision).state, after(decision).hop, after(decision).owner) == (
        State.ACCEPTED, Hop.TELEQUALIFICATION, CLEO
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ({"verdict": "recycle", "verdict_reason": "bad_fit"}, State.RECYCLED),
        ({"status": "UNQUALIFIED"}, State.JUNK),
        ({"verdict": "unreachable"}, State.UNREACHABLE),
    ],
)
def test_telequalification_returns_a_lead_as_a_rep_would(words: dict[str, str], state: State) -> None:
    decision = look(calling(), **words)
    assert (decision.action, after(decision).state, after(decision).hop) == (
        Action.END, state, Hop.TELEQUALIFICATION
    )  # fmt: skip
    assert decision.sentence.startswith("Our callers ")


def test_its_word_is_not_taken_for_the_reps() -> None:
    """I2: the rep's own answer counts from the second hop on; what stood there before says nothing."""
    passed = after(look(calling(), verdict="qualified", status="OPEN_DEAL"))
    still = look(passed, verdict="qualified", status="OPEN_DEAL")
    assert still.action is Action.NOTHING
    late = replace(passed, passed_on_at=NOW - 2 * HOUR)
    assert after(look(late, verdict="qualified")).state is State.SALES_QUALIFIED


@pytest.mark.parametrize("made_at", [NOW - HOUR, NOW + MINUTE], ids=["before", "while the run was under way"])
def test_its_deal_is_not_the_reps_answer_and_what_becomes_of_it_is(made_at: datetime) -> None:
    """I2, R17: a deal that a caller made leaves the rep's clocks running."""
    deal = make_deal(at=made_at, owner=CLEO)
    passed = after(look(calling(), deals=[deal]))
    assert look(passed, deals=[deal], at=NOW + HOUR).action is Action.NOTHING
    assert after(look(passed, deals=[make_deal(at=NOW + HOUR)], at=NOW + DAY)).state is State.OPPORTUNITY
    won = replace(deal, state=DealState.WON, closed_at=NOW + HOUR)
    assert after(look(passed, deals=[won], at=NOW + DAY)).state is State.WON


def test_a_word_said_while_the_run_was_under_way_is_its_word_too() -> None:
    """I2: an edit that is newer than the run's own instant does not become the rep's answer."""
    contact = make_contact(owner=CLEO, stage="mql", verdict="qualified", changed_at={"verdict": NOW + MINUTE})
    situation = make_situation(contact, episodes=[calling()], desk=make_desk(*PEOPLE))
    passed = after(decide(situation, BOOK, now=NOW))
    again = make_situation(contact, episodes=[passed], desk=make_desk(*PEOPLE))
    follows = decide(replace(again, contact=replace(contact, fields={**contact.fields, "owner": ANA})), BOOK, now=NOW)
    assert follows.action is Action.NOTHING


def test_the_answer_is_emptied_and_the_rep_written() -> None:
    decision = look(calling(), verdict="qualified", comment="Wants a demo in May")
    contact = make_contact(owner=CLEO, stage="mql", status="OPEN", verdict="qualified", comment="Wants a demo in May")
    changes = {one.field: one.after for one in plan(decision, contact, BOOK, on_list=True, now=NOW).changes}
    assert (changes["owner"], changes["state"], changes["status"]) == (ANA, "telequalified", "NEW")
    assert (changes["verdict"], changes["comment"]) == (None, None)
    assert changes["reason"] == after(decision).reason


def test_the_meetings_host_gets_the_lead() -> None:
    """R12"""
    meeting = make_activity(ActivityKind.MEETING, stream="meetings", ref=BEN)
    book = make_book(routing={**ROUTING, "stickiness": ["meeting_host"]})
    decision = look(calling(), book=book, activities=[meeting])
    assert after(decision).owner == BEN
    assert decision.route is not None
    assert decision.route.sentence == "Ben Sample is the host of the meeting that was booked."
    own = make_activity(ActivityKind.MEETING, stream="meetings", ref=CLEO)
    assert after(look(calling(), book=book, activities=[own])).owner == ANA


def test_a_meeting_is_only_a_signal_where_the_party_says_so() -> None:
    book = make_book(routing={**ROUTING, "telequalification": [{**PARTY, "meeting": False}]})
    decision = look(calling(), book=book, meeting_booked_at=NOW - HOUR)
    assert (decision.action, after(decision).hop) == (Action.SIGNAL, Hop.TELEQUALIFICATION)


def test_what_passed_the_lead_on_is_no_second_signal() -> None:
    """R40: the rep's packet has told it."""
    passed = after(look(calling(), meeting_booked_at=NOW - HOUR))
    assert look(passed, meeting_booked_at=NOW - HOUR).action is Action.NOTHING


def test_a_person_may_give_it_to_a_rep_or_to_another_caller() -> None:
    """A rep's is a second hop; another caller goes on calling."""
    dan = make_owner("4", name="Dan Sample")
    pools = {**POOLS, "callers": {"members": [{"owner": CLEO}, {"owner": dan.id}]}}
    book, people = make_book(routing={**ROUTING, "pools": pools}), (*PEOPLE, dan)
    given = look(calling(), book=book, people=people, owner=BEN)
    assert (after(given).hop, after(given).owner, given.passes_on) == (Hop.SALES, BEN, True)
    assert given.route is not None and given.route.rule == "routing.person"
    moved = look(calling(), book=book, people=people, owner=dan.id)
    assert (after(moved).hop, after(moved).owner, after(moved).assignment) == (Hop.TELEQUALIFICATION, dan.id, 2)


def test_an_agencys_lead_is_passed_on_to_whom_a_person_names_and_never_to_who_owned_it_before() -> None:
    outside = make_episode(owner=None, party="agency")
    assert look(outside, book=OUTSIDE, owner=BEN).passes_on
    contact = make_contact(stage="mql", owner=BEN, changed_at={"owner": NOW - 30 * DAY})
    still = decide(make_situation(contact, episodes=[outside], desk=make_desk(*PEOPLE)), OUTSIDE, now=NOW)
    assert (still.action, after(still).owner) == (Action.NOTHING, None)
    said = look(outside, book=OUTSIDE, verdict="qualified")
    assert (said.passes_on, after(said).owner, after(said).caller) == (True, ANA, None)


@pytest.mark.parametrize("set_at", [NOW - 30 * DAY, NOW - 2 * DAY], ids=["long before", "as it was made"])
def test_who_owned_the_contact_all_along_was_not_given_the_lead(set_at: datetime) -> None:
    """R12: where `write: if_empty` leaves the contact's owner, telequalification calls it all the same."""
    contact = make_contact(stage="mql", owner=BEN, created_at=set_at, changed_at={"owner": set_at})
    still = decide(make_situation(contact, episodes=[calling()], desk=make_desk(*PEOPLE)), BOOK, now=NOW)
    assert (still.action, after(still).owner, after(still).hop) == (Action.NOTHING, CLEO, Hop.TELEQUALIFICATION)


# -- people who leave --------------------------------------------------------------------------------------------


def test_a_caller_who_leaves_is_followed_by_a_caller() -> None:
    dan = make_owner("4", name="Dan Sample")
    pools = {**POOLS, "callers": {"members": [{"owner": CLEO}, {"owner": dan.id}]}}
    people = (*PEOPLE[:2], make_owner(CLEO, archived=True), dan)
    decision = look(calling(), book=make_book(routing={**ROUTING, "pools": pools}), people=people)
    assert (after(decision).owner, after(decision).hop, after(decision).assignment) == (
        dan.id, Hop.TELEQUALIFICATION, 2
    )  # fmt: skip


def test_where_no_caller_is_left_a_rep_takes_over_with_clocks_of_the_second_hop() -> None:
    """R12, R17, P4: what the caller said and did is not the rep's answer."""
    before = calling(state=State.ACCEPTED, touched_at=NOW - DAY)
    people = (*PEOPLE[:2], make_owner(CLEO, archived=True))
    decision = look(before, people=people, last_touch_at=NOW - DAY)
    moved = after(decision)
    assert (decision.passes_on, moved.hop, moved.owner, moved.party) == (True, Hop.SALES, ANA, "callers")
    assert (moved.state, moved.touched_at, moved.caller, moved.caller_touched_at) == (
        State.TELEQUALIFIED, None, CLEO, NOW - DAY
    )  # fmt: skip
    assert {timer.name for timer in clocks(moved, BOOK.sla, now=NOW)} == {"first_touch", "verdict", "age"}
    taken = make_contact(stage="mql", owner=None, changed_at={"owner": NOW - HOUR})
    emptied = decide(make_situation(taken, episodes=[before], desk=make_desk(*PEOPLE[:2])), BOOK, now=NOW)
    assert (emptied.passes_on, after(emptied).owner) == (True, ANA)


@pytest.mark.parametrize("state", [State.WORKING, State.ACCEPTED])
def test_who_takes_a_touched_lead_over_has_clocks_of_their_own(state: State) -> None:
    """R12, R17: what the rep who left did and said stops no clock of the next one's."""
    before = make_episode(state=state, touched_at=NOW - DAY)
    people = (make_owner(ANA, archived=True), make_owner(BEN))
    said = {"verdict": "accepted"} if state is State.ACCEPTED else {}
    decision = look(before, people=people, first_touch_at=NOW - DAY, last_touch_at=NOW - DAY, **said)
    taken = after(decision)
    assert (taken.owner, taken.state, taken.touched_at, taken.first_touched_at) == (
        BEN, State.HANDED_OFF, None, NOW - DAY
    )  # fmt: skip
    assert {timer.name for timer in clocks(taken, BOOK.sla, now=NOW)} == {"first_touch", "verdict", "age"}
    old = make_contact(owner=ANA, stage="mql", **said)
    changes = {one.field: one.after for one in plan(decision, old, BOOK, on_list=True, now=NOW).changes}
    assert changes.get("verdict", "as it is") == (None if said else "as it is")
    later = {"owner": BEN, "people": people, "first_touch_at": NOW - DAY, "at": NOW + DAY}
    assert look(taken, last_touch_at=NOW - DAY, **later).action is Action.NOTHING
    touched = after(look(taken, last_touch_at=NOW + HOUR, **later))
    assert (touched.state, touched.touched_at) == (State.WORKING, NOW + HOUR)


def test_the_leads_of_an_agency_that_the_rules_name_no_more_go_to_a_rep() -> None:
    """R12, P4: nobody has such a lead, and no word of an agency would ever come."""
    plain = make_book(routing={"pools": POOLS, "default_pool": "sales"})
    decision = look(make_episode(owner=None, party="agency"), book=plain)
    assert (decision.passes_on, after(decision).hop, after(decision).owner) == (True, Hop.SALES, ANA)
    assert decision.sentence == "Agency is in the rules no more, and nobody else has this lead."
    kept = look(calling(), book=plain)
    assert (kept.action, after(kept).owner) == (Action.NOTHING, CLEO)


def test_a_rep_who_leaves_is_followed_by_a_rep() -> None:
    """A lead that is in sales is not called first again."""
    passed = calling(owner=BEN, state=State.TELEQUALIFIED, passed_on_at=NOW - DAY, caller=CLEO, assignment=2)
    people = (PEOPLE[0], make_owner(BEN, archived=True), PEOPLE[2])
    decision = look(passed, people=people)
    assert (after(decision).owner, after(decision).hop, after(decision).caller) == (ANA, Hop.SALES, CLEO)
    assert after(decision).contact == KIM
