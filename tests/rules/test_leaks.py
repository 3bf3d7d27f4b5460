"""Leaks (R11): which marketing e-mails should not have gone to a lead that sales holds."""

from __future__ import annotations

from datetime import datetime

import pytest
from factories import DAY, HOUR, MINUTE, NOW, make_activity, make_book, make_episode

from connector.domain.activity import Activity, ActivityKind
from connector.domain.episode import UNDONE, Episode, State
from connector.rules.leaks import Mail, by_campaign, held_in
from connector.rules.suppression import SuppressionRules

RULES = make_book().suppression
HANDED = NOW - 2 * DAY


def mail(at: datetime, **more: object) -> Activity:
    return make_activity(ActivityKind.EMAIL_SENT, at, **{"stream": "emails", "name": "April news", "ref": "88", **more})


def alarm(**keys: object) -> SuppressionRules:
    return make_book(suppression={"leak_alarm": keys}).suppression


@pytest.mark.parametrize(
    ("sent_at", "held"),
    [
        (HANDED - MINUTE, False),           # before the handover
        (HANDED + 15 * MINUTE, False),      # on its way already
        (HANDED + 16 * MINUTE, True),
        (NOW, True),
    ],
)
def test_while_sales_works_a_lead_marketing_keeps_away(sent_at: datetime, *, held: bool) -> None:
    episode = make_episode()
    assert held_in(mail(sent_at), [episode], RULES) == (episode if held else None)


@pytest.mark.parametrize(
    ("episode", "held"),
    [
        (make_episode(state=State.RECYCLED, ended_at=NOW - DAY), False),  # marketing may nurture again
        (make_episode(state=State.JUNK, ended_at=NOW - DAY), True),       # never mailed again
        (make_episode(lane="customer"), False),                           # keeps getting customer mails
        (make_episode(silent=True, handed_off_at=None), False),
        (make_episode(state=State.RECYCLED, exit_reason=UNDONE, ended_at=NOW - DAY), False),
    ],
)
def test_after_the_end_the_policy_says_whether_marketing_may(episode: Episode, *, held: bool) -> None:
    assert (held_in(mail(NOW), [episode], RULES) is not None) == held


def test_a_mail_between_handover_and_end_is_one_though_the_hold_has_gone_since() -> None:
    ended = make_episode(state=State.RECYCLED, ended_at=NOW - DAY)
    assert held_in(mail(NOW - DAY - HOUR), [ended], RULES) == ended


def test_of_two_episodes_the_one_at_that_time_counts() -> None:
    first = make_episode(state=State.JUNK, handed_off_at=NOW - 9 * DAY, ended_at=NOW - 8 * DAY)
    second = make_episode(ordinal=2, lane="customer")
    assert held_in(mail(NOW - 3 * DAY), [first, second], RULES) == first
    assert held_in(mail(NOW), [first, second], RULES) is None


def test_what_is_expected_may_go_and_the_alarm_can_be_switched_off() -> None:
    episode = make_episode()
    assert held_in(mail(NOW, name="Thank you for asking"), [episode], alarm(expected=["thank you*"])) is None
    assert held_in(mail(NOW), [episode], alarm(active=False)) is None
    assert held_in(mail(HANDED + HOUR), [episode], alarm(grace="2h")) is None
    assert held_in(make_activity(ActivityKind.EMAIL_OPEN, NOW), [episode], RULES) is None


def test_mails_of_one_campaign_are_one_leak_by_its_newest_name() -> None:
    one, two = make_episode(), make_episode(contact="102")
    mails = [
        Mail(activity=mail(NOW, name="April news (new)"), episode=one),
        Mail(activity=mail(NOW - HOUR), episode=two),
        Mail(activity=mail(NOW - DAY), episode=one),
        Mail(activity=mail(NOW, ref="", name="Welcome"), episode=one),
        Mail(activity=mail(NOW, ref="91", name=""), episode=one),
    ]
    leaks = by_campaign(mails)
    assert [(leak.label, leak.campaign, leak.leads, len(leak.mails)) for leak in leaks] == [
        ("“April news (new)”", "88", 2, 3), ("“Welcome”", "", 1, 1), ("of campaign 91", "91", 1, 1),
    ]  # fmt: skip
    assert leaks[0].mails[0].activity.occurred_at == NOW - DAY
