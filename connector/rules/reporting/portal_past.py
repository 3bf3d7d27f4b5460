"""The portal's past: when a contact became ready for sales before Handoff, and what was known of it then (R25).

Nothing that came after that instant goes into what was known: a value is the last one written by then, and where the
history does not reach back so far the value is not known, whatever stands there today. What became of the contact is
rules/reporting/portal_outcome.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from connector.domain.activity import Activity
from connector.domain.contact import Contact
from connector.domain.deal import Deal
from connector.domain.decision import Score
from connector.domain.record import Edit, Record
from connector.domain.stage import Stage
from connector.rules import scorecard
from connector.rules.fields import FieldRules, normalise, property_of
from connector.rules.reporting.examples import shareable
from connector.rules.rulebook import RuleBook
from connector.rules.scanners import sift
from connector.rules.stages import StageRules

CALCULATED = "CALCULATED"
"""Source of a value that the CRM works out: of such properties it may keep the present value alone."""
READY = frozenset({Stage.MQL, Stage.SQL})
"""Stages that say "ready for sales", whatever stages.yaml calls them in the portal."""


class ReadyAt(NamedTuple):
    """`sure` false: the history of the stage may have been cut off, so that it was ready earlier."""

    at: datetime
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """A contact as it was known at an instant of the past.

    Attributes:
        record: only values written by then; properties whose value is not known are missing.
        unknown: names of the fields whose value is not known; those that a portal never had are empty instead.
        dated: whether there is any history of it at all.
    """

    record: Record
    unknown: frozenset[str]
    dated: bool


def became_ready(
    edits: Sequence[Edit], deals: Sequence[Deal], rules: StageRules, *, created_at: datetime, kept: int
) -> ReadyAt | None:
    """When the contact first was ready for sales; None where it never was, or nobody can tell when.

    Its first entry into a stage that says so, or the making of its first deal where that was earlier: what was known
    after its deal was made would tell of the deal. Never before the contact was there.

    Args:
        edits: of the stage, newest first. deals: all of the contact. kept: see `as_it_was`.
    """
    entered = next((edit.at for edit in reversed(edits) if rules.named(edit.value) in READY), None)
    first = [*([entered] if entered is not None else []), *[deal.created_at for deal in deals]]
    return ReadyAt(max(min(first), created_at), len(edits) < kept) if first else None


def as_it_was(record: Record, at: datetime, rules: FieldRules, *, kept: int, never_there: Collection[str] = ()) -> Then:
    """The record with what was written to it until `at`; of the stage what stood there before that instant.

    Args:
        record: with the history of every property that it has.
        kept: of a property the CRM keeps at least so many versions. Where so many are kept and all are later than `at`,
            older ones may be missing; where there are fewer, the property was empty.
        never_there: properties that the portal does not have and never had: Handoff's own, before `handoff init`.
    """
    known: dict[str, tuple[Edit, ...]] = {}
    unknown: set[str] = set()
    moved = property_of("stage", rules)
    for name, rule in rules.fields.items():
        prop = rule.property
        if prop is None or prop in known or prop in never_there:
            continue
        edits = record.history.get(prop, ())
        by_then = tuple([edit for edit in edits if edit.at < at or (edit.at == at and prop != moved)])
        if by_then:
            known[prop] = by_then
        elif prop not in record.properties or not _was_empty(edits, record.properties[prop], kept):
            unknown.add(name)
    changed = [edits[0].at for edits in known.values()]
    then = replace(
        record,
        properties={prop: edits[0].value for prop, edits in known.items()},
        history=known,
        modified_at=max([record.created_at, *changed]),
        company_modified_at=None,
    )
    return Then(record=then, unknown=frozenset(unknown), dated=any(record.history.values()))


def _was_empty(later: Sequence[Edit], today: str | None, kept: int) -> bool:
    """Whether a property of which nothing was written by then is known to have held nothing."""
    if not later:
        return not today  # a value without any history can be from any time
    return len(later) < kept and later[-1].source != CALCULATED


def addresses(then: Then, rules: FieldRules) -> tuple[str, ...]:
    """E-mail addresses that the contact had until then, in small letters, each once."""
    edits = then.record.history.get(property_of("email", rules), ())
    return tuple(dict.fromkeys(edit.value.strip().lower() for edit in edits if edit.value and edit.value.strip()))


class Seen(NamedTuple):
    """What is known of a contact at the instant when it became ready.

    Attributes:
        activities: what people did, oldest first. score: None where nothing of the contact is known.
        points: the score's lines by their label.
    """

    contact: Contact
    activities: Sequence[Activity]
    score: Score | None
    points: Mapping[str, float]


def as_seen(then: Then, activities: Sequence[Activity], at: datetime, book: RuleBook) -> Seen:
    """The contact and its score by the rules of today, on what there was by then.

    Args:
        activities: of the contact, oldest first; those that are later than `at` or older than the rules look back are
            passed over.
    """
    contact = normalise(then.record, book.fields, book.stages.values)
    oldest = at - book.scoring.look_back
    done = sift([one for one in activities if oldest < one.occurred_at <= at], book.scoring.scanners).kept
    if not then.dated:
        return Seen(contact, done, None, {})
    score = scorecard.score(contact, done, book.scoring, now=at, since=None)
    points: dict[str, float] = {}
    for line in score.contributions:
        points[line.label] = points.get(line.label, 0) + line.points / 100
    return Seen(contact, done, score, points)


def told_of(book: RuleBook) -> frozenset[str]:
    """The fields that an example rests on: features, and what gives points for who a lead is."""
    scored = {name for _, _, fields, _ in book.scoring.fit.laid_out for name in fields}
    dated = {rule.at for rule in book.scoring.engagement.rules if rule.at}
    compared = (book.reports.source, *book.reports.categories)
    named = {*shareable(book.fields, compared), *scored, *dated, "email"}
    return frozenset(source for name in named for source in _sources(name, book.fields))


def _sources(name: str, rules: FieldRules) -> tuple[str, ...]:
    """A field that is worked out is known as far as those are that it is worked out from."""
    rule = rules.fields.get(name)
    return rule.of if rule is not None and rule.of else (name,)


def lacking(then: Then, at: ReadyAt, merged: bool, streams_off: Sequence[str], book: RuleBook) -> tuple[str, ...]:
    """What of the past is not known, in words that a column can hold; empty where nothing lacks."""
    words = [] if at.sure else ["earlier stages"]
    words += ["merged contacts"] if merged else []
    words += sorted(then.unknown & told_of(book)) if then.dated else ["history"]
    return (*words, *streams_off)
