"""Missing: what would have made a lead qualify, found by trying it on the very rules that said no (R34).

A try adds activities as if they happened now, or fills in fields that nobody knows yet; what is known of a lead stays
as it is. Only what then does qualify is told, the smallest first. Whether a lead qualifies is qualification's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import ContactId, Value
from connector.domain.decision import Score
from connector.rules.case import Case
from connector.rules.condition import ActivityClause, Condition
from connector.rules.imagined import noun_of, sample_of, values_for
from connector.rules.patterns import ActivityPattern
from connector.rules.qualification import QualificationRules
from connector.rules.rulebook import RuleBook
from connector.rules.scoring import EngagementRule, ScoringRules, whole
from connector.rules.situation import Situation
from connector.rules.words import in_points, plural

MOST_STEPS = 3
"""So many activities and lessons together; what takes more is no advice."""
MOST_WAYS = 3
NUMBERS = ("no", "one", "two", "three")
NOBODY = ContactId("imagined")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One thing that could happen: the lead does something, or we learn something about it.

    Attributes:
        words: the activity as a noun, singular; of a lesson the words of its rule.
        sample: the activity; None for a lesson. learns: fields that a lesson fills in.
        gain: hundredths that it adds at most, each time; cap: how many of them in all, None for no limit.
        opens: whether a key page or a trigger looks at such activities.
    """

    words: str
    sample: Activity | None = None
    learns: Mapping[str, Value] = field(default_factory=dict)
    gain: int = 0
    cap: int | None = None
    opens: bool = False

    def most(self, times: int) -> int:
        return times * self.gain if self.cap is None else min(times * self.gain, self.cap)


@dataclass(frozen=True, slots=True)
class Way:
    """Moves, each with how often, that together are enough."""

    moves: tuple[tuple[Move, int], ...]

    @property
    def size(self) -> int:
        return sum(times for _, times in self.moves)

    @property
    def words(self) -> str:
        return " and ".join(_told(move, times) for move, times in self.moves)

    def apply(self, situation: Situation, *, now: datetime) -> Situation:
        """The situation as it would be after it, with the new activities last."""
        contact, rows = situation.contact, list(situation.activities)
        for move, times in self.moves:
            if move.sample is not None:
                rows += [
                    replace(move.sample, id=str(len(rows) + place), contact=contact.id, occurred_at=now)
                    for place in range(times)
                ]
            changed_at = {**contact.changed_at, **dict.fromkeys(move.learns, now)}
            contact = replace(contact, fields={**contact.fields, **move.learns}, changed_at=changed_at)
        return replace(situation, contact=contact, activities=rows)


def shortfall(score: Score, rules: QualificationRules) -> tuple[str, ...]:
    """How many points are short of the threshold, one part of a sentence each; empty where none are."""
    wanted = rules.threshold
    gap = whole(wanted.score) - score.total
    interest, fit = whole(wanted.engagement) - score.engagement, whole(wanted.fit) - score.fit
    told = [f"{_points(gap)} short"] if gap > 0 else []
    if interest > max(gap, 0):
        told.append(f"{_points(interest)} of interest short")
    if fit > 0:
        told.append(f"{_points(fit)} of fit short, which no interest makes up for")
    return tuple(told)


def missing(situation: Situation, book: RuleBook, *, now: datetime) -> tuple[str, ...]:
    """What would have made the contact qualify at `now`, one part of a sentence each; empty where it qualifies."""
    case = Case(situation, book, now)
    if case.qualified.passed:
        return ()
    found = [way.words for way in ways(situation, book, now=now)]
    told = [f"{found[0]} would do", *found[1:]] if found else []
    return (*shortfall(case.score, book.qualification), *([", or ".join(told)] if told else []))


def _points(hundredths: int) -> str:
    return f"{in_points(hundredths)} {'point' if hundredths == 100 else 'points'}"


def ways(situation: Situation, book: RuleBook, *, now: datetime) -> tuple[Way, ...]:
    """At most three ways to qualify, fewest steps first, then in the admin's order; each one was tried.

    Two different moves are tried together only where none does by itself.
    """
    search = _Search(situation, book, now)
    found: list[Way] = []
    for size in range(1, MOST_STEPS + 1):
        taken = [move for way in found for move, _ in way.moves]
        alone = [Way(((move, size),)) for move in search.possible if move not in taken and (size == 1 or move.sample)]
        found += search.tried(alone, MOST_WAYS - len(found))
        if not found:
            found += search.tried(_pairs(search.possible, size), MOST_WAYS)
    return tuple(found)


class _Search:
    """One lead with all that could happen to it; what cannot be enough need not be tried."""

    def __init__(self, situation: Situation, book: RuleBook, now: datetime) -> None:
        self._situation, self._book, self._now = situation, book, now
        self._score = Case(situation, book, now).score
        known = situation.contact
        self.possible = [move for move in _moves(book) if all(known.get(name) in (None, "") for name in move.learns)]

    def tried(self, candidates: Iterable[Way], most: int) -> list[Way]:
        """Those that do, at most so many."""
        return list(islice((way for way in candidates if self._may(way) and self._does(way)), most))

    def _does(self, way: Way) -> bool:
        case = Case(way.apply(self._situation, now=self._now), self._book, self._now)
        return case.qualified.passed and all(verdict.passed for verdict in case.filters)

    def _may(self, way: Way) -> bool:
        """Whether the points could reach the threshold, or a key page or trigger could be met.

        Caps, and activities that count for another rule, can only make the points fewer; what is learnt may be the fit
        that a key page asks for.
        """
        if any(move.opens or (move.sample is None and self._situation.activities) for move, _ in way.moves):
            return True
        points, wanted = self._book.scoring, self._book.qualification.threshold
        fit, engagement = self._score.fit, self._score.engagement
        for move, times in way.moves:
            if move.sample is None:
                fit += move.gain
            else:
                engagement += move.most(times)
        fit, engagement = min(fit, whole(points.fit.cap)), min(engagement, whole(points.engagement.cap))
        enough = fit >= whole(wanted.fit) and engagement >= whole(wanted.engagement)
        return enough and fit + engagement >= whole(wanted.score)


def _moves(book: RuleBook) -> Iterator[Move]:
    """In the admin's order, activities first; of two that are the same to every rule the first."""
    yield from _deeds(book.qualification, book.scoring)
    yield from _lessons(book.qualification, book.scoring)


def _deeds(rules: QualificationRules, points: ScoringRules) -> Iterator[Move]:
    seen: set[tuple[object, ...]] = set()
    patterns = list(_patterns(rules))
    for noun, pattern in (*_scored(points), *patterns):
        row = sample_of(pattern, NOBODY)
        if row is None or (key := (row.kind, row.name, row.ref, row.url)) in seen:
            continue
        seen.add(key)
        rule = _rule_of(row, points)
        yield Move(
            words=noun,
            sample=row,
            gain=max(0, whole(rule.points)) if rule else 0,
            cap=whole(rule.cap) if rule and rule.cap is not None else None,
            opens=any(other.fits(row) for _, other in patterns),
        )


def _lessons(rules: QualificationRules, points: ScoringRules) -> Iterator[Move]:
    served = rules.filters.countries.served
    for part in (part for rule in points.fit.rules for part in rule.parts):
        values = values_for(part.when, known={"country": served[0]} if served else {}) if part.points > 0 else None
        if values:
            yield Move(words=part.say, learns=values, gain=whole(part.points))


def _pairs(moves: Sequence[Move], size: int) -> Iterator[Way]:
    """Two different moves, of which the first may happen twice; a lesson is learnt once, and one is enough."""
    for place, one in enumerate(moves):
        for other in moves[place + 1 :]:
            if one.sample is None and other.sample is None:
                continue
            if size == 2 or (size == 3 and one.sample is not None and other.sample is None):
                yield Way(((one, size - 1), (other, 1)))


def _scored(points: ScoringRules) -> Iterator[tuple[str, ActivityPattern]]:
    for rule in points.engagement.rules:
        if rule.pattern is not None and rule.points > 0:
            yield rule.noun or noun_of(rule.pattern), rule.pattern


NOT_THEIRS = (ActivityKind.EMAIL_SENT, ActivityKind.TOUCH)
"""Done to a lead, not by it."""


def _patterns(rules: QualificationRules) -> Iterator[tuple[str, ActivityPattern]]:
    """What key pages and triggers look at, and a lead can do."""
    for page in rules.key_pages:
        yield noun_of(page.pattern), page.pattern
    for trigger in rules.triggers:
        for clause in _clauses(trigger.when):
            if clause.kind not in NOT_THEIRS:
                yield noun_of(clause), clause


def _clauses(tree: Condition) -> Iterator[ActivityClause]:
    if tree.activity is not None:
        yield tree.activity
    for child in tree.children:
        yield from _clauses(child)


def _rule_of(row: Activity, points: ScoringRules) -> EngagementRule | None:
    """The rule that an activity counts for: the first that it fits."""
    rules = points.engagement.rules
    return next((rules[place] for place, fits in points.engagement.patterns if fits(row)), None)


def _told(move: Move, times: int) -> str:
    if move.sample is None:
        return f"finding out “{move.words}”"
    return f"{NUMBERS[times]} more {move.words if times == 1 else plural(move.words)}"
