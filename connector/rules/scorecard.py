"""Scorecard: what the rules of scoring.yaml come to for one lead, line by line (R04).

Fit never decays; each activity's points halve with every half-life. Each rule and both groups are capped, and a cap is
a line of its own with negative points, so that the lines always sum to the score. What may be said in the file is
rules/scoring.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from connector.domain.activity import Activity
from connector.domain.contact import Contact
from connector.domain.decision import Contribution, Score
from connector.rules.activity_index import ActivityIndex, index
from connector.rules.condition import Facts
from connector.rules.patterns import times
from connector.rules.scoring import ENGAGEMENT, FIT, EngagementRule, EngagementRules, FitRules, ScoringRules, whole
from connector.rules.words import plural

BOTH = "the score"
MOST_LINES = 20
"""Lines of one rule; earlier activities are folded into one line more."""


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
    for place, dates in limited.items():
        worth = engagement.worth(place)
        newest = sorted(dates, reverse=True)[: limits[place]]
        sums[place] += sum(_left(worth.points, now - at, worth.half_life) for at in newest)
    dated = [row for row in engagement.by_fields if _date_of(contact, row[1], now, floor) is not None]
    for place, rule, worth in dated:
        seen_at = contact.instant(rule.at or "")
        assert seen_at is not None
        sums[place] += _left(worth.points, now - seen_at, worth.half_life)
    for place, cap in engagement.caps:
        if sums[place] > cap:
            sums[place] = cap
    if dated and engagement.stood_in_for:
        stand_ins = _StandIns(counted, engagement, sums)
        for place, rule, _ in dated:
            sums[place] -= stand_ins.covered(rule, sums[place])
    return int(min(max(sum(sums), 0), whole(engagement.cap)))


def _fit_lines(contact: Contact, rules: FitRules, now: datetime) -> list[Contribution]:
    facts, fields, changed_at = Facts(contact, now), contact.fields, contact.changed_at
    lines = []
    for test, _, fields_used, line in rules.laid_out:
        if test(fields, facts):
            dates = [changed_at[name] for name in fields_used if name in changed_at] if changed_at else None
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
    for place, rule, _ in rules.by_fields:
        seen_at = _date_of(contact, rule, now, since)
        own[place] = [seen_at] if seen_at is not None else []
    told = [
        _rule_lines(rule, dates, rule.half_life or rules.half_life, now) if dates else []
        for rule, dates in zip(rules.rules, own, strict=True)
    ]
    if rules.stood_in_for:
        stand_ins = _StandIns(activities, rules, [sum(line.points for line in lines) for lines in told])
        for place, rule, _ in rules.by_fields:
            told[place] = stand_ins.less(rule, told[place])
    return [line for lines in told for line in lines]


def _date_of(contact: Contact, rule: EngagementRule, now: datetime, since: datetime) -> datetime | None:
    """Since when a rule about fields counts; None where it does not."""
    at = contact.instant(rule.at or "")
    if at is None or at <= since:
        return None
    assert rule.when is not None
    return at if rule.when.holds(Facts(contact, now)) else None


class _StandIns:
    """Rules about fields that stand in for activities: of what both give the greater counts.

    Points of activities cover those of the fields one rule after the other. A rule that speaks against the lead keeps
    still where there are such activities.
    """

    def __init__(self, activities: ActivityIndex, rules: EngagementRules, sums: Sequence[float]) -> None:
        self._there = activities.groups
        self._left = {
            kind: max(0.0, sum(sums[place] for place in places)) for kind, places in rules.stood_in_for.items()
        }

    def covered(self, rule: EngagementRule, points: float) -> float:
        """How many of the rule's points the activities make needless, in hundredths."""
        kind = rule.instead_of
        if kind is None or not points:
            return 0
        if points < 0:
            return points if kind in self._there else 0
        taken = min(points, self._left[kind])
        self._left[kind] -= taken
        return taken

    def less(self, rule: EngagementRule, lines: list[Contribution]) -> list[Contribution]:
        """The rule's lines with one for what is covered; none at all where all is."""
        points = sum(line.points for line in lines)
        taken = int(self.covered(rule, points))
        if taken == points:
            return []
        kinds = plural(rule.instead_of.value.replace("_", " ")) if rule.instead_of is not None else ""
        return [*lines, Contribution(ENGAGEMENT, f"{kinds} count instead: {rule.say}", -taken)] if taken else lines


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
