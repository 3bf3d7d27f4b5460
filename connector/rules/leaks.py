"""Leaks: marketing e-mails that went to leads which sales holds (R11).

The suppression list holds nothing by itself: every workflow and mailing must exclude it, and one that does not is known
by what it sent. What is told of it is notify's and the run's; nothing is stopped here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from connector.domain.activity import Activity, ActivityKind
from connector.domain.episode import Episode, State
from connector.rules.patterns import glob
from connector.rules.suppression import LeakAlarm, SuppressionRules, holds

RULE = "leak"
"""Of the audit rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail that should not have gone out, and the episode in which sales held its receiver."""

    activity: Activity
    episode: Episode


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """The mails of one campaign, oldest first; `name` and `campaign` (its id) may be empty, at least one is known."""

    name: str
    campaign: str
    mails: tuple[Mail, ...]

    @property
    def label(self) -> str:
        return f"“{self.name}”" if self.name else f"of campaign {self.campaign}"

    @property
    def leads(self) -> int:
        return len({mail.episode.contact for mail in self.mails})


def is_expected(mail: Activity, alarm: LeakAlarm) -> bool:
    """Whether an e-mail may go to held leads, such as the answer to a form."""
    return any(glob(pattern)(mail.name) for pattern in alarm.expected)


def held_in(mail: Activity, episodes: Sequence[Episode], rules: SuppressionRules) -> Episode | None:
    """The episode for which marketing had to keep away when the mail went out; None where it might.

    Args:
        episodes: of the receiver, by ordinal. Silent ones, and handovers that a person undid, hold nobody.
    """
    alarm = rules.leak_alarm
    if not alarm.active or mail.kind is not ActivityKind.EMAIL_SENT or is_expected(mail, alarm):
        return None
    stood = [one for one in episodes if not one.was_undone and one.handed_off_at is not None]
    began = [one for one in stood if one.handed_off_at and mail.occurred_at > one.handed_off_at + alarm.grace]
    if not began:
        return None
    episode = began[-1]
    if episode.ended_at is not None and mail.occurred_at < episode.ended_at:
        at_work = replace(episode, state=State.HANDED_OFF, exit_reason="")
        return episode if holds(at_work, rules) else None
    return episode if episode.marketing_held else None


def by_campaign(mails: Iterable[Mail]) -> tuple[Leak, ...]:
    """One leak for each campaign, the one with most leads first."""
    found: dict[tuple[str, str], list[Mail]] = {}
    for mail in mails:
        sent = mail.activity
        found.setdefault((sent.ref, "" if sent.ref else sent.name), []).append(mail)
    leaks = []
    for (campaign, _), group in found.items():
        group.sort(key=lambda mail: (mail.activity.occurred_at, mail.activity.id))
        name = next((mail.activity.name for mail in reversed(group) if mail.activity.name), "")
        leaks.append(Leak(name=name, campaign=campaign, mails=tuple(group)))
    return tuple(sorted(leaks, key=lambda leak: (-leak.leads, leak.campaign, leak.name)))
