"""Reach: whether anything new could come of a contact now, told from a few running sums (R35).

Replay asks before it decides, and a run asks about whom it sees for the first time: most of what most contacts do
changes nothing, and to show that costs a hundredth of a decision. The sums never fall short: nothing is ever taken
away, fit counts at its best, every field of a condition as if it held. So a "no" here is certain (a property test holds
it against decide()): the answer would be "nothing", or the same triage as before. A "perhaps" is decided in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import NamedTuple

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact, ContactId
from connector.domain.decision import GIVEN, Action, Decision
from connector.domain.stage import Stage
from connector.rules import qualification
from connector.rules.condition import ActivityClause, Condition
from connector.rules.field_points import FieldPoints
from connector.rules.filters import Then
from connector.rules.rulebook import RuleBook

MarkKey = tuple[str, str, str, str | None]
"""Kind, name, ref and address of an activity: all that rules look at but its instant."""
SLACK = 1.0
"""Hundredths by which a sum may be off; what rounding adds to each activity is counted besides."""
ROUNDED_UP = 0.5
"""Hundredths that rounding may add to an activity's points; to points below that it adds nothing."""
ANSWERED = (
    "stage", "status", "owner", "verdict", "verdict_reason", "return_on", "first_touch_at", "last_touch_at", "request",
)  # fmt: skip
"""Fields by which people and the CRM move an open episode (rules/follow.py)."""
ASKING = ("stage", "request", "meeting_booked_at")
"""Fields that can hand a contact over by themselves."""
CORRECTING = ("verdict", "verdict_reason")
"""Fields by which sales corrects a hand-back, besides the days of return conditions."""
UNSETTLED = frozenset({Action.TRIAGE, Action.ADVANCE, Action.END, Action.INFER, Action.CORRECTED})
"""Decisions after which the next look could answer otherwise."""
MOST_DOUBLED = 500.0
"""Half-lives by which an activity may lie ahead of our clock; what is further ahead counts as if it were there."""
IN_HAND = (Stage.MQL, Stage.SQL, Stage.OPPORTUNITY)
"""Stages that say something of a contact nobody handed over."""

_NOBODY = Contact(
    id=ContactId(""), created_at=datetime.min.replace(tzinfo=UTC), modified_at=datetime.min.replace(tzinfo=UTC),
    fields={},
)  # fmt: skip


class Rare(NamedTuple):
    """What few activities are: a hand-raise, a look at key pages, a part of triggers; the last two by their places."""

    hand: bool
    pages: tuple[int, ...]
    clauses: tuple[int, ...]


class Mark(NamedTuple):
    """What one kind of activity is to the rules.

    Attributes:
        points: in hundredths, not below 0; slot: place of the sum that they count for. rare: None for most.
    """

    points: float
    slot: int
    rare: Rare | None


IDLE = Mark(0.0, 0, None)
"""What is nothing to any rule; always this very object."""


class Slot(NamedTuple):
    """A sum of points that are worth less and less together.

    Attributes:
        half_life: in seconds. kind: of the activities, where rules about fields stand in for them. rule: the place of
            the one rule whose points these are, where it has a cap. cap: the most it gives, in hundredths.
    """

    half_life: float
    kind: ActivityKind | None
    rule: int | None
    cap: float


class Tally:
    """The running sums of one contact. Instants are seconds since 1970.

    Attributes:
        at: the moment of the latest look; `sums` are what the points of each slot were worth then.
        scored: how many activities gave them. ahead: the newest instant of an activity by a clock ahead of ours.
        dated, holds: rules about fields whose instant is known, and whose condition may hold (rules/field_points.py).
    """

    __slots__ = ("ahead", "asked", "at", "counts", "dated", "hand_at", "holds", "looks", "scored", "sums")

    def __init__(self, reach: Reach) -> None:
        self.at = self.ahead = 0.0
        self.asked = False
        self.hand_at: float | None = None
        self.dated, self.holds = 0, reach.may_hold
        self.forget(reach)

    @property
    def must_be_asked(self) -> bool:
        return self.asked or self.hand_at is not None

    def forget(self, reach: Reach) -> None:
        """Interest has had its answer."""
        self.sums = [0.0] * len(reach.slots)
        self.scored = 0
        self.looks: list[list[float]] | None = None
        self.counts: list[int] | None = None


class Reach:
    """The rules of one book, laid out for asking."""

    def __init__(self, book: RuleBook) -> None:
        self._rules, self._points = book.qualification, book.scoring
        scoring = book.scoring
        self.look_back = scoring.look_back.total_seconds()
        engagement, caps = scoring.engagement, dict(scoring.engagement.caps)
        kept = [
            Slot(
                half_life=engagement.worth(place).half_life,
                kind=rule.kind if rule.kind in engagement.stood_in_for else None,
                rule=place if place in caps else None,
                cap=caps.get(place, inf),
            )
            for place, rule in enumerate(engagement.rules)
        ]
        self.slots = tuple(dict.fromkeys(kept))
        """Sums of a tally, by their places."""
        self._spans = [slot.half_life for slot in self.slots]
        self._caps = [slot.cap for slot in self.slots]
        self._slot_of = [self.slots.index(slot) for slot in kept]
        best_fit = min(scoring.fit.cap, sum(rule.most for rule in scoring.fit.rules))
        threshold = book.qualification.threshold
        self._least = 100 * max(threshold.engagement, threshold.score - best_fit) - SLACK
        signals = book.notifications.signals
        self._strong = 100 * signals.points - SLACK if signals.active else inf
        self._pages = [(page.at_least, page.within.total_seconds()) for page in book.qualification.key_pages]
        self._clauses: list[ActivityClause] = []
        self._triggers = [self._could_hold(trigger.when) for trigger in book.qualification.triggers]
        self._always = any(could(None) for could in self._triggers)
        self._by_fields = FieldPoints(book)
        self.may_hold = self._by_fields.always
        hands = {name for rule in book.qualification.hand_raisers.fields for name in (rule.at, *rule.when.fields_used)}
        never = set(book.suppression.do_not_contact)
        wakes = [reason.wake for reason in book.recycling.reasons.values()]
        back = {wake.on_field for wake in wakes if wake.on_field}
        woken = {name for wake in wakes if wake.when is not None for name in wake.when.fields_used}
        self.asking = frozenset({*ASKING, *CORRECTING, *hands, *never, *woken, *back})
        self.answering = frozenset({*ANSWERED, *self.asking})
        self._property = {name: rule.property for name, rule in book.fields.fields.items() if rule.property}
        self._stages = book.stages
        self._first = [prop for name in (*ASKING[1:], *sorted(hands)) if (prop := self._property.get(name))]
        self.heard = self.answering | self._by_fields.dates.keys() | self._by_fields.values
        """Fields of which it must hear."""

    # -- what an activity is -----------------------------------------------------------------------------------

    def mark(self, key: MarkKey) -> Mark:
        """What an activity with such a kind, name, ref and address is; IDLE where it is nothing to any rule."""
        kind, name, ref, url = key
        row = Activity(
            stream="", id="", contact=None, kind=ActivityKind(kind), occurred_at=datetime.max.replace(tzinfo=UTC),
            name=name, ref=ref, url=url,
        )  # fmt: skip
        rules = self._points.engagement
        place = next((place for place, fits in rules.patterns if fits(row)), -1)
        rare = Rare(
            hand=qualification.raised_hand(_NOBODY, [row], self._rules, since=None) is not None,
            pages=tuple(n for n, page in enumerate(self._rules.key_pages) if page.pattern.fits(row)),
            clauses=tuple(n for n, clause in enumerate(self._clauses) if clause.fits(row)),
        )
        made = Mark(
            points=100 * max(0.0, rules.rules[place].points) + SLACK if place >= 0 else 0.0,
            slot=self._slot_of[place] if place >= 0 else 0,
            rare=rare if any(rare) else None,
        )
        return made if made.points or made.rare else IDLE

    # -- keeping the sums --------------------------------------------------------------------------------------

    def worth(self, age: float) -> tuple[float, ...]:
        """What is left of a point of each slot so many seconds after it was earned; more than 1 before it is."""
        return tuple([2.0 ** min(-age / span, MOST_DOUBLED) for span in self._spans])

    def bring(self, tally: Tally, now: float) -> None:
        """Bring its sums to this moment, at which something of it is heard."""
        age, sums = now - tally.at, tally.sums
        for place, span in enumerate(self._spans):
            if sums[place]:
                sums[place] *= 0.5 ** (age / span)
        tally.at = now

    def add_rare(self, tally: Tally, rare: Rare, at: float) -> None:
        """One activity more of those that few are, done at that instant."""
        if rare.hand and (tally.hand_at is None or at > tally.hand_at):
            tally.hand_at = at
        for page in rare.pages:
            if tally.looks is None:
                tally.looks = [[] for _ in self._pages]
            looks = tally.looks[page]
            looks.append(at)
            looks.sort()
            del looks[: -self._pages[page][0]]
        for clause in rare.clauses:
            if tally.counts is None:
                tally.counts = [0] * len(self._clauses)
            tally.counts[clause] += 1

    def first_sight(self, tally: Tally, raw: Mapping[str, str | None]) -> None:
        """A contact's values when it was first seen."""
        stage = self._stages.named(raw.get(self._property.get("stage", "")))  # in whatever case, as decide() reads it
        if stage in IN_HAND or any(raw.get(prop) for prop in self._first):
            tally.asked = True
        for name, bits in self._by_fields.dates.items():
            if raw.get(self._property.get(name, "")):
                tally.dated |= bits
        for name in self._by_fields.values:
            tally.holds = self._by_fields.holding(tally.holds, name, raw.get(self._property[name]))

    def changed(self, tally: Tally, name: str, value: str | None, *, in_work: bool) -> None:
        """One field took another wire value."""
        tally.dated |= self._by_fields.dates.get(name, 0)
        if name in self._by_fields.values:
            tally.holds = self._by_fields.holding(tally.holds, name, value)
        if name in (self.answering if in_work else self.asking):
            tally.asked = True

    # -- asking ------------------------------------------------------------------------------------------------

    def perhaps_at_first(self, raw: Mapping[str, str | None], now: float) -> bool:
        """Whether anything could come of somebody of whom nothing is known but these values."""
        tally = Tally(self)
        self.first_sight(tally, raw)
        return self.perhaps(tally, now, in_work=False)

    def perhaps(self, tally: Tally, now: float, *, in_work: bool) -> bool:
        """Whether anything new could be decided; `in_work`: sales has it, and hears of strong interest (R40)."""
        if tally.must_be_asked:
            return True
        if in_work:
            return self._points_reach(self._strong, tally, now)
        if self._points_reach(self._least, tally, now):
            return True
        if self._always or (tally.looks is not None and self._pages_suffice(tally.looks, now)):
            return True
        return tally.counts is not None and any(could(tally.counts) for could in self._triggers)

    def was_decided(self, tally: Tally, decision: Decision, now: float, *, has_deals: bool) -> None:
        """What was asked has had its answer, but where the next look, whatever it is for, could answer otherwise.

        So it is with what triage or a filter holds until something else changes; after a step of an episode, for one
        step is taken at a time; and where a deal that was there before the handover moves the episode on.
        """
        held = any(verdict.then == Then.HOLD for verdict in decision.verdicts)
        given = decision.action in GIVEN
        tally.asked = held or decision.action in UNSETTLED or (given and has_deals)
        if tally.hand_at is not None and tally.hand_at <= now:
            episode = decision.episode
            told = (episode.signal_at or episode.handed_off_at) if episode is not None else None
            if tally.hand_at < now - self.look_back or (told is not None and tally.hand_at <= told.timestamp()):
                tally.hand_at = None

    def is_spent(self, tally: Tally, now: float) -> bool:
        """Whether nothing of it can count any more: it is as if it had never been."""
        return not tally.must_be_asked and max(tally.at, tally.ahead) < now - 2 * self.look_back

    def _points_reach(self, wanted: float, tally: Tally, now: float) -> bool:
        if tally.ahead > now - self.look_back:
            return True  # what a clock ahead of ours brought is not estimated
        by_fields = tally.dated & tally.holds
        if not by_fields and 2 * sum(tally.sums) < wanted:
            return False
        if tally.at != now:
            self.bring(tally, now)
        most = sum(map(min, tally.sums, self._caps)) + min(sum(tally.sums), ROUNDED_UP * tally.scored)
        return most + self._by_fields.most(by_fields, partial(self._by_kind, tally)) >= wanted

    def _by_kind(self, tally: Tally) -> dict[ActivityKind, float]:
        """What activities give, by those kinds for which rules about fields stand in."""
        found: dict[ActivityKind, float] = {}
        for points, (_, kind, _, cap) in zip(tally.sums, self.slots, strict=True):
            if kind is not None:
                found[kind] = found.get(kind, 0.0) + min(points, cap)
        return found

    def _pages_suffice(self, viewed: Sequence[Sequence[float]], now: float) -> bool:
        return any(
            len(looks) >= at_least and looks[-at_least] >= now - within
            for looks, (at_least, within) in zip(viewed, self._pages, strict=True)
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
