"""Follow (R20, R25): what people and HubSpot did to an open episode, strongest word first."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from factories import ANA, BEN, DAY, HOUR, NOW, make_book, make_contact, make_deal, make_episode, shipped_book
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.contact import Contact, Value
from connector.domain.deal import Deal, DealState
from connector.domain.episode import ENDS, Episode, State
from connector.rules.follow import follow
from connector.rules.rulebook import RuleBook

HANDED = NOW - 2 * DAY


def after(
    contact: Contact, *deals: Deal, episode: Episode | None = None, book: RuleBook | None = None
) -> Episode:
    return follow(episode or make_episode(), contact, deals, book or shipped_book(), now=NOW)


def since_handoff(**fields: Value) -> Contact:
    """Values that were set after the handoff."""
    return make_contact(owner=ANA, changed_at=dict.fromkeys(fields, NOW - HOUR), **fields)


def before_handoff(**fields: Value) -> Contact:
    return make_contact(owner=ANA, changed_at=dict.fromkeys(fields, HANDED - HOUR), **fields)


def test_where_nothing_happened_the_episode_is_the_same_value() -> None:
    episode = make_episode()
    assert after(make_contact(owner=ANA), episode=episode) == episode


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"status": "IN_PROGRESS"}, State.WORKING),
        ({"verdict": "accepted"}, State.ACCEPTED),
        ({"verdict": "qualified"}, State.SALES_QUALIFIED),
        ({"stage": "opportunity"}, State.OPPORTUNITY),
        ({"stage": "customer"}, State.WON),
        ({"verdict": "junk"}, State.JUNK),
        ({"verdict": "unreachable"}, State.UNREACHABLE),
        ({"status": "BAD_TIMING"}, State.RECYCLED),
    ],
)
def test_what_the_rep_says_after_the_handoff_counts(fields: dict[str, str], state: State) -> None:
    """R20"""
    assert after(since_handoff(**fields)).state is state


@pytest.mark.parametrize(
    "fields",
    [
        {"verdict": "recycle"},
        {"verdict": "junk", "verdict_reason": "bad_fit"},
        {"status": "UNQUALIFIED"},
        {"status": "BAD_TIMING"},
        {"stage": "customer"},
        {"stage": "opportunity"},
    ],
)
def test_an_answer_to_an_earlier_episode_says_nothing_about_this_one(fields: dict[str, str]) -> None:
    """R20, R16: not even where we do not write that field anew at the handoff."""
    assert after(before_handoff(**fields)).state is State.HANDED_OFF


def test_an_old_status_does_not_count_because_the_stage_is_new() -> None:
    """A portal whose rules write the stage alone leaves the last episode's status standing."""
    contact = make_contact(
        owner=ANA, stage="mql", status="UNQUALIFIED", changed_at={"stage": NOW - HOUR, "status": HANDED - DAY}
    )
    assert after(contact).state is State.HANDED_OFF


def test_an_existing_customer_is_not_won_again_by_being_one() -> None:
    """R16: the up-sell episode goes on until sales says so."""
    contact = make_contact(
        owner=ANA, stage="customer", status="NEW", changed_at={"status": NOW - HOUR, "stage": HANDED - DAY}
    )
    assert after(contact, episode=make_episode(lane="customer")).state is State.HANDED_OFF


def test_a_won_deal_is_the_strongest_word() -> None:
    contact = since_handoff(verdict="junk", status="UNQUALIFIED")
    assert after(contact, make_deal(DealState.WON)).state is State.WON


def test_the_reps_verdict_goes_before_a_lost_deal() -> None:
    contact = since_handoff(verdict="recycle", verdict_reason="no_buying_power")
    ended = after(contact, make_deal(DealState.LOST, lost_reason="price"))
    assert (ended.state, ended.exit_reason) == (State.RECYCLED, "no_buying_power")


def test_a_lost_deal_goes_before_the_status() -> None:
    ended = after(since_handoff(status="BAD_TIMING"), make_deal(DealState.LOST, lost_reason="bad_fit"))
    assert (ended.state, ended.exit_reason) == (State.LOST, "bad_fit")


def test_an_open_deal_makes_it_an_opportunity() -> None:
    """R25"""
    assert after(make_contact(owner=ANA), make_deal()).state is State.OPPORTUNITY


def test_a_deal_lost_while_another_is_open_ends_nothing() -> None:
    deals = make_deal(DealState.LOST, id="d1"), make_deal(id="d2")
    assert after(make_contact(owner=ANA), *deals).state is State.OPPORTUNITY


@pytest.mark.parametrize("state", DealState)
def test_deals_from_before_the_episode_say_nothing(state: DealState) -> None:
    assert after(make_contact(owner=ANA), make_deal(state, at=HANDED - 9 * DAY)).state is State.HANDED_OFF


def test_an_old_deal_that_was_won_since_counts() -> None:
    deal = replace(make_deal(DealState.WON, at=NOW - 90 * DAY), closed_at=NOW - HOUR)
    assert after(make_contact(owner=ANA), deal).state is State.WON


@pytest.mark.parametrize("field", ["first_touch_at", "last_touch_at"])
def test_the_first_touch_after_the_handoff_shows_work(field: str) -> None:
    moved = after(make_contact(owner=ANA, **{field: NOW - HOUR}))
    assert (moved.state, moved.touched_at) == (State.WORKING, NOW - HOUR)


def test_a_touch_from_before_the_handoff_belongs_to_the_past() -> None:
    assert after(make_contact(owner=ANA, last_touch_at=HANDED - HOUR)).touched_at is None


def test_the_first_touch_stays_the_first() -> None:
    episode = make_episode(state=State.WORKING, touched_at=NOW - DAY)
    contact = make_contact(owner=ANA, last_touch_at=NOW - HOUR)
    assert after(contact, episode=episode) == episode


def test_an_owner_changed_by_a_person_moves_the_episode() -> None:
    moved = after(make_contact(owner=BEN))
    assert (moved.owner, moved.assignment) == (BEN, 2)


def test_a_touch_of_the_former_owners_is_none_of_the_new_ones() -> None:
    """R17: an answer that was given stands."""
    contact = make_contact(owner=BEN, last_touch_at=NOW - DAY, changed_at={"owner": NOW - HOUR})
    working = make_episode(state=State.WORKING, touched_at=NOW - DAY)
    moved = after(contact, episode=working)
    assert (moved.owner, moved.state, moved.touched_at) == (BEN, State.HANDED_OFF, None)
    assert after(contact, episode=moved) == moved
    assert after(contact, episode=replace(working, state=State.ACCEPTED)).state is State.ACCEPTED


@pytest.mark.parametrize("said", [{"verdict": "accepted"}, {"status": "OPEN_DEAL"}, {"stage": "opportunity"}])
@pytest.mark.parametrize("moved_before", [True, False])
def test_an_answer_from_before_the_change_of_owner_is_inherited(said: dict[str, str], moved_before: bool) -> None:
    """R17: seen with the change or after it, as if a run had come in between."""
    episode = make_episode(owner=BEN, assignment=2, former_owners=(ANA,)) if moved_before else make_episode()

    def moved(at: datetime) -> Episode:
        changed = {**dict.fromkeys(said, at), "owner": NOW - HOUR}
        return after(make_contact(owner=BEN, changed_at=changed, **said), episode=episode)

    assert (moved(NOW - DAY).owner, moved(NOW - DAY).inherited) == (BEN, True)
    assert (moved(NOW).state, moved(NOW).inherited) == (moved(NOW - DAY).state, False)


def test_a_deal_from_before_the_change_of_owner_is_inherited_too() -> None:
    contact = make_contact(owner=BEN, changed_at={"owner": NOW - HOUR})
    assert after(contact, make_deal(at=NOW - DAY)).inherited
    assert not after(contact, make_deal(at=NOW)).inherited


def test_what_we_show_of_an_inherited_answer_is_nobodys_word() -> None:
    """R17: the stage of the state is written after the change of owner."""
    episode = make_episode(owner=BEN, assignment=2, state=State.SALES_QUALIFIED, inherited=True)
    changed = {"verdict": NOW - DAY, "owner": NOW - HOUR, "stage": NOW}
    contact = make_contact(owner=BEN, verdict="qualified", stage="sql", changed_at=changed)
    assert after(contact, episode=episode).inherited


def test_a_former_holders_end_stands() -> None:
    """R20"""
    changed = {"verdict": NOW - DAY, "owner": NOW - HOUR}
    ended = after(make_contact(owner=BEN, verdict="junk", changed_at=changed))
    assert (ended.state, ended.inherited) == (State.JUNK, False)


def test_an_emptied_owner_leaves_the_episode_where_it_is() -> None:
    assert after(make_contact(owner=None)) == make_episode()


def test_the_first_owner_of_a_silent_episode_is_no_change_of_owner() -> None:
    """R41"""
    moved = after(make_contact(owner=BEN), episode=make_episode(silent=True, owner=None))
    assert (moved.owner, moved.assignment) == (BEN, 1)


@pytest.mark.parametrize("state", sorted(ENDS - {State.WON, State.JUNK}))
def test_an_episode_that_goes_back_to_marketing_has_reason_and_track(state: State) -> None:
    """R21, R22"""
    statuses = {end.value: end for end in ENDS}
    book = make_book(stages={"statuses": {name: end.value for name, end in statuses.items()}})
    ended = after(since_handoff(status=state.value), book=book)
    assert ended.state is state
    assert ended.ended_at == NOW
    assert ended.exit_reason
    assert ended.track


def test_junk_has_a_reason_and_never_wakes() -> None:
    ended = after(since_handoff(verdict="junk", verdict_reason="locked_in_contract"))
    assert (ended.exit_reason, ended.wakes_at, ended.track) == ("locked_in_contract", None, "")


states = st.sampled_from([state for state in State if not state.is_end])
instants = st.integers(-100, 40).map(lambda hours: NOW + timedelta(hours=hours))
said = st.fixed_dictionaries(
    {
        "status": st.sampled_from([None, "NEW", "IN_PROGRESS", "CONNECTED", "OPEN_DEAL", "other"]),
        "stage": st.sampled_from([None, "subscriber", "lead", "mql", "sql", "opportunity"]),
        "verdict": st.sampled_from([None, "accepted", "qualified"]),
    }
)


@given(state=states, fields=said, at=instants)
def test_an_open_episode_never_goes_back(state: State, fields: dict[str, str | None], at: datetime) -> None:
    """I3"""
    contact = make_contact(owner=ANA, changed_at=dict.fromkeys(fields, at), **fields)
    assert after(contact, episode=make_episode(state=state)).state.rank >= state.rank


@given(state=states, fields=said, at=instants)
def test_following_twice_is_following_once(state: State, fields: dict[str, str | None], at: datetime) -> None:
    contact = make_contact(owner=BEN, changed_at=dict.fromkeys(fields, at), last_touch_at=at, **fields)
    once = after(contact, episode=make_episode(state=state))
    assert after(contact, episode=once) == once
