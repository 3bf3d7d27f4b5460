"""Recycling: what a rep's answer means for an episode, and on what condition a lead comes back (R20-R22, R24).

Reads mappings/recycling.yaml. Whether marketing may write to the lead afterwards is suppression's table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connector.domain.contact import Contact
from connector.domain.episode import Episode, State
from connector.rules.condition import Condition, Facts
from connector.rules.durations import WallDuration
from connector.rules.misplaced import MisplacedError


class Track(StrEnum):
    """Nurture tracks after a hand-back (R22)."""

    AWARENESS = "awareness"
    CONSIDERATION = "consideration"
    DECISION = "decision"


class Wake(BaseModel):
    """When a handed-back lead may come again. A hand-raise wakes it at any time, unless the exit is junk.

    `after` and `on_field` set a day. With `then: hand_over` that day itself hands over, to the former owner;
    with `then: eligible` new interest counts again from that day. `when` is a condition that a change since the
    hand-back must make hold, such as a company that grew or another title; then it is as if the day had come. With
    neither a day nor `when`, new interest counts at once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: WallDuration | None = None
    on_field: str | None = None
    before: WallDuration | None = None
    """How long ahead of the day in `on_field`; None: on the day itself."""
    when: Condition | None = None
    """Goes by fields alone; one of those that it names must have changed since the hand-back."""
    then: Literal["eligible", "hand_over"] = "eligible"

    @model_validator(mode="after")
    def _is_meant(self) -> Wake:
        if self.when is not None and not self.when.fields_only:
            message = "goes by fields alone; leave `wake` out, and what the lead does brings it back by its score"
            raise MisplacedError(("when",), message)
        if self.before is not None and self.on_field is None:
            message = "counts back from the day in `on_field`, which is not given; name that field, or write `after`"
            raise MisplacedError(("before",), message)
        if self.then == "hand_over" and self.after is None and self.on_field is None and self.when is None:
            message = "nothing says when the lead comes back by itself; write `after`, `on_field` or `when` beside it"
            raise MisplacedError(("then",), message)
        return self


class Reason(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(min_length=1, max_length=200)
    track: Track = Track.CONSIDERATION
    wake: Wake = Wake()


ANSWERS = (
    State.ACCEPTED, State.SALES_QUALIFIED, State.RECYCLED, State.JUNK, State.UNREACHABLE, State.LOST,
    State.TELEQUALIFIED,
)  # fmt: skip
"""States for which a rep's answer may stand; the others come by themselves."""


class RecyclingRules(BaseModel):
    """mappings/recycling.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verdicts: Mapping[str, State]
    """The rep's answer in the verdict property -> state."""
    reasons: Mapping[str, Reason] = Field(min_length=1)
    """Reason a rep may give -> what it is called, the track, the return condition."""
    when_unsaid: Mapping[State, str]
    """Reason to assume where a rep ends an episode and gives none, or one we do not know."""

    @model_validator(mode="after")
    def _can_be_said(self) -> RecyclingRules:
        for part, names in (("verdicts", self.verdicts), ("reasons", self.reasons)):
            for name in names:
                if name != name.strip().lower():
                    message = f"what a rep says is read in small letters; write `{name.strip().lower()}`"
                    raise MisplacedError((part, name), message)
        for name, state in self.verdicts.items():
            if state not in ANSWERS:
                message = f"`{state.value}` comes by itself and is no answer; use one of {', '.join(ANSWERS)}"
                raise MisplacedError(("verdicts", name), message)
        return self

    def label_of(self, reason: str) -> str:
        """What a reason is called; its own words where it is in the file no more."""
        rule = self.reasons.get(reason)
        return rule.label if rule is not None else reason.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandBack:
    """How a lead comes back. `wakes_at` None: any new interest wakes it."""

    reason: str
    label: str
    track: str
    wakes_at: datetime | None
    hands_over: bool


def answer(contact: Contact, rules: RecyclingRules) -> State | None:
    """The state that the rep's answer stands for; None where there is none or it is not in the rules."""
    return rules.verdicts.get(contact.text("verdict").strip().lower())


def recycle(contact: Contact, end: State, rules: RecyclingRules, *, ended_at: datetime, said: str = "") -> HandBack:
    """The reason, track and return condition of an episode that ends.

    Args:
        said: reason given elsewhere than in the rep's property, such as a lost deal's; the property comes first.
    """
    given = contact.text("verdict_reason").strip().lower() or said.strip().lower()
    name = given if given in rules.reasons else rules.when_unsaid.get(end, next(iter(rules.reasons)))
    reason = rules.reasons[name]
    wakes_at = _wake_day(contact, reason.wake, ended_at)
    return HandBack(
        reason=name,
        label=reason.label,
        track=reason.track.value,
        wakes_at=wakes_at,
        hands_over=wakes_at is not None and reason.wake.then == "hand_over",
    )


CORRECTABLE = (State.RECYCLED, State.UNREACHABLE, State.JUNK)
"""Ends that are the rep's word alone."""


def corrected(episode: Episode, contact: Contact, rules: RecyclingRules) -> Episode:
    """An ended episode as sales put it since: answer, reason, track and day; the same value where nothing was said.

    What was emptied since counts as unsaid. Rules that changed meanwhile change nothing by themselves.
    """
    ended_at = episode.ended_at
    if ended_at is None or episode.silent or episode.state is State.WON:
        return episode

    def is_new(name: str | None) -> bool:
        at = contact.changed_at.get(name) if name else None
        return at is not None and at >= ended_at

    said = contact.text("verdict_reason").strip().lower()
    named = answer(contact, rules) if is_new("verdict") else None
    is_other = named in CORRECTABLE and episode.state in CORRECTABLE
    state = named if is_other and named is not None else episode.state
    reason = episode.exit_reason
    if (is_new("verdict_reason") or state is not episode.state) and said in ("", *rules.reasons):
        reason = said or rules.when_unsaid.get(state, reason)
    rule = rules.reasons.get(reason)
    day_is_new = rule is not None and is_new(rule.wake.on_field)
    if rule is None or ((state, reason) == (episode.state, episode.exit_reason) and not day_is_new):
        return episode
    if state is State.JUNK:
        return replace(episode, state=state, exit_reason=reason, track="", wakes_at=None)
    wakes_at = _wake_day(contact, rule.wake, ended_at)
    return replace(episode, state=state, exit_reason=reason, track=rule.track.value, wakes_at=wakes_at)


def woken_at(facts: Facts, wake: Wake, *, since: datetime) -> datetime | None:
    """When a change since the hand-back made the condition of `wake` hold; None where none did, or there is none."""
    if wake.when is None or not wake.when.holds(facts):
        return None
    changed = [facts.contact.changed_at.get(name, since) for name in wake.when.fields_used]
    return max((at for at in changed if at > since), default=None)


def _wake_day(contact: Contact, wake: Wake, ended_at: datetime) -> datetime | None:
    if wake.on_field is not None:
        value = contact.get(wake.on_field)
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time(), UTC)
        if isinstance(value, datetime):
            ahead = wake.before or timedelta(0)
            return value - ahead if value - ended_at > ahead else max(value, ended_at)
    return ended_at + wake.after if wake.after is not None else None
