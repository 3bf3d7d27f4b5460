"""A notice: something that happened and that someone outside must be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.domain.contact import ContactId, OwnerId
from connector.domain.episode import EpisodeId


class NoticeKind(StrEnum):
    LEAD_HANDED_OFF = "lead.handed_off"
    LEAD_SIGNAL = "lead.signal"  # R40
    LEAD_RECYCLED = "lead.recycled"  # R23: marketing is told of a hand-back
    LEAD_TRIAGED = "lead.triaged"  # R02
    LEAD_MOVED = "lead.moved"  # a person changed the owner: the new one gets the packet
    LEAD_WITHDRAWN = "lead.withdrawn"  # … and the old one is told
    SLA_AT_RISK = "sla.at_risk"
    SLA_BREACHED = "sla.breached"
    RUN_HELD = "run.held"  # the mass-change guard asks
    RUN_SHADOW = "run.shadow"  # what shadow mode would have done, for ops
    MAIL_LEAKED = "mail.leaked"  # marketing: one of its e-mails went to leads that sales holds (R11)
    ALARM_RAISED = "alarm.raised"  # a rate changed, an owner starves or is overloaded, leads are silent (R12, R17, R27)
    LEAD_DIGEST = "lead.digest"  # many waiting notices of one rep in one, with their ids
    REP_MORNING = "rep.morning"  # once a day: the leads in a rep's hands, the strongest first (R15)
    DESTINATION_OFF = "destination.off"  # ops: a destination was switched off, and why
    TEST_PING = "test.ping"  # an admin tries a destination


PACKETS = (NoticeKind.LEAD_HANDED_OFF, NoticeKind.LEAD_MOVED)
"""Notices that bring a lead, and its packet, to whoever has it from now on (R14)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to tell; which destinations hear it is decided by rules/notifications.py.

    Attributes:
        key: with the kind, the episode and the endpoint it makes the effect id (I5): no time, no randomness.
        owner: the addressee where it is a rep's; None for marketing or ops.
        packet: the body's facts (R14), plain JSON values.
        urgent_since: when somebody asked for sales, or a clock ran out: in no digest while fresh. None: not urgent.
    """

    kind: NoticeKind
    contact: ContactId | None
    episode: EpisodeId | None
    owner: OwnerId | None
    key: str
    occurred_at: datetime
    packet: Mapping[str, object]
    urgent_since: datetime | None = None
