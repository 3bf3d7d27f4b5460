"""Qualification: who is kept from sales, who asked for sales, and whose interest is enough (R02-R10).

Reads mappings/qualification.yaml. Points are counted by rules/scorecard.py; which answer wins where several speak is
rules/decide.py's; forms that were opened and not sent are rules/abandonment.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact
from connector.domain.decision import Score
from connector.domain.verdict import Clause, Verdict
from connector.rules.abandonment import AbandonedForm
from connector.rules.activity_index import ActivityIndex, index
from connector.rules.condition import Condition, Facts
from connector.rules.definition import Definition
from connector.rules.durations import WallDuration, in_words
from connector.rules.filters import FilterRules, judge
from connector.rules.hand_raisers import HandRaise, HandRaisers, first_hand
from connector.rules.misplaced import MisplacedError
from connector.rules.patterns import ActivityPattern, UrlPattern, times
from connector.rules.scorecard import Tally
from connector.rules.scoring import ENGAGEMENT, FIT, whole
from connector.rules.words import in_points

THRESHOLD = "qualification.threshold"
"""Name of the verdict about points."""

Name = Annotated[str, Field(min_length=1, max_length=60, pattern="^[a-z0-9][a-z0-9_-]*$")]
Say = Annotated[str, Field(min_length=1, max_length=200)]


class KeyPage(BaseModel):
    """Pages that only people who buy look at (R06); so many views within so long are enough by themselves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    say: Say
    url: UrlPattern
    at_least: int = Field(default=2, ge=1, le=100)
    within: WallDuration = timedelta(days=7)
    fit_at_least: float = Field(default=0, ge=0)
    cool_down: WallDuration | None = None

    @cached_property
    def least_fit(self) -> int:
        """`fit_at_least` in hundredths."""
        return whole(self.fit_at_least)

    @cached_property
    def pattern(self) -> ActivityPattern:
        return ActivityPattern(kind=ActivityKind.PAGE_VIEW, url=self.url)

    def views(self, seen: ActivityIndex, now: datetime) -> int:
        """How often it was viewed within the span."""
        since, dates = now - self.within, seen.dates_of(self.pattern)
        return len(dates) if not dates or dates[0] >= since else sum(1 for at in dates if at >= since)


class Trigger(BaseModel):
    """A condition that is enough by itself, such as a finished nurture programme (R05)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    say: str = Field(default="", max_length=200)
    when: Condition
    fit_at_least: float = Field(default=0, ge=0)
    cool_down: WallDuration | None = None

    @cached_property
    def least_fit(self) -> int:
        """`fit_at_least` in hundredths."""
        return whole(self.fit_at_least)

    @cached_property
    def only_by_activities(self) -> bool:
        """Whether somebody who did nothing can never meet it."""
        return _needs_deeds(self.when)


def _needs_deeds(tree: Condition) -> bool:
    if tree.activity is not None:
        return True
    if tree.any_of is not None:
        return all(_needs_deeds(child) for child in tree.any_of)
    return tree.all_of is not None and any(_needs_deeds(child) for child in tree.all_of)


class Threshold(BaseModel):
    """Points that are enough; all three must be reached."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    score: float = Field(default=50, gt=0, le=20_000)
    fit: float = Field(default=0, ge=0, le=10_000)
    engagement: float = Field(default=0, ge=0, le=10_000)

    def is_reached(self, points: Tally | Score) -> bool:
        return (
            points.total >= whole(self.score)
            and points.engagement >= whole(self.engagement)
            and points.fit >= whole(self.fit)
        )


class ExampleActivity(BaseModel):
    """`ago`: how long before the day of the example."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: ActivityKind
    name: str = Field(default="", max_length=200)
    url: str | None = Field(default=None, max_length=2_048)
    ref: str = Field(default="", max_length=200)
    ago: WallDuration = timedelta(minutes=1)
    automatic: bool = False


class Example(BaseModel):
    """A contact, what it did, and what must come out; `handoff rules test` runs it (config/examples.py).

    `contact` holds values as the CRM would send them, under our names of fields.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Say
    contact: dict[str, str | int | float | bool] = Field(default_factory=dict)
    activities: tuple[ExampleActivity, ...] = Field(default=(), max_length=200)
    expect: Literal["hand_over", "triage", "nothing", "nurture", "junk", "hold"]
    score: float | None = None


class QualificationRules(BaseModel):
    """mappings/qualification.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    definition: Definition | None = None
    conditions: Mapping[Name, Condition] = Field(default_factory=dict, max_length=200)
    """Conditions by name, for `use` in all rule files (config/reuse.py)."""
    hand_raisers: HandRaisers = HandRaisers()
    filters: FilterRules = FilterRules()
    threshold: Threshold = Threshold()
    key_pages: tuple[KeyPage, ...] = Field(default=(), max_length=100)
    triggers: tuple[Trigger, ...] = Field(default=(), max_length=100)
    opens_may_qualify: bool = False
    abandoned_forms: tuple[AbandonedForm, ...] = Field(default=(), max_length=50)
    examples: tuple[Example, ...] = Field(default=(), max_length=200)

    @model_validator(mode="after")
    def _sound(self) -> QualificationRules:
        for place, trigger in enumerate(self.triggers):
            if any(other.name == trigger.name for other in self.triggers[:place]):
                words = f"two triggers are called `{trigger.name}`; give each a name of its own"
                raise MisplacedError(("triggers", place, "name"), words)
            if trigger.when.rests_on_opens and not self.opens_may_qualify:
                raise MisplacedError(
                    ("triggers", place, "when"),
                    f"trigger `{trigger.name}` could hold on opened e-mails alone, which mail programs fake; "
                    "ask for a click as well, or set `opens_may_qualify: true`",
                )
        return self


def warnings(rules: QualificationRules) -> tuple[str, ...]:
    """What an admin may do and should think twice about; `handoff check` and `rules check` print it."""
    found = []
    if rules.opens_may_qualify:
        found.append("opens_may_qualify is on: mail programs open mails by themselves, so cold leads may reach sales")
    if not rules.hand_raisers.forms:
        found.append("no hand-raiser form is named: people who ask for sales wait until their score is enough")
    return tuple(found)


# -- filters -------------------------------------------------------------------------------------------------------


def filters(
    contact: Contact, rules: QualificationRules, *, now: datetime, facts: Facts | None = None
) -> tuple[Verdict, ...]:
    """One verdict per filter that is switched on, in the admin's order (R03).

    Where one stops the contact, `then` says what follows: `nurture` keeps it with marketing, and a hand-raiser passes
    all the same; `triage` and `junk` keep it with marketing too, and a hand-raiser goes to the triage desk (R02).
    `facts`: for filters of the admin's own that look at activities and deals; None: the contact alone.
    """
    return judge(facts or Facts(contact, now), rules.filters)


# -- hand-raisers --------------------------------------------------------------------------------------------------


def raised_hand(
    contact: Contact, activities: Sequence[Activity], rules: QualificationRules, *, since: datetime | None
) -> HandRaise | None:
    """The first hand-raise after `since` (None: the first of all); None where there is none (R02, R07)."""
    return first_hand(contact, activities, rules.hand_raisers, since=since)


# -- threshold and triggers ----------------------------------------------------------------------------------------


def qualify(
    contact: Contact,
    activities: Sequence[Activity],
    score: Score,
    rules: QualificationRules,
    *,
    now: datetime,
    since: datetime | None = None,
    facts: Facts | None = None,
    handed_at: datetime | None = None,
) -> Verdict:
    """Say whether interest and fit are enough for sales (R05, R06).

    Args:
        activities: oldest first. score: of the same contact, activities and instant.
        since: activities up to and including it do not count; None: all that are given do.
        facts: deals, and what fields are called, for triggers; its activities are those given. None: the contact alone.
        handed_at: when it was last handed over; key pages and triggers keep still for their cool-down. None: never.
    Returns:
        Passed with every ground found, the first of which names the rule; else not passed, with what is short.
    """
    seen = index(activities).after(since)
    known = (facts or Facts(contact, now))._replace(activities=seen)
    return answer(known, score, rules, lambda: score, handed_at=handed_at)


def answer(
    facts: Facts,
    points: Tally | Score,
    rules: QualificationRules,
    score: Callable[[], Score],
    *,
    handed_at: datetime | None = None,
) -> Verdict:
    """What qualify() says. `facts`: with the activities that count; `score`: gives the lines, where they are needed."""
    seen, since_handed = index(facts.activities), facts.now - handed_at if handed_at is not None else None
    grounds = [
        *_key_pages(seen, points.fit, rules, facts.now, since_handed),
        *_triggers(facts, points.fit, rules, since_handed),
    ]
    short = _shortfalls(seen, points, rules, score)
    if not short:
        told = tuple(reason for ground in grounds for reason in ground.reasons)
        lines = _score_reasons(score(), facts.now)
        fresh = [words for label, words in lines if not any(t.startswith(label) for t in told)]
        total = f"has {in_points(points.total)} points, where {rules.threshold.score:g} are asked"
        grounds.append(_Ground(THRESHOLD, (*fresh, total)))
    if grounds:
        return Verdict(
            rule=grounds[0].rule,
            passed=True,
            reasons=tuple(dict.fromkeys(reason for ground in grounds for reason in ground.reasons)),
            clauses=tuple(clause for ground in grounds for clause in ground.clauses),
        )
    return Verdict(rule=THRESHOLD, passed=False, reasons=tuple(short), then="nurture")


def is_enough_by_itself(facts: Facts, fit: int, rules: QualificationRules) -> bool:
    """Whether a key page or a trigger is met, for where nobody asks why. `facts`: with the activities that count."""
    seen, fields = index(facts.activities), facts.contact.fields
    for page in rules.key_pages:
        if fit >= page.least_fit and page.views(seen, facts.now) >= page.at_least:
            return True
    for trigger in rules.triggers:
        if fit >= trigger.least_fit and (seen or not trigger.only_by_activities) and trigger.when.test(fields, facts):
            return True
    return False


def is_reached(facts: Facts, points: Tally, rules: QualificationRules, score: Callable[[], Score]) -> bool:
    """Whether the threshold is; `score` gives the lines, asked for only where e-mails were opened (R05)."""
    if not rules.threshold.is_reached(points):
        return False
    seen = index(facts.activities)
    return rules.opens_may_qualify or ActivityKind.EMAIL_OPEN not in seen.groups or not _opens_alone(seen, score())


class _Ground(NamedTuple):
    """One thing that is enough by itself."""

    rule: str
    reasons: tuple[str, ...]
    clauses: tuple[Clause, ...] = ()


def _rests(rule: KeyPage | Trigger, since_handed: timedelta | None) -> bool:
    """Whether it lies in its cool-down, counted from the last handover."""
    return rule.cool_down is not None and since_handed is not None and since_handed < rule.cool_down


def _key_pages(
    seen: ActivityIndex, fit: int, rules: QualificationRules, now: datetime, since_handed: timedelta | None
) -> Iterator[_Ground]:
    for page in rules.key_pages:
        if _rests(page, since_handed):
            continue
        if fit >= page.least_fit and (views := page.views(seen, now)) >= page.at_least:
            yield _Ground("qualification.key_pages", (f"{page.say} {times(views)} in {in_words(page.within)}",))


def _triggers(
    facts: Facts, fit: int, rules: QualificationRules, since_handed: timedelta | None
) -> Iterator[_Ground]:
    fields = facts.contact.fields
    for trigger in rules.triggers:
        if _rests(trigger, since_handed):
            continue
        if not facts.activities and trigger.only_by_activities:
            continue
        if fit >= trigger.least_fit and trigger.when.test(fields, facts):
            found = trigger.when.find(facts)
            reasons = (trigger.say,) if trigger.say else found.reasons
            yield _Ground(f"qualification.{trigger.name}", reasons, found.clauses)


def _shortfalls(
    seen: ActivityIndex, points: Tally | Score, rules: QualificationRules, score: Callable[[], Score]
) -> list[str]:
    """Why the threshold is not reached, in words; empty where it is."""
    wanted = rules.threshold
    found = []
    if points.total < whole(wanted.score):
        found.append(f"has {in_points(points.total)} of the {wanted.score:g} points that are asked")
    if points.engagement < whole(wanted.engagement):
        found.append(f"showed {in_points(points.engagement)} of the {wanted.engagement:g} points of interest asked")
    if points.fit < whole(wanted.fit):
        found.append(f"fits by {in_points(points.fit)} of the {wanted.fit:g} points that are asked")
    if not found and not rules.opens_may_qualify and _opens_alone(seen, score()):
        found.append("only opened e-mails, which mail programs also do by themselves")
    return found


def _opens_alone(seen: ActivityIndex, score: Score) -> bool:
    """Whether every point of interest comes from opened e-mails (R05)."""
    counted = {line.occurred_at for line in score.contributions if line.group == ENGAGEMENT and line.points > 0}
    opens = {row.occurred_at for row in seen if row.kind is ActivityKind.EMAIL_OPEN}
    others = {row.occurred_at for row in seen if row.kind is not ActivityKind.EMAIL_OPEN and not row.automatic}
    return bool(counted) and counted <= opens - others


def _score_reasons(score: Score, now: datetime) -> Iterator[tuple[str, str]]:
    """(label, words) of what the points are for, strongest first: interest with its count and span, then fit."""
    counts: dict[str, list[datetime]] = {}
    for line in score.contributions:
        if line.group == ENGAGEMENT and line.points > 0 and line.occurred_at is not None:
            counts.setdefault(line.label, []).append(line.occurred_at)
    weight = {label: sum(line.points for line in score.contributions if line.label == label) for label in counts}
    for label in sorted(counts, key=lambda label: -weight[label])[:4]:
        yield label, _counted(label, counts[label], now)
    fit = [line for line in score.contributions if line.group == FIT and line.points > 0]
    for line in sorted(fit, key=lambda line: -line.points)[:4]:
        yield line.label, line.label


def _counted(label: str, dates: list[datetime], now: datetime) -> str:
    if len(dates) == 1:
        return label
    days = max(1, -(-int((now - min(dates)).total_seconds()) // 86_400))
    return f"{label} {times(len(dates))} in {days} {'day' if days == 1 else 'days'}"
