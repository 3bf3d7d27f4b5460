"""Examples: admins' own tests of their rules, run by `handoff rules test` without any network.

An example is a contact, what it did and what must come out. Filters, hand-raisers, score and threshold answer, in the
order of rules/decide.py; owners, stages and open episodes play no part, for an example is somebody new.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from connector.domain.activity import Activity
from connector.domain.contact import Contact, ContactId, PortalId
from connector.domain.record import Record
from connector.rules.condition import Facts
from connector.rules.fields import normalise
from connector.rules.judgement import NOTHING, judge
from connector.rules.missing import missing
from connector.rules.qualification import THRESHOLD, Example, ExampleActivity
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Situation

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""The moment of every example, fixed, so that the same rules give the same answer tomorrow."""

_WHO, _NOWHERE = ContactId("example"), PortalId("example")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleResult:
    """What came of one example.

    Attributes:
        expected, found: outcome, with the score where the example names one, such as `nothing, 25 points`.
        reasons: why it came out so, in words; problems in reading the contact first.
    """

    name: str
    expected: str
    found: str
    reasons: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return self.expected == self.found


def run_examples(book: RuleBook) -> list[ExampleResult]:
    """Every example of qualification.yaml, in the admin's order."""
    return [_run(example, book) for example in book.qualification.examples]


def _run(example: Example, book: RuleBook) -> ExampleResult:
    contact = _contact(example, book)
    activities = sorted(_activities(example.activities), key=lambda row: row.occurred_at)
    found = judge(Facts(contact, NOW, activities, field_rules=book.fields), book)
    more: tuple[str, ...] = ()
    if found.verdicts[-1].rule == THRESHOLD and found.outcome == NOTHING:
        more = missing(Situation(portal=_NOWHERE, contact=contact, activities=activities), book, now=NOW)
    return ExampleResult(
        name=example.name,
        expected=_told(example.expect, example.score),
        found=_told(found.outcome, None if example.score is None else found.score.total / 100),
        reasons=(*contact.problems, *found.reasons, *more),
    )


def _told(outcome: str, points: float | None) -> str:
    return outcome if points is None else f"{outcome}, {points:g} points"


def _contact(example: Example, book: RuleBook) -> Contact:
    """The contact as if the CRM had sent it, so that examples test the reading of values too."""
    wire = {
        rule.property: _wire(example.contact[name])
        for name, rule in book.fields.fields.items()
        if rule.property is not None and name in example.contact
    }
    record = Record(id=_WHO, asked_id=_WHO, properties=wire, created_at=NOW, modified_at=NOW)
    return normalise(record, book.fields, book.stages.values)


def _wire(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _activities(rows: tuple[ExampleActivity, ...]) -> Iterator[Activity]:
    for place, row in enumerate(rows):
        yield Activity(
            stream="examples",
            id=str(place),
            contact=_WHO,
            kind=row.kind,
            occurred_at=NOW - row.ago,
            name=row.name,
            ref=row.ref,
            url=row.url,
            automatic=row.automatic,
        )
