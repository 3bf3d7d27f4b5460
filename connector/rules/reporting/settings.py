"""What mappings/reports.yaml says beyond the KPIs: cohorts, categories, alarms, roles, campaigns and the meeting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connector.rules.durations import WallDuration

Line = Annotated[str, Field(min_length=1, max_length=300)]
FieldName = Annotated[str, Field(min_length=1, max_length=100)]


class Each(StrEnum):
    """How long the leads of one cohort were passed."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


class CohortRules(BaseModel):
    """`mature_after`: a lead that old has had its time; younger cohorts are shown, and not compared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    each: Each = Each.MONTH
    mature_after: WallDuration = timedelta(days=90)


class Watched(StrEnum):
    """Rates that an alarm can watch."""

    TOUCHED_RATE = "touched_rate"
    ACCEPTANCE_RATE = "acceptance_rate"
    RECYCLING_RATE = "recycling_rate"
    JUNK_RATE = "junk_rate"
    OPPORTUNITY_RATE = "opportunity_rate"
    CONVERSION = "conversion"


RATES: Mapping[Watched, str] = {
    Watched.TOUCHED_RATE: "the share of leads followed up",
    Watched.ACCEPTANCE_RATE: "the share of leads that sales accepts",
    Watched.RECYCLING_RATE: "the share of leads handed back",
    Watched.JUNK_RATE: "the share of junk",
    Watched.OPPORTUNITY_RATE: "the share of leads that become opportunities",
    Watched.CONVERSION: "the share of leads that become customers",
}


class AlarmRules(BaseModel):
    """`rates`: rate -> age at which a lead is judged. `false_alarms`: percent of quarters with any, at most."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rates: Mapping[Watched, WallDuration] = Field(
        default_factory=lambda: {
            Watched.TOUCHED_RATE: timedelta(days=2),
            Watched.ACCEPTANCE_RATE: timedelta(days=2),
            Watched.OPPORTUNITY_RATE: timedelta(days=14),
        }
    )
    least_points: float = Field(default=10, ge=1, le=100)
    false_alarms: float = Field(default=5, gt=0, le=50)


class Duty(BaseModel):
    """One role of the agreement and what it owes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Annotated[str, Field(min_length=1, max_length=100)]
    duties: tuple[Line, ...] = Field(min_length=1, max_length=20)


class Campaign(BaseModel):
    """What marketing has planned, so that sales knows which leads will come."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=200)]
    starts_on: date
    ends_on: date | None = None
    aims_at: Line | None = None
    leads_expected: int | None = Field(default=None, ge=1, le=1_000_000)

    @model_validator(mode="after")
    def _in_order(self) -> Campaign:
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise ValueError("ends before it starts; write a later day to `ends_on`, or leave it out")
        return self


class Meeting(BaseModel):
    """Marketing and sales meet `every` so often; `agenda`: points that stand on every agenda."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: WallDuration = timedelta(days=7)
    who: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(default=(), max_length=30)
    agenda: tuple[Line, ...] = Field(default=(), max_length=20)
