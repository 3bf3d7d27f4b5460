"""Touches: how often sales has reached out to a lead in work, by channel (R17).

Counted from the calls, e-mails and meetings that the CRM has logged since whoever has the lead got it, and from calls
that were not logged and claimed by a link (R20). Which clocks ask for how many is rules/sla.py's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from connector.domain.activity import Activity, ActivityKind, Channel
from connector.domain.answer import CLAIMED
from connector.domain.contact import Contact
from connector.domain.episode import Episode
from connector.rules import sla
from connector.rules.case import Case
from connector.rules.follow import touches_count_from


def counted(case: Case, episode: Episode) -> Episode:
    """The episode, as follow() gave it, with its touches up to now; the same value where no clock counts them."""
    since = touches_count_from(episode, case.contact)
    if since is None or not sla.counts_touches(case.book.sla):
        return episode
    group = case.activities.after(since).groups.get(ActivityKind.TOUCH)
    names = Counter(row.name for row in group) if group is not None else Counter()
    found = {channel: names[channel.value] for channel in Channel}
    return replace(
        episode, calls=found[Channel.CALL], mails=found[Channel.EMAIL], meetings=found[Channel.MEETING]
    )


def claims(activities: Iterable[Activity]) -> list[datetime]:
    """When calls were made that nobody logged, as whoever had the lead says."""
    return [row.occurred_at for row in activities if row.stream == CLAIMED]


def last_touch(contact: Contact, activities: Iterable[Activity]) -> datetime | None:
    """When sales last reached out, logged or claimed; None where it never did."""
    logged = contact.instant("last_touch_at")
    return max([*claims(activities), *([logged] if logged else [])], default=None)


def uncounted(episode: Episode) -> Episode:
    """The episode as somebody else gets it: what a former holder did is not theirs."""
    return replace(episode, calls=0, mails=0, meetings=0)
