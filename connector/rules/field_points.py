"""Field points: the most that engagement rules about fields can add to one contact, from its values as they change.

Part of rules/reach.py. A rule counts where its instant is known and its condition holds. A condition on one field is
tried on each value of that field; one on several, on spans of time, or on what Handoff itself writes always may hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from connector.domain.activity import ActivityKind
from connector.domain.contact import ContactId
from connector.domain.record import Record
from connector.rules.condition import Condition, Facts
from connector.rules.fields import normalise
from connector.rules.operators import SPANS
from connector.rules.rulebook import RuleBook
from connector.rules.values import FieldType

MOST_KNOWN = 20_000
"""Values of which the answer is remembered."""
SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)
"""Conditions that depend on the time are not tried; the others ask for one all the same."""


class FieldPoints:
    """The rules of one book; each is a bit.

    Attributes:
        dates: field of an instant -> bits of the rules that count from it. values: fields whose values are tried.
        always: bits of the rules whose condition may hold whatever is heard; what a contact begins with.
    """

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._rules: list[tuple[int, float, ActivityKind | None]] = []
        self.dates: dict[str, int] = {}
        self.always = 0
        self._tried: dict[str, list[tuple[int, Condition]]] = {}
        self._known: dict[tuple[str, str | None], int] = {}
        for place, rule in enumerate(book.scoring.engagement.rules):
            if rule.at is None or rule.when is None:
                continue
            bit = 1 << place
            self._rules.append((bit, 100 * max(0.0, rule.points), rule.instead_of))
            self.dates[rule.at] = self.dates.get(rule.at, 0) | bit
            field = self._one_field(rule.when)
            if field is None or self._holds(rule.when, field, None):
                self.always |= bit
            if field is not None:
                self._tried.setdefault(field, []).append((bit, rule.when))
        self.values = frozenset(self._tried)

    def holding(self, before: int, field: str, value: str | None) -> int:
        """The bits of the rules whose condition may hold, now that a field has this wire value."""
        known = self._known.get((field, value))
        if known is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            known = sum(bit for bit, when in self._tried[field] if self._holds(when, field, value))
            self._known[field, value] = known
        return before & ~sum(bit for bit, _ in self._tried[field]) | known

    def most(self, bits: int, covers: Callable[[], dict[ActivityKind, float]]) -> float:
        """Hundredths beyond what activities give for which the rules stand in.

        Args:
            covers: what the activities of a kind give, at most.
        """
        if not bits:
            return 0.0
        given, most = covers(), 0.0
        for bit, points, stands_in_for in self._rules:
            if bits & bit:
                covered = 0.0
                if stands_in_for is not None:
                    covered = min(points, given.get(stands_in_for, 0.0))
                    given[stands_in_for] = given.get(stands_in_for, 0.0) - covered
                most += points - covered
        return most

    def _one_field(self, when: Condition) -> str | None:
        """The field that alone decides, where there is one whose values can be tried."""
        if len(when.fields_used) != 1 or any(leaf.op in SPANS for leaf in _leaves(when)):
            return None
        (name,) = when.fields_used
        rule = self._book.fields.fields.get(name)
        if rule is None or not rule.property or rule.may_write():
            return None
        return name if rule.type is not FieldType.PHONE else None  # a phone is read by the country beside it

    def _holds(self, when: Condition, field: str, value: str | None) -> bool:
        prop = self._book.fields.fields[field].property
        assert prop is not None
        record = Record(
            id=ContactId(""), asked_id=ContactId(""), properties={prop: value}, created_at=SOME_TIME,
            modified_at=SOME_TIME,
        )  # fmt: skip
        contact = normalise(record, self._book.fields, self._book.stages.values)
        return when.holds(Facts(contact, SOME_TIME))


def _leaves(tree: Condition) -> Iterator[Condition]:
    children: Sequence[Condition] = tree.children
    if not children:
        yield tree
    for child in children:
        yield from _leaves(child)
