"""Compiling: a condition's tree as two functions of the facts, one for the answer and one for the reasons.

Both rest on the same comparisons and clauses; the reasons are made only where somebody reads them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

from connector.domain.contact import Value
from connector.domain.verdict import Clause
from connector.rules.comparisons import Fields, Holds, compare, is_empty
from connector.rules.countries import country_name
from connector.rules.facts import Facts, Finding
from connector.rules.fields import FieldRules, FieldType
from connector.rules.operators import words_for
from connector.rules.words import day

if TYPE_CHECKING:
    from connector.rules.condition import Condition

Finder = Callable[[Facts], Finding]
MOST_CLAUSES = 40
"""Clauses that one finding keeps; nobody reads more."""


# -- the answer ----------------------------------------------------------------------------------------------------


def test(tree: Condition) -> Holds:
    """Whether the condition holds, asked with the contact's fields beside the facts."""
    if tree.all_of is not None:
        return _every(tuple(map(test, tree.all_of)))
    if tree.any_of is not None:
        return _some(tuple(map(test, tree.any_of)))
    if tree.not_ is not None:
        inner = test(tree.not_)
        return lambda fields, facts: not inner(fields, facts)
    clause = tree.activity or tree.deal
    if clause is not None:
        fits = clause.holds
        return lambda fields, facts: fits(facts)
    assert tree.field is not None and tree.op is not None
    return compare(tree.field, tree.op, tree.value)


def _every(tests: tuple[Holds, ...]) -> Holds:
    if len(tests) == 2:  # the commonest, without a loop
        one, other = tests
        return lambda fields, facts: one(fields, facts) and other(fields, facts)

    def every(fields: Fields, facts: Facts) -> bool:
        for one in tests:  # noqa: SIM110 - a generator for all() costs as much as two tests
            if not one(fields, facts):
                return False
        return True

    return every


def _some(tests: tuple[Holds, ...]) -> Holds:
    if len(tests) == 2:
        one, other = tests
        return lambda fields, facts: one(fields, facts) or other(fields, facts)

    def some(fields: Fields, facts: Facts) -> bool:
        for one in tests:  # noqa: SIM110 - as above
            if one(fields, facts):
                return True
        return False

    return some


# -- the reasons ---------------------------------------------------------------------------------------------------


def find(tree: Condition) -> Finder:
    """Whether the condition holds and why: where it does, what made it so; where not, what failed."""
    finder = _finder(tree)
    if not tree.say:
        return finder
    yes, no = (tree.say,), (f"not so: {tree.say}",)

    def told(facts: Facts) -> Finding:
        found = finder(facts)
        return found._replace(reasons=yes if found.holds else no)

    return told


def _finder(tree: Condition) -> Finder:
    if tree.all_of is not None:
        return _joined(tuple(find(child) for child in tree.all_of), every=True)
    if tree.any_of is not None:
        return _joined(tuple(find(child) for child in tree.any_of), every=False)
    if tree.not_ is not None:
        inner = find(tree.not_)
        return lambda facts: (found := inner(facts))._replace(holds=not found.holds)
    clause = tree.activity or tree.deal
    return clause.find if clause is not None else _field(tree)


def _joined(finders: tuple[Finder, ...], *, every: bool) -> Finder:
    """Of `all` (every) that does not hold, what failed; of `any` that holds, what held; else everything."""

    def find_all(facts: Facts) -> Finding:
        found = [finder(facts) for finder in finders]
        decisive = [finding for finding in found if finding.holds is not every]
        return Finding(
            holds=not decisive if every else bool(decisive),
            reasons=tuple(reason for finding in decisive or found for reason in finding.reasons),
            clauses=tuple(clause for finding in found for clause in finding.clauses)[:MOST_CLAUSES],
        )

    return find_all


def _field(tree: Condition) -> Finder:
    assert tree.field is not None and tree.op is not None
    name, op, value = tree.field, tree.op, tree.value
    compared = compare(name, op, value)

    def find_field(facts: Facts) -> Finding:
        label = facts.field_rules.label(name) if facts.field_rules else name.replace("_", " ")
        yes, no = words_for(label, name, op, value)
        found, held = facts.contact.fields.get(name), compared(facts.contact.fields, facts)
        reason = f"{label} is empty" if is_empty(found) else yes if held else no
        return Finding(held, (reason,), (Clause(yes, held, seen(name, found, facts.field_rules)),))

    return find_field


def seen(name: str, found: Value, rules: FieldRules | None) -> str:
    """A field's value for a reader of verdicts, which are kept for ever; empty where it says something of a person."""
    rule = rules.fields.get(name) if rules else None
    if found is None or rule is None or rule.is_personal():
        return ""
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, int | float):
        return f"{found:,g}" if abs(found) < 1e6 else f"{found:,.0f}"
    if isinstance(found, datetime | date):
        return day(found)
    if isinstance(found, tuple):
        return ", ".join(found)
    return country_name(found) if rule.type is FieldType.COUNTRY else found
