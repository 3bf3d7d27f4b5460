"""Imagined: an activity that a pattern means, and values by which a condition holds, for rules/missing.py to try.

Only proposals: who uses one tries it on the rule itself, and drops it where it does not do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact, ContactId, Value
from connector.rules.condition import Condition
from connector.rules.facts import Facts
from connector.rules.operators import HOLD_WHEN_EMPTY, SPANS, Operator
from connector.rules.patterns import ActivityPattern, page_words

SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)
KNOWN = "known"


def sample_of(pattern: ActivityPattern, who: ContactId) -> Activity | None:
    """An activity that fits the pattern; None where none was found."""
    row = Activity(
        stream="imagined",
        id="",
        contact=who,
        kind=pattern.kind,
        occurred_at=SOME_DAY,
        name=(pattern.name or "").replace("*", ""),
        ref=pattern.ref or "",
        url=(pattern.url or "").replace("*", "") or "/",
    )
    return row if pattern.fits(row) else None


def noun_of(pattern: ActivityPattern) -> str:
    """One such activity as a noun, singular: `view of the pricing page`."""
    name = (pattern.name or pattern.list_id).strip("* ")
    what, page = f"“{name}”" if name else "", page_words(pattern.url or "")
    match pattern.kind:
        case ActivityKind.PAGE_VIEW:
            return f"view of {page or what}" if page or what else "page view"
        case ActivityKind.FORM_SUBMISSION:
            return f"submission of the form {what}" if what else "form submission"
        case ActivityKind.EMAIL_SENT:
            return f"e-mail with {what}" if what else "e-mail"
        case ActivityKind.EMAIL_OPEN:
            return f"opening of {what}" if what else "opening of an e-mail"
        case ActivityKind.EMAIL_CLICK:
            link = f"click on a link to {page}" if page else "click"
            return f"{link} in {what or 'an e-mail'}"
        case ActivityKind.MEETING:
            return "booked meeting"
        case ActivityKind.TOUCH:
            return f"{name} of sales" if name else "call or mail of sales"
        case ActivityKind.LIST_JOINED:
            return f"entry in the list {what}" if what else "entry in the list"


def values_for(tree: Condition, *, known: Mapping[str, Value] | None = None) -> dict[str, Value] | None:
    """Values for empty fields by which the condition holds; None where none were found.

    Args:
        known: field → the value to take where any value does.
    """
    values = _values(tree, known or {})
    if not values:
        return None
    for tried in (values, {name: (value,) if isinstance(value, str) else value for name, value in values.items()}):
        nobody = Contact(id=ContactId(""), created_at=SOME_DAY, modified_at=SOME_DAY, fields=tried)
        if tree.holds(Facts(contact=nobody, now=SOME_DAY)):
            return dict(tried)
    return None


def _values(tree: Condition, known: Mapping[str, Value]) -> dict[str, Value] | None:
    if tree.all_of is not None:
        return _together(tree.all_of, known)
    if tree.any_of is not None:
        return next((found for child in tree.any_of if (found := _values(child, known)) is not None), None)
    if tree.field is None or tree.op is None:
        return {} if tree.not_ is not None else None
    if tree.op in HOLD_WHEN_EMPTY:
        return {}
    value = known.get(tree.field, KNOWN) if tree.op is Operator.FILLED else _value(tree.op, tree.value)
    return None if value is None else {tree.field: value}


def _together(children: tuple[Condition, ...], known: Mapping[str, Value]) -> dict[str, Value] | None:
    values: dict[str, Value] = {}
    for child in children:
        found = _values(child, known)
        if found is None:
            return None
        values = found | values
    return values


def _value(op: Operator, given: object) -> Value:
    """A value that the operator takes; None for those that depend on the day."""
    first = given[0] if isinstance(given, tuple) and given else given
    match op:
        case Operator.MORE_THAN if isinstance(first, int | float):
            return float(first) + 1
        case Operator.LESS_THAN if isinstance(first, int | float):
            return float(first) - 1
        case Operator.MATCHES | Operator.PATH:
            return str(first).replace("*", "") or None
        case Operator.BEFORE | Operator.AFTER:
            return None
        case _ if op in SPANS:
            return None
    return first if isinstance(first, str | int | float | bool) else None
