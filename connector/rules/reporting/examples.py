"""Examples to learn from: each lead passed, as it was seen at its handover, and what became of it (R25).

Examples from before Handoff have the same columns (rules/reporting/portal_past.py says what was known of them).

No personal data: of the contact only fields that hold a choice, a number, a yes or no, a country or a day (as days
ago), and those that reports.yaml compares. Free text, names, addresses and numbers to call are never among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from connector.domain.activity import Activity
from connector.domain.contact import Contact, Value
from connector.rules.fields import Direction, FieldRules
from connector.rules.plan import ANSWERS
from connector.rules.reporting.causes import RULES
from connector.rules.reporting.facts import FORM
from connector.rules.reporting.passed import Passed
from connector.rules.values import FieldType

Cell = str | int | float | None
Row = dict[str, Cell]

HANDOFF, PORTAL = "handoff", "portal"
"""Whose memory an example is from: ours, or that of the CRM from before."""
PLAIN = frozenset({FieldType.NUMBER, FieldType.BOOL, FieldType.CHOICE, FieldType.CHOICES, FieldType.COUNTRY})
DATED = frozenset({FieldType.DATE, FieldType.INSTANT})


def shareable(rules: FieldRules, compared: Iterable[str]) -> dict[str, FieldType]:
    """Fields that may leave, in the file's order: what Handoff writes and what reps answer are no features."""
    told = set(compared)
    return {
        name: rule.type
        for name, rule in rules.fields.items()
        if rule.direction is Direction.IN
        and name not in (*ANSWERS, "request")
        and (rule.type in PLAIN or rule.type in DATED or (name in told and rule.type is FieldType.TEXT))
    }


def example(
    lead: Passed,
    contact: Contact | None,
    activities: Sequence[Activity],
    points: Mapping[str, float],
    score: float | None,
    fields: Mapping[str, FieldType],
    *,
    now: datetime,
    taken_from: str = HANDOFF,
    lacking: Sequence[str] = (),
) -> Row:
    """One row; columns that a lead lacks are left out.

    Args:
        contact, activities: as known at the handover; None where the contact is not known any more (erased).
        points: the lines of its score by their label, as decided then; score: all of them, None where none was given.
        now: until when its outcome is known; a young lead without one may still come to it.
        taken_from: HANDOFF or PORTAL. lacking: what of its past is not known.
    """
    row: Row = {
        "lead": lead.id,
        "taken_from": taken_from,
        "lacking": ", ".join(lacking),
        "handed_at": lead.handed_at.isoformat(),
        "lane": lead.lane,
        "again": int(lead.again),
        "rules": lead.kinds.get(RULES, ""),
        "form": lead.kinds.get(FORM, ""),
        "grade": lead.kinds.get("grade", ""),
        "score": score,
        "days_known": _days(lead.arrived_at, lead.handed_at),
    }
    row |= {f"points: {label}": number for label, number in points.items()}
    if contact is not None:
        for name, kind in fields.items():
            row[f"field: {name}"] = _feature(contact.fields.get(name), kind, lead.handed_at)
    row |= _behaviour(activities, lead.handed_at)
    return row | _outcome(lead, now)


def _feature(value: Value, kind: FieldType, at: datetime) -> Cell:
    """Days are told as days before the handover, below 0 where they lie ahead of it."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return _days(value, at)
    if isinstance(value, date):
        return (at.date() - value).days
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, tuple):
        return ", ".join(sorted(value))
    return value if isinstance(value, int | float) and kind is FieldType.NUMBER else str(value)


def _behaviour(activities: Sequence[Activity], at: datetime) -> Row:
    done = [one for one in activities if one.occurred_at <= at]
    counted = Counter(one.kind.value for one in done)
    newest = {one.kind.value: one.occurred_at for one in sorted(done, key=lambda one: one.occurred_at)}
    row: Row = {f"count: {kind}": number for kind, number in sorted(counted.items())}
    return row | {f"days since last: {kind}": _days(newest[kind], at) for kind in sorted(newest)}


def _outcome(lead: Passed, now: datetime) -> Row:
    since = lead.handed_at
    return {
        "outcome: state": lead.state.value,
        "outcome: reason": lead.exit_reason,
        "outcome: accepted": int(lead.accepted_at is not None),
        "outcome: opportunity": int(lead.opportunity_at is not None),
        "outcome: won": int(lead.won_at is not None),
        "outcome: revenue": lead.revenue,
        "outcome: days to touch": _days(since, lead.touched_at),
        "outcome: days to accepted": _days(since, lead.accepted_at),
        "outcome: days to opportunity": _days(since, lead.opportunity_at),
        "outcome: days to won": _days(since, lead.won_at),
        "outcome: days to end": _days(since, lead.ended_at),
        "outcome: censored": int(lead.is_open),
        "outcome: days observed": _days(since, now),
    }


def _days(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else round((end - start) / timedelta(days=1), 4)


def columns(names: Iterable[str]) -> list[str]:
    """All that any row has: what a lead is first, then each group of features by name, outcomes last."""
    seen = dict.fromkeys(names)
    outcomes = [name for name in seen if name.startswith("outcome: ")]
    plain = [name for name in seen if ": " not in name]
    features = sorted(name for name in seen if ": " in name and not name.startswith("outcome: "))
    return [*plain, *features, *outcomes]
