"""Conditions: the `field operator value` that all rule files share, compiled once into a function.

The live run, explain, preview, replay and tests all use that one function, so they cannot drift. The set of operators
is closed (rules/operators.py); there is no code in rules. An empty field makes every operator false but `empty`,
`is_not` and `not_in`. Whether names exist and operators suit is said by check_condition(), when rules are loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact
from connector.rules import operators
from connector.rules.durations import WallDuration, in_words
from connector.rules.fields import FieldRules
from connector.rules.operators import Operator
from connector.rules.patterns import ActivityPattern, times
from connector.rules.suggestions import nearest

DEEPEST = 12
SHAPES = ("all", "any", "not", "activity", "field")


class Facts(NamedTuple):
    """What a condition may look at. `activities`: oldest first, only those that may count."""

    contact: Contact
    now: datetime
    activities: Sequence[Activity] = ()


class Finding(NamedTuple):
    """Whether a condition holds, and the facts that made it so (or not so), in words without names of properties."""

    holds: bool
    reasons: tuple[str, ...]


Finder = Callable[[Facts], Finding]


class ActivityClause(ActivityPattern):
    """At least so many activities, on at least so many different days, within so long before now."""

    at_least: int = Field(default=1, ge=1, le=10_000)
    days: int = Field(default=1, ge=1, le=1_000)
    within: WallDuration | None = None


class Condition(BaseModel):
    """One node: exactly one of `all`, `any`, `not`, `activity`, or `field` with `op` (and `value`).

    `say`: the admin's own words for it, used as the reason where it holds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    all_of: tuple[Condition, ...] | None = Field(default=None, alias="all", min_length=1, max_length=100)
    any_of: tuple[Condition, ...] | None = Field(default=None, alias="any", min_length=1, max_length=100)
    not_: Condition | None = Field(default=None, alias="not")
    activity: ActivityClause | None = None
    field: str | None = Field(default=None, max_length=100)
    op: Operator | None = Field(default=None)
    value: operators.RuleValue = None
    say: str = Field(default="", max_length=200)

    @model_validator(mode="after")
    def _one_shape(self) -> Condition:
        values = (self.all_of, self.any_of, self.not_, self.activity, self.field)
        given = [name for name, value in zip(SHAPES, values, strict=True) if value is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise ValueError(f"a condition is exactly one of {', '.join(SHAPES)}; here stands {found}")
        if self.field is None and (self.op is not None or self.value is not None):
            raise ValueError("`op` and `value` belong beside `field`")
        if self.field is not None:
            if self.op is None:
                raise ValueError(f"`op` is missing; it is one of {', '.join(Operator)}")
            operators.check_value(self.op, self.value)
        if self.depth > DEEPEST:
            raise ValueError(f"conditions may be nested {DEEPEST} deep")
        return self

    @property
    def children(self) -> tuple[Condition, ...]:
        return self.all_of or self.any_of or ((self.not_,) if self.not_ is not None else ())

    @cached_property
    def depth(self) -> int:
        return 1 + max((child.depth for child in self.children), default=0)

    @cached_property
    def fields_used(self) -> frozenset[str]:
        own = frozenset((self.field,)) if self.field is not None else frozenset()
        return own.union(*(child.fields_used for child in self.children))

    @cached_property
    def find(self) -> Finder:
        """The condition as a function, compiled once, with names of fields as words."""
        return _compile(self, lambda name: name.replace("_", " "))

    @cached_property
    def needs_activities(self) -> bool:
        """Whether it looks at what the contact did, and not only at who it is."""
        return self.activity is not None or any(child.needs_activities for child in self.children)

    @cached_property
    def rests_on_opens(self) -> bool:
        """Whether opened e-mails alone could make it hold (R05)."""
        return _opens(self) is True


def compile_condition(tree: Condition, fields: FieldRules) -> Finder:
    """The condition as a function, with the labels of fields.yaml; ValueError with all that check_condition() says."""
    complaints = check_condition(tree, fields)
    if complaints:
        raise ValueError("; ".join(complaint.message for complaint in complaints))
    return _compile(tree, fields.label)


# -- checking ------------------------------------------------------------------------------------------------------


class Misfit(NamedTuple):
    """What is wrong in a condition. `path` leads from its root to the key; `advice` says what would do."""

    path: tuple[str | int, ...]
    message: str
    advice: str


def check_condition(tree: Condition, fields: FieldRules) -> list[Misfit]:
    """Fields that do not exist, operators and values that do not suit a field's type; empty where all is well."""
    if tree.field is not None:
        return _check_field(tree, fields)
    found: list[Misfit] = []
    for key, children in (("all", tree.all_of), ("any", tree.any_of)):
        for place, child in enumerate(children or ()):
            found += [misfit._replace(path=(key, place, *misfit.path)) for misfit in check_condition(child, fields)]
    if tree.not_ is not None:
        found += [misfit._replace(path=("not", *misfit.path)) for misfit in check_condition(tree.not_, fields)]
    return found


def _check_field(tree: Condition, fields: FieldRules) -> list[Misfit]:
    assert tree.field is not None and tree.op is not None
    rule = fields.fields.get(tree.field)
    if rule is None:
        advice = nearest(tree.field, fields.fields) or "add it to mappings/fields.yaml with its property"
        return [Misfit(("field",), f"no field is called `{tree.field}`", advice)]
    allowed = operators.OPERATORS_BY_TYPE[rule.type]
    if tree.op not in allowed:
        message = f"`{tree.op}` does not suit `{tree.field}`, which is of type {rule.type}"
        return [Misfit(("op",), message, f"use one of {', '.join(op for op in Operator if op in allowed)}")]
    complaint = operators.misfit(rule.type, tree.op, tree.value)
    if complaint is None:
        return []
    return [Misfit(("value",), f"the value does not suit `{tree.field}`: {complaint[0]}", complaint[1])]


# -- compiling -----------------------------------------------------------------------------------------------------


def _compile(tree: Condition, label: Callable[[str], str]) -> Finder:
    finder = _compile_shape(tree, label)
    if not tree.say:
        return finder
    yes, no = Finding(True, (tree.say,)), Finding(False, (f"not so: {tree.say}",))
    return lambda facts: yes if finder(facts).holds else no


def _compile_shape(tree: Condition, label: Callable[[str], str]) -> Finder:
    if tree.all_of is not None:
        return _all(tuple(_compile(child, label) for child in tree.all_of))
    if tree.any_of is not None:
        return _any(tuple(_compile(child, label) for child in tree.any_of))
    if tree.not_ is not None:
        inner = _compile(tree.not_, label)
        return lambda facts: Finding(not (found := inner(facts)).holds, found.reasons)
    if tree.activity is not None:
        return _activity(tree.activity)
    return _field(tree, label)


def _all(finders: tuple[Finder, ...]) -> Finder:
    def find(facts: Facts) -> Finding:
        """Holds: every reason; else those of what failed."""
        found = [finder(facts) for finder in finders]
        failed = [finding for finding in found if not finding.holds]
        return Finding(not failed, tuple(reason for finding in failed or found for reason in finding.reasons))

    return find


def _any(finders: tuple[Finder, ...]) -> Finder:
    def find(facts: Facts) -> Finding:
        """Holds: the reasons of what held; else all."""
        found = [finder(facts) for finder in finders]
        held = [finding for finding in found if finding.holds]
        return Finding(bool(held), tuple(reason for finding in held or found for reason in finding.reasons))

    return find


def _field(tree: Condition, label: Callable[[str], str]) -> Finder:
    assert tree.field is not None and tree.op is not None
    name, words = tree.field, label(tree.field)
    test = operators.build_test(tree.op, tree.value)
    yes, no = operators.words_for(words, name, tree.op, tree.value)
    holds, fails, missing = Finding(True, (yes,)), Finding(False, (no,)), f"{words} is empty"
    empty_holds, empty_fails = Finding(True, (missing,)), Finding(False, (missing,))
    if_empty = empty_holds if tree.op in operators.HOLD_WHEN_EMPTY else empty_fails

    def find(facts: Facts) -> Finding:
        value = facts.contact.fields.get(name)
        if value is None or value == "":
            return if_empty
        return holds if test(value, facts.now) else fails

    return find


def _activity(clause: ActivityClause) -> Finder:
    fits, within, words = clause.fits, clause.within, clause.words
    span = f" in {in_words(within)}" if within else ""
    never = Finding(False, (f"never {words}{span}".replace("never was", "was never"),))

    def find(facts: Facts) -> Finding:
        since = facts.now - within if within else None
        rows = facts.activities if since is None else [row for row in facts.activities if row.occurred_at >= since]
        dates = [row.occurred_at for row in rows if fits(row)]
        if not dates:
            return never
        days = len({moment.date() for moment in dates}) if clause.days > 1 else 1
        if len(dates) < clause.at_least:
            return Finding(False, (f"{words} {times(len(dates))}{span}, not yet {times(clause.at_least)}",))
        if days < clause.days:
            return Finding(False, (f"{words} on {days} different days{span}, not yet on {clause.days}",))
        return Finding(True, (f"{words} {times(len(dates))}{span}",))

    return find


def _opens(tree: Condition) -> bool | None:
    """True: opens alone can make it hold; False: something else is needed; None: it looks at nothing they did."""
    if tree.activity is not None:
        kind = tree.activity.kind  # a mail that was sent says nothing of who got it
        return None if kind is ActivityKind.EMAIL_SENT else kind is ActivityKind.EMAIL_OPEN
    parts = [_opens(child) for child in tree.children]
    if tree.not_ is not None or not parts:
        return None
    if tree.any_of is not None:
        return True if True in parts else False if False in parts else None
    return False if False in parts else True if True in parts else None
