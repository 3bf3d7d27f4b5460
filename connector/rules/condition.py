"""Conditions: the `field operator value` that all rule files share, and what may be wrong with one.

A condition is compiled once (rules/compiling.py) into a function that the live run, explain, preview, replay and tests
all use, so that they cannot drift. The set of operators is closed (rules/operators.py); there is no code in rules. An
empty field makes every operator false but `empty`, `is_not` and `not_in`. Whether names exist and operators suit is
said by check_condition(), when rules are loaded; names of conditions are resolved before that, in config/reuse.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connector.domain.activity import ActivityKind
from connector.rules import compiling, operators
from connector.rules.clauses import ActivityClause, DealClause
from connector.rules.comparisons import Holds
from connector.rules.facts import Facts, Finding
from connector.rules.fields import FieldRules
from connector.rules.misplaced import MisplacedError
from connector.rules.operators import Operator
from connector.rules.suggestions import nearest

__all__ = ["ActivityClause", "Condition", "DealClause", "Facts", "Finding", "Misfit", "check_condition"]

DEEPEST = 12
SHAPES = ("all", "any", "not", "use", "activity", "deal", "field")


class Condition(BaseModel):
    """One node: exactly one of `all`, `any`, `not`, `use`, `activity`, `deal`, or `field` with `op` (and `value`).

    `say`: the admin's own words for it, used as the reason where it holds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    all_of: tuple[Condition, ...] | None = Field(default=None, alias="all", min_length=1, max_length=100)
    any_of: tuple[Condition, ...] | None = Field(default=None, alias="any", min_length=1, max_length=100)
    not_: Condition | None = Field(default=None, alias="not")
    use: str | None = Field(default=None, max_length=60)
    """A condition's name; stands in files only, for config/reuse.py puts the condition in its place."""
    activity: ActivityClause | None = None
    deal: DealClause | None = None
    field: str | None = Field(default=None, max_length=100)
    op: Operator | None = Field(default=None)
    value: operators.RuleValue = None
    say: str = Field(default="", max_length=200)

    @model_validator(mode="after")
    def _one_shape(self) -> Condition:
        values = (self.all_of, self.any_of, self.not_, self.use, self.activity, self.deal, self.field)
        given = [name for name, value in zip(SHAPES, values, strict=True) if value is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            words = f"a condition is exactly one of {', '.join(SHAPES)}, and here stands {found}"
            raise ValueError(f"{words}; put several into a list under `all` or `any`")
        if self.field is None and (self.op is not None or self.value is not None):
            alone = "op" if self.op is not None else "value"
            raise MisplacedError((alone,), "belongs beside `field`; remove it, or name the field")
        if self.field is not None:
            self._check_value()
        if self.use is not None:
            words = f"no condition is called `{self.use}`; define it under `conditions` in qualification.yaml"
            raise MisplacedError(("use",), words)
        if self.depth > DEEPEST:
            raise ValueError(f"conditions may be nested {DEEPEST} deep; say it with fewer levels, or lists of values")
        return self

    def _check_value(self) -> None:
        """Whether `value` has the shape that `op` takes; whether both suit the field is for check_condition()."""
        if self.op is None:
            raise MisplacedError(("op",), f"is missing; it is one of {', '.join(Operator)}")
        try:
            operators.check_value(self.op, self.value)
        except ValueError as wrong:
            raise MisplacedError(("value",), str(wrong)) from None

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
    def test(self) -> Holds:
        """The condition as a function of the contact's fields and the facts: yes or no, for where nobody asks why."""
        return compiling.test(self)

    def holds(self, facts: Facts) -> bool:
        return self.test(facts.contact.fields, facts)

    @cached_property
    def find(self) -> Callable[[Facts], Finding]:
        """The condition as a function that says what it rests on too."""
        return compiling.find(self)

    @cached_property
    def fields_only(self) -> bool:
        """Whether it looks at who the contact is alone, and not at what it did or bought."""
        return not (self.activity or self.deal) and all(child.fields_only for child in self.children)

    @cached_property
    def rests_on_opens(self) -> bool:
        """Whether opened e-mails alone could make it hold (R05)."""
        return _opens(self) is True


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
    wrong = operators.misfit(rule.type, tree.op, tree.value)
    if wrong is None:
        return []
    path = ("value",) if wrong.place is None else ("value", wrong.place)
    return [Misfit(path, f"the value does not suit `{tree.field}`: {wrong.message}", wrong.advice)]


def _opens(tree: Condition) -> bool | None:
    """True: opens alone can make it hold; False: something else is needed; None: it looks at nothing they did."""
    if tree.activity is not None:
        kind = tree.activity.kind  # a mail that was sent says nothing of who got it
        return None if kind in (ActivityKind.EMAIL_SENT, ActivityKind.TOUCH) else kind is ActivityKind.EMAIL_OPEN
    parts = [_opens(child) for child in tree.children]
    if tree.not_ is not None or not parts:
        return None
    if tree.any_of is not None:
        return True if True in parts else False if False in parts else None
    return False if False in parts else True if True in parts else None
