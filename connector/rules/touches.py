"""Touches: how often sales has reached out to a lead in work, by channel (R17).

Counted from the calls, e-mails and meetings that the CRM has logged since whoever has the lead got it. Which clocks ask
for how many is rules/sla.py's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from connector.domain.activity import ActivityKind, Channel
from connector.domain.episode import Episode
from connector.rules import sla
from connector.rules.case import Case


def counted(case: Case, episode: Episode) -> Episode:
    """The episode with its touches up to now; the same value where nothing changed, or no clock counts them."""
    since = episode.held_since
    if since is None or not sla.counts_touches(case.book.sla):
        return episode
    group = case.activities.after(since).groups.get(ActivityKind.TOUCH)
    names = Counter(row.name for row in group) if group is not None else Counter()
    found = {channel: names[channel.value] for channel in Channel}
    return replace(
        episode, calls=found[Channel.CALL], mails=found[Channel.EMAIL], meetings=found[Channel.MEETING]
    )

