"""The definition: what marketing and sales agreed a sales-ready lead is, and when they look at it again (R10).

Part of mappings/qualification.yaml, under `definition`. The rules in plain words are rules/agreement.py's.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connector.rules.durations import WallDuration
from connector.rules.misplaced import MisplacedError
from connector.rules.words import day

LAST_YEAR = 2999
"""A review can be counted from it, however seldom there is one."""

Role = Annotated[str, Field(min_length=1, max_length=100)]


class Definition(BaseModel):
    """One version of the agreement.

    Attributes:
        agreed_by: roles, such as `head of sales`.
        in_force_since: None for the day of the agreement.
        review_by: None for `review_every` after the agreement.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = Field(min_length=1, max_length=4_000)
    version: int = Field(default=1, ge=1)
    agreed_on: date | None = None
    agreed_by: tuple[Role, ...] = Field(default=(), max_length=20)
    in_force_since: date | None = None
    review_by: date | None = None
    review_every: WallDuration = timedelta(days=182)

    @model_validator(mode="after")
    def _in_order(self) -> Definition:
        for key in ("agreed_by", "in_force_since", "review_by"):
            if getattr(self, key) and self.agreed_on is None:
                raise MisplacedError((key,), "nobody has agreed yet; write the day of the agreement to `agreed_on` too")
        if self.review_by and self.agreed_on and self.review_by <= self.agreed_on:
            raise MisplacedError(("review_by",), "must come after `agreed_on`; write a later day, or leave it out")
        if self.agreed_on and self.agreed_on.year > LAST_YEAR:
            raise MisplacedError(("agreed_on",), "lies too far ahead; write the day on which it was agreed")
        return self

    @property
    def in_force_on(self) -> date | None:
        """None where nobody has agreed to it yet."""
        return self.in_force_since or self.agreed_on

    @property
    def review_due_on(self) -> date | None:
        """None where nobody has agreed to it yet, which is due at once."""
        return self.review_by or (self.agreed_on + self.review_every if self.agreed_on else None)


def review(definition: Definition | None, today: date, *, what_to_do: str = "see `handoff rules agreement`") -> str:
    """What is due, in one short sentence; empty where nothing is (R10)."""
    if definition is None:
        return ""
    due, version = definition.review_due_on, f"Version {definition.version} of the definition"
    if definition.agreed_on is None or due is None:
        return f"{version} is not agreed yet: {what_to_do}."
    if due > today:
        return ""
    return f"{version}, agreed on {day(definition.agreed_on)}, was to be reviewed by {day(due)}: {what_to_do}."
