"""Quiet hours: until when a rep's notice waits, for the rep is not to be disturbed now (R15).

Quiet is whenever the calendar is closed that notifications.yaml names, or the rep's own in routing.yaml. Clocks run by
calendars of their own, so nobody is charged for the wait. The order of a contact's notices is kept: one that may
disturb takes along those that waited before it, and what waits for somebody who lost the lead meanwhile is cancelled
(store/outbox.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from connector.domain.notice import Notice, NoticeKind
from connector.errors import ConfigError
from connector.rules.notifications import HOLDERS, AnyDestination, NotificationRules, Urgent, audience
from connector.rules.sla import SlaRules

CLOCKS: Mapping[NoticeKind, Urgent] = MappingProxyType(
    {NoticeKind.SLA_AT_RISK: Urgent.CLOCK, NoticeKind.SLA_BREACHED: Urgent.CLOCK}
)


def quiet_until(
    notice: Notice, destination: AnyDestination, rules: NotificationRules, sla: SlaRules, *, now: datetime
) -> datetime | None:
    """When the quiet hours end in which the notice falls; None where it falls in none, or is not a rep's.

    Args:
        sla: in the portal's zone and with the holders' calendars (RuleBook.in_zone).
    """
    name = rules.quiet_hours.outside
    if name is None or not _is_reps(notice, destination):
        return None
    try:
        opens = sla.calendar_named(name, notice.owner).calendar("UTC").next_open(now)
    except ConfigError:  # it has closed for good; a notice that never comes would be worse
        return None
    return opens if opens > now else None


def disturbs(notice: Notice, rules: NotificationRules) -> bool:
    """Whether the admin lets it through in quiet hours."""
    return _urgency(notice) in rules.quiet_hours.unless


def _is_reps(notice: Notice, destination: AnyDestination) -> bool:
    """Whether the destination hears of it for a rep's sake alone; a manager's channel is not quiet."""
    return audience(notice).intersection(destination.to) <= HOLDERS


def _urgency(notice: Notice) -> Urgent | None:
    if notice.kind in CLOCKS:
        return CLOCKS[notice.kind]
    return Urgent.HAND_RAISER if notice.urgent_since is not None else None
