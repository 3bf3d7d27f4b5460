"""The morning: once a day each rep is told of the leads in their hands, the strongest first (R15).

Tells when that is and what it says; who has which leads is engine/morning.py's. Names, mails and phones are in none of
it: a channel may be shared, and the link leads to the contact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from connector.domain.contact import Contact, OwnerId
from connector.domain.episode import UNANSWERED, Episode, State
from connector.errors import ConfigError
from connector.rules.local_time import in_zone
from connector.rules.notifications import MorningRules
from connector.rules.packet import clip
from connector.rules.sla import SlaRules

LATEST = timedelta(hours=4)
"""So long after the opening it is still morning; a digest that would come later is left out."""
LONGEST = 140
STANDS = {
    State.HANDED_OFF: "waits for a first call",
    State.TELEQUALIFIED: "waits for a first call",
    State.WORKING: "in work",
    State.ACCEPTED: "accepted",
    State.SALES_QUALIFIED: "qualified",
    State.OPPORTUNITY: "has a deal",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InHand:
    """A lead of the rep's. `link`: its page in the CRM, or empty."""

    contact: Contact
    episode: Episode
    link: str

    @property
    def score(self) -> float:
        """As it was handed over."""
        points = self.contact.get("score")
        return float(points) if isinstance(points, int | float) else 0.0

    @property
    def waits(self) -> bool:
        return self.episode.touched_at is None and self.episode.state in UNANSWERED

    @property
    def due_at(self) -> datetime | None:
        """Until when the rep must have reacted; None once they did."""
        return self.contact.instant("due_at") if self.waits else None


def morning_of(owner: OwnerId, rules: MorningRules, sla: SlaRules, *, now: datetime) -> datetime | None:
    """When the owner's day began, while it is still morning; None on days off, before the opening and hours later.

    Args:
        sla: in the portal's zone and with the holders' calendars (RuleBook.in_zone).
    """
    if rules.at_opening_of is None:
        return None
    calendar = sla.calendar_named(rules.at_opening_of, owner)
    midnight = now.astimezone(ZoneInfo(calendar.zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        opened = calendar.calendar("UTC").next_open(midnight)
    except ConfigError:  # it has closed for good
        return None
    return opened if opened <= now < opened + LATEST else None


def morning_packet(leads: Sequence[InHand], rules: MorningRules, *, now: datetime, zone: ZoneInfo) -> dict[str, object]:
    """How many leads, how many of them wait and are late, and the strongest of them, each in a line."""
    hottest = sorted(leads, key=lambda lead: (-lead.score, lead.episode.opened_at, lead.contact.id))
    waiting = [lead for lead in leads if lead.waits]
    return {
        "count": len(leads),
        "waiting": len(waiting),
        "late": sum(lead.due_at is not None and lead.due_at < now for lead in waiting),
        "leads": [
            {"contact_id": lead.contact.id, "summary": _line(lead, now, zone), "link": lead.link}
            for lead in hottest[: rules.most]
        ],
    }


def _line(lead: InHand, now: datetime, zone: ZoneInfo) -> str:
    grade = f" ({grade})" if (grade := lead.contact.text("grade")) else ""
    company = lead.contact.text("company") or f"contact {lead.contact.id}"
    stands = STANDS.get(lead.episode.state, lead.episode.state.value.replace("_", " "))
    due = lead.due_at
    until = "" if due is None else f", {'late since' if due < now else 'react until'} {in_zone(due, zone)}"
    return clip(f"{clip(company, LONGEST // 2)}: {lead.score:g} points{grade}, {stands}{until}", LONGEST)
