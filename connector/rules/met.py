"""Met: when what a clock waited for came, as far as the CRM tells (R28).

A run hears of it later, after an outage days later. Whether the time was up by then is asked of this instant, so that
reports neither praise nor blame a rep for the hours in which nobody looked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from connector.domain.episode import UNANSWERED, Episode
from connector.rules.follow import touches_count_from
from connector.rules.situation import Situation
from connector.rules.sla import SlaRules, Until
from connector.rules.touches import last_touch


def met_at(
    situation: Situation, before: Episode | None, after: Episode | None, rules: SlaRules, *, now: datetime
) -> Mapping[str, datetime]:
    """Of each clock, should it stop as the episode goes from `before` to `after`, that instant; none where all stays.

    `now` where the CRM tells none. Which clocks stop is engine/timers.py's.
    """
    if before is None or after is None or before.silent or after == before:
        return {}
    moved = after.assignment != before.assignment
    answered = _said_at(situation, before) if moved or after.state not in UNANSWERED else None
    touched = after.touched_at if after.touched_at != before.touched_at else None
    tried = last_touch(situation.contact, situation.activities)
    ways = {Until.TOUCH: (touched, answered), Until.TOUCHES: (tried, answered)}
    return {name: _first((*ways.get(clock.until, (answered,)), now)) for name, clock in rules.clocks.items()}


def _first(instants: Iterable[datetime | None]) -> datetime:
    return min(at for at in instants if at is not None)


def _said_at(situation: Situation, before: Episode) -> datetime | None:
    """When sales said what it thinks of the lead: by its answer, else by stage, status, owner or deal."""
    contact, since = situation.contact, touches_count_from(before, situation.contact)
    if since is None:
        return None
    changed = contact.changed_at
    verdict = changed.get("verdict") if contact.text("verdict") else None
    if verdict is not None and verdict > since:
        return verdict
    found = [changed.get(name) for name in ("stage", "status", "owner")]
    found += [at for deal in situation.deals for at in (deal.created_at, deal.closed_at)]
    return max((at for at in found if at is not None and at > since), default=None)
