"""Touches: how often sales has reached out to a lead in work, by channel (R17).

Counted from the calls, e-mails and meetings that the CRM has logged since whoever has the lead got it. Which clocks ask
for how many is rules/sla.py's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime

from connector.domain.activity import ActivityKind, Channel
from connector.domain.episode import Episode
from connector.rules import sla
from connector.rules.case import Case


def counted(case: Case, episode: Episode) -> Episode:
    """The episode with its touches up to now; the same value where nothing changed, or no clock counts them."""
    since = _held_since(case, episode)
    if since is None or not sla.counts_touches(case.book.sla):
        return episode
    group = case.activities.after(since).groups.get(ActivityKind.TOUCH)
    names = Counter(row.name for row in group) if group is not None else Counter()
    found = {channel: names[channel.value] for channel in Channel}
    return replace(
        episode, calls=found[Channel.CALL], mails=found[Channel.EMAIL], meetings=found[Channel.MEETING]
    )


def uncounted(episode: Episode) -> Episode:
    """The episode as somebody else gets it: what a former holder did is not theirs."""
    return replace(episode, calls=0, mails=0, meetings=0)


def _held_since(case: Case, episode: Episode) -> datetime | None:
    """When the present holder got it: the CRM knows when an owner was changed after the handover."""
    since, changed = episode.held_since, case.contact.changed_at.get("owner")
    moves = episode.owner is not None and case.contact.owner not in (None, episode.owner)
    if since is None or changed is None or (episode.assignment == 1 and not moves):
        return since
    return max(since, changed)
