"""Scoring: points for who a lead is (fit) and for what it did lately (engagement), line by line (R04).

Reads mappings/scoring.yaml. Fit never decays; each activity's points halve with every half-life. Each rule and both
groups are capped, and a cap is a line of its own with negative points, so that the lines always sum to the score.
How many points are enough is decided by rules/qualification.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact
from connector.domain.decision import Contribution, Score
from connector.rules.condition import Condition, Facts
from connector.rules.durations import WallDuration
from connector.rules.misplaced import MisplacedError
from connector.rules.patterns import ActivityPattern, NamePattern, UrlPattern
from connector.rules.scanners import ScannerRules

FIT, ENGAGEMENT = "fit", "engagement"
MOST_LINES = 20
"""Lines of one rule; earlier activities are folded into one line more."""


def _hundredths(points: float) -> float:
    if round(points * 100, 6) != round(points * 100):
        raise ValueError("points may have two decimals at most; round them")
    return points


Points = Annotated[float, Field(ge=-1_000, le=1_000), AfterValidator(_hundredths)]
Cap = Annotated[float, Field(gt=0, le=10_000), AfterValidator(_hundredths)]
Say = Annotated[str, Field(min_length=1, max_length=200)]


def whole(points: float) -> int:
    """Points as whole hundredths."""
    return round(points * 100)


class FitRule(BaseModel):
    """Points for who the lead is. Negative points speak against it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    say: Say
    points: Points
    when: Condition

    @model_validator(mode="after")
    def _who_not_what(self) -> FitRule:
        if not self.when.fields_only:
            words = "fit is about who a lead is; rules about activities belong under `engagement`"
            raise MisplacedError(("when",), words)
        return self


class EngagementRule(BaseModel):
    """Points for each activity that fits; an activity counts for the first rule that it fits.

    In place of activities, `when` with `at` reads fields: the points count from the instant in field `at`. With
    `instead_of` such a rule keeps still where the contact has activities of that kind, which say it better.

    Attributes:
        noun: one such activity, singular, for sentences such as "one more pricing view would do".
        cap: most points that the rule gives; None for no limit but the group's.
        half_life: None for the file's own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    say: Say
    noun: str = Field(default="", max_length=100)
    points: Points
    cap: Cap | None = None
    half_life: WallDuration | None = None
    kind: ActivityKind | None = None
    name: NamePattern | None = None
    url: UrlPattern | None = None
    ref: str | None = Field(default=None, max_length=200)
    when: Condition | None = None
    at: str | None = None
    instead_of: ActivityKind | None = None

    @model_validator(mode="after")
    def _one_source(self) -> EngagementRule:
        if (self.kind is None) == (self.when is None):
            raise ValueError("give either `kind` (an activity) or `when` with `at` (fields), not both")
        if self.kind is None and (self.at is None or self.name or self.url or self.ref):
            raise ValueError("a rule with `when` needs `at`, the field that says when it happened, and no pattern")
        if self.kind is not None and (self.at is not None or self.instead_of is not None):
            raise ValueError("`at` and `instead_of` belong to rules with `when`")
        if self.kind is ActivityKind.EMAIL_SENT:
            raise MisplacedError(("kind",), "a mail that was sent shows no interest; score `email_click` instead")
        if self.when is not None and not self.when.fields_only:
            raise MisplacedError(("when",), "`when` reads fields here; write the activity's `kind` and pattern instead")
        return self

    @cached_property
    def pattern(self) -> ActivityPattern | None:
        if self.kind is None:
            return None
        return ActivityPattern(kind=self.kind, name=self.name, url=self.url, ref=self.ref)


class FitRules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    cap: Cap = 40
    rules: tuple[FitRule, ...] = Field(default=(), max_length=200)

    @cached_property
    def undated(self) -> tuple[tuple[FitRule, Contribution], ...]:
        """Each rule with its line as it is where nobody knows since when it holds, which is most of the time."""
        return tuple((rule, Contribution(group=FIT, label=rule.say, points=whole(rule.points))) for rule in self.rules)


class EngagementRules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    cap: Cap = 60
    half_life: WallDuration = timedelta(days=30)
    rules: tuple[EngagementRule, ...] = Field(default=(), max_length=200)

    @cached_property
    def patterns(self) -> tuple[tuple[int, Callable[[Activity], bool]], ...]:
        """(place of the rule, whether an activity fits it), in the admin's order."""
        return tuple((place, rule.pattern.fits) for place, rule in enumerate(self.rules) if rule.pattern is not None)


class Bands(BaseModel):
    """From how many points on the better two of three bands begin."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    best: Annotated[float, Field(ge=0)]
    middle: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _ordered(self) -> Bands:
        if self.middle > self.best:
            raise MisplacedError(("middle",), f"must not be above `best`, which is {self.best:g}; lower it")
        return self

    def band(self, hundredths: int) -> int:
        """0 for the best, 2 for the last."""
        return 0 if hundredths >= whole(self.best) else 1 if hundredths >= whole(self.middle) else 2


class Grades(BaseModel):
    """A1 to C3: the letter is fit, the figure engagement."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fit: Bands = Bands(best=30, middle=15)
    engagement: Bands = Bands(best=40, middle=15)


class ScoringRules(BaseModel):
    """mappings/scoring.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    look_back: WallDuration = timedelta(days=180)
    """Activities older than this are not looked at, by no rule."""
    fit: FitRules = FitRules()
    engagement: EngagementRules = EngagementRules()
    grades: Grades = Grades()
    scanners: ScannerRules = ScannerRules()


def score(
    contact: Contact, activities: Sequence[Activity], rules: ScoringRules, *, now: datetime, since: datetime | None
) -> Score:
    """Give the score of one contact, with a line for everything that counted.

    Args:
        activities: oldest first, as known at `now`; one that is later than `now` (clocks differ) counts in full.
        since: activities up to and including it have had their answer and do not count; None: all count.
    Returns:
        Points in hundredths, each line rounded half to even; 0 ≤ fit ≤ its cap, the same for engagement.
    Source: R04, R09; mappings/scoring.yaml.
    """
    fit = _capped(FIT, _fit_lines(contact, rules.fit, now), rules.fit.cap)
    oldest = now - rules.look_back
    floor = oldest if since is None else max(oldest, since)
    counted = [row for row in activities if row.occurred_at > floor]
    engagement = _capped(ENGAGEMENT, _engagement_lines(contact, counted, rules, now, floor), rules.engagement.cap)
    fit_points, engagement_points = sum(line.points for line in fit), sum(line.points for line in engagement)
    letter = "ABC"[rules.grades.fit.band(fit_points)]
    figure = rules.grades.engagement.band(engagement_points) + 1
    return Score(
        total=fit_points + engagement_points,
        fit=fit_points,
        engagement=engagement_points,
        grade=f"{letter}{figure}",
        contributions=(*fit, *engagement),
    )


def _fit_lines(contact: Contact, rules: FitRules, now: datetime) -> list[Contribution]:
    facts = Facts(contact=contact, now=now)
    lines = []
    for rule, line in rules.undated:
        if rule.when.find(facts).holds:
            dates = [contact.changed_at[name] for name in rule.when.fields_used if name in contact.changed_at]
            lines.append(replace(line, occurred_at=max(dates)) if dates else line)
    return lines


def _engagement_lines(
    contact: Contact, activities: Sequence[Activity], rules: ScoringRules, now: datetime, since: datetime
) -> list[Contribution]:
    lines: list[Contribution] = []
    own = _sort_by_rule(activities, rules.engagement)
    for place, rule in enumerate(rules.engagement.rules):
        dates = own[place] if rule.when is None else _field_dates(contact, activities, rule, now, since)
        if dates:
            lines += _rule_lines(rule, dates, rule.half_life or rules.engagement.half_life, now)
    return lines


def _sort_by_rule(activities: Sequence[Activity], rules: EngagementRules) -> list[list[datetime]]:
    """Per rule, when its activities were; each activity belongs to the first rule it fits."""
    own: list[list[datetime]] = [[] for _ in rules.rules]
    patterns = rules.patterns
    for row in activities:
        for place, fits in patterns:
            if fits(row):
                own[place].append(row.occurred_at)
                break
    return own


def _field_dates(
    contact: Contact, activities: Sequence[Activity], rule: EngagementRule, now: datetime, since: datetime
) -> list[datetime]:
    at = contact.instant(rule.at or "")
    if at is None or at <= since:
        return []
    if rule.instead_of is not None and any(row.kind is rule.instead_of for row in activities):
        return []
    assert rule.when is not None
    return [at] if rule.when.find(Facts(contact=contact, now=now)).holds else []


def _rule_lines(rule: EngagementRule, dates: list[datetime], half_life: timedelta, now: datetime) -> list[Contribution]:
    """Newest first; what is older than the newest twenty in one line; then what the cap takes away."""
    newest_first = sorted(dates, reverse=True)
    lines = [
        Contribution(group=ENGAGEMENT, label=rule.say, points=decayed(rule.points, at, half_life, now), occurred_at=at)
        for at in newest_first
    ]
    if len(lines) > MOST_LINES:
        folded = lines[MOST_LINES:]
        rest = Contribution(
            group=ENGAGEMENT,
            label=f"{rule.say}, {len(folded)} times before",
            points=sum(line.points for line in folded),
            occurred_at=folded[0].occurred_at,
        )
        lines = [*lines[:MOST_LINES], rest]
    total = sum(line.points for line in lines)
    if rule.cap is not None and total > whole(rule.cap):
        label = f"counts {rule.cap:g} points at most: {rule.say}"
        lines.append(Contribution(group=ENGAGEMENT, label=label, points=whole(rule.cap) - total))
    return lines


def decayed(points: float, at: datetime, half_life: timedelta, now: datetime) -> int:
    """What is left of the points, in hundredths, half to even."""
    age = (now - at).total_seconds()
    return round(points * 100) if age <= 0 else round(points * 100 * 0.5 ** (age / half_life.total_seconds()))


def _capped(group: str, lines: list[Contribution], cap: float) -> list[Contribution]:
    total = sum(line.points for line in lines)
    if total > whole(cap):
        label = f"{group} counts {cap:g} points at most"
        return [*lines, Contribution(group=group, label=label, points=whole(cap) - total)]
    if total < 0:
        return [*lines, Contribution(group=group, label=f"{group} counts 0 points at least", points=-total)]
    return lines
