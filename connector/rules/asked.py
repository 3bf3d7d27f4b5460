"""Asked: a condition in plain words, as two departments read it when they agree on it. Names of fields by their labels.

What a condition found in one contact is said by the condition itself; this says what it asks of everybody.
"""

from __future__ import annotations

from connector.rules.condition import Condition
from connector.rules.fields import FieldRules
from connector.rules.operators import Operator, RuleValue, words_for


def asked(tree: Condition, fields: FieldRules) -> str:
    """The admin's own words where there are some; else the whole condition, no list cut short."""
    if tree.say:
        return tree.say
    if tree.all_of is not None:
        return " and ".join(_part(child, fields) for child in tree.all_of)
    if tree.any_of is not None:
        return " or ".join(_part(child, fields) for child in tree.any_of)
    if tree.not_ is not None:
        return f"not so: {asked(tree.not_, fields)}"
    if tree.activity is not None:
        return tree.activity.asked
    if tree.deal is not None:
        return tree.deal.asked
    assert tree.field is not None and tree.op is not None
    return _compared(fields.label(tree.field), tree.field, tree.op, tree.value)


def _part(child: Condition, fields: FieldRules) -> str:
    """In brackets where it is made of parts itself."""
    words = asked(child, fields)
    return f"({words})" if len(child.children) > 1 and not child.say else words


def _compared(label: str, field: str, op: Operator, value: RuleValue) -> str:
    if not isinstance(value, tuple) or op is Operator.BETWEEN:
        return words_for(label, field, op, value)[0]
    first = words_for(label, field, op, value[:1])[0]
    *more, last = (words_for("", field, Operator.IS, item)[0].removeprefix(" is ") for item in value)
    return ", ".join([first, *more[1:]]) + f" or {last}" if more else first
