"""Stages: how the portal's lifecycle stages and lead statuses read in our funnel, and what we write back (R01).

Reads mappings/stages.yaml. Owns which moves are allowed; what ends an episode is recycling's, who owns it routing's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from connector.domain.contact import Contact
from connector.domain.episode import State
from connector.domain.stage import Stage
from connector.rules.misplaced import MisplacedError
from connector.rules.values import Reader, Unreadable, stage_reader


def _lower_keys(value: object) -> object:
    return {str(key).lower(): item for key, item in value.items()} if isinstance(value, dict) else value


class Projection(BaseModel):
    """What the CRM shows while an episode is in one state; None writes nothing.

    `backward: true` lets the stage go back, which nothing else may (I3).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: Stage | None = None
    status: str | None = None
    backward: bool = False


class StageRules(BaseModel):
    """mappings/stages.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stages: Mapping[str, Stage] = Field(min_length=1)
    """The portal's stage value -> our stage."""
    statuses: Annotated[Mapping[str, State], BeforeValidator(_lower_keys)] = Field(default_factory=dict)
    """The portal's lead status, lower-case -> the state that a rep means by it."""
    write: Mapping[State, Projection] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _reads_back_no_later(self) -> StageRules:
        """What we write while a lead is in a state must not say, once it is read again, that the lead has moved on."""
        for state, shown in self.write.items():
            status = self.statuses.get((shown.status or "").lower())
            means = {"stage": STAGE_MEANS.get(shown.stage) if shown.stage else None, "status": status}
            for key, back in means.items():
                if back is not None and not state.is_end and back.rank > state.rank:
                    found = f"reads back as {back.value}, so a lead that is {state.value} would move on by itself"
                    raise MisplacedError(("write", state.value, key), f"{found}; write it under `{back.value}`")
        return self

    @cached_property
    def values(self) -> Mapping[str, str]:
        """Portal stage value -> stage, as rules/fields.py wants it."""
        return {value: stage.value for value, stage in self.stages.items()}

    @cached_property
    def reader(self) -> Reader:
        return stage_reader(self.values)

    def named(self, wire: str | None) -> Stage | None:
        """The stage of a portal's value, as fields are read; None for an empty one and for one not named here."""
        try:
            found = self.reader(wire or "")
        except Unreadable:
            return None
        return Stage(found) if isinstance(found, str) else None

    def portal_value(self, stage: Stage) -> str | None:
        """The first portal value that reads as this stage; None where the portal has none."""
        return next((value for value, mapped in self.stages.items() if mapped is stage), None)


def stage_of(contact: Contact) -> Stage | None:
    """None where the contact has no stage, or one that stages.yaml does not name."""
    text = contact.text("stage")
    return Stage(text) if text in Stage._value2member_map_ else None


def may_move(before: Stage | None, after: Stage, *, backward: bool) -> bool:
    """Forward only, except where a recycling rule says backward (I3).

    `other` stands last in the order, so leaving it is backward too.
    """
    if before is None or before is after:
        return before is not after
    return after.rank > before.rank or backward


def reported_state(
    contact: Contact, rules: StageRules, *, by_status: bool = True, by_stage: bool = True
) -> State | None:
    """What the rep says by lead status, or else by stage; None where neither says anything about an episode.

    Args:
        by_status, by_stage: whether that one counts; a value from before the episode says nothing about it.
    """
    said = rules.statuses.get(contact.text("status").lower()) if by_status else None
    shown = STAGE_MEANS.get(stage_of(contact) or Stage.OTHER) if by_stage else None
    if said is None or shown is None or said.is_end:
        return said or shown
    return max(said, shown, key=lambda state: state.rank)


STAGE_MEANS: Mapping[Stage, State] = {
    Stage.SQL: State.SALES_QUALIFIED,
    Stage.OPPORTUNITY: State.OPPORTUNITY,
    Stage.CUSTOMER: State.WON,
}
"""Stages that sales or HubSpot itself sets, and what they say about an open episode."""


def inferred_state(contact: Contact, rules: StageRules) -> State | None:
    """The state of a lead that sales was already working when Handoff came (R41); None where sales was not."""
    stage = stage_of(contact)
    if stage not in (Stage.MQL, Stage.SQL, Stage.OPPORTUNITY):
        return None
    state = reported_state(contact, rules)
    if state is not None and state.is_end:
        return None
    if stage is Stage.MQL:
        at_least = State.HANDED_OFF if contact.owner else State.QUALIFIED
        return max(state or at_least, at_least, key=lambda item: item.rank)
    return state
