"""Reach: whether anything new could come of a contact now, told from a few running sums (R35).

Replay asks before it decides: most activities of most contacts change nothing, and to show that costs a hundredth of a
decision. The sums never fall short: points count without caps, fit at its best, every field of a condition as if it
held. So a "no" here is certain (a property test holds it against decide()): the answer would be "nothing", or the same
triage as before. A "perhaps" is decided in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact, ContactId
from connector.domain.stage import Stage
from connector.rules import qualification
from connector.rules.condition import ActivityClause, Condition
from connector.rules.rulebook import RuleBook

MOST_KNOWN = 50_000
"""Kinds of activity that are remembered; a portal with more distinct addresses is worked out anew."""
SLACK = 1.0
"""Hundredths that rounding may add to one activity's points."""
ANSWERED = (
    "stage", "status", "owner", "verdict", "verdict_reason", "return_on", "first_touch_at", "last_touch_at", "request",
)  # fmt: skip
"""Fields by which people and the CRM move an open episode (rules/follow.py)."""
ASKING = ("stage", "request", "meeting_booked_at")
"""Fields that can hand a contact over by themselves."""
IN_HAND = (Stage.MQL, Stage.SQL, Stage.OPPORTUNITY)
"""Stages that say something of a contact nobody handed over."""

_NOBODY = Contact(
    id=ContactId(""), created_at=datetime.min.replace(tzinfo=UTC), modified_at=datetime.min.replace(tzinfo=UTC),
    fields={},
)  # fmt: skip


class Mark(NamedTuple):
    """What one kind of activity is to the rules.

    Attributes:
        points: in hundredths, not below 0; slot: place of the sum that they count for. pages, clauses: places of what
            it fits.
        idle: whether it is nothing to any rule.
    """

    idle: bool
    hand: bool
    points: float
    slot: int
    pages: tuple[int, ...]
    clauses: tuple[int, ...]


class Tally:
    """The running sums of one contact. `at` is their instant, `last` that of the newest news; seconds since 1970."""

    __slots__ = ("asked", "at", "counts", "dated", "hand_at", "last", "looks", "sums")

    def __init__(self, reach: Reach) -> None:
        self.asked = False
        self.hand_at: float | None = None
        self.dated = 0
        self.last = 0.0
        self.forget(reach)

    def forget(self, reach: Reach) -> None:
        """Interest has had its answer: an episode ended."""
        self.at = 0.0
        self.sums = [0.0] * len(reach.slots)
        self.looks: list[list[float]] | None = None
        self.counts: list[int] | None = None


class Reach:
    """The rules of one book, laid out for asking."""

    def __init__(self, book: RuleBook) -> None:
        self._rules, self._points = book.qualification, book.scoring
        scoring = book.scoring
        self.look_back = scoring.look_back.total_seconds()
        stood_in_for = scoring.engagement.stood_in_for
        kept = [
            (worth.half_life, rule.kind if rule.kind in stood_in_for else None)
            for place, rule in enumerate(scoring.engagement.rules)
            if (worth := scoring.engagement.worth(place))
        ]
        self.slots = tuple(dict.fromkeys(kept))
        """Sums of a tally: (half-life in seconds, the kind of activity where rules about fields stand in for it)."""
        self._slot_of = [self.slots.index(slot) for slot in kept]
        self._fit = 100 * min(scoring.fit.cap, sum(rule.most for rule in scoring.fit.rules))
        threshold = book.qualification.threshold
        self._engagement = 100 * threshold.engagement
        self._score = 100 * threshold.score
        self._pages = [(page.at_least, page.within.total_seconds()) for page in book.qualification.key_pages]
        self._clauses: list[ActivityClause] = []
        self._triggers = [self._could_hold(trigger.when) for trigger in book.qualification.triggers]
        self._by_date = [
            (1 << place, 100 * max(0.0, rule.points), rule.instead_of)
            for place, rule in enumerate(scoring.engagement.rules)
            if rule.at is not None
        ]
        self._bits: dict[str, int] = {}
        for place, rule in enumerate(scoring.engagement.rules):
            if rule.at is not None:
                self._bits[rule.at] = self._bits.get(rule.at, 0) | 1 << place
        hands = {name for rule in book.qualification.hand_raisers.fields for name in (rule.at, *rule.when.fields_used)}
        never = set(book.suppression.do_not_contact)
        back = {reason.wake.on_field for reason in book.recycling.reasons.values() if reason.wake.on_field}
        self.asking = frozenset({*ASKING, *hands, *never})
        self.answering = frozenset({*ANSWERED, *self.asking, *back})
        self._property = {name: rule.property for name, rule in book.fields.fields.items() if rule.property}
        self._in_hand = {value for value, stage in book.stages.stages.items() if stage in IN_HAND}
        self._first = [prop for name in (*ASKING[1:], *sorted(hands)) if (prop := self._property.get(name))]
        self.heard = self.answering | self._bits.keys()
        """Fields of which it must hear."""
        self._marks: dict[tuple[str, str, str, str | None], Mark] = {}

    # -- what an activity is -----------------------------------------------------------------------------------

    def mark(self, kind: str, name: str, ref: str, url: str | None) -> Mark:
        key = (kind, name, ref, url)
        known = self._marks.get(key)
        if known is None:
            if len(self._marks) >= MOST_KNOWN:
                self._marks.clear()
            known = self._marks[key] = self._work_out(kind, name, ref, url)
        return known

    def _work_out(self, kind: str, name: str, ref: str, url: str | None) -> Mark:
        row = Activity(
            stream="", id="", contact=None, kind=ActivityKind(kind), occurred_at=datetime.max.replace(tzinfo=UTC),
            name=name, ref=ref, url=url,
        )  # fmt: skip
        rules = self._points.engagement
        place = next((place for place, fits in rules.patterns if fits(row)), -1)
        made = Mark(
            idle=False,
            hand=qualification.raised_hand(_NOBODY, [row], self._rules, since=None) is not None,
            points=100 * max(0.0, rules.rules[place].points) + SLACK if place >= 0 else 0.0,
            slot=self._slot_of[place] if place >= 0 else 0,
            pages=tuple(n for n, page in enumerate(self._rules.key_pages) if page.pattern.fits(row)),
            clauses=tuple(n for n, clause in enumerate(self._clauses) if clause.fits(row)),
        )
        counts = made.hand or made.points or made.pages or made.clauses
        return made._replace(idle=not counts)

    # -- keeping the sums --------------------------------------------------------------------------------------

    def add(self, tally: Tally, mark: Mark, at: float) -> None:
        """One activity more, done at that instant."""
        if at > tally.last:
            tally.last = at
        if mark.hand and (tally.hand_at is None or at > tally.hand_at):
            tally.hand_at = at
        if mark.points:
            sums, age = tally.sums, at - tally.at
            if age > 0:
                for place, (span, _) in enumerate(self.slots):
                    sums[place] *= 0.5 ** (age / span)
                tally.at = at
                sums[mark.slot] += mark.points
            else:
                sums[mark.slot] += mark.points * 0.5 ** (-age / self.slots[mark.slot][0])
        for page in mark.pages:
            if tally.looks is None:
                tally.looks = [[] for _ in self._pages]
            looks = tally.looks[page]
            looks.append(at)
            looks.sort()
            del looks[: -self._pages[page][0]]
        for clause in mark.clauses:
            if tally.counts is None:
                tally.counts = [0] * len(self._clauses)
            tally.counts[clause] += 1

    def first_sight(self, tally: Tally, raw: Mapping[str, str | None], at: float) -> None:
        """A contact's values when it was first seen."""
        tally.last = max(tally.last, at)
        stage = raw.get(self._property.get("stage", ""))
        if stage in self._in_hand or any(raw.get(prop) for prop in self._first):
            tally.asked = True
        for name, bit in self._bits.items():
            if raw.get(self._property.get(name, "")):
                tally.dated |= bit

    def changed(self, tally: Tally, name: str, at: float, *, in_work: bool) -> None:
        """One field took another value."""
        tally.dated |= self._bits.get(name, 0)
        tally.last = max(tally.last, at)
        if name in (self.answering if in_work else self.asking):
            tally.asked = True

    # -- asking ------------------------------------------------------------------------------------------------

    def perhaps(self, tally: Tally, now: float, *, in_work: bool) -> bool:
        """Whether anything new could be decided; `in_work`: sales has the contact."""
        if tally.asked or tally.hand_at is not None:
            return True
        return not in_work and (self._points_suffice(tally, now) or self._pages_suffice(tally, now) or any(
            could(tally.counts) for could in self._triggers
        ))  # fmt: skip

    def was_decided(self, tally: Tally, now: float) -> None:
        """What was asked has had its answer; a hand raised by a clock ahead of ours waits for its time."""
        tally.asked = False
        if tally.hand_at is not None and tally.hand_at <= now:
            tally.hand_at = None

    def is_spent(self, tally: Tally, now: float) -> bool:
        """Whether nothing of it can count any more: it is as if it had never been."""
        return not (tally.asked or tally.hand_at) and tally.last < now - 2 * self.look_back

    def _points_suffice(self, tally: Tally, now: float) -> bool:
        age = max(0.0, now - tally.at)
        interest = 0.0
        covers: dict[ActivityKind, float] = {}
        for points, (span, kind) in zip(tally.sums, self.slots, strict=True):
            if points:
                left = points * 0.5 ** (age / span)
                interest += left
                if kind is not None:
                    covers[kind] = covers.get(kind, 0.0) + left
        if tally.dated:
            for bit, points, stands_in_for in self._by_date:
                if tally.dated & bit:
                    covered = min(points, covers.get(stands_in_for, 0.0)) if stands_in_for is not None else 0.0
                    if stands_in_for is not None and covered:
                        covers[stands_in_for] -= covered
                    interest += points - covered
        most: float = interest + SLACK
        return most >= self._engagement and most + self._fit >= self._score

    def _pages_suffice(self, tally: Tally, now: float) -> bool:
        if tally.looks is None:
            return False
        return any(
            len(looks) >= at_least and looks[-at_least] >= now - within
            for looks, (at_least, within) in zip(tally.looks, self._pages, strict=True)
        )

    # -- triggers ----------------------------------------------------------------------------------------------

    def _could_hold(self, tree: Condition) -> Callable[[Sequence[int] | None], bool]:
        """Whether a condition could hold, by how often its activities were done at all."""
        if tree.activity is not None:
            place, wanted = len(self._clauses), tree.activity.at_least
            self._clauses.append(tree.activity)
            return lambda counts: counts is not None and counts[place] >= wanted
        if tree.not_ is None and tree.children:
            parts = [self._could_hold(child) for child in tree.children]
            every: Callable[[Iterable[object]], bool] = all if tree.all_of is not None else any
            return lambda counts: every(part(counts) for part in parts)
        return lambda counts: True
