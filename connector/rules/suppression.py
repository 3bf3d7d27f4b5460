"""Suppression: from whom marketing keeps away while sales works, and whom nobody may contact (R11).

Three different things, never mixed. The *marketing hold* is our list: only sales contacts the lead while it is worked.
The *marketing opt-out* (or bounce) stops mails, not a call that was asked for. *Do-not-contact* stops both.
Reads mappings/suppression.yaml. Decides nothing about owners (routing) or moves (stages).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from connector.domain.contact import Contact
from connector.domain.episode import UNDONE, Episode, State
from connector.domain.verdict import Verdict
from connector.rules.durations import WallDuration
from connector.rules.patterns import NamePattern


class Hold(StrEnum):
    ON = "on"
    OFF = "off"


class Policy(StrEnum):
    """How much of marketing's mail a lane holds back."""

    ALL = "all"
    NONE = "none"


class MarketingHold(BaseModel):
    """The table exit → hold, and which lanes hold at all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    list: str = Field(min_length=1, max_length=200)
    """Name of the static list that marketing's workflows exclude."""
    lanes: Mapping[str, Policy] = Field(default_factory=dict)
    """Lane -> all mails held, or none; a lane that is not named is held."""
    after: Mapping[State, Hold] = Field(default_factory=dict)
    lost: Mapping[str, Hold] = Field(default_factory=dict)
    """Reason of a lost deal -> hold; reasons that are not named follow `after.lost`."""


class LeakAlarm(BaseModel):
    """Marketing is told of each e-mail of its own that went to a lead which sales holds; rules/leaks.py."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    active: bool = True
    grace: WallDuration = timedelta(minutes=15)
    """So long after the handover a mail may still go out: it was on its way, or answers the lead's own form."""
    expected: tuple[NamePattern, ...] = ()
    """Names of e-mails that may go to held leads, `*` for anything."""


class SuppressionRules(BaseModel):
    """mappings/suppression.yaml. Field lists name yes/no fields of fields.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    marketing_hold: MarketingHold
    leak_alarm: LeakAlarm = LeakAlarm()
    marketing_opt_out: Mapping[str, str] = Field(default_factory=dict)
    """Yes/no field -> what it means, in words."""
    do_not_contact: Mapping[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """How this contact may be contacted now, and on what basis; part of the packet (R14)."""

    marketing_mail: bool
    personal_mail: bool
    call: bool
    reasons: tuple[str, ...]


def forbid(contact: Contact, rules: SuppressionRules) -> Verdict:
    """Do-not-contact, the only verdict that beats a hand-raise (I0)."""
    reasons = tuple(words for name, words in rules.do_not_contact.items() if contact.get(name) is True)
    return Verdict(
        rule="suppression.do_not_contact", passed=not reasons, reasons=reasons, then="hold" if reasons else ""
    )


def allow(contact: Contact, rules: SuppressionRules, *, asked_for_contact: bool) -> Allowed:
    """What contact is allowed. An opt-out or bounce stops marketing's mails, never a call that was asked for."""
    never = forbid(contact, rules)
    if not never.passed:
        return Allowed(marketing_mail=False, personal_mail=False, call=False, reasons=never.reasons)
    out = tuple(words for name, words in rules.marketing_opt_out.items() if contact.get(name) is True)
    basis = "asked to be contacted" if asked_for_contact else "showed interest; no request to be contacted yet"
    bounced = contact.get("email_bounced") is True
    return Allowed(marketing_mail=not out, personal_mail=not bounced, call=True, reasons=(*out, basis))


WITHOUT_SALES = (UNDONE, "merged", "contact_deleted", "erased", "forgotten")
"""How episodes ended that sales did not end: no policy of what becomes of the hold then speaks of them."""


def holds(episode: Episode, rules: SuppressionRules) -> bool:
    """Whether the contact of this episode belongs on the suppression list."""
    hold = rules.marketing_hold
    if episode.exit_reason in WITHOUT_SALES:
        return False
    if episode.silent or episode.state is State.QUALIFIED or hold.lanes.get(episode.lane) is Policy.NONE:
        return False
    if episode.is_open:
        return True
    default = hold.after.get(episode.state, Hold.OFF)
    if episode.state is State.LOST:
        default = hold.lost.get(episode.exit_reason, default)
    return default is Hold.ON
