"""Reports: the figures, targets and promises of mappings/reports.yaml (R17, R26).

What is counted is rules/funnel.py's; how it stands beside the targets, rules/targets.py's.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connector.rules.durations import WallDuration
from connector.rules.misplaced import MisplacedError
from connector.rules.reporting.settings import AlarmRules, Campaign, CohortRules, Duty, FieldName, Meeting


class Figure(StrEnum):
    """What can be counted. Rates are shares in percent: of the leads handed over, or of those whose time is over."""

    HANDED = "handed"
    ACCEPTED = "accepted"
    ACCEPTANCE_RATE = "acceptance_rate"
    RECYCLED = "recycled"
    RECYCLING_RATE = "recycling_rate"
    JUNK = "junk"
    UNREACHABLE = "unreachable"
    OPPORTUNITIES = "opportunities"
    OPPORTUNITY_RATE = "opportunity_rate"
    WON = "won"
    CONVERSION = "conversion"
    TOUCHED_RATE = "touched_rate"
    UNTOUCHED = "untouched"
    SPEED_TO_LEAD = "speed_to_lead"


RATES = frozenset(
    {
        Figure.ACCEPTANCE_RATE,
        Figure.RECYCLING_RATE,
        Figure.OPPORTUNITY_RATE,
        Figure.CONVERSION,
        Figure.TOUCHED_RATE,
    }
)


RIPENING = frozenset(
    {
        Figure.ACCEPTED,
        Figure.OPPORTUNITIES,
        Figure.OPPORTUNITY_RATE,
        Figure.WON,
        Figure.CONVERSION,
        Figure.RECYCLING_RATE,
    }
)
"""What a lead comes to with time: until it has had its time, nothing is missed yet."""


class Level(StrEnum):
    """Whom a figure is for: the week's work, the month's running of it, or the money."""

    TACTICAL = "tactical"
    OPERATIONAL = "operational"
    REVENUE = "revenue"


class Kpi(BaseModel):
    """One figure with its target; percent for rates, a duration for speed_to_lead, a count for the others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    figure: Figure
    label: str = Field(min_length=1, max_length=100)
    level: Level
    at_least: float | None = Field(default=None, ge=0)
    at_most: float | None = Field(default=None, ge=0)
    within: WallDuration | None = None

    @property
    def is_rate(self) -> bool:
        return self.figure in RATES

    @model_validator(mode="after")
    def _target_suits(self) -> Kpi:
        numbers = [target for target in (self.at_least, self.at_most) if target is not None]
        if len(numbers) + (self.within is not None) > 1:
            raise ValueError("give one target: at_least, at_most or within")
        if numbers if self.figure is Figure.SPEED_TO_LEAD else self.within:
            raise ValueError("speed_to_lead takes a duration (within: 4h), other figures a number (at_least, at_most)")
        if self.figure in RATES and max(numbers, default=0) > 100:
            raise ValueError("is a rate in percent; write a target from 0 to 100")
        return self


class MarketingPromise(BaseModel):
    """What marketing owes sales each calendar month: so many leads, of which sales accepts so many percent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mqls_a_month: int = Field(ge=1, le=1_000_000)
    accepted_percent: float = Field(default=0, ge=0, le=100)


class ReportRules(BaseModel):
    """mappings/reports.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    marketing_promise: MarketingPromise | None = None
    kpis: tuple[Kpi, ...] = ()
    source: FieldName = "origin"
    """The field that says where a lead came from."""
    categories: tuple[FieldName, ...] = Field(default=("origin", "country", "industry"), max_length=10)
    """Fields whose values are compared: which outperform (R30)."""
    cohorts: CohortRules = CohortRules()
    alarms: AlarmRules = AlarmRules()
    roles: tuple[Duty, ...] = Field(default=(), max_length=20)
    campaigns: tuple[Campaign, ...] = Field(default=(), max_length=200)
    meeting: Meeting = Meeting()

    @model_validator(mode="after")
    def _each_once(self) -> ReportRules:
        seen: set[Figure] = set()
        for place, kpi in enumerate(self.kpis):
            if kpi.figure in seen:
                message = "a figure stands twice among the kpis; keep one of them"
                raise MisplacedError(("kpis", place, "figure"), message)
            seen.add(kpi.figure)
        twice = {name for name in self.categories if self.categories.count(name) > 1}
        for place, name in enumerate(self.categories):
            if name in twice:
                raise MisplacedError(("categories", place), f"`{name}` stands twice; keep it once")
        return self
