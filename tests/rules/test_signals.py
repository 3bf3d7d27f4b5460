"""Signals (R40): what new interest of a lead in work is told, and when nothing more is."""

from __future__ import annotations

import pytest
from factories import DAY, HOUR, MINUTE, NOW, demo_request, make_book, make_episode, make_situation, pricing_view

from connector.domain.activity import Activity
from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode, State
from connector.rules.decide import decide
from connector.rules.rulebook import RuleBook, cross_check


def seen(episode: Episode, *activities: Activity, book: RuleBook | None = None) -> Decision:
    """The lead's page view or the like, in an episode that Ana has since two days."""
    return decide(make_situation(activities=activities, episodes=[episode]), book or make_book(), now=NOW)


def with_signals(**keys: object) -> RuleBook:
    return make_book(notifications={"signals": keys})


def test_strong_interest_of_a_lead_in_work_tells_its_holder() -> None:
    """R40: in words, without a second episode; what the sales side says of it stays as it is."""
    episode = make_episode(state=State.ACCEPTED)
    decision = seen(episode, pricing_view(NOW - HOUR))
    assert (decision.action, decision.sentence) == (
        Action.INTEREST, "Viewed the pricing page while sales is working it.",
    )  # fmt: skip
    assert decision.episode is not None
    assert (decision.episode.id, decision.episode.interest_told_at) == (episode.id, NOW)
    assert decision.episode.signal_at is None


@pytest.mark.parametrize(
    ("episode", "seen_at"),
    [
        (make_episode(handed_off_at=NOW - HOUR), NOW - 2 * HOUR),                     # it led to the handover
        (make_episode(signal_at=NOW - HOUR), NOW - 2 * HOUR),                         # told with the hand-raise
        (make_episode(interest_told_at=NOW - 2 * DAY), NOW - 3 * DAY),
        (make_episode(interest_told_at=NOW - 23 * HOUR), NOW - HOUR),                 # the cool-down
        (make_episode(silent=True, handed_off_at=None), NOW - HOUR),
    ],
)  # fmt: skip
def test_what_the_holder_knows_or_was_just_told_of_is_none(episode: Episode, seen_at: object) -> None:
    assert seen(episode, pricing_view(seen_at)).action is not Action.INTEREST  # type: ignore[arg-type]


def test_what_came_during_the_cool_down_is_told_together_when_it_is_over() -> None:
    episode = make_episode(handed_off_at=NOW - 5 * DAY, interest_told_at=NOW - 25 * HOUR)
    once, twice = pricing_view(NOW - 20 * HOUR), pricing_view(NOW - 10 * HOUR)
    decision = seen(episode, once, twice, book=with_signals(points=40))
    assert (decision.action, decision.evidence) == (Action.INTEREST, f"interest:{twice.id}")
    assert seen(episode, twice, book=with_signals(points=40)).action is Action.NOTHING


def test_a_second_hand_raise_comes_first_and_the_cool_down_does_not_hold_it() -> None:
    """R40: at once."""
    episode = make_episode(interest_told_at=NOW - HOUR)
    decision = seen(episode, pricing_view(NOW - 2 * MINUTE), demo_request(NOW - MINUTE))
    assert decision.action is Action.SIGNAL


def test_who_wants_none_of_it_switches_it_off() -> None:
    episode = make_episode()
    assert seen(episode, pricing_view(NOW - HOUR), book=with_signals(active=False)).action is Action.NOTHING


def test_more_points_than_scoring_gives_are_complained_of() -> None:
    (complaint,) = cross_check(with_signals(points=61))
    assert (complaint.file, complaint.path) == ("notifications", ("signals", "points"))
    assert cross_check(with_signals(points=61, active=False)) == []
