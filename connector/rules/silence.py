"""Silence: why a lead in sales' hands would be heard of no more, as far as its clocks and its holder say (R12, R17).

The nightly proof asks; what is mended, and how, is engine/proof.py's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from connector.domain.contact import OwnerId
from connector.domain.episode import Episode, Hop
from connector.domain.owner import Owner
from connector.domain.timer import BREACH, Timer
from connector.rules import sla
from connector.rules.sla import SlaRules
from connector.rules.words import day


class Cause(StrEnum):
    """Why a lead is stranded."""

    NO_CLOCK = "no_clock"
    TIME_IS_UP = "time_is_up"
    NO_HOLDER = "no_holder"
    CRM_DIFFERS = "crm_differs"
    NOT_TOLD = "not_told"
    CANNOT_BE_READ = "cannot_be_read"


def proof_due(rules: SlaRules, now: datetime, zone: ZoneInfo) -> datetime:
    """The newest moment, not after `now`, at which the proof was due: once a night, by the portal's wall clock."""
    hour, minute = (int(part) for part in rules.prove_at.split(":"))
    local = now.astimezone(zone)
    for days in (0, 1):
        due = datetime.combine(local.date() - timedelta(days=days), time(hour, minute), tzinfo=zone)
        if due <= now:
            return due.astimezone(now.tzinfo)
    return due.astimezone(now.tzinfo)


def clocks_lacking(
    episode: Episode, running: Sequence[Timer], fired: Sequence[Timer], rules: SlaRules, *, now: datetime
) -> tuple[Timer, ...]:
    """What is to be set for a lead that is on no clock, from now; nothing for one that is on any, or had its time.

    Args:
        running, fired: timers of the episode, of former assignments too.
    """
    if of_holder(episode, running):
        return ()
    known = {timer.name for timer in of_holder(episode, fired)}
    return tuple(timer for timer in sla.clocks(episode, rules, now=now) if timer.name not in known)


def of_holder(episode: Episode, timers: Sequence[Timer]) -> list[Timer]:
    """Those that count for whoever has the lead now."""
    return [one for one in timers if one.episode == episode.id and one.assignment == episode.assignment]


def why_no_clock(
    episode: Episode, running: Sequence[Timer], fired: Sequence[Timer], rules: SlaRules
) -> tuple[Cause, str] | None:
    """Why nothing will be heard of the lead by time alone; None where a clock runs."""
    if of_holder(episode, running):
        return None
    stopped = sla.stopped_clocks(episode, rules)
    over = [one for one in of_holder(episode, fired) if one.level == BREACH and one.name not in stopped]
    if over:
        last = max(over, key=lambda one: (one.due_at, one.name))
        label = rules.clocks[last.name].label if last.name in rules.clocks else last.name
        return Cause.TIME_IS_UP, f"The time for the {label} ran out on {day(last.due_at)}, and nothing came of it."
    state = episode.state.value.replace("_", " ")
    advice = "a clock with `until: end` in sla.yaml would"
    return Cause.NO_CLOCK, f"It is {state}, and no clock of the rules runs on such a lead; {advice}."


def why_no_holder(episode: Episode, owners: Mapping[OwnerId, Owner], agencies: Sequence[str]) -> str:
    """Why nobody works the lead; empty where somebody does.

    Args:
        agencies: parties of telequalification outside of the CRM; their leads have no owner there.
    """
    if episode.owner is None:
        if episode.hop is Hop.TELEQUALIFICATION and episode.party in agencies:
            return ""
        return "Nobody has it: it has no owner."
    owner = owners.get(episode.owner)
    if owner is None:
        return "Its owner is not known to the CRM."
    return "Its owner has left, and nobody was there to take it over." if owner.archived else ""
