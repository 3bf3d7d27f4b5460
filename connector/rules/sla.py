"""SLA: which clocks run on a lead in sales' hands, when they warn and when they are broken (R17, R18).

Reads mappings/sla.yaml. Sets timers and says whom to tell; arithmetic of business time is rules/calendar.py, sending is
notifications' and delivery's. Human time is measured from the handover; what Handoff itself took before is not on these
clocks (R19).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

from connector.domain.activity import Channel
from connector.domain.contact import OwnerId
from connector.domain.episode import UNANSWERED, Episode, Hop
from connector.domain.timer import BREACH as BREACH  # the levels of a timer are found here, both of them
from connector.domain.timer import Timer, TimerKind
from connector.errors import ConfigError
from connector.rules.calendar import PORTAL_ZONE, CalendarRules, zone_of
from connector.rules.condition import Condition
from connector.rules.durations import AnyDuration, Duration, DurationKind
from connector.rules.misplaced import KeyPath, MisplacedError
from connector.rules.notifications import Role
from connector.rules.suggestions import nearest

AT_RISK = "at_risk_"
"""Levels of a timer: `breach`, or `at_risk_80` when 80 % of the time is used up."""
ESCALATED = "escalated_"
"""… or `escalated_150`, when half of the time again has gone by after the breach."""
REASSIGN = "reassign"
"""… or this, when the lead is taken from its holder; `rules/succession.py` says to whom it goes."""


class Until(StrEnum):
    """What stops a clock."""

    TOUCH = "touch"          # the first call, mail or meeting by a person
    TOUCHES = "touches"      # so many calls, mails and meetings, or an answer
    VERDICT = "verdict"      # sales says what it thinks: accepted, or any end
    END = "end"              # the episode ends


Percent = Annotated[int, Field(ge=1, le=99)]


def _as_time(value: object) -> object:
    """YAML reads 22:30 without quotes as a number of minutes."""
    return f"{value // 60:02d}:{value % 60:02d}" if isinstance(value, int) and not isinstance(value, bool) else value


TimeOfDay = Annotated[str, BeforeValidator(_as_time), Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""By the portal's wall clock."""


class Escalation(BaseModel):
    """More people hear of a broken promise that is still not kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: int = Field(ge=101, le=2_000)
    """Percent of the time since the clock began."""
    tell: tuple[Role, ...] = Field(min_length=1)


class ClockRules(BaseModel):
    """One clock. `limit` holds for lanes that `lanes` does not name; None: no clock for them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(min_length=1, max_length=100)
    until: Until
    limit: AnyDuration | None = None
    lanes: Mapping[str, AnyDuration] = Field(default_factory=dict)
    hop: Hop | None = None
    """Runs only while telequalification, or sales, has the lead; left out: on both, anew for each (R12, R17)."""
    touches: int | None = Field(default=None, ge=1, le=50)
    """With `until: touches`: how many in all."""
    at_least: Mapping[Channel, Annotated[int, Field(ge=1, le=50)]] = Field(default_factory=dict)
    """With `until: touches`: how many of a channel, besides."""
    pauses: bool = False
    """Stands still while sales waits for the customer (`waiting`)."""
    calendar: str | None = None
    """For business hours and days; the first calendar of the file where none is named."""
    warn_at: tuple[Percent, ...] = (50, 80)
    tell_at_risk: tuple[Role, ...] = (Role.REP,)
    tell_breach: tuple[Role, ...] = (Role.REP, Role.MANAGER)
    escalate: tuple[Escalation, ...] = ()
    """Who else hears of it when still nothing has happened."""
    reassign_at: int | None = Field(default=None, ge=100, le=2_000)
    """Percent of the time since the clock began at which somebody else takes the lead over; None: never (R17)."""

    @model_validator(mode="after")
    def _has_a_limit(self) -> ClockRules:
        if self.limit is None and not self.lanes:
            raise ValueError("needs a `limit`, or limits under `lanes`")
        if list(self.warn_at) != sorted(set(self.warn_at)):
            raise ValueError("warn_at must rise, such as [50, 80]")
        if (self.until is Until.TOUCHES) != bool(self.touches or self.at_least):
            raise ValueError("`touches` and `at_least` say how many `until: touches` asks for; give them there only")
        later = [step.at for step in self.escalate]
        if later != sorted(set(later)):
            raise ValueError("the steps of `escalate` must rise, such as 150 and then 300")
        return self

    def limits(self) -> Iterator[tuple[KeyPath, Duration]]:
        """Each limit with the keys that lead to it."""
        if self.limit is not None:
            yield ("limit",), self.limit
        yield from ((("lanes", lane), limit) for lane, limit in self.lanes.items())

    def limit_of(self, lane: str) -> Duration | None:
        return self.lanes.get(lane, self.limit)


class SlaRules(BaseModel):
    """mappings/sla.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calendars: Mapping[str, CalendarRules] = Field(min_length=1)
    waiting: Condition | None = None
    """By which fields sales is seen to wait for the customer; clocks with `pauses` then stand still."""
    clocks: Mapping[str, ClockRules] = Field(default_factory=dict)
    prove_at: TimeOfDay = "02:00"
    """The first run after it proves that no lead is silent (rules/silence.py)."""
    _holders: Mapping[OwnerId, str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _waits_by_fields(self) -> SlaRules:
        if self.waiting is not None and not self.waiting.fields_only:
            raise MisplacedError(("waiting",), "goes by fields; name a field that sales sets, such as the lead status")
        pausing = next((name for name, clock in self.clocks.items() if clock.pauses), None)
        if pausing is not None and self.waiting is None:
            message = "nothing says when sales waits for the customer; add `waiting:` with a field that says it"
            raise MisplacedError(("clocks", pausing, "pauses"), message)
        return self

    @model_validator(mode="after")
    def _calendars_exist_and_suffice(self) -> SlaRules:
        for name, clock in self.clocks.items():
            if clock.calendar is not None and clock.calendar not in self.calendars:
                advice = nearest(clock.calendar, self.calendars) or f"use one of {', '.join(self.calendars)}"
                message = f"clock {name}: there is no calendar {clock.calendar}; {advice}"
                raise MisplacedError(("clocks", name, "calendar"), message)
            weekly = self.calendar_of(clock, None).weekly_seconds
            for path, limit in clock.limits():
                if limit.kind is DurationKind.BUSINESS_HOURS and limit.amount > 52 * weekly:
                    message = f"clock {name}: {limit} is more than its calendar opens in a year"
                    advice = f"write less: it opens {weekly / 3600:g} hours a week"
                    raise MisplacedError(("clocks", name, *path), f"{message}; {advice}")
        return self

    def in_zone(self, portal_time_zone: str) -> SlaRules:
        """The same rules with `zone: portal` settled; without this the portal's zone counts as UTC.

        ConfigError where a calendar needs the portal's zone and nobody knows that zone.
        """
        if any(rules.zone == PORTAL_ZONE for rules in self.calendars.values()):
            _require_zone(portal_time_zone)
        settled = {
            name: rules.model_copy(update={"zone": portal_time_zone}) if rules.zone == PORTAL_ZONE else rules
            for name, rules in self.calendars.items()
        }
        return self.model_copy(update={"calendars": settled})

    def held_by(self, calendars: Mapping[OwnerId, str]) -> SlaRules:
        """The same rules where these owners have calendars of their own, by name; an unknown one counts as none."""
        known = {owner: name for owner, name in calendars.items() if name in self.calendars}
        made = self.model_copy()
        made._holders = known
        return made

    def calendar_of(self, clock: ClockRules, owner: OwnerId | None) -> CalendarRules:
        """Of business time: the holder's own, else the clock's, else the first of the file."""
        return self.calendar_named(clock.calendar, owner)

    def calendar_named(self, name: str | None, owner: OwnerId | None) -> CalendarRules:
        """The owner's own, else the one of that name, else the first of the file."""
        name = (self._holders.get(owner) if owner is not None else None) or name
        return self.calendars[name] if name else next(iter(self.calendars.values()))


def _require_zone(name: str) -> None:
    try:
        zone_of(name)
    except ValueError:
        message = f"the portal's time zone, {name}, is unknown to this machine"
        raise ConfigError(message, advice="write a zone such as Europe/Berlin at the calendars in sla.yaml") from None


def clocks(episode: Episode, rules: SlaRules, *, now: datetime) -> tuple[Timer, ...]:
    """The timers to set when an episode is handed over, adopted or given to another owner.

    Args:
        episode: as it stands after that; a clock that is stopped already (touched, answered) is not set again. For a
            second hand-raise of a lead in work (R40), give it as handed off, without `touched_at`, in that lane.
        now: the instant the owner has it: `as_of` of the run.
    Returns:
        Warnings in order of time, then the breach, clock by clock; nothing for silent and ended episodes (R41).
    """
    return tuple(
        timer
        for name, clock in rules.clocks.items()
        if _runs(clock, episode)
        for timer in _timers(name, clock, episode, rules, now)
    )


def first_due(episode: Episode, rules: SlaRules, *, now: datetime) -> datetime | None:
    """When the rep must first have reacted: the earliest limit that a touch stops; None where no such clock runs."""
    return _earliest(Until.TOUCH, episode, rules, now)


def answer_due(episode: Episode, rules: SlaRules, *, now: datetime) -> datetime | None:
    """When sales must have said what it thinks of the lead; None where no such clock runs."""
    return _earliest(Until.VERDICT, episode, rules, now)


def reaction_clocks(rules: SlaRules) -> tuple[str, ...]:
    """Names of the clocks that the first touch stops."""
    return tuple(name for name, clock in rules.clocks.items() if clock.until is Until.TOUCH)


def counts_touches(rules: SlaRules) -> bool:
    """Whether a clock asks for so many touches; otherwise nobody reads or counts them."""
    return any(clock.until is Until.TOUCHES for clock in rules.clocks.values())


def reassigns(rules: SlaRules) -> bool:
    """Whether any clock ever takes a lead from its holder."""
    return any(clock.reassign_at is not None for clock in rules.clocks.values())


def may_pause(timer: Timer, rules: SlaRules) -> bool:
    """Whether the timer's clock stands still while sales waits for the customer."""
    clock = rules.clocks.get(timer.name)
    return clock is not None and clock.pauses


def resumed(timer: Timer, episode: Episode, rules: SlaRules, *, now: datetime) -> Timer:
    """A timer that goes on at `now` with the time that it had left when it was paused; never due before it was."""
    clock = rules.clocks.get(timer.name)
    limit = (clock.limit_of(episode.lane) or clock.limit_of("hand_raiser")) if clock else None  # of a second one (R40)
    if timer.paused_at is None or clock is None or limit is None:
        return replace(timer, paused_at=None)
    if limit.kind is DurationKind.WALL:
        due = timer.due_at + (now - timer.paused_at)
    else:
        calendar = rules.calendar_of(clock, episode.owner).calendar("UTC")
        left = calendar.open_time(timer.paused_at, timer.due_at)
        due = calendar.add_open(now, left) if left else timer.due_at
    return replace(timer, paused_at=None, due_at=max(due, timer.due_at))


def stopped_clocks(episode: Episode, rules: SlaRules) -> tuple[str, ...]:
    """Names of the clocks that no longer run on the episode as it stands; their timers are to be cancelled."""
    return tuple(name for name, clock in rules.clocks.items() if not _runs(clock, episode))


def still_runs(timer: Timer, episode: Episode, rules: SlaRules, last_touch_at: datetime | None) -> bool:
    """Whether a clock that came due still means what it meant when it was set.

    Not where its owner has changed, the episode ended or the clock was stopped since. A clock that a second hand-raise
    started stops at the first touch after that (R40).
    """
    if timer.episode != episode.id or timer.assignment != episode.assignment or episode.silent:
        return False
    clock = rules.clocks.get(timer.name)
    if clock is None:
        return False
    if _runs(clock, episode):
        return True
    if clock.until is not Until.TOUCH or episode.signal_at is None or not episode.is_open:
        return False
    return last_touch_at is None or last_touch_at <= episode.signal_at


def tell(timer: Timer, rules: SlaRules) -> tuple[Role, ...]:
    """Whom a fired timer concerns; nobody where the clock was taken out of the file since."""
    clock = rules.clocks.get(timer.name)
    if clock is None:
        return ()
    if timer.level.startswith(ESCALATED):
        return next((step.tell for step in clock.escalate if timer.level == step_level(step.at)), clock.tell_breach)
    return clock.tell_breach if timer.level == BREACH else clock.tell_at_risk


def explain_timer(timer: Timer, episode: Episode, rules: SlaRules) -> str:
    """What a fired timer means, in one sentence for people."""
    clock = rules.clocks.get(timer.name)
    limit = clock.limit_of(episode.lane) if clock else None
    label = clock.label if clock else "answer"
    time = f"{limit.words() if limit else 'time'} for the {label}"
    so_far = f" So far: {reached_out(episode)}." if clock and clock.until is Until.TOUCHES else ""
    if timer.level.startswith(ESCALATED):
        return f"The {time} ran out, and at {timer.level.removeprefix(ESCALATED)} % of it nothing has happened.{so_far}"
    if timer.level == BREACH:
        return f"The {time} ran out.{so_far}"
    return f"{timer.level.removeprefix(AT_RISK)} % of the {time} is used up.{so_far}"


def _runs(clock: ClockRules, episode: Episode) -> bool:
    if episode.silent or not episode.is_open or clock.hop not in (None, episode.hop):
        return False
    if clock.until is Until.END:
        return True
    if clock.until is Until.TOUCHES and _touched_enough(clock, episode):
        return False
    if clock.until is Until.TOUCH and episode.touched_at is not None:
        return False
    if episode.state in UNANSWERED:
        return True
    # Who answers has looked at it, be the call logged or not (R20); who takes over an answered lead has not.
    return episode.inherited and clock.until is not Until.VERDICT


def _touched_enough(clock: ClockRules, episode: Episode) -> bool:
    return are_enough(clock, touches_made(episode))


def touches_made(episode: Episode) -> dict[Channel, int]:
    """How often whoever has it reached out, by channel."""
    return {Channel.CALL: episode.calls, Channel.EMAIL: episode.mails, Channel.MEETING: episode.meetings}


def are_enough(clock: ClockRules, made: Mapping[Channel, int]) -> bool:
    """Whether so many touches of each channel are what a clock asks for; a channel that is missing had none."""
    wanted = clock.at_least.items()
    return sum(made.values()) >= (clock.touches or 0) and all(made.get(name, 0) >= least for name, least in wanted)


def reached_out(episode: Episode) -> str:
    """`2 calls, 1 e-mail`; `nothing yet`."""
    counts = ((episode.calls, "call"), (episode.mails, "e-mail"), (episode.meetings, "meeting"))
    said = [f"{count} {word}{'s' if count != 1 else ''}" for count, word in counts if count]
    return ", ".join(said) or "nothing yet"


def step_level(percent: int) -> str:
    """Level of the timer of an escalation."""
    return f"{ESCALATED}{percent}"


def _earliest(until: Until, episode: Episode, rules: SlaRules, now: datetime) -> datetime | None:
    dues = [
        _due(clock, limit, rules, now, episode.owner)
        for clock in rules.clocks.values()
        if clock.until is until and _runs(clock, episode) and (limit := clock.limit_of(episode.lane))
    ]
    return min(dues, default=None)


def _due(clock: ClockRules, limit: Duration, rules: SlaRules, now: datetime, owner: OwnerId | None) -> datetime:
    return rules.calendar_of(clock, owner).calendar("UTC").add(now, limit)


def _timers(name: str, clock: ClockRules, episode: Episode, rules: SlaRules, now: datetime) -> list[Timer]:
    limit = clock.limit_of(episode.lane)
    if limit is None:
        return []
    due = _due(clock, limit, rules, now, episode.owner)
    calendar = rules.calendar_of(clock, episode.owner)
    levels = [(f"{AT_RISK}{percent}", _part(calendar, limit, now, due, percent)) for percent in clock.warn_at]
    later = [(step_level(step.at), _part(calendar, limit, now, due, step.at)) for step in clock.escalate]
    if (percent := clock.reassign_at) is not None:
        later.append((REASSIGN, due if percent == 100 else _part(calendar, limit, now, due, percent)))
    return [
        Timer(
            kind=TimerKind.SLA,
            contact=episode.contact,
            episode=episode.id,
            name=name,
            level=level,
            assignment=episode.assignment,
            due_at=at,
        )
        for level, at in (*levels, (BREACH, due), *later)
    ]


def _part(rules: CalendarRules, limit: Duration, now: datetime, due: datetime, percent: int) -> datetime:
    """When that share of the time is used up; business time is shared out over open hours only."""
    if limit.kind is DurationKind.WALL:
        return now + (due - now) * percent / 100
    calendar = rules.calendar("UTC")
    return calendar.add_open(now, calendar.open_time(now, due) * percent / 100)
