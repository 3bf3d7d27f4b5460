"""Scoring: what gives points, for who a lead is (fit) and for what it did lately (engagement) (R04).

Reads mappings/scoring.yaml. What these rules come to for one lead, line by line, is rules/scorecard.py's; how many
points are enough is decided by rules/qualification.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property, lru_cache, partial
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from connector.domain.activity import Activity, ActivityKind
from connector.domain.decision import Contribution
from connector.rules.comparisons import Holds
from connector.rules.condition import Condition
from connector.rules.durations import WallDuration
from connector.rules.misplaced import MisplacedError
from connector.rules.patterns import ActivityKey, ActivityPattern, Known, NamePattern, UrlPattern, check_list
from connector.rules.ranges import Points, Range, check_ranges, in_hundredths, told, within
from connector.rules.scanners import ScannerRules

FIT, ENGAGEMENT = "fit", "engagement"
"""Groups of lines."""
Cap = Annotated[float, Field(gt=0, le=10_000), AfterValidator(in_hundredths)]
Say = Annotated[str, Field(min_length=1, max_length=200)]


def _not_in_minutes(time: timedelta) -> timedelta:
    if time < timedelta(hours=1):
        raise ValueError("is less than an hour: m is minutes, and points would be gone at once; for a month write 30d")
    return time


HalfLife = Annotated[WallDuration, AfterValidator(_not_in_minutes)]


@lru_cache(maxsize=1_024)
def whole(points: float) -> int:
    """Points as whole hundredths."""
    return round(points * 100)


class FitPart(NamedTuple):
    """One condition of a fit rule with its points and words: the whole rule, or one of its ranges."""

    when: Condition
    points: float
    say: str


class FitRule(BaseModel):
    """Points for who the lead is: `points` with `when`, or a numeric `field` with `ranges`, of which one counts.

    Negative points speak against a lead.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    say: Say
    points: Points | None = None
    when: Condition | None = None
    field: str | None = Field(default=None, max_length=100)
    ranges: tuple[Range, ...] | None = Field(default=None, min_length=1, max_length=50)

    @model_validator(mode="after")
    def _one_shape(self) -> FitRule:
        by_range = self.field is not None or self.ranges is not None
        if by_range == (self.when is not None):
            found = "both a condition and ranges" if by_range else "neither a condition nor ranges"
            raise ValueError(f"has {found}; give either `points` with `when`, or a numeric `field` with `ranges`")
        needed, spare = ("field", "ranges"), ("points", "when")
        pair = needed if by_range else spare
        for key, partner in zip(pair, reversed(pair), strict=True):
            if getattr(self, key) is None:
                raise MisplacedError((key,), f"is missing; add `{key}:` beside `{partner}`")
        for key in spare if by_range else needed:
            if getattr(self, key) is not None:
                raise MisplacedError((key,), "does not belong here: each range has its own `points`")
        if self.ranges is not None:
            check_ranges(self.ranges)
        if self.when is not None and not self.when.fields_only:
            words = "fit is about who a lead is; rules about activities belong under `engagement`"
            raise MisplacedError(("when",), words)
        return self

    @cached_property
    def parts(self) -> tuple[FitPart, ...]:
        """Of a rule with ranges at most one of them holds."""
        if self.when is not None:
            return (FitPart(self.when, self.points or 0, self.say),)
        assert self.field is not None and self.ranges is not None
        return tuple(
            FitPart(
                when=Condition.model_validate(within(self.field, self.ranges, place)),
                points=one.points,
                say=f"{self.say}: {words}",
            )
            for place, (one, words) in enumerate(zip(self.ranges, told(self.ranges), strict=True))
        )

    @property
    def most(self) -> float:
        """The most points that it can add."""
        return max(0.0, *(part.points for part in self.parts))


class EngagementRule(BaseModel):
    """Points for each activity that fits; an activity counts for the first rule that it fits.

    In place of activities, `when` with `at` reads fields: the points count from the instant in field `at`. With
    `instead_of` they stand in for activities of that kind: of both the greater counts, so that one more activity never
    takes points away.

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
    half_life: HalfLife | None = None
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
        if self.kind is ActivityKind.TOUCH:
            raise MisplacedError(("kind",), "what sales did shows no interest; score what the lead did")
        check_list(self.kind, self.name, self.url, self.ref)
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
    def laid_out(self) -> tuple[tuple[Holds, int, frozenset[str], Contribution], ...]:
        """Each rule, or each of its ranges: its test, its points in hundredths, the fields that it reads, and its line
        where nobody knows since when it holds, as is usual.
        """
        parts = [part for rule in self.rules for part in rule.parts]
        return tuple(
            (one.when.test, whole(one.points), one.when.fields_used, Contribution(FIT, one.say, whole(one.points)))
            for one in parts
        )


class EngagementRules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    cap: Cap = 60
    half_life: HalfLife = timedelta(days=30)
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
    def stood_in_for(self) -> Mapping[ActivityKind, tuple[int, ...]]:
        """Kinds that rules about fields stand in for -> the places of the rules that count such activities."""
        kinds = dict.fromkeys(rule.instead_of for rule in self.rules if rule.instead_of is not None)
        return {kind: tuple(at for at, rule in enumerate(self.rules) if rule.kind is kind) for kind in kinds}

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
