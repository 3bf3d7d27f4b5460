"""Scoring: points for who a lead is (fit) and for what it did lately (engagement), line by line (R04).

Reads mappings/scoring.yaml. Fit never decays; each activity's points halve with every half-life. Each rule and both
groups are capped, and a cap is a line of its own with negative points, so that the lines always sum to the score.
How many points are enough is decided by rules/qualification.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, lru_cache, partial
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact
from connector.domain.decision import Contribution, Score
from connector.rules.activity_index import ActivityIndex, index
from connector.rules.comparisons import Holds
from connector.rules.condition import Condition, Facts
from connector.rules.durations import WallDuration
from connector.rules.misplaced import MisplacedError
from connector.rules.patterns import ActivityKey, ActivityPattern, Known, NamePattern, UrlPattern, times
from connector.rules.scanners import ScannerRules

FIT, ENGAGEMENT, BOTH = "fit", "engagement", "the score"
MOST_LINES = 20
"""Lines of one rule; earlier activities are folded into one line more."""


def _hundredths(points: float) -> float:
    if round(points * 100, 6) != round(points * 100):
        raise ValueError("points may have two decimals at most; round them")
    return points


Points = Annotated[float, Field(ge=-1_000, le=1_000), AfterValidator(_hundredths)]
Cap = Annotated[float, Field(gt=0, le=10_000), AfterValidator(_hundredths)]
Say = Annotated[str, Field(min_length=1, max_length=200)]


@lru_cache(maxsize=1_024)
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
        frequency: how many of its activities count: `each`, `first` (one, however often) or so many; the newest do, so
            that doing it once more never takes points away.
        half_life: None for the file's own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    say: Say
    noun: str = Field(default="", max_length=100)
    points: Points
    cap: Cap | None = None
    frequency: Literal["each", "first"] | Annotated[int, Field(ge=1, le=1_000)] = "each"
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

    @property
    def counts(self) -> int | None:
        """How many of its activities count; None: all."""
        return None if self.frequency == "each" else 1 if self.frequency == "first" else self.frequency

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
    def laid_out(self) -> tuple[tuple[Holds, int, FitRule, Contribution], ...]:
        """Each rule as a test with its points, and its line where nobody knows since when it holds, as is usual."""
        return tuple(
            (rule.when.test, whole(rule.points), rule, Contribution(FIT, rule.say, whole(rule.points)))
            for rule in self.rules
        )


class EngagementRules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    cap: Cap = 60
    half_life: WallDuration = timedelta(days=30)
    rules: tuple[EngagementRule, ...] = Field(default=(), max_length=200)

    @cached_property
    def patterns(self) -> tuple[tuple[int, Callable[[Activity], bool]], ...]:
        """(place of the rule, whether an activity fits it), in the admin's order."""
        return tuple((place, rule.pattern.fits) for place, rule in enumerate(self.rules) if rule.pattern is not None)

    @cached_property
    def by_kind(self) -> Mapping[ActivityKind, Callable[[ActivityKey], Worth | None]]:
        """Per kind, what an activity is worth by its name, address and ref; None where no rule means it."""
        found: dict[ActivityKind, Callable[[ActivityKey], Worth | None]] = {}
        for kind in dict.fromkeys(rule.kind for rule in self.rules if rule.kind is not None):
            meant = [
                (rule.pattern.knows, self.worth(place))
                for place, rule in enumerate(self.rules)
                if rule.pattern is not None and rule.kind is kind
            ]
            found[kind] = Known(partial(_first_meant, meant)).__getitem__
        return found

    @cached_property
    def at_most(self) -> Mapping[ActivityKind, Callable[[ActivityKey], int]]:
        """Per kind, the most that an activity can add, in hundredths."""

        def most(worth_of: Callable[[ActivityKey], Worth | None]) -> Callable[[ActivityKey], int]:
            return Known(lambda key: max(0, worth.points) if (worth := worth_of(key)) else 0).__getitem__

        return {kind: most(worth_of) for kind, worth_of in self.by_kind.items()}

    @cached_property
    def at_most_by_fields(self) -> int:
        return sum(max(0, worth.points) for _, _, worth in self.by_fields)

    @cached_property
    def by_fields(self) -> tuple[tuple[int, EngagementRule, Worth], ...]:
        rules = enumerate(self.rules)
        return tuple((place, rule, self.worth(place)) for place, rule in rules if rule.when is not None)

    def worth(self, place: int) -> Worth:
        rule = self.rules[place]
        return Worth(place, whole(rule.points), (rule.half_life or self.half_life).total_seconds())

    @cached_property
    def caps(self) -> tuple[tuple[int, int], ...]:
        """(place of the rule, its cap in hundredths) of the rules that have one."""
        return tuple((place, whole(rule.cap)) for place, rule in enumerate(self.rules) if rule.cap is not None)


    @cached_property
    def limits(self) -> Mapping[int, int]:
        """Place of the rule -> how many of its activities count, of those for which not each does."""
        return {place: most for place, rule in enumerate(self.rules) if (most := rule.counts) is not None}


class Worth(NamedTuple):
    """What one activity gives: the rule that it counts for by its place, hundredths when new, half-life in seconds."""

    place: int
    points: int
    half_life: float


def _first_meant(meant: Sequence[tuple[Callable[[ActivityKey], bool], Worth]], key: ActivityKey) -> Worth | None:
    return next((worth for knows, worth in meant if knows(key)), None)


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

    @cached_property
    def begin(self) -> tuple[int, int]:
        """`best` and `middle` in hundredths."""
        return whole(self.best), whole(self.middle)


class Grades(BaseModel):
    """A1 to C3: the letter is fit, the figure engagement."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fit: Bands = Bands(best=30, middle=15)
    engagement: Bands = Bands(best=40, middle=15)

    def grade(self, fit: int, engagement: int) -> str:
        """The grade of so many hundredths."""
        (best, middle), (high, fair) = self.fit.begin, self.engagement.begin
        letter = "A" if fit >= best else "B" if fit >= middle else "C"
        return letter + ("1" if engagement >= high else "2" if engagement >= fair else "3")


class ScoringRules(BaseModel):
    """mappings/scoring.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    look_back: WallDuration = timedelta(days=180)
    """Activities older than this are not looked at, by no rule."""
    fit: FitRules = FitRules()
    engagement: EngagementRules = EngagementRules()
    cap: Cap | None = None
    """Most points that fit and engagement give together; None for no limit but theirs."""
    grades: Grades = Grades()
    scanners: ScannerRules = ScannerRules()


class Tally(NamedTuple):
    """A score without its lines, in hundredths."""

    total: int
    fit: int
    engagement: int
    grade: str


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
    floor = _floor(rules, now, since)
    counted = index(activities).after(floor)
    fit = _capped(FIT, _fit_lines(contact, rules.fit, now), rules.fit.cap)
    lines = _engagement_lines(contact, counted, rules.engagement, now, floor)
    engagement = _capped(ENGAGEMENT, lines, rules.engagement.cap)
    fit_points, engagement_points = sum(line.points for line in fit), sum(line.points for line in engagement)
    both = _capped(BOTH, [*fit, *engagement], rules.cap) if rules.cap is not None else [*fit, *engagement]
    return Score(
        total=_total(fit_points, engagement_points, rules),
        fit=fit_points,
        engagement=engagement_points,
        grade=rules.grades.grade(fit_points, engagement_points),
        contributions=tuple(both),
    )


def tally(
    contact: Contact, activities: Sequence[Activity], rules: ScoringRules, *, now: datetime, since: datetime | None
) -> Tally:
    """What score() comes to, for where nobody reads its lines. Args as there."""
    fit = fit_of(Facts(contact, now), rules)
    engagement = _engagement(contact, index(activities), rules, now, _floor(rules, now, since))
    return Tally(_total(fit, engagement, rules), fit, engagement, rules.grades.grade(fit, engagement))


def _total(fit: int, engagement: int, rules: ScoringRules) -> int:
    total = fit + engagement
    return total if rules.cap is None else min(total, whole(rules.cap))


def fit_of(facts: Facts, rules: ScoringRules) -> int:
    """The points for who the lead is, in hundredths."""
    fields, fit = facts.contact.fields, 0
    for test, points, _, _ in rules.fit.laid_out:
        if test(fields, facts):
            fit += points
    return min(max(fit, 0), whole(rules.fit.cap))


def at_most(activities: ActivityIndex, rules: ScoringRules) -> int:
    """More than the engagement of somebody with these activities can be: as if all were of today, and nothing capped.

    A fraction of the work of counting, and enough to say no to most.
    """
    most, groups = rules.engagement.at_most_by_fields, activities.groups
    for kind, most_of in rules.engagement.at_most.items():
        group = groups.get(kind)
        if group is not None:
            most += sum(map(most_of, group.keys))
    return min(most, whole(rules.engagement.cap))


def _floor(rules: ScoringRules, now: datetime, since: datetime | None) -> datetime:
    """Only what happened after it counts."""
    oldest = now - rules.look_back
    return oldest if since is None or since < oldest else since


def _engagement(
    contact: Contact, activities: ActivityIndex, rules: ScoringRules, now: datetime, floor: datetime
) -> int:
    """One pass over the kinds that score; the arithmetic is that of decayed(), written out where it is done most."""
    engagement = rules.engagement
    sums, limits = [0.0] * len(engagement.rules), engagement.limits
    limited: dict[int, list[datetime]] = {place: [] for place in limits}
    counted = activities.after(floor)
    groups = counted.groups
    for kind, worth_of in engagement.by_kind.items():
        group = groups.get(kind)
        if group is None:
            continue
        for worth, at in zip(map(worth_of, group.keys), group.dates, strict=True):
            if worth is None:
                continue
            place, points, half_life = worth
            if limits and place in limits:
                limited[place].append(at)
                continue
            age = now - at
            if age.days < 0:
                sums[place] += points
            else:
                seconds = age.days * 86_400.0 + age.seconds + age.microseconds * 1e-6
                sums[place] += points * 0.5 ** (seconds / half_life) + EVEN - EVEN
    for place, rule, worth in engagement.by_fields:
        for at in _field_dates(contact, counted, rule, now, floor):
            sums[place] += _left(worth.points, now - at, worth.half_life)
    for place, dates in limited.items():
        worth = engagement.worth(place)
        newest = sorted(dates, reverse=True)[: limits[place]]
        sums[place] += sum(_left(worth.points, now - at, worth.half_life) for at in newest)
    for place, cap in engagement.caps:
        if sums[place] > cap:
            sums[place] = cap
    return int(min(max(sum(sums), 0), whole(engagement.cap)))


def _fit_lines(contact: Contact, rules: FitRules, now: datetime) -> list[Contribution]:
    facts, fields, changed_at = Facts(contact, now), contact.fields, contact.changed_at
    lines = []
    for test, _, rule, line in rules.laid_out:
        if test(fields, facts):
            dates = [changed_at[name] for name in rule.when.fields_used if name in changed_at] if changed_at else None
            lines.append(line._replace(occurred_at=max(dates)) if dates else line)
    return lines


def _engagement_lines(
    contact: Contact, activities: ActivityIndex, rules: EngagementRules, now: datetime, since: datetime
) -> list[Contribution]:
    own: list[list[datetime]] = [[] for _ in rules.rules]
    for kind, worth_of in rules.by_kind.items():
        group = activities.groups.get(kind)
        if group is not None:
            for worth, at in zip(map(worth_of, group.keys), group.dates, strict=True):
                if worth is not None:
                    own[worth.place].append(at)
    lines: list[Contribution] = []
    for place, rule in enumerate(rules.rules):
        dates = own[place] if rule.when is None else _field_dates(contact, activities, rule, now, since)
        if dates:
            lines += _rule_lines(rule, dates, rule.half_life or rules.half_life, now)
    return lines


def _field_dates(
    contact: Contact, activities: ActivityIndex, rule: EngagementRule, now: datetime, since: datetime
) -> list[datetime]:
    at = contact.instant(rule.at or "")
    if at is None or at <= since:
        return []
    if rule.instead_of is not None and any(row.kind is rule.instead_of for row in activities):
        return []
    assert rule.when is not None
    return [at] if rule.when.holds(Facts(contact, now)) else []


def _rule_lines(rule: EngagementRule, dates: list[datetime], half_life: timedelta, now: datetime) -> list[Contribution]:
    """Newest first; what is older than the newest twenty in one line; then what the cap takes away."""
    points, span, say = whole(rule.points), half_life.total_seconds(), rule.say
    newest = sorted(dates, reverse=True)
    lines = [Contribution(ENGAGEMENT, say, int(_left(points, now - at, span)), at) for at in newest[: rule.counts]]
    more = len(newest) - len(lines)
    if len(lines) > MOST_LINES:
        folded = lines[MOST_LINES:]
        told, sum_of = f"{say}, {len(folded)} times before", sum(line.points for line in folded)
        lines = [*lines[:MOST_LINES], Contribution(ENGAGEMENT, told, sum_of, folded[0].occurred_at)]
    total = sum(line.points for line in lines)
    if rule.cap is not None and total > whole(rule.cap):
        lines.append(Contribution(ENGAGEMENT, f"counts {rule.cap:g} points at most: {say}", whole(rule.cap) - total))
    if more:
        told = f"counts {times(rule.counts or 0)} at most: {say}, {times(more)} more"
        lines.append(Contribution(ENGAGEMENT, told, 0))
    return lines


EVEN = 1.5 * 2.0**52
"""Added and taken away it rounds half to even, as round() does, in a fraction of the time: what is added to it has no
room for a fraction. Exact up to 2**51, which no points come near."""


def decayed(points: float, at: datetime, half_life: timedelta, now: datetime) -> int:
    """What is left of the points, in hundredths, half to even."""
    return int(_left(whole(points), now - at, half_life.total_seconds()))


def _left(points: int, age: timedelta, half_life: float) -> float:
    if age.days < 0:
        return points
    seconds = age.days * 86_400.0 + age.seconds + age.microseconds * 1e-6
    part: float = 0.5 ** (seconds / half_life)
    return points * part + EVEN - EVEN


def _capped(group: str, lines: list[Contribution], cap: float) -> list[Contribution]:
    total = sum(line.points for line in lines)
    if total > whole(cap):
        label = f"{group} counts {cap:g} points at most"
        return [*lines, Contribution(group, label, whole(cap) - total)]
    if total < 0:
        return [*lines, Contribution(group, f"{group} counts 0 points at least", -total)]
    return lines
